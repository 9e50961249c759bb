"""When to look: once a second when nothing happens, soon when something does, never too often."""

from __future__ import annotations

import pytest

from clocks import TurnedClock
from orc_core.tmux.cadence import (
    DRAIN_S,
    LIST_PHASE_S,
    LIST_S,
    OTHERS_S,
    RARELY_S,
    SELECTED_S,
    SETTLE_S,
    Cadence,
)


def test_lists_come_just_after_a_full_second() -> None:
    clock = TurnedClock(now=1000.4)
    cadence = Cadence(clock)
    assert cadence.list_due()
    cadence.listed()
    assert not cadence.list_due()
    assert cadence.delay(selected=False, others=False) == pytest.approx(0.6 + LIST_PHASE_S)
    clock.turn(0.7)
    assert cadence.list_due()
    cadence.listed()
    assert cadence.delay(selected=False, others=False) == pytest.approx(0.9 + LIST_PHASE_S)


def test_where_nothing_is_to_be_watched_over_lists_are_rare_until_something_is() -> None:
    clock = TurnedClock(now=1000.0 + LIST_PHASE_S)
    cadence = Cadence(clock)
    assert not cadence.rest(long=True)
    cadence.listed()
    cadence.captured(others=True, backlog=False)
    assert cadence.delay(selected=False, others=False) == pytest.approx(RARELY_S)
    assert cadence.delay(selected=False, others=True) > RARELY_S - LIST_S
    assert cadence.rest(long=False)
    assert cadence.list_due() and cadence.others_due()
    cadence.listed()
    assert cadence.delay(selected=False, others=False) == pytest.approx(LIST_S)


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    clock = TurnedClock(now=1000.0)
    cadence = Cadence(clock)
    cadence.listed()
    clock.jump(-3600.5)
    cadence.listed()
    assert 0 < cadence.delay(selected=False, others=False) <= 1.0


def test_marks_are_taken_soon_but_not_all_the_time() -> None:
    clock = TurnedClock(now=1000.0 + LIST_PHASE_S)
    cadence = Cadence(clock)
    cadence.listed()
    assert not cadence.drain_due()
    cadence.notice()
    assert cadence.delay(selected=False, others=False) == pytest.approx(SETTLE_S)
    clock.turn(SETTLE_S + 0.001)
    assert cadence.drain_due()
    cadence.drained()
    cadence.notice()
    assert cadence.delay(selected=False, others=False) == pytest.approx(DRAIN_S)


def test_what_is_selected_rests_less_than_the_others() -> None:
    clock = TurnedClock(now=1000.0 + LIST_PHASE_S)
    cadence = Cadence(clock)
    cadence.listed()
    assert cadence.selected_due() and cadence.others_due()
    cadence.captured(others=True, backlog=False)
    assert cadence.delay(selected=True, others=True) == pytest.approx(SELECTED_S)
    assert cadence.delay(selected=False, others=True) == pytest.approx(OTHERS_S)
    clock.turn(SELECTED_S)
    assert cadence.selected_due() and not cadence.others_due()
    cadence.captured(others=False, backlog=False)
    assert cadence.delay(selected=False, others=True) == pytest.approx(OTHERS_S - SELECTED_S)
    cadence.hurry()
    assert cadence.selected_due()


def test_a_backlog_is_worked_off_at_once() -> None:
    cadence = Cadence(TurnedClock())
    cadence.captured(others=True, backlog=True)
    assert cadence.others_due()


def test_a_server_that_captures_kept_busy_rests_longer() -> None:
    clock = TurnedClock(now=1000.0 + LIST_PHASE_S)
    cadence = Cadence(clock)
    cadence.listed()
    for took_s, rest_s in ((0.001, OTHERS_S), (0.05, 0.5), (3.0, LIST_S)):
        cadence.captured(others=True, backlog=False, took_s=took_s)
        assert cadence.delay(selected=False, others=True) == pytest.approx(rest_s)
        assert cadence.delay(selected=True, others=False) == pytest.approx(SELECTED_S)
    cadence.captured(others=True, backlog=True, took_s=3.0)
    assert cadence.others_due()


def test_everything_can_be_made_due_at_once() -> None:
    cadence = Cadence(TurnedClock(now=1000.4))
    cadence.listed()
    cadence.captured(others=True, backlog=False)
    cadence.notice()
    cadence.all_due()
    assert cadence.list_due() and cadence.selected_due() and cadence.others_due()
    assert cadence.drain_due()
