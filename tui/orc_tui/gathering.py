"""When a change is painted: at once after a rest, gathered as long as more of it comes.

Invariant: a part is painted at most once in its pause, and never later than that after it
changed. What goes on changing without a rest has twice the pause, but not what is wanted soon. No
part waits for another.
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
        self._is_long = False
        self._can_wait = True

    @property
    def is_resting(self) -> bool:
        """Whether the next change is painted at once."""
        return self._timer is None

    def note(self, parts: frozenset[Part], *, soon: bool = True) -> None:
        """Take down what changed; what was not painted within the pause is painted now.

        What is not wanted `soon` may wait for twice the pause where it changes all the time.
        """
        self._waiting |= parts & self._parts
        self._can_wait &= not soon
        if self._timer is None:
            self._flush(again=False)
            return
        if soon and self._is_long and self._waiting:
            self._timer.stop()
            self._wait(self._pause_s)
        if fresh := self._waiting - self._painted:
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

    def _flush(self, *, again: bool = True) -> None:
        self._timer = None
        if self._waiting:
            is_long, self._can_wait = again and self._can_wait, True
            self._wait(self._pause_s * (2 if is_long else 1), is_long=is_long)
            self._painted, self._waiting = self._waiting, frozenset()
            self._paint(self._painted)

    def _wait(self, pause_s: float, *, is_long: bool = False) -> None:
        self._timer = self._owner.set_timer(pause_s, self._flush)
        self._is_long = is_long
