"""The laws of the fold, over any signals: precedence, evidence, haste to wait, delay to idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orc_core.agents.detect import IDLE_AFTER_S, RANK, Live, fold, strongest_first, verdicts
from orc_core.agents.freshness import FRESHNESS, UNCONFIRMED_S, aged
from orc_core.agents.transitions import INTO, reason
from orc_core.model.agent import Evidence, Signal, Source, State, Waiting

T = 1000.0
DEATH = [State.CRASHED, State.DONE, State.IDLE]
ALIVE = [one for one in State if one not in (State.CRASHED, State.GONE, State.UNKNOWN)]


@st.composite
def signals(draw: st.DrawFn, sources: Sequence[Source] = tuple(Source)) -> Signal:
    source = draw(st.sampled_from(sources))
    state = draw(st.sampled_from(DEATH if source is Source.PROC else ALIVE))
    waits = draw(st.sampled_from([one for one in Waiting if one is not Waiting.NONE]))
    return Signal(
        Evidence(source, draw(st.sampled_from(["a", "b"])), T - draw(st.integers(0, 900))),
        state,
        waits if state is State.WAITING else Waiting.NONE,
        expired=draw(st.booleans()),
        attended=draw(st.booleans()),
        decides=draw(st.integers(0, 5)) > 0,
    )


LIVE = st.builds(
    Live,
    state=st.sampled_from(list(State)),
    since=st.just(T - 50),
    evidence=st.just(Evidence(Source.SCREEN, "before", T - 50)),
    quiet_since=st.sampled_from([None, T - 1.0, T - 30]),
)
LIVING = tuple(source for source in Source if source is not Source.PROC)
MANY = st.lists(signals(), max_size=6)
MANY_LIVING = st.lists(signals(LIVING), max_size=6)


def fresh(told: Sequence[Signal]) -> list[Signal]:
    return [one for one in told if one.decides and not one.expired]


@given(st.none() | LIVE, MANY, st.sampled_from(DEATH))
def test_death_beats_everything(before: Live | None, told: list[Signal], end: State) -> None:
    rest = [one for one in told if one.evidence.source is not Source.PROC]
    dead = Signal(Evidence(Source.PROC, "pane-dead", T), end)
    live = fold(before, [*rest, dead], T)
    assert live.evidence == dead.evidence
    if end is State.CRASHED:
        assert live.state is State.CRASHED
    else:
        assert live.state in (State.DONE, State.IDLE)


@given(st.none() | LIVE, MANY, st.booleans())
def test_nothing_works_without_a_fresh_sign_of_work(
    before: Live | None, told: list[Signal], hold: bool
) -> None:
    live = fold(before, told, T, hold=hold)
    if live.state is State.WORKING:
        signed = any(one.state is State.WORKING for one in fresh(told))
        held = before is not None and before.state is State.WORKING
        quiet = any(one.state in (State.IDLE, State.DONE) for one in fresh(told))
        assert signed or (held and (hold or quiet))


@given(st.none() | LIVE, MANY)
def test_nothing_fresh_is_unknown(before: Live | None, told: list[Signal]) -> None:
    stale = [replace(one, expired=True) for one in told]
    assert fold(before, stale, T).state is State.UNKNOWN


@given(st.none() | LIVE, MANY_LIVING, st.sampled_from([Source.LEVEL, Source.SCREEN]))
def test_waiting_is_never_delayed(before: Live | None, told: list[Signal], source: Source) -> None:
    """The strongest fresh signal asks, or the screen asks and nothing stronger is newer."""
    asks = Signal(Evidence(source, "asks", T), State.WAITING, Waiting.PERMISSION)
    weaker = [one for one in told if RANK[one.evidence.source] > RANK[source]]
    live = fold(before, [asks, *weaker], T)
    assert live.state is State.WAITING
    assert live.since == (before.since if before and _waits_alike(before, live) else T)


def _waits_alike(before: Live, live: Live) -> bool:
    return (before.state, before.waiting) == (live.state, live.waiting)


@given(st.sampled_from([Source.TITLE, Source.SCREEN, Source.HOOK, Source.LEVEL]))
def test_the_way_from_work_to_idle_takes_a_moment(source: Source) -> None:
    working = fold(None, [Signal(Evidence(source, "busy", T), State.WORKING)], T)
    idle = [Signal(Evidence(source, "idle", T), State.IDLE)]
    first = fold(working, idle, T + 1)
    assert first.state is State.WORKING
    assert fold(first, idle, T + 1 + IDLE_AFTER_S - 0.01).state is State.WORKING
    assert fold(first, idle, T + 1 + IDLE_AFTER_S).state is State.DONE


@given(st.none() | LIVE, st.data())
def test_the_order_of_signals_of_different_sources_does_not_matter(
    before: Live | None, data: st.DataObject
) -> None:
    told = [data.draw(signals((source,))) for source in Source]
    shuffled = data.draw(st.permutations(told))
    assert fold(before, told, T) == fold(before, shuffled, T)
    assert strongest_first(shuffled) == tuple(told)


@given(st.none() | LIVE, MANY, st.booleans())
def test_a_state_carries_evidence_that_was_told(
    before: Live | None, told: list[Signal], hold: bool
) -> None:
    live = fold(before, told, T, hold=hold)
    held = before is not None and live.evidence == before.evidence
    assert held or live.state is State.UNKNOWN or live.evidence in [one.evidence for one in told]
    assert (live.state is State.LIMITED) or not live.resets_at


@given(st.none() | LIVE, MANY)
def test_each_signal_has_a_verdict_and_one_at_most_decides(
    before: Live | None, told: list[Signal]
) -> None:
    live = fold(before, told, T)
    winner = next((one for one in told if one.evidence is live.evidence), None)
    said = verdicts(told, winner)
    assert len(said) == len(told)
    assert said.count("decides") == (winner is not None)


@given(LIVE, MANY)
def test_no_step_of_the_fold_leads_into_done_but_from_work_or_a_question(
    before: Live, told: list[Signal]
) -> None:
    """What the fold gives for a living process, the machine of states allows."""
    living = [one for one in told if one.evidence.source is not Source.PROC]
    live = fold(before, living, T)
    if live.state is State.DONE and before.state is not State.DONE:
        assert before.state in INTO[State.DONE].sources


@given(st.sampled_from(list(State)), st.sampled_from(list(State)), st.booleans())
def test_the_machine_of_states(before: State, after: State, renewed: bool) -> None:
    why = reason(before, after, renewed=renewed)
    if before is after:
        assert why is None
    elif renewed or after is State.GONE:
        assert why
    elif before in (State.CRASHED, State.GONE):
        assert why is None
    else:
        allowed = before in INTO[after].sources
        assert (why is not None) is allowed
    assert reason(None, after)


def test_every_state_has_an_entry() -> None:
    assert set(INTO) == set(State)
    assert INTO[State.DONE].sources == {State.WORKING, State.WAITING}
    assert State.CRASHED not in set().union(
        *(entry.sources for state, entry in INTO.items() if state is not State.GONE)
    )


@given(signals(), st.floats(0, 200_000), st.floats(0, 200_000))
def test_the_table_of_freshness_is_the_upper_bound(
    signal: Signal, age_s: float, unheard_s: float
) -> None:
    now = signal.evidence.at + age_s
    rule = FRESHNESS[signal.evidence.source]
    busy = signal.state in (State.WORKING, State.STARTING)
    late = age_s > (rule.busy_s if busy else rule.rest_s) * (1 + 1e-9)
    unheard = rule.seen and unheard_s > UNCONFIRMED_S * (1 + 1e-9)
    told = aged(signal, now, now - unheard_s)
    if late or unheard or signal.expired:
        assert told.expired
    elif age_s < 500 and unheard_s < UNCONFIRMED_S * 0.99:
        assert not told.expired
    assert replace(told, expired=signal.expired) == signal


def test_every_source_has_a_line_in_the_table() -> None:
    assert set(FRESHNESS) == set(Source)
