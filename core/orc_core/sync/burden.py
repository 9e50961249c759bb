"""What a call on another thread costs everybody else.

Invariant: a call is blamed only for processor time that its own thread used; waiting costs
nothing. Where a system does not tell that time, nobody is blamed.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from typing import Final

LOOK_S: Final = 0.25
HELD_MAX_S: Final = 1.0
"""How long the loop may be held up before the call that did it is blamed."""
SPINS_FROM: Final = 0.25
"""Which share of its time a call that is late may have spent computing."""


class Interrupted(BaseException):
    """Raised in the midst of code that spins, so that it ends."""


class Burden:
    """Watches one call from the loop that it is made on; `thread` is where the call runs."""

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._began_s = _used_s(thread)
        self._held_s = 0.0
        self._due_s = self._loop.time() + LOOK_S
        self._timer = self._loop.call_at(self._due_s, self._look)

    @property
    def spent_s(self) -> float:
        """How long its thread computed since the call began."""
        return _used_s(self._thread) - self._began_s

    @property
    def holds_up(self) -> bool:
        """Whether the loop stood still for longer than is felt while the call computed."""
        held_s = max(self._held_s, self._loop.time() - self._due_s)
        return min(held_s, self.spent_s) >= HELD_MAX_S

    def spins(self, timeout_s: float) -> bool:
        """Whether a call that is over its deadline computes instead of waiting."""
        return self.spent_s >= timeout_s * SPINS_FROM

    def end(self) -> None:
        """Watch no more; what was found stays."""
        self._look()
        self._timer.cancel()
        self._due_s = float("inf")

    def interrupt(self) -> None:
        """End what spins on the thread, unless it is in code that is not Python's."""
        raised = ctypes.py_object(Interrupted)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), raised)

    def _look(self) -> None:
        now = self._loop.time()
        self._held_s = max(self._held_s, now - self._due_s)
        self._due_s = now + LOOK_S
        self._timer = self._loop.call_at(self._due_s, self._look)


def _used_s(thread: int) -> float:
    """The processor time of a thread in seconds, 0.0 where that is not told."""
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    try:
        return 0.0 if clock_of is None else time.clock_gettime(clock_of(thread))
    except OSError:
        return 0.0
