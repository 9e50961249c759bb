"""A circuit breaker: what keeps failing is left alone for a while, then tried with care.

Invariant: closed, calls pass until `failures` of them failed within `within_s`; open, none
passes for `reset_s`; half open, one at a time passes until `successes` in a row close it, and
the first that fails opens it anew. Nothing here waits or calls: the clock is only read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from orc_core.clock import Clock


class Phase(StrEnum):
    """What a breaker lets through: all, nothing, or one call at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Limits:
    """When a breaker opens, for how long, and what closes it again."""

    failures: int = 5
    within_s: float = 10.0
    reset_s: float = 30.0
    successes: int = 2

    def __post_init__(self) -> None:
        if self.failures < 1 or self.successes < 1 or self.within_s <= 0 or self.reset_s <= 0:
            raise ValueError("a breaker's limits are positive")


DEFAULT = Limits()


class Breaker:
    """Ask `admit` before each call, and say how it ended: `succeed`, `fail` or `withdraw`."""

    def __init__(self, clock: Clock, limits: Limits = DEFAULT) -> None:
        self._clock = clock
        self._limits = limits
        self._failed_at: deque[float] = deque(maxlen=limits.failures)
        self._opened_at: float | None = None
        self._successes = 0
        self._trial_at: float | None = None

    @property
    def phase(self) -> Phase:
        """How it stands at this moment."""
        if self._opened_at is None:
            return Phase.CLOSED
        rested = self._clock.monotonic() - self._opened_at >= self._limits.reset_s
        return Phase.HALF_OPEN if rested else Phase.OPEN

    @property
    def retry_in_s(self) -> float:
        """Seconds until the next call may pass, 0.0 where that is now."""
        now = self._clock.monotonic()
        if self._opened_at is None:
            return 0.0
        if self.phase is Phase.OPEN:
            return self._opened_at + self._limits.reset_s - now
        if self._trial_at is None:
            return 0.0
        return max(0.0, self._trial_at + self._limits.reset_s - now)

    def admit(self) -> bool:
        """Whether a call may be made now; one that is let through has to report.

        A trial that has not reported for `reset_s` counts as lost, and another may be made.
        """
        if self._opened_at is None:
            return True
        if self.retry_in_s > 0:
            return False
        self._trial_at = self._clock.monotonic()
        return True

    def succeed(self) -> None:
        """A call went well. While open nothing was let through: a late word changes nothing."""
        if self.phase is Phase.HALF_OPEN:
            self._trial_at = None
            self._successes += 1
            if self._successes >= self._limits.successes:
                self.reset()

    def fail(self) -> None:
        """A call failed, or had no answer."""
        phase = self.phase
        if phase is Phase.OPEN:
            return
        now = self._clock.monotonic()
        self._failed_at.append(now)
        full = len(self._failed_at) == self._limits.failures
        if phase is Phase.HALF_OPEN or (full and now - self._failed_at[0] <= self._limits.within_s):
            self._opened_at, self._successes, self._trial_at = now, 0, None
            self._failed_at.clear()

    def trip(self) -> None:
        """A call did harm: none passes for a while, however the ones before it went."""
        self._opened_at, self._successes, self._trial_at = self._clock.monotonic(), 0, None
        self._failed_at.clear()

    def withdraw(self) -> None:
        """A call that was let through was not made, or ended without telling anything."""
        self._trial_at = None

    def reset(self) -> None:
        """Forget everything: what comes now is met afresh."""
        self._failed_at.clear()
        self._opened_at, self._successes, self._trial_at = None, 0, None
