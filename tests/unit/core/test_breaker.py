"""The circuit breaker against a plain model of it, and in a storm."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from clocks import TurnedClock
from orc_core.breaker import Breaker, Limits, Phase


def test_it_opens_rests_tries_and_closes(clock: TurnedClock) -> None:
    breaker = Breaker(clock)
    for _ in range(4):
        assert breaker.admit()
        breaker.fail()
    assert breaker.phase is Phase.CLOSED
    breaker.fail()
    assert breaker.phase is Phase.OPEN
    assert (breaker.admit(), breaker.retry_in_s) == (False, 30.0)
    clock.turn(29.9)
    assert not breaker.admit()
    clock.turn(0.1)
    assert breaker.phase is Phase.HALF_OPEN
    assert [breaker.admit(), breaker.admit()] == [True, False]
    breaker.succeed()
    assert breaker.phase is Phase.HALF_OPEN
    assert breaker.admit()
    breaker.succeed()
    assert breaker.phase is Phase.CLOSED
    assert [breaker.admit(), breaker.admit()] == [True, True]


def test_a_trial_that_fails_opens_it_anew(clock: TurnedClock) -> None:
    breaker = Breaker(clock, Limits(failures=1, successes=2))
    breaker.fail()
    clock.turn(30.0)
    assert breaker.admit()
    breaker.succeed()
    assert breaker.admit()
    breaker.fail()
    assert (breaker.phase, breaker.admit(), breaker.retry_in_s) == (Phase.OPEN, False, 30.0)
    clock.turn(30.0)
    assert breaker.admit()
    breaker.succeed()
    assert breaker.phase is Phase.HALF_OPEN  # successes before it opened do not count


def test_failures_far_apart_open_nothing(clock: TurnedClock) -> None:
    breaker = Breaker(clock)
    for _ in range(40):
        breaker.fail()
        clock.turn(2.6)
    assert breaker.phase is Phase.CLOSED


def test_a_trial_that_is_lost_does_not_keep_it_shut(clock: TurnedClock) -> None:
    breaker = Breaker(clock, Limits(failures=1))
    breaker.fail()
    clock.turn(30.0)
    assert breaker.admit()
    clock.turn(29.0)
    assert not breaker.admit()
    clock.turn(1.0)
    assert breaker.admit()
    breaker.withdraw()
    assert breaker.admit()
    breaker.reset()
    assert breaker.phase is Phase.CLOSED


def test_limits_are_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        Limits(failures=0)
    with pytest.raises(ValueError, match="positive"):
        Limits(reset_s=0.0)


def test_a_storm_reaches_what_is_down_a_few_times_only(clock: TurnedClock) -> None:
    breaker = Breaker(clock)
    calls: list[float] = []
    for _ in range(100_000):  # a hundred wishes a second, for a thousand seconds
        if breaker.admit():
            calls.append(clock.monotonic())
            breaker.fail()
        clock.turn(0.01)
    assert len(calls) <= 5 + 1000 / 30
    pauses = [late - early for early, late in pairwise(calls[4:])]
    assert min(pauses) >= 30.0


class Machine(RuleBasedStateMachine):
    """Any order of calls and reports, beside a model that keeps every failure there was."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits(failures=3, within_s=10.0, reset_s=30.0, successes=2)
        self.clock = TurnedClock()
        self.breaker = Breaker(self.clock, self.limits)
        self.failures: list[float] = []
        self.opened_at: float | None = None
        self.good = 0
        self.trial_at: float | None = None

    @property
    def expected(self) -> Phase:
        if self.opened_at is None:
            return Phase.CLOSED
        rested = self.clock.monotonic() - self.opened_at >= self.limits.reset_s
        return Phase.HALF_OPEN if rested else Phase.OPEN

    def forget(self) -> None:
        self.failures, self.opened_at, self.good, self.trial_at = [], None, 0, None

    @rule(seconds=st.sampled_from([0.0, 0.5, 4.0, 10.0, 29.5, 30.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.turn(seconds)

    @rule()
    def a_call_is_wanted(self) -> None:
        now = self.clock.monotonic()
        waits = self.trial_at is not None and now - self.trial_at < self.limits.reset_s
        passes = self.expected is Phase.CLOSED or (self.expected is Phase.HALF_OPEN and not waits)
        assert self.breaker.admit() == passes
        if passes and self.expected is Phase.HALF_OPEN:
            self.trial_at = now

    @rule()
    def a_call_succeeds(self) -> None:
        if self.expected is Phase.HALF_OPEN:
            self.good += 1
            self.trial_at = None
            if self.good == self.limits.successes:
                self.forget()
        self.breaker.succeed()

    @rule()
    def a_call_fails(self) -> None:
        now, phase = self.clock.monotonic(), self.expected
        if phase is not Phase.OPEN:
            self.failures.append(now)
            recent = [at for at in self.failures if now - at <= self.limits.within_s]
            if phase is Phase.HALF_OPEN or len(recent) >= self.limits.failures:
                self.forget()
                self.opened_at = now
        self.breaker.fail()

    @rule()
    def everything_is_forgotten(self) -> None:
        self.forget()
        self.breaker.reset()

    @invariant()
    def they_agree(self) -> None:
        assert self.breaker.phase is self.expected
        assert (self.breaker.retry_in_s > 0) <= (self.opened_at is not None)
        if self.expected is Phase.OPEN:
            assert self.breaker.retry_in_s > 0


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestMachine = Machine.TestCase
