"""The machine of the supervisor, against every course of events and a clock of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.errors import IllegalMove
from orc_core.lifecycle.supervision import (
    JITTER,
    Exit,
    begun,
    ended,
    halted,
    is_due,
    pause_s,
    started,
    steady,
)
from orc_core.model.life import Phase, Policy, Restart, Standing

FAILED = Exit(status=1)
POLICY = Policy(restart=Restart.ON_FAILURE)
RUNNING = Standing()

policies = st.builds(
    Policy,
    restart=st.sampled_from(Restart),
    max_restarts=st.integers(0, 12),
    min_uptime_s=st.floats(0, 60),
    backoff_s=st.floats(0, 30),
    backoff_max_s=st.floats(0, 120),
)
lives = st.lists(
    st.tuples(
        st.floats(0, 120),
        st.sampled_from([Exit(status=0), FAILED, Exit(signal=9), Exit()]),
        st.floats(0, 1),
    ),
    max_size=60,
)


@given(policies, lives)
def test_never_more_quick_restarts_in_a_row_than_allowed(
    policy: Policy, lives: list[tuple[float, Exit, float]]
) -> None:
    standing, now_s, quick = RUNNING, 0.0, 0
    for restarts, (uptime_s, exit, chance) in enumerate(lives, start=1):
        now_s += uptime_s
        quick = 0 if uptime_s >= policy.min_uptime_s else quick + 1
        standing = steady(policy, standing, uptime_s)
        standing = ended(policy, standing, exit, uptime_s=uptime_s, now_s=now_s, chance=chance)
        if standing.phase is not Phase.WAITING:
            break
        assert quick <= policy.max_restarts
        assert policy.restart is not Restart.NEVER
        assert exit.failed or policy.restart is Restart.ALWAYS
        longest = max(policy.backoff_s, policy.backoff_max_s)
        assert 0 <= standing.due_s - now_s <= longest + 1e-6
        assert is_due(standing, standing.due_s)
        now_s = standing.due_s
        standing = started(standing)
        assert standing.restarts == restarts
    if standing.phase is Phase.ERROR:
        assert quick == policy.max_restarts + 1


@pytest.mark.parametrize("uptime_s", [0.0, 1.0, 9.9])
def test_ten_restarts_under_ten_seconds_and_then_error(uptime_s: float) -> None:
    standing, now_s = RUNNING, 0.0
    for number in range(1, 11):
        standing = ended(POLICY, standing, FAILED, uptime_s=uptime_s, now_s=now_s, chance=0)
        assert (standing.phase, standing.quick) == (Phase.WAITING, number)
        now_s = standing.due_s
        standing = started(standing)
    standing = ended(POLICY, standing, FAILED, uptime_s=uptime_s, now_s=now_s, chance=0)
    assert standing.phase is Phase.ERROR
    assert standing.reason == "exit 1; after 10 restarts in a row it did not live for 10 s"
    assert standing.restarts == 10


def test_a_long_life_resets_the_count() -> None:
    standing = RUNNING
    for _ in range(9):
        standing = started(ended(POLICY, standing, FAILED, uptime_s=1.0, now_s=0.0, chance=0))
    assert standing.quick == 9
    assert steady(POLICY, standing, 9.9).quick == 9
    assert steady(POLICY, standing, 10.0).quick == 0
    standing = ended(POLICY, standing, FAILED, uptime_s=10.0, now_s=0.0, chance=0)
    assert (standing.phase, standing.quick) == (Phase.WAITING, 0)


@given(policies, st.integers(0, 1000), st.floats(0, 1))
def test_pauses_double_up_to_the_longest_and_chance_only_shortens(
    policy: Policy, quick: int, chance: float
) -> None:
    full, jittered = pause_s(policy, quick, 0), pause_s(policy, quick, chance)
    assert full * (1 - JITTER) <= jittered <= full
    assert full <= pause_s(policy, quick + 1, 0) <= max(full * 2, policy.backoff_s)
    assert pause_s(policy, 1, 0) == policy.backoff_s


@pytest.mark.parametrize(
    ("restart", "exit", "phase"),
    [
        (Restart.NEVER, FAILED, Phase.ENDED),
        (Restart.ON_FAILURE, Exit(status=0), Phase.ENDED),
        (Restart.ON_FAILURE, Exit(status=0, signal=15), Phase.WAITING),
        (Restart.ON_FAILURE, Exit(), Phase.WAITING),
        (Restart.ALWAYS, Exit(status=0), Phase.WAITING),
    ],
)
def test_who_is_started_again(restart: Restart, exit: Exit, phase: Phase) -> None:
    policy = Policy(restart=restart)
    after = ended(policy, RUNNING, exit, uptime_s=60, now_s=0, chance=0)
    assert after.phase is phase
    forced = ended(policy, RUNNING, exit, uptime_s=60, now_s=0, chance=0, must=True)
    assert forced.phase is Phase.WAITING


@pytest.mark.parametrize("phase", Phase)
def test_illegal_moves_are_refused(phase: Phase) -> None:
    standing = Standing(phase=phase)
    if phase is not Phase.RUNNING:
        with pytest.raises(IllegalMove):
            ended(POLICY, standing, FAILED, uptime_s=0, now_s=0, chance=0)
    if phase is not Phase.WAITING:
        with pytest.raises(IllegalMove):
            started(standing)
        assert not is_due(standing, 1e9)
    if phase in (Phase.RUNNING, Phase.WAITING):
        with pytest.raises(IllegalMove):
            halted(standing, phase, "")
    assert begun(standing).phase is Phase.RUNNING and begun(standing).quick == 0
    assert halted(standing, Phase.STOPPED, "by you").reason == "by you"
