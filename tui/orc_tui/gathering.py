"""When a change is painted: at once after a rest, gathered as long as more of it comes.

Invariant: a part is painted at most once in its pause, and never later than that after it
changed. No part waits for another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.message_pump import MessagePump
from textual.timer import Timer

from orc_core.model.snapshot import Part

Paint = Callable[[frozenset[Part]], Any]


class Gathering:
    """Paints some parts of the snapshots, `pause_s` apart where they change all the time."""

    def __init__(
        self, owner: MessagePump, parts: frozenset[Part], pause_s: float, paint: Paint
    ) -> None:
        self._owner = owner
        self._parts = parts
        self._pause_s = pause_s
        self._paint = paint
        self._waiting: frozenset[Part] = frozenset()
        self._painted: frozenset[Part] = frozenset()
        self._timer: Timer | None = None

    @property
    def is_resting(self) -> bool:
        """Whether the next change is painted at once."""
        return self._timer is None

    def note(self, parts: frozenset[Part]) -> None:
        """Take down what changed; what was not painted within the pause is painted now."""
        self._waiting |= parts & self._parts
        if self._timer is None:
            self._flush()
        elif fresh := self._waiting - self._painted:
            self._painted |= fresh
            self._waiting -= fresh
            self._paint(fresh)

    def stop(self) -> frozenset[Part]:
        """Paint nothing more; returns what would have been painted."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        waiting, self._waiting = self._waiting, frozenset()
        return waiting

    def _flush(self) -> None:
        self._timer = None
        if self._waiting:
            self._timer = self._owner.set_timer(self._pause_s, self._flush)
            self._painted, self._waiting = self._waiting, frozenset()
            self._paint(self._painted)
