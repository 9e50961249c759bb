"""The fold: precedence, debounce, done until seen, and never working without evidence."""

from __future__ import annotations

from dataclasses import replace

from orc_core.agents.detect import Live, fold, mark_seen
from orc_core.model.agent import Evidence, Signal, Source, State, Waiting

T = 1000.0


def said(source: Source, state: State, **more: object) -> Signal:
    waiting = Waiting.PERMISSION if state is State.WAITING else Waiting.NONE
    return Signal(Evidence(source, f"{source}-rule", T), state, waiting, **more)  # type: ignore[arg-type]


def run(*steps: tuple[float, list[Signal]]) -> Live:
    live: Live | None = None
    for at, signals in steps:
        live = fold(live, signals, at)
    assert live is not None
    return live


def test_precedence_is_proc_level_hook_title_screen() -> None:
    order = [Source.SCREEN, Source.TITLE, Source.HOOK, Source.LEVEL, Source.PROC]
    states = [State.WORKING, State.STARTING, State.ERROR, State.WAITING, State.CRASHED]
    signals: list[Signal] = []
    for source, state in zip(order, states, strict=True):
        signals.append(said(source, state))
        live = fold(None, signals, T)
        assert (live.state, live.evidence.source) == (state, source)


def test_nothing_fresh_is_unknown_and_not_working() -> None:
    assert fold(None, [], T).state is State.UNKNOWN
    working = fold(None, [said(Source.TITLE, State.WORKING)], T)
    stale = fold(working, [said(Source.TITLE, State.WORKING, expired=True)], T + 70)
    assert stale.state is State.UNKNOWN
    assert stale.since == T + 70
    assert fold(stale, [], T + 90).since == T + 70


def test_idle_is_believed_after_a_second_and_a_half_and_is_done_until_seen() -> None:
    busy, idle = [said(Source.LEVEL, State.WORKING)], [said(Source.LEVEL, State.IDLE)]
    assert run((T, busy), (T + 1, idle)).state is State.WORKING
    assert run((T, busy), (T + 1, idle), (T + 2.4, idle)).state is State.WORKING
    done = run((T, busy), (T + 1, idle), (T + 2.5, idle))
    assert (done.state, done.since) == (State.DONE, T + 1)
    assert fold(done, idle, T + 500).state is State.DONE
    seen = mark_seen(done, T + 600)
    assert (seen.state, fold(seen, idle, T + 601).state) == (State.IDLE, State.IDLE)
    assert fold(seen, busy, T + 700).state is State.WORKING


def test_a_flicker_of_idle_does_not_end_the_work() -> None:
    busy, idle = [said(Source.SCREEN, State.WORKING)], [said(Source.SCREEN, State.IDLE)]
    live = run((T, busy), (T + 1, idle), (T + 2, busy), (T + 3, idle), (T + 4, idle))
    assert (live.state, live.since) == (State.WORKING, T)


def test_waiting_is_never_delayed() -> None:
    live = run(
        (T, [said(Source.LEVEL, State.WORKING)]), (T + 0.1, [said(Source.LEVEL, State.WAITING)])
    )
    assert (live.state, live.since, live.waiting) == (State.WAITING, T + 0.1, Waiting.PERMISSION)


def test_a_prompt_on_screen_beats_a_busy_title_that_is_older() -> None:
    busy = said(Source.TITLE, State.WORKING)
    asks = Signal(Evidence(Source.SCREEN, "prompt", T + 0.3), State.WAITING, Waiting.PERMISSION)
    live = fold(fold(None, [busy], T), [busy, asks], T + 0.3)
    assert (live.state, live.evidence.source) == (State.WAITING, Source.SCREEN)
    newer = Signal(Evidence(Source.TITLE, "busy", T + 1), State.WORKING)
    assert fold(live, [newer, asks], T + 1).state is State.WORKING


def test_what_was_idle_when_first_seen_is_not_done() -> None:
    assert run((T, [said(Source.TITLE, State.IDLE)]), (T + 9, [])).state is State.UNKNOWN
    assert fold(None, [said(Source.TITLE, State.IDLE)], T).state is State.IDLE


def test_an_interruption_by_a_person_leaves_nothing_to_see() -> None:
    idle = [said(Source.LEVEL, State.IDLE), said(Source.SCREEN, State.IDLE, attended=True)]
    live = run((T, [said(Source.LEVEL, State.WORKING)]), (T + 1, idle), (T + 3, idle))
    assert live.state is State.IDLE


def test_an_idle_title_gives_way_to_a_prompt_on_the_screen() -> None:
    live = fold(None, [said(Source.TITLE, State.IDLE), said(Source.SCREEN, State.WAITING)], T)
    assert (live.state, live.evidence.source) == (State.WAITING, Source.SCREEN)


def test_an_idle_level_gives_way_to_a_limit_but_not_to_work_on_the_screen() -> None:
    idle = said(Source.LEVEL, State.IDLE)
    assert fold(None, [idle, said(Source.SCREEN, State.LIMITED)], T).state is State.LIMITED
    assert fold(None, [idle, said(Source.SCREEN, State.WORKING)], T).state is State.IDLE


def test_an_idle_level_gives_way_to_a_login_that_the_screen_asks_for() -> None:
    idle = said(Source.LEVEL, State.IDLE)
    login = replace(said(Source.SCREEN, State.WAITING), waiting=Waiting.AUTH)
    live = fold(None, [idle, login], T)
    assert (live.state, live.waiting) == (State.WAITING, Waiting.AUTH)
    asked = said(Source.SCREEN, State.WAITING)
    assert fold(None, [idle, asked], T).state is State.IDLE


def test_a_menu_that_a_person_opened_is_what_the_screen_shows_of_it() -> None:
    menu = replace(said(Source.LEVEL, State.WAITING), waiting=Waiting.QUESTION, attended=True)
    idle, limit = said(Source.TITLE, State.IDLE), said(Source.SCREEN, State.LIMITED)
    assert fold(None, [menu, idle], T).state is State.IDLE
    assert fold(None, [menu, idle, limit], T).state is State.LIMITED
    assert fold(None, [menu, idle, said(Source.SCREEN, State.WAITING)], T).state is State.WAITING
    working = fold(None, [said(Source.LEVEL, State.WORKING)], T)
    assert fold(working, [menu, idle], T + 1, hold=True).state is State.WORKING
    asks = replace(menu, attended=False)
    assert fold(None, [asks, idle], T).state is State.WAITING


def test_agrees_tells_whether_the_screen_says_the_same() -> None:
    busy, waits = said(Source.LEVEL, State.WORKING), said(Source.LEVEL, State.WAITING)
    assert fold(None, [busy], T).agrees
    assert fold(None, [busy, said(Source.SCREEN, State.WORKING)], T).agrees
    assert not fold(None, [busy, said(Source.SCREEN, State.IDLE)], T).agrees
    assert not fold(None, [waits], T).agrees
    assert fold(None, [waits, said(Source.SCREEN, State.WAITING)], T).agrees


def test_a_view_over_the_conversation_holds_the_state() -> None:
    busy = fold(None, [said(Source.SCREEN, State.WORKING)], T)
    assert fold(busy, [], T + 5, hold=True) is busy
    idle_title = [said(Source.TITLE, State.IDLE)]
    assert fold(busy, idle_title, T + 5, hold=True) is busy
    assert fold(busy, [said(Source.LEVEL, State.WAITING)], T + 5, hold=True).state is State.WAITING
    assert fold(None, [], T, hold=True).state is State.UNKNOWN


def test_death_is_believed_at_once() -> None:
    busy = [said(Source.LEVEL, State.WORKING)]
    dead = [said(Source.PROC, State.CRASHED, does="exit 137"), said(Source.LEVEL, State.WORKING)]
    live = run((T, busy), (T + 0.1, dead))
    assert (live.state, live.does) == (State.CRASHED, "exit 137")
    ended = run((T, busy), (T + 0.1, [said(Source.PROC, State.DONE)]))
    assert ended.state is State.DONE
    quiet = run((T, [said(Source.LEVEL, State.IDLE)]), (T + 1, [said(Source.PROC, State.DONE)]))
    assert quiet.state is State.IDLE


def test_a_prompt_that_a_level_says_is_over_is_over() -> None:
    waits, idle = said(Source.LEVEL, State.WAITING), said(Source.LEVEL, State.IDLE)
    assert run((T, [waits]), (T + 0.1, [idle])).state is State.DONE
    title = said(Source.TITLE, State.IDLE)
    assert run((T, [said(Source.SCREEN, State.WAITING)]), (T + 0.1, [title])).state is State.WAITING


def test_a_prompt_on_the_screen_tells_what_a_level_waits_for() -> None:
    level = said(Source.LEVEL, State.WAITING)
    asks = Signal(Evidence(Source.SCREEN, "r", T), State.WAITING, Waiting.QUESTION)
    live = fold(None, [level, asks], T)
    assert (live.waiting, live.evidence.source) == (Waiting.QUESTION, Source.LEVEL)


def test_a_menu_that_the_operator_opened_is_no_question() -> None:
    idle = fold(None, [said(Source.LEVEL, State.IDLE)], T)
    dialog = Signal(Evidence(Source.LEVEL, "r", T), State.WAITING, Waiting.QUESTION)
    assert fold(idle, [dialog], T + 1, hold=True) is idle
    assert fold(idle, [dialog], T + 1).state is State.WAITING


def test_an_event_gives_way_to_a_newer_screen_that_shows_it_is_over() -> None:
    def at(source: Source, state: State, when: float, **more: object) -> Signal:
        return Signal(Evidence(source, "r", when), state, **more)  # type: ignore[arg-type]

    asked = at(Source.HOOK, State.WAITING, T, waiting=Waiting.PERMISSION)
    assert fold(None, [asked, at(Source.SCREEN, State.IDLE, T + 1)], T + 5).state is State.WAITING
    granted = [asked, at(Source.SCREEN, State.WORKING, T + 3)]
    assert fold(None, granted, T + 5).state is State.WORKING
    told = at(Source.HOOK, State.WORKING, T)
    assert fold(None, [told, at(Source.SCREEN, State.IDLE, T + 3)], T + 5).state is State.WORKING
    stopped = [told, at(Source.SCREEN, State.IDLE, T + 3, attended=True)]
    assert fold(None, stopped, T + 5).state is State.IDLE


def test_the_substate_is_that_of_whoever_tells_the_same_state() -> None:
    level = said(Source.LEVEL, State.WORKING)
    screen = said(Source.SCREEN, State.WORKING, substate="compacting")
    assert fold(None, [level, screen], T).substate == "compacting"
    idle = said(Source.SCREEN, State.IDLE, substate="background-shell")
    assert fold(None, [level, idle], T).substate == ""


def test_the_end_of_a_limit_stays_what_it_was_while_the_announcement_stands() -> None:
    def limited(resets_at: float, text: str = "resets 4pm") -> Signal:
        return Signal(Evidence(Source.SCREEN, "limit", T, text), State.LIMITED, resets_at=resets_at)

    first = fold(None, [limited(T + 100)], T)
    assert fold(first, [limited(T + 86_500)], T + 200).resets_at == T + 100
    assert fold(first, [limited(T + 900, "resets 5pm")], T + 200).resets_at == T + 900
    hook = said(Source.HOOK, State.LIMITED)
    assert fold(None, [hook, limited(T + 50)], T).resets_at == T + 50
    assert fold(first, [said(Source.SCREEN, State.IDLE)], T + 9).resets_at == 0.0
