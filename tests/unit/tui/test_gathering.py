"""When a change is painted, over timers that a test turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from textual.message_pump import MessagePump

from orc_core.model.snapshot import Part
from orc_tui.gathering import Gathering

AGENTS, TASKS = frozenset({Part.AGENTS}), frozenset({Part.TASKS})
PAUSE_S = 0.25


class Timer:
    """A timer that goes off when the test says so."""

    def __init__(self, after_s: float, then: Callable[[], None]) -> None:
        self.after_s = after_s
        self.then = then
        self.is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True


class Timers:
    """Keeps the timers that were set; the last one is the one that counts."""

    def __init__(self) -> None:
        self.set: list[Timer] = []

    def set_timer(self, after_s: float, then: Callable[[], None]) -> Timer:
        self.set.append(Timer(after_s, then))
        return self.set[-1]

    @property
    def pause_s(self) -> float:
        return self.set[-1].after_s

    def go_off(self) -> None:
        assert not self.set[-1].is_stopped
        self.set[-1].then()


def gathering() -> tuple[Gathering, Timers, list[frozenset[Part]]]:
    timers, painted = Timers(), list[frozenset[Part]]()
    owner = cast("MessagePump", timers)
    return Gathering(owner, AGENTS | TASKS, PAUSE_S, painted.append), timers, painted


def test_what_changes_all_the_time_is_painted_half_as_often() -> None:
    one, timers, painted = gathering()
    pauses_s = []
    for _ in range(4):
        one.note(AGENTS, soon=False)
        if len(pauses_s) == 0:
            assert painted == [AGENTS], "the first change is painted at once"
        pauses_s.append(timers.pause_s)
        one.note(AGENTS, soon=False)
        timers.go_off()
    assert pauses_s == [PAUSE_S, 2 * PAUSE_S, 2 * PAUSE_S, 2 * PAUSE_S]
    assert len(painted) == 5
    timers.go_off()
    assert one.is_resting


def test_what_is_wanted_soon_waits_for_one_pause_at_most() -> None:
    one, timers, painted = gathering()
    for _ in range(2):
        one.note(AGENTS, soon=False)
        one.note(AGENTS, soon=False)
        timers.go_off()
    long = timers.set[-1]
    assert long.after_s == 2 * PAUSE_S
    one.note(AGENTS, soon=True)
    assert long.is_stopped
    assert timers.pause_s == PAUSE_S
    one.note(AGENTS, soon=True)
    assert len(timers.set) == 4, "nothing puts it off again"
    timers.go_off()
    assert len(painted) == 4
    assert timers.pause_s == PAUSE_S, "what was wanted soon may go on so"


def test_a_part_that_was_not_painted_waits_for_no_other() -> None:
    one, timers, painted = gathering()
    one.note(AGENTS, soon=False)
    one.note(TASKS)
    assert painted == [AGENTS, TASKS]
    one.note(TASKS)
    assert len(painted) == 2
    assert one.stop() == TASKS
    assert one.is_resting
    assert timers.set[-1].is_stopped
