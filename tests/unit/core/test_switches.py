"""The switches of the environment: which wins, who is in a rollout, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.errors import OrcError, UsageError
from orc_core.switches import Switches, is_within

SERVERS = [f"devbox:/tmp/tmux-{number}/default" for number in range(1000)]
PANES = [f"/tmp/tmux-1000/default:%{number}" for number in range(1000)]


@pytest.mark.parametrize(
    ("environ", "strategy"),
    [
        ({}, "async"),
        ({"TMUX_ORC_ASYNC_ROLLOUT": "1.0"}, "async"),
        ({"TMUX_ORC_ASYNC_ROLLOUT": "0.0"}, "sync"),
        ({"TMUX_ORC_ASYNC_DISABLED": "1"}, "sync"),
        ({"TMUX_ORC_ASYNC_DISABLED": "0"}, "async"),
        ({"TMUX_ORC_FORCE_SYNC": "1"}, "sync"),
        ({"TMUX_ORC_FORCE_SYNC": "0", "TMUX_ORC_ASYNC_DISABLED": "1"}, "sync"),
        ({"TMUX_ORC_FORCE_SYNC": "1", "TMUX_ORC_ASYNC_DISABLED": "0"}, "sync"),
        ({"TMUX_ORC_FORCE_SYNC": "1", "TMUX_ORC_ASYNC_ROLLOUT": "1.0"}, "sync"),
        ({"TMUX_ORC_ASYNC_DISABLED": "1", "TMUX_ORC_ASYNC_ROLLOUT": "1.0"}, "sync"),
    ],
)
def test_the_stronger_switch_wins(environ: dict[str, str], strategy: str) -> None:
    assert Switches.read(environ).strategy(SERVERS[0]) == strategy


def test_what_may_be_taken_back_while_it_runs() -> None:
    Switches.read({"TMUX_ORC_ASYNC_DISABLED": "1", "TMUX_ORC_ASYNC_ROLLOUT": "0.0"}).check("async")
    forced = Switches.read({"TMUX_ORC_FORCE_SYNC": "1"})
    forced.check("sync")
    with pytest.raises(UsageError, match="TMUX_ORC_FORCE_SYNC=1 keeps every server on sync"):
        forced.check("async")


@pytest.mark.parametrize("names", [SERVERS, PANES])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 1.0])
def test_a_share_of_a_thousand_is_that_share(names: list[str], share: float) -> None:
    assert abs(sum(is_within(name, share) for name in names) / 1000 - share) <= 0.03


def test_the_ends_are_nobody_and_everybody() -> None:
    assert not any(is_within(name, 0.0) for name in SERVERS)
    assert all(is_within(name, 1.0) for name in SERVERS)


@given(name=st.text(), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_raising_the_share_only_adds(name: str, shares: tuple[float, float]) -> None:
    low, high = sorted(shares)
    assert is_within(name, low) <= is_within(name, high)


def test_the_hash_is_the_same_tomorrow() -> None:
    inside = [number for number in range(30) if is_within(f"%{number}", 0.25)]
    assert inside == [0, 5, 12, 13, 18, 20, 26]


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("TMUX_ORC_FORCE_SYNC", "yes", "set it to 1, or unset it"),
        ("TMUX_ORC_ASYNC_DISABLED", "2", "set it to 1, or unset it"),
        ("TMUX_ORC_ASYNC_ROLLOUT", "10%", "set it to a share from 0.0 to 1.0"),
        ("TMUX_ORC_ASYNC_ROLLOUT", "1.5", "set it to a share from 0.0 to 1.0"),
        ("TMUX_ORC_ASYNC_ROLLOUT", "-0.1", "set it to a share from 0.0 to 1.0"),
        ("TMUX_ORC_ASYNC_ROLLOUT", "nan", "set it to a share from 0.0 to 1.0"),
    ],
)
def test_a_value_that_means_nothing_is_refused(name: str, value: str, remedy: str) -> None:
    with pytest.raises(OrcError, match=f"^{name} is '{value}': {remedy}$"):
        Switches.read({name: value})
