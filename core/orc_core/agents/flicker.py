"""The flicker guard: a state that changes too often to be believed says so itself.

Invariant: bounded; a change that has a new cause of its own is not counted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from orc_core.model.agent import State

FLIPS_MAX: Final = 3
WINDOW_S: Final = 60.0
KEPT_MAX: Final = 32


@dataclass(slots=True)
class Flicker:
    """When the state of one agent changed lately."""

    _changes: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    _causes: dict[State, str] = field(default_factory=dict)
    _explained: bool = False

    def note(self, before: State, after: State, now: float, cause: str = "") -> None:
        """The state changed; `cause` is what it was told, or the question that it asks.

        With a new cause the change is no flicker, and neither is the way out of that state:
        somebody gives one task after another, or answers one prompt after another.
        """
        counted = before is not after and not self._explained
        self._explained = bool(cause) and cause != self._causes.get(after, "")
        if self._explained:
            self._causes[after] = cause
        elif counted:
            self._changes.append(now)

    def flips(self, now: float) -> int:
        """The changes of the last minute where they are too many to be believed, else 0."""
        lately = sum(1 for at in self._changes if now - at < WINDOW_S)
        return lately if lately > FLIPS_MAX else 0


def flicker_line(flips: int) -> str:
    """`flickers: 5 changes in 60 s`."""
    return f"flickers: {flips} changes in {WINDOW_S:.0f} s"
