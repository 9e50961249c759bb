"""How long the operator was away, and what they are told of that time.

Invariant: while they are away it is asked at most once a minute what happened; once they are
back what is told stands still until it is cleared. All times are seconds since the epoch.
"""

from __future__ import annotations

from typing import Final

from orc_core.model.history import Digest
from orc_core.model.snapshot import Snapshot
from orc_tui.view_models.agents import is_away, since

ASK_EVERY_S: Final = 60.0


class Absence:
    """The time since the last key, once that is long; `began` is 0.0 while it is not."""

    def __init__(self) -> None:
        self.began = 0.0
        self._digest: Digest | None = None
        self._asked_at = 0.0

    def note_key(self, last_key_at: float, now: float) -> None:
        """A key was pressed: from now on what is told is of the time that just ended."""
        if is_away(last_key_at, now) and not self.began:
            self.began, self._asked_at = last_key_at, 0.0

    def to_ask(self, last_key_at: float, now: float) -> float:
        """Since when it is to be asked what happened; 0.0 where nothing is to be asked now."""
        began = self.began or (last_key_at if is_away(last_key_at, now) else 0.0)
        is_old = not self._asked_at or (not self.began and now - self._asked_at >= ASK_EVERY_S)
        if not began or not is_old:
            return 0.0
        self._asked_at = now
        return began

    def take(self, digest: Digest) -> None:
        """Take what the core says."""
        self._digest = digest

    def told(self, snapshot: Snapshot, last_key_at: float, now: float) -> str:
        """The line over Agents; "" where the operator was not away."""
        began = self.began or (last_key_at if is_away(last_key_at, now) else 0.0)
        if self._digest is None or not began or self._digest.since != began:
            return ""
        return since(self._digest, snapshot)

    def clear(self) -> bool:
        """Tell nothing any more; False when nothing was told."""
        began, self.began, self._asked_at = self.began, 0.0, 0.0
        return bool(began)
