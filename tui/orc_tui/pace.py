"""How often the screen is drawn: as fast as the terminal takes it.

Invariant: while a frame has not left, no other one is made, so that frames are skipped and never
queued. On a slow link one goes each SLOW_EVERY_S, and at once after a key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SLOW_S: Final = 0.1
"""A frame that takes longer than this to leave is late; two late ones in a row make a slow link."""
STUCK_S: Final = 0.5
"""One that takes so long makes a slow link alone."""
SLOW_EVERY_S: Final = 1.0
TRY_S: Final = 5.0
"""After so long without a late frame the link is tried at full speed again."""
TRY_MAX_S: Final = 60.0
"""So long where it turned out to be slow each time; so long at full speed forgets that."""


class Pace:
    """Knows what is on its way to the terminal, and how long the last frames took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._out_since: float | None = None
        self._drawn_at = float("-inf")
        self._late = 0
        self._late_at = float("-inf")
        self._try_s = TRY_S
        self._is_asked = False
        self.is_slow = False

    @property
    def is_free(self) -> bool:
        """Whether all that was written has left."""
        return self._out_since is None

    @property
    def wait_s(self) -> float | None:
        """In how many seconds a frame may be drawn; None for when the last one has left."""
        if not self.is_free:
            return None
        if not self.is_slow or self._is_asked:
            return 0.0
        return max(self._drawn_at + SLOW_EVERY_S - self._clock(), 0.0)

    def pressed(self) -> None:
        """A key was pressed: what it changes is drawn as soon as may be."""
        self._is_asked = True

    def drawn(self) -> None:
        """A frame was made."""
        self._drawn_at = self._clock()
        self._is_asked = False

    def written(self) -> None:
        """Something is on its way to the terminal."""
        if self._out_since is None:
            self._out_since = self._clock()

    def left(self, took_s: float) -> None:
        """All has left; the last of it took so long."""
        now = self._clock()
        self._out_since = None
        if took_s < SLOW_S:
            self._late = 0
            self._try(now)
            return
        self._late += 2 if took_s >= STUCK_S else 1
        self._late_at = now
        if self._late >= 2 and not self.is_slow:
            self.is_slow = True

    def _try(self, now: float) -> None:
        quiet_s = now - self._late_at
        if self.is_slow and quiet_s >= self._try_s:
            self.is_slow = False
            self._try_s = min(self._try_s * 2, TRY_MAX_S)
            self._late_at = now
        elif not self.is_slow and quiet_s >= TRY_MAX_S:
            self._try_s = TRY_S
