"""When to look at what; pure, over an injected clock.

Invariant: a quiet server is asked once a second, an empty one rarely, and nothing else wakes us.
What is selected is looked at soon after it changes, the rest a little later, and nothing more
often than its rest allows, however fast it floods.
"""

from __future__ import annotations

from typing import Final

from orc_core.clock import Clock

LIST_S: Final = 1.0
RARELY_S: Final = 5.0
"""The same for a server on which there is nothing to watch over."""

LIST_PHASE_S: Final = 0.03
"""Lists come just after a full second: activity is told in seconds, so that what was captured
after this point and active before it is not captured twice."""

SETTLE_S: Final = 0.015
"""A program draws a frame in several writes, and tmux has to read them first."""

DRAIN_S: Final = 0.05
SELECTED_S: Final = 0.1
OTHERS_S: Final = 0.25
REST_FACTOR: Final = 10.0
"""How much longer than its captures a server rests before the next ones, up to a second."""


class Cadence:
    """Due times, in monotonic seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._list_s = LIST_S
        self.selected_s = SELECTED_S
        """The rest of what is selected, between two looks at it."""
        self._list_at = 0.0
        self._drain_at = 0.0
        self._drained_at = 0.0
        self._selected_at = 0.0
        self._others_at = 0.0
        self.noticed = False
        """Whether a terminal was written to and the marks were not taken yet."""

    def list_due(self) -> bool:
        return self._clock.monotonic() >= self._list_at

    def listed(self) -> None:
        """A list was made, or tried: the next one comes just after the next full second."""
        delay_s = LIST_S - (self._clock.now() - LIST_PHASE_S) % LIST_S
        self._list_at = self._clock.monotonic() + delay_s + self._list_s - LIST_S

    def rest(self, *, long: bool) -> bool:
        """Whether to list, and to capture what nobody looks at, rarely; True where this hurries."""
        before, self._list_s = self._list_s, RARELY_S if long else LIST_S
        if before <= self._list_s:
            return False
        self._list_at = self._others_at = 0.0
        return True

    def notice(self) -> None:
        """A terminal was written to."""
        if not self.noticed:
            self.noticed = True
            self._drain_at = max(self._clock.monotonic() + SETTLE_S, self._drained_at + DRAIN_S)

    def drain_due(self) -> bool:
        return self.noticed and self._clock.monotonic() >= self._drain_at

    def drained(self) -> None:
        self.noticed = False
        self._drained_at = self._clock.monotonic()

    def selected_due(self) -> bool:
        return self._clock.monotonic() >= self._selected_at

    def others_due(self) -> bool:
        return self._clock.monotonic() >= self._others_at

    def captured(self, *, others: bool, backlog: bool, took_s: float = 0.0) -> None:
        """Screens were captured: others than what is selected, and not all that were due.

        `took_s` is how long that kept the server busy; many screens are looked at less often.
        """
        now = self._clock.monotonic()
        self._selected_at = now + self.selected_s
        if others:
            rest_s = min(max(OTHERS_S, took_s * REST_FACTOR), LIST_S) + self._list_s - LIST_S
            self._others_at = now if backlog else now + rest_s

    def hurry(self) -> None:
        """Someone looks at another pane: capture it at once."""
        self._selected_at = 0.0

    def all_due(self) -> None:
        """Whatever can be looked at is to be looked at now."""
        self._list_at = self._drain_at = self._selected_at = self._others_at = 0.0

    def delay(self, *, selected: bool, others: bool) -> float:
        """Seconds until something is due; `selected` and `others` tell what waits for it."""
        due = [self._list_at]
        if self.noticed:
            due.append(self._drain_at)
        if selected:
            due.append(self._selected_at)
        if others:
            due.append(self._others_at)
        return min(due) - self._clock.monotonic()
