"""Who is online by its own signs of life, whatever clocks do."""

from __future__ import annotations

import pytest

from clocks import TurnedClock
from orc_core.lifecycle.presence import EVERY_S, OFFLINE_AFTER_S, presence
from orc_core.model.life import Presence
from orc_storage.records import BeatRow

BOOT = "b00t"


def beat(clock: TurnedClock, boot: str = BOOT) -> BeatRow:
    return BeatRow("w", clock.now(), clock.monotonic(), boot, "", "")


def told(row: BeatRow | None, clock: TurnedClock, boot: str = BOOT) -> Presence:
    return presence(row, now=clock.now(), monotonic_s=clock.monotonic(), boot=boot)


def test_who_goes_on_beating_stays_online_and_who_stops_goes_offline(clock: TurnedClock) -> None:
    going = stopped = beat(clock)
    for _ in range(int(OFFLINE_AFTER_S // EVERY_S)):
        clock.turn(EVERY_S)
        going = beat(clock)
        assert told(stopped, clock) is Presence.ONLINE
    clock.turn(0.1)
    assert told(stopped, clock) is Presence.OFFLINE
    assert told(going, clock) is Presence.ONLINE


def test_nothing_follows_where_nothing_was_heard(clock: TurnedClock) -> None:
    clock.turn(1e6)
    assert told(None, clock) is Presence.SILENT


@pytest.mark.parametrize("jump_s", [-7200.0, 7200.0])
def test_a_wall_clock_that_is_set_takes_nobody_offline(clock: TurnedClock, jump_s: float) -> None:
    row = beat(clock)
    clock.jump(jump_s)
    clock.turn(29.0)
    assert told(row, clock) is Presence.ONLINE
    clock.turn(2.0)
    assert told(row, clock) is Presence.OFFLINE


def test_what_beat_before_the_machine_started_anew_is_offline(clock: TurnedClock) -> None:
    row = beat(clock)
    assert told(row, clock, boot="another") is Presence.OFFLINE


def test_without_a_boot_id_the_wall_clock_decides(clock: TurnedClock) -> None:
    row = beat(clock, boot="")
    clock.jump(29.0)
    assert told(row, clock, boot="") is Presence.ONLINE
    clock.jump(2.0)
    assert told(row, clock, boot="") is Presence.OFFLINE
