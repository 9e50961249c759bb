"""Figures against a log of states that was made by hand."""

from __future__ import annotations

from orc_core.lifecycle.figures import add_up
from orc_storage.records import StateChange

T = 1_800_000_000.0


def log(*changes: tuple[float, str]) -> list[StateChange]:
    """State changes at these seconds, newest first, as the store returns them."""
    return [StateChange("w", T + at, state, "") for at, state in reversed(changes)]


def test_seconds_by_state_add_up_to_the_span() -> None:
    changes = log(
        (0, "starting"), (5, "working"), (65, "waiting"), (95, "working"), (100, "crashed")
    )
    figures = add_up(changes, now=T + 130, uptime_s=None, restarts=2)
    assert figures.by_state == {"starting": 5, "working": 65, "waiting": 30, "crashed": 30}
    assert (figures.span_s, figures.changes, figures.crashes) == (130, 5, 1)
    assert (figures.uptime_s, figures.restarts) == (None, 2)


def test_a_clock_that_was_set_back_is_no_time() -> None:
    figures = add_up(log((0, "working"), (-50, "idle")), now=T - 40, uptime_s=1.0, restarts=0)
    assert figures.by_state == {"idle": 10, "working": 0}


def test_nothing_seen_is_nothing() -> None:
    figures = add_up([], now=T, uptime_s=None, restarts=0)
    assert (figures.span_s, figures.by_state, figures.changes) == (0, {}, 0)


def test_what_was_before_a_time_does_not_count_but_its_state_goes_on_into_it() -> None:
    changes = log((0, "working"), (10, "crashed"), (20, "idle"), (60, "working"))
    figures = add_up(changes, now=T + 100, uptime_s=None, restarts=0, since=T + 50)
    assert figures.by_state == {"idle": 10, "working": 40}
    assert (figures.span_s, figures.changes, figures.crashes) == (50, 1, 0)
