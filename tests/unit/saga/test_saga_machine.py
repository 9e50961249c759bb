"""The machine of a saga: all pairs of states, and every failure of every step."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from orc_core.errors import IllegalMove
from orc_core.saga import machine
from orc_core.saga.machine import LEGAL, Broke, Do, Ended, Event, Rest, Taken, Undo, check
from orc_storage.sagas import ENDED, Phase, Saga, State, Step, Wish

ARROWS = """
PENDING      -> RUNNING ABORTED
RUNNING      -> PAUSED COMPENSATING COMPLETED ABORTED
PAUSED       -> RUNNING COMPENSATING ABORTED
COMPENSATING -> ROLLED_BACK FAILED
COMPLETED    -> COMPENSATING
FAILED       -> COMPENSATING
ROLLED_BACK  -> RUNNING
ABORTED      -> RUNNING COMPENSATING
"""
ALLOWED = {
    (State(before), State(after))
    for before, _, *afters in map(str.split, ARROWS.strip().splitlines())
    for after in afters
}


def saga(count: int = 4, *, retries: int = 0) -> Saga:
    steps = tuple(Step(n, f"s{n}", "run", retries, undoable=True) for n in range(count))
    return Saga("S-1", "x", {}, State.PENDING, Wish.NONE, "", "1.1", 1, 1, 0.0, 0.0, "me", 0, steps)


def carry(
    one: Saga, fails: frozenset[tuple[str, int]] = frozenset(), event: Event | None = None
) -> tuple[Saga, list[str]]:
    """Carry a saga to its end; returns what was done, `fails` says which of it fails."""
    done: list[str] = []
    event = event or Taken()
    while True:
        outcome = machine.advance(one, event, 1.0)
        one = outcome.saga
        if isinstance(outcome.move, Rest):
            return one, done
        verb = "do" if isinstance(outcome.move, Do) else "undo"
        done.append(f"{verb} {outcome.move.number}")
        number = outcome.move.number
        event = Broke(number, "no") if (verb, number) in fails else Ended(number)


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_every_pair_of_states_is_allowed_or_refused(before: State, after: State) -> None:
    assert (after in LEGAL[before]) == ((before, after) in ALLOWED)
    if (before, after) not in ALLOWED:
        with pytest.raises(IllegalMove, match=f"from {before} to {after}"):
            check(before, after)


def test_steps_are_done_once_each_in_order() -> None:
    ended, done = carry(saga())
    assert ended.state is State.COMPLETED
    assert done == ["do 0", "do 1", "do 2", "do 3"]


@pytest.mark.parametrize("at", range(4))
def test_a_failure_at_each_step_undoes_those_before_it_in_reverse(at: int) -> None:
    ended, done = carry(saga(), frozenset({("do", at)}))
    assert ended.state is State.ROLLED_BACK
    assert done[at + 1 :] == [f"undo {n}" for n in reversed(range(at))]
    assert ended.steps[at].phase is Phase.FAILED


@pytest.mark.parametrize(("at", "undo"), [(k, u) for k in range(1, 4) for u in range(k)])
def test_an_undo_that_fails_does_not_keep_the_rest_from_it(at: int, undo: int) -> None:
    ended, done = carry(saga(), frozenset({("do", at), ("undo", undo)}))
    assert ended.state is State.FAILED and machine.is_incomplete(ended)
    assert done[at + 1 :] == [f"undo {n}" for n in reversed(range(at))]
    again = machine.ask(ended, Wish.ROLLBACK)
    assert again is not None
    mended, more = carry(again.saga)
    assert mended.state is State.ROLLED_BACK and more == [f"undo {undo}"]


def test_a_step_is_tried_so_often_with_growing_pauses() -> None:
    one, event, delays = saga(1, retries=3), Taken(), list[float]()
    outcome = machine.advance(one, event, 1.0)
    while isinstance(outcome.move, Do):
        delays.append(outcome.move.delay_s)
        outcome = machine.advance(outcome.saga, Broke(0, "no"), 1.0)
    assert delays == [0.0, 0.25, 0.5, 1.0]
    assert outcome.saga.state is State.ROLLED_BACK


def test_one_that_was_ended_amid_its_work_is_undone_itself() -> None:
    begun = machine.advance(saga(2), Taken(), 1.0).saga
    late = machine.advance(begun, Broke(0, "late", is_unsure=True), 1.0)
    assert isinstance(late.move, Undo) and late.move.number == 0


def test_what_may_have_taken_effect_in_one_attempt_is_undone_after_a_plain_failure() -> None:
    outcome = machine.advance(saga(1, retries=1), Taken(), 1.0)
    outcome = machine.advance(outcome.saga, Broke(0, "late", is_unsure=True), 1.0)
    assert isinstance(outcome.move, Do)
    outcome = machine.advance(outcome.saga, Broke(0, "no"), 1.0)
    assert isinstance(outcome.move, Undo)


def test_whoever_takes_one_on_goes_on_where_it_stands() -> None:
    outcome = machine.advance(saga(3), Taken(), 1.0)
    outcome = machine.advance(outcome.saga, Ended(0), 1.0)
    again = machine.advance(outcome.saga, Taken(), 1.0)
    assert again.move == Do(1, 0.0, is_anew=True)
    assert again.saga.steps[0].phase is Phase.DONE


@pytest.mark.parametrize(
    ("wish", "state"),
    [
        (Wish.PAUSE, State.PAUSED),
        (Wish.CANCEL, State.ABORTED),
        (Wish.ROLLBACK, State.ROLLED_BACK),
    ],
)
def test_a_wish_is_done_at_the_next_step(wish: Wish, state: State) -> None:
    outcome = machine.advance(saga(3), Taken(), 1.0)
    ended, done = carry(replace(outcome.saga, wish=wish), event=Ended(0))
    assert ended.state is state and ended.wish is Wish.NONE
    assert done == (["undo 0"] if wish is Wish.ROLLBACK else [])


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.CANCEL, Wish.ROLLBACK])
def test_a_wish_fits_a_state_or_is_refused(state: State, wish: Wish) -> None:
    goal = {"pause": "PAUSED", "cancel": "ABORTED", "rollback": "COMPENSATING"}[wish]
    one = replace(saga(), state=state, owner="")
    fits = (state, State(goal)) in ALLOWED or (state is State.PENDING and wish is not Wish.PAUSE)
    if not fits:
        with pytest.raises(IllegalMove, match="S-1"):
            machine.ask(one, wish)
        return
    outcome = machine.ask(one, wish)
    assert outcome is not None and outcome.saga.state in {State(goal), State.ABORTED}


def test_one_that_was_undone_is_done_again_from_a_step_on() -> None:
    ended, _ = carry(saga(3), frozenset({("do", 2)}))
    again = machine.retry(ended, "s1").saga
    assert [one.phase for one in again.steps][:1] == [Phase.SKIPPED]
    done, verbs = carry(again)
    assert done.state is State.COMPLETED and verbs == ["do 1", "do 2"] and done.round == 2
    with pytest.raises(IllegalMove, match="COMPLETED"):
        machine.retry(done)
    with pytest.raises(IllegalMove, match="no step s9: s0, s1, s2"):
        machine.retry(ended, "s9")


def test_nothing_ends_that_was_not_begun() -> None:
    with pytest.raises(IllegalMove, match="waiting"):
        machine.advance(saga(), Ended(0), 1.0)
    with pytest.raises(IllegalMove, match="waiting"):
        machine.advance(saga(), Broke(0, "no"), 1.0)
    assert {state for state in State if not LEGAL[state]} == set()
    assert State.RUNNING not in ENDED
