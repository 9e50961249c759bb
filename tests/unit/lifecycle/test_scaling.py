"""Which instances start and stop, so that as many run as are wanted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orc_core.lifecycle.scaling import plan

others = st.sets(st.integers(2, 14), max_size=8)


@given(others, others, st.booleans(), st.integers(1, 20))
def test_as_many_run_as_are_wanted(
    running: set[int], idle: set[int], first_runs: bool, count: int
) -> None:
    up = [f"w-{number}" for number in running] + (["w"] if first_runs else [])
    down = [f"w-{number}" for number in idle - running] + ([] if first_runs else ["w"])
    start, stop = plan("w", up, down, count)
    assert not (start and stop)
    assert len(set(start)) == len(start) and not set(start) & set(up)
    assert "w" not in stop and set(stop) <= set(up)
    after = set(up) | set(start)
    after -= set(stop)
    assert len(after) == count
    new = set(start) - set(down)
    assert not new or set(down) <= set(start), "a new name while an old one is idle"
    # Doing the same again does nothing.
    rest = [name for name in {*up, *down, *start} if name not in after]
    assert plan("w", sorted(after), rest, count) == ((), ())


def test_what_came_last_goes_first() -> None:
    up = ["w", "w-2", "w-10", "w-9"]
    assert plan("w", up, [], 2) == ((), ("w-10", "w-9"))
    assert plan("w", ["w"], [], 3) == (("w-2", "w-3"), ())
    assert plan("w", ["w-2"], ["w"], 2) == (("w",), ())
