"""The machine of a saga: what happened to it, and what is to be done next.

Invariant: pure. Every change of state is one of LEGAL, steps are done in their order and undone
in exactly the reverse one, and a step that is done is never done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from orc_core.errors import IllegalMove
from orc_storage.sagas import ENDED, MOVING, Note, Phase, Saga, State, Step, Wish

LEGAL: Final[Mapping[State, frozenset[State]]] = {
    State.PENDING: frozenset({State.RUNNING, State.ABORTED}),
    State.RUNNING: frozenset({State.PAUSED, State.COMPENSATING, State.COMPLETED, State.ABORTED}),
    State.PAUSED: frozenset({State.RUNNING, State.COMPENSATING, State.ABORTED}),
    State.COMPENSATING: frozenset({State.ROLLED_BACK, State.FAILED}),
    State.COMPLETED: frozenset({State.COMPENSATING}),
    State.FAILED: frozenset({State.COMPENSATING}),
    State.ROLLED_BACK: frozenset({State.RUNNING}),
    State.ABORTED: frozenset({State.RUNNING, State.COMPENSATING}),
}

BACKOFF_S: Final = 0.25
BACKOFF_MAX_S: Final = 30.0
UNDER_WAY: Final = frozenset({Phase.DOING, Phase.UNDOING})
TO_UNDO: Final = frozenset({Phase.DONE, Phase.UNSURE, Phase.DOING, Phase.UNDOING})


@dataclass(frozen=True, slots=True)
class Do:
    """Do a step, in `delay_s` seconds; `is_anew` where one was begun that nobody saw the end of."""

    number: int
    delay_s: float = 0.0
    is_anew: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """Undo a step, in `delay_s` seconds."""

    number: int
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is to be done: it ended, or waits for a person."""


Move: TypeAlias = "Do | Undo | Rest"


@dataclass(frozen=True, slots=True)
class Taken:
    """A process took the saga on: what was under way is of nobody's knowledge now."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What was under way for a step ended well; `result` is what undoing it needs."""

    number: int
    result: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Broke:
    """What was under way for a step failed.

    `is_unsure` where it was ended amid its work, so that its effect may be there; `is_final`
    where trying again is of no use, `is_clean` where a check told that no earlier attempt took
    effect.
    """

    number: int
    reason: str
    output: str = ""
    is_unsure: bool = False
    is_final: bool = False
    is_clean: bool = False


Event: TypeAlias = "Taken | Ended | Broke"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The saga as it stands then, what the journal is told, and what is next."""

    saga: Saga
    notes: tuple[Note, ...]
    move: Move


def check(before: State, after: State) -> None:
    """Raise IllegalMove unless a saga may go from one state to another."""
    if after not in LEGAL[before]:
        raise IllegalMove(f"a workflow cannot go from {before} to {after}")


def advance(saga: Saga, event: Event, at: float) -> Outcome:
    """Take in what happened at `at`, in seconds since the epoch, and decide what is next."""
    notes: list[Note] = []
    was_under_way = isinstance(event, Taken) and any(one.phase in UNDER_WAY for one in saga.steps)
    delay_s = 0.0
    if isinstance(event, Ended):
        saga = _ended(saga, event, at, notes)
    elif isinstance(event, Broke):
        saga, delay_s = _broke(saga, event, at, notes)
    saga, move = _decide(saga, at, notes, delay_s=delay_s, is_anew=was_under_way)
    return Outcome(saga, tuple(notes), move)


def backoff_s(attempts: int) -> float:
    """How long is waited after so many attempts failed."""
    return float(min(BACKOFF_S * 2.0 ** max(attempts - 1, 0), BACKOFF_MAX_S))


def running_step(saga: Saga) -> str:
    """The name of the step that is under way, "" where none is."""
    return next((one.name for one in saga.steps if one.phase in UNDER_WAY), "")


def to_undo(saga: Saga) -> tuple[Step, ...]:
    """What rolling back would undo, in that order."""
    again = TO_UNDO | {Phase.UNDO_FAILED}
    return tuple(one for one in reversed(saga.steps) if one.phase in again and one.undoable)


def is_incomplete(saga: Saga) -> bool:
    """Whether something that should have been undone is not."""
    return any(one.phase is Phase.UNDO_FAILED for one in saga.steps)


def _ended(saga: Saga, event: Ended, at: float, notes: list[Note]) -> Saga:
    step = saga.steps[event.number]
    phases = {Phase.DOING: Phase.DONE, Phase.UNDOING: Phase.UNDONE}
    if step.phase not in phases:
        raise IllegalMove(f"{saga.id}: {step.name} is {step.phase}, and cannot end")
    phase = phases[step.phase]
    notes.append(Note(phase, step.name, attempt=step.attempts))
    result = event.result if phase is Phase.DONE else step.result
    output = event.output or step.output
    return put(saga, replace(step, phase=phase, result=result, output=output, ended_at=at))


def _broke(saga: Saga, event: Broke, at: float, notes: list[Note]) -> tuple[Saga, float]:
    """Return the saga, and how long to wait before that is tried again."""
    step = saga.steps[event.number]
    if step.phase not in UNDER_WAY:
        raise IllegalMove(f"{saga.id}: {step.name} is {step.phase}, and cannot fail")
    is_over = event.is_final or step.attempts > step.retries
    is_doing = step.phase is Phase.DOING
    said = "failed" if is_doing else "undo failed"
    notes.append(Note(said, step.name, event.reason, step.attempts))
    if is_doing:
        # Once it may have taken effect, a later failure that is plain does not make that unsaid.
        is_unsure = event.is_unsure or (step.result == MAYBE and not event.is_clean)
        phase = Phase.WAITING if not is_over else Phase.UNSURE if is_unsure else Phase.FAILED
        step = replace(step, result=MAYBE if is_unsure else "")
    else:
        phase = Phase.UNDO_FAILED if is_over else Phase.UNDOING
    delay_s = 0.0 if is_over else backoff_s(step.attempts)
    changed = replace(step, phase=phase, reason=event.reason, ended_at=at)
    return put(saga, replace(changed, output=event.output or step.output)), delay_s


MAYBE: Final = "?"
"""The result of a step of which an attempt was ended amid its work."""


def _decide(
    saga: Saga, at: float, notes: list[Note], *, delay_s: float, is_anew: bool
) -> tuple[Saga, Move]:
    if saga.state is State.PENDING:
        if saga.wish in {Wish.CANCEL, Wish.ROLLBACK}:
            return turn(saga, State.ABORTED, notes), Rest()
        saga = turn(saga, State.RUNNING, [])
    if saga.state is State.RUNNING:
        found = _forward(saga, at, notes, delay_s=delay_s, is_anew=is_anew)
        if found is not None:
            return found
        saga = turn(_unsure(saga), State.COMPENSATING, notes)
        delay_s = 0.0
    if saga.state is State.COMPENSATING:
        return _backward(saga, at, notes, delay_s=delay_s)
    return saga, Rest()


def _forward(
    saga: Saga, at: float, notes: list[Note], *, delay_s: float, is_anew: bool
) -> tuple[Saga, Move] | None:
    """What is next in doing; None where it is time to undo."""
    broken = next((one for one in saga.steps if one.phase in {Phase.FAILED, Phase.UNSURE}), None)
    if saga.wish is Wish.CANCEL:
        return turn(_unsure(saga), State.ABORTED, notes), Rest()
    if broken is not None or saga.wish is Wish.ROLLBACK:
        return None
    if saga.wish is Wish.PAUSE:
        return turn(saga, State.PAUSED, notes), Rest()
    step = next((one for one in saga.steps if one.phase in {Phase.WAITING, Phase.DOING}), None)
    if step is None:
        return turn(saga, State.COMPLETED, notes), Rest()
    attempt = step.attempts + 1
    doing = replace(step, phase=Phase.DOING, attempts=attempt, begun_at=at, ended_at=0.0)
    if step.phase is Phase.DOING:
        doing = replace(doing, result=MAYBE)
    notes.append(Note("do", step.name, attempt=attempt))
    return put(saga, doing), Do(step.number, delay_s, is_anew)


def _backward(saga: Saga, at: float, notes: list[Note], *, delay_s: float) -> tuple[Saga, Move]:
    for step in reversed(saga.steps):
        if step.phase not in TO_UNDO:
            continue
        if not step.undoable:
            saga = put(saga, replace(step, phase=Phase.KEPT))
            continue
        attempt = step.attempts + 1 if step.phase is Phase.UNDOING else 1
        undoing = replace(step, phase=Phase.UNDOING, attempts=attempt, begun_at=at, ended_at=0.0)
        notes.append(Note("undo", step.name, attempt=attempt))
        return put(saga, undoing), Undo(step.number, delay_s)
    end = State.FAILED if is_incomplete(saga) else State.ROLLED_BACK
    return turn(saga, end, notes), Rest()


def turn(saga: Saga, state: State, notes: list[Note], *, reason: str = "") -> Saga:
    """Bring a saga into another state; what a person wished is done then. Raises IllegalMove."""
    check(saga.state, state)
    told = reason or saga.reason
    if state is State.COMPENSATING and not reason:
        told = _why(saga)
    notes.append(Note(state.value.lower(), reason=told if state is not State.COMPLETED else ""))
    return replace(saga, state=state, wish=Wish.NONE, reason=told)


def _why(saga: Saga) -> str:
    """Why a saga is being undone."""
    if saga.wish is Wish.ROLLBACK:
        return "rolled back by hand"
    broken = (one for one in saga.steps if one.phase in {Phase.FAILED, Phase.UNSURE})
    return next((f"{one.name}: {one.reason}" for one in broken), saga.reason)


def _unsure(saga: Saga) -> Saga:
    """The saga with what was under way of it ended amid its work."""
    for step in saga.steps:
        maybe = step.phase is Phase.WAITING and step.result == MAYBE
        if step.phase is Phase.DOING or maybe:
            saga = put(saga, replace(step, phase=Phase.UNSURE, result=MAYBE))
    return saga


def put(saga: Saga, step: Step) -> Saga:
    """The saga with one step changed."""
    steps = (*saga.steps[: step.number], step, *saga.steps[step.number + 1 :])
    return replace(saga, steps=steps)


def ask(saga: Saga, wish: Wish) -> Outcome | None:
    """What a person's wish makes of a saga that nobody runs; None where its runner has to do it.

    Raises IllegalMove where that cannot be wished as it stands.
    """
    goals = {
        Wish.PAUSE: State.PAUSED,
        Wish.CANCEL: State.ABORTED,
        Wish.ROLLBACK: State.COMPENSATING,
    }
    goal = goals[wish]
    if saga.state is State.PENDING and wish is not Wish.PAUSE:
        goal = State.ABORTED
    elif saga.state is State.PENDING:
        raise IllegalMove(f"{saga.id} has not begun: cancel it, or wait until it has")
    if goal not in LEGAL[saga.state]:
        raise IllegalMove(f"{saga.id} is {saga.state}: it cannot be asked to {wish}")
    if saga.owner and saga.state in MOVING:
        return None
    notes: list[Note] = []
    asked = replace(saga, wish=wish)
    if wish is Wish.ROLLBACK:
        asked = again_undone(asked)
    if wish is not Wish.PAUSE:
        asked = _unsure(asked)
    return Outcome(turn(asked, goal, notes), tuple(notes), Rest())


def again_undone(saga: Saga) -> Saga:
    """The saga with the undoing that failed to be tried again."""
    for step in saga.steps:
        if step.phase is Phase.UNDO_FAILED:
            saga = put(saga, replace(step, phase=Phase.DONE, attempts=0))
    return saga


def resume(saga: Saga) -> Outcome:
    """Go on with a saga that is paused; raises IllegalMove."""
    if saga.state is not State.PAUSED:
        raise IllegalMove(f"{saga.id} is {saga.state}, not PAUSED: there is nothing to resume")
    notes = [Note("resume")]
    return Outcome(turn(saga, State.RUNNING, []), tuple(notes), Rest())


def retry(saga: Saga, first: str = "") -> Outcome:
    """Do a saga that was undone or cancelled again, from a step on ("" for what is not done).

    Steps before that which are not done are skipped: whoever asks says that they stand. Raises
    IllegalMove.
    """
    if saga.state not in {State.ROLLED_BACK, State.ABORTED}:
        hint = "roll it back first" if saga.state in ENDED else "it is under way"
        raise IllegalMove(f"{saga.id} is {saga.state} and cannot be tried again: {hint}")
    names = [one.name for one in saga.steps]
    if first and first not in names:
        raise IllegalMove(f"{saga.id} has no step {first}: {', '.join(names)}")
    start = names.index(first) if first else 0
    for step in saga.steps:
        if step.phase is Phase.DONE:
            if first and step.number >= start:
                raise IllegalMove(f"{saga.id}: {step.name} is done: roll it back first")
            continue
        phase = Phase.SKIPPED if step.number < start else Phase.WAITING
        # Of one that may have taken effect that stays known, so that it is undone in the end.
        result = step.result if step.phase is Phase.UNSURE else ""
        fresh = replace(step, phase=phase, attempts=0, result=result, reason="", output="")
        saga = put(saga, replace(fresh, begun_at=0.0, ended_at=0.0))
    again = replace(saga, round=saga.round + 1, spent_s=0.0, reason="")
    notes = [Note("retry", first)]
    return Outcome(turn(again, State.RUNNING, []), tuple(notes), Rest())
