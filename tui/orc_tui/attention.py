"""What is brought to the operator without a key of theirs: how things ended that were planned.

Invariant: each thing is told once, and what happened before the dashboard was opened is not news.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orc_core.later.times import named
from orc_storage.laters import Later, Phase, What


class Outcomes:
    """Tells what became of what was planned; `tell` says a line, with its severity."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._known: frozenset[str] | None = None

    def look(self, laters: Sequence[Later], now: float) -> None:
        """Say what ended since the last look; `now` is seconds since the epoch."""
        ended = {one.id: one for one in laters if not one.is_open}
        known = frozenset(ended) if self._known is None else self._known
        self._known = frozenset(ended)
        for id in sorted(ended.keys() - known):
            one = ended[id]
            if one.what is What.LINE and one.phase is not Phase.CANCELLED:
                severity = "" if one.phase is Phase.SENT else "error"
                self._tell(
                    f"{one.agent}, planned for {named(one.at, now)}: {one.outcome}", severity
                )
