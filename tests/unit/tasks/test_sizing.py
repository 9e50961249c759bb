"""How many agents the queue wants: within bounds, after a rest, and without flapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.tasks.sizing import Bounds, Load, Size, wanted

BOUNDS = Bounds(least=1, most=8)
counts = st.integers(0, 20)


@pytest.mark.parametrize(
    ("load", "rested_s", "expected"),
    [
        (Load(0, 0, 0), 0.0, Size(1, "fewer than 1")),
        (Load(2, 2, 3), 60.0, Size(4, "3 wait, 2 of 2 busy")),
        (Load(2, 2, 1), 60.0, Size(3, "1 waits, 2 of 2 busy")),
        (Load(2, 2, 3), 59.0, Size(2)),
        (Load(5, 5, 90), 60.0, Size(8, "90 wait, 5 of 5 busy")),
        (Load(8, 8, 90), 900.0, Size(8)),
        (Load(4, 1, 101), 60.0, Size(8, "101 wait")),
        (Load(4, 1, 2, 61.0), 60.0, Size(6, "2 wait, p95 for 1m")),
        (Load(4, 1, 2, 59.0), 60.0, Size(4)),
        (Load(4, 1, 0), 299.0, Size(4)),
        (Load(4, 1, 0), 300.0, Size(3, "1 of 4 busy, nothing waits")),
        (Load(4, 2, 0), 300.0, Size(4)),
        (Load(1, 0, 0), 300.0, Size(1)),
        (Load(9, 3, 5), 0.0, Size(8, "more than 8")),
        (Load(9, 9, 0), 0.0, Size(9)),
    ],
)
def test_a_load_wants_so_many(load: Load, rested_s: float, expected: Size) -> None:
    assert wanted(load, BOUNDS, rested_s) == expected


@given(counts, counts, counts, st.floats(0, 1e4), st.floats(0, 1e4), st.integers(1, 6), counts)
def test_the_bounds_hold_and_nobody_busy_is_taken_away(
    runs: int, busy: int, waiting: int, wait_s: float, rested_s: float, least: int, span: int
) -> None:
    bounds = Bounds(least=least, most=least + span)
    load = Load(runs, min(busy, runs), waiting, wait_s)
    size = wanted(load, bounds, rested_s)
    assert (size.wanted == runs) == (not size.why)
    assert size.wanted >= min(load.busy, runs)
    if size.wanted > runs:
        assert size.wanted <= bounds.most
        assert waiting or runs < least
    if size.wanted < runs:
        assert size.wanted >= least
        assert not waiting or runs > bounds.most


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.integers(1, 6))
def test_a_steady_load_comes_to_rest_whatever_went_before(demand: list[int], least: int) -> None:
    """Each look is 10 s; so many want to work at once; the last demand goes on for an hour."""
    bounds = Bounds(least=least, most=10)
    runs, turned_s, changes = least, -1e9, list[float]()
    for step, want in enumerate([*demand, *[demand[-1]] * 360]):
        now_s = step * 10.0
        load = Load(runs, min(want, runs), max(want - runs, 0))
        size = wanted(load, bounds, now_s - turned_s)
        if size.wanted != runs:
            if size.wanted < runs and changes:
                assert now_s - turned_s >= bounds.rest_down_s
            runs, turned_s = size.wanted, now_s
            changes.append(now_s)
    assert not [at for at in changes if at > len(demand) * 10.0 + 3300.0]
    assert runs >= min(max(demand[-1], least), bounds.most)
