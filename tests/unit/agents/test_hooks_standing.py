"""Where an agent stands after its events, for how long, and what the fold makes of that."""

from __future__ import annotations

import math
from typing import Any

import pytest

from orc_core.agents.detect import EDGE_DOUBTED_S, EDGE_SETTLES_S, Live, doubted_at, fold
from orc_core.agents.hooks.events import Event, Happening
from orc_core.agents.hooks.standing import LASTS_S, Standing, standing
from orc_core.model.activity import Deed
from orc_core.model.agent import Evidence, Signal, Source, State, Waiting
from orc_core.model.substates import SUBSTATES

NOW = 1_800_000_000.0
H = Happening


def event(what: Happening, at: float = 0.0, **given: Any) -> Event:
    facts = {"name": what.value, "agent": "claude", "socket": "/s", "pane": "%1", "pid": 0}
    return Event(what=what, at=NOW + at, runners=(), **(facts | given))


def said(*events: Event, at: float = 1.0, resets_at: float = 0.0) -> Signal:
    signal = standing(events).signal(NOW + at, resets_at)
    assert signal is not None
    return signal


@pytest.mark.parametrize(
    ("what", "state", "waiting"),
    [
        (H.PROMPT, State.WORKING, Waiting.NONE),
        (H.TOOL, State.WORKING, Waiting.NONE),
        (H.TOOL_DONE, State.WORKING, Waiting.NONE),
        (H.PERMISSION, State.WAITING, Waiting.PERMISSION),
        (H.QUESTION, State.WAITING, Waiting.QUESTION),
        (H.ANSWERED, State.WORKING, Waiting.NONE),
        (H.STOPPED, State.DONE, Waiting.NONE),
        (H.FAILED, State.ERROR, Waiting.NONE),
        (H.INTERRUPTED, State.IDLE, Waiting.NONE),
        (H.BEGAN, State.STARTING, Waiting.NONE),
        (H.ENDED, State.DONE, Waiting.NONE),
    ],
)
def test_the_newest_event_tells_the_state(what: Happening, state: State, waiting: Waiting) -> None:
    signal = said(event(H.PROMPT, -1), event(what))
    assert (signal.state, signal.waiting) == (state, waiting)
    assert signal.evidence == Evidence(Source.HOOK, f"claude/{what.value}", NOW, "")
    assert signal.attended == (what is H.INTERRUPTED)


@pytest.mark.parametrize("what", LASTS_S)
def test_every_word_expires(what: Happening) -> None:
    assert not said(event(what), at=LASTS_S[what]).expired
    assert said(event(what), at=LASTS_S[what] + 1).expired


def test_nothing_was_heard() -> None:
    assert standing([]).signal(NOW) is None
    assert standing([event(H.STATUS_LINE)]).signal(NOW) is None


def test_why_a_turn_ended_is_told() -> None:
    limited = event(H.FAILED, error="rate_limit", said="You hit it")
    assert said(limited).state is State.LIMITED
    assert said(limited, resets_at=NOW + 60).resets_at == NOW + 60
    assert said(limited, at=61.0, resets_at=NOW + 60).expired
    assert said(limited, resets_at=NOW - 60).resets_at == 0.0
    announced = event(H.FAILED, error="rate_limit", said="You hit it · resets in 2h")
    assert said(announced).resets_at == NOW + 7200
    assert said(announced, resets_at=NOW + 60).resets_at == NOW + 60
    refused = said(event(H.FAILED, error="authentication_failed"))
    assert (refused.state, refused.substate) == (State.ERROR, "auth-401")
    assert said(event(H.FAILED, error="overloaded")).substate == "overloaded"
    names = ("rate_limit", "billing_error", "model_not_found", "server_error", "invalid_request")
    assert {said(event(H.FAILED, error=name)).substate for name in names} < set(SUBSTATES)
    assert said(event(H.FAILED, error="something new")).substate == ""
    assert said(event(H.FAILED, error="x"), event(H.STOPPED, 1)).state is State.ERROR
    assert said(event(H.INTERRUPTED), event(H.STOPPED, 1)).state is State.IDLE


def test_the_end_of_a_turn_says_what_was_said() -> None:
    assert said(event(H.STOPPED, said="All tests pass")).does == "All tests pass"
    waits = said(event(H.STOPPED, said="x", background=2))
    assert (waits.state, waits.substate, waits.does) == (
        State.IDLE,
        "background-shell",
        "2 in the background",
    )


def test_compaction_is_work_and_no_new_session() -> None:
    events = [event(H.TOOL), event(H.COMPACTING, 1), event(H.BEGAN, 2, reason="compact")]
    assert said(*events).substate == "compacting"
    assert said(*events).state is State.WORKING
    assert said(event(H.STOPPED), event(H.ENDED, 1, reason="clear")).state is State.DONE
    assert said(event(H.BEGAN, reason="clear")).state is State.IDLE


def ask(at: float = 2.0, **given: Any) -> Event:
    return event(H.PERMISSION, at, **({"tool": "Bash", "does": "Bash  rm"} | given))


def test_the_end_of_another_call_does_not_answer_a_question() -> None:
    before = event(H.TOOL, 0, tool="Read", tool_id="r", does="Read  x")
    asked = event(H.TOOL, 1, tool="Bash", tool_id="b", does="Bash  rm")
    other = event(H.TOOL_DONE, 3, tool="Read", tool_id="r", does="Read  x")
    own = event(H.TOOL_DONE, 4, tool="Bash", tool_id="b", does="Bash  rm")
    assert said(before, asked, ask(), other).state is State.WAITING
    assert said(before, asked, ask(), other, own).state is State.WORKING
    assert said(ask(), event(H.TOOL_DONE, 5, tool="Bash")).state is State.WORKING
    assert said(before, asked, ask(), event(H.TOOL, 9, tool_id="n")).state is State.WORKING


def test_a_late_notice_adds_nothing_to_a_question() -> None:
    late = event(H.PERMISSION, 8, name="Notification", does="Claude needs your permission")
    assert said(ask(), late).does == "Bash  rm"
    assert said(event(H.TOOL), late).state is State.WAITING
    assert said(ask(), event(H.BUSY, 3)).state is State.WAITING
    assert said(event(H.STOPPED, said="x"), event(H.IDLE, 60)).state is State.DONE
    assert said(event(H.TOOL), event(H.IDLE, 60)).attended


def test_an_agent_inside_the_agent_only_asks() -> None:
    inner = {"nested": True}
    assert said(event(H.TOOL), event(H.STOPPED, 1, **inner)).state is State.WORKING
    assert said(event(H.TOOL), ask(**inner)).state is State.WAITING
    done = event(H.TOOL_DONE, 3, tool="Bash", does="Bash  rm", **inner)
    assert said(event(H.TOOL), ask(**inner), done).state is State.WORKING
    assert said(event(H.STOPPED), event(H.TOOL, 1, **inner)).state is State.DONE


def test_what_is_kept_beside_the_state() -> None:
    events = [
        event(H.PROMPT, prompt="bump eslint", session="s", transcript="/t"),
        event(H.TOOL_DONE, 1, file="/a.py"),
        event(H.TOOL_DONE, 2, file="/a.py"),
        event(H.TOOL_DONE, 3, file="/b.py", nested=True, session="other"),
        event(H.STOPPED, 4, session="s", transcript="/t"),
    ]
    now = standing(events)
    assert (now.prompt, now.session, now.transcript) == ("bump eslint", "s", "/t")
    assert now.files == ("/a.py", "/b.py")
    many = standing(event(H.TOOL_DONE, n, file=f"/{n}", tool_id=str(n)) for n in range(999))
    assert len(many.files) == 32
    assert len(standing(event(H.TOOL, n, tool_id=str(n)) for n in range(999)).open) == 32
    assert standing(events[3:], standing(events[:3])) == now
    assert Standing().last is None


def test_what_an_agent_did_is_kept_with_its_times_and_counted() -> None:
    deeds = standing(
        [
            event(H.PROMPT, prompt="bump eslint"),
            event(H.TOOL, 1, file="/a.py", tool_id="1"),
            event(H.TOOL, 2, file="/b.py", tool_id="2", nested=True),
            event(H.PROMPT, 3, prompt="an agent inside", nested=True),
            event(H.FAILED, 4),
            event(H.TOOL, 5, file="/a.py", tool_id="3"),
        ]
    ).deeds
    assert deeds.files == (Deed(NOW + 2, "/b.py"), Deed(NOW + 5, "/a.py"))
    assert deeds.prompts == (Deed(NOW, "bump eslint"),)
    assert (deeds.since, deeds.prompted, deeds.calls, deeds.failures) == (NOW, 1, 3, 1)
    many = standing(event(H.PROMPT, n, prompt=str(n)) for n in range(99)).deeds
    assert (len(many.prompts), many.prompts[-1].text, many.prompted) == (32, "98", 99)


def seen(
    source: Source, state: State, at: float, *, attended: bool = False, does: str = ""
) -> Signal:
    waiting = Waiting.PERMISSION if state is State.WAITING else Waiting.NONE
    return Signal(Evidence(source, "r", NOW + at), state, waiting, does, attended=attended)


def decided(*signals: Signal, previous: Live | None = None, at: float = 20.0) -> Live:
    return fold(previous, signals, NOW + at, confirmed_at=NOW + at)


def test_a_hook_beats_what_was_seen_before_it_and_for_a_moment_all() -> None:
    asks = said(ask(0))
    for source in (Source.TITLE, Source.SCREEN):
        for changed, at in ((-5.0, EDGE_SETTLES_S), (1.0, EDGE_SETTLES_S)):
            live = decided(asks, seen(source, State.WORKING, changed), at=at)
            assert (live.state, live.evidence.source) == (State.WAITING, Source.HOOK)


def test_nobody_tells_that_a_person_answered_or_interrupted() -> None:
    asks, works = said(ask(0)), said(event(H.TOOL))
    soon = EDGE_SETTLES_S + 1
    works_on = seen(Source.TITLE, State.WORKING, 1)
    assert decided(asks, works_on, at=soon).state is State.WORKING
    esc = seen(Source.SCREEN, State.IDLE, 1, attended=True)
    plain = seen(Source.SCREEN, State.IDLE, 1)
    for edge, state in ((asks, State.WAITING), (works, State.WORKING)):
        assert decided(edge, esc, at=soon).state is State.IDLE
        assert decided(edge, plain, at=soon).state is state
        assert decided(edge, plain, at=EDGE_DOUBTED_S + 1).state is State.IDLE


def test_nothing_delays_waiting() -> None:
    prompt = seen(Source.SCREEN, State.WAITING, 0.1)
    assert decided(said(event(H.TOOL)), prompt).state is State.WAITING
    assert decided(said(event(H.STOPPED)), prompt).state is State.WAITING


def test_why_a_turn_ended_outlasts_an_idle_level_and_screen() -> None:
    limited = said(event(H.FAILED, error="rate_limit"))
    for source in (Source.LEVEL, Source.TITLE, Source.SCREEN):
        live = decided(limited, seen(source, State.IDLE, 15))
        assert (live.state, live.evidence.source) == (State.LIMITED, Source.HOOK)
    assert decided(limited, seen(Source.LEVEL, State.WORKING, 15)).state is State.WORKING
    assert decided(limited, seen(Source.SCREEN, State.WORKING, 15)).state is State.WORKING


def test_a_level_beats_every_other_hook_and_borrows_its_words() -> None:
    works = said(event(H.TOOL, does="Bash  npm test"))
    live = decided(works, seen(Source.LEVEL, State.WORKING, 15))
    assert (live.evidence.source, live.does) == (Source.LEVEL, "Bash  npm test")
    assert decided(works, seen(Source.LEVEL, State.IDLE, 15)).state is State.IDLE


def test_what_was_said_at_the_end_is_news_until_it_is_seen() -> None:
    stops = said(event(H.STOPPED, said="All tests pass"))
    busy = Live(State.WORKING, NOW, Evidence(Source.HOOK, "r", NOW), quiet_since=NOW)
    for signals in ([stops], [stops, seen(Source.LEVEL, State.IDLE, 1)]):
        done = decided(*signals, previous=busy)
        assert (done.state, done.does) == (State.DONE, "All tests pass")
        looked = Live(State.IDLE, NOW, done.evidence, quiet_since=NOW)
        idle = decided(*signals, previous=looked)
        assert (idle.state, idle.does) == (State.IDLE, "")


def test_a_hook_that_expired_leaves_it_to_the_others() -> None:
    gone = said(event(H.TOOL), at=LASTS_S[H.TOOL] + 1)
    assert decided(gone, seen(Source.SCREEN, State.IDLE, 1)).state is State.IDLE
    assert decided(gone).state is State.UNKNOWN


def test_a_screen_that_stands_still_overtakes_an_event_when_that_was_confirmed() -> None:
    asked = seen(Source.HOOK, State.WAITING, 0.0)
    gave_up = seen(Source.SCREEN, State.IDLE, 0.1, attended=True)
    told = [asked, gave_up]
    later = NOW + EDGE_SETTLES_S + 1
    assert fold(None, told, later).state is State.WAITING, "nobody looked since"
    assert fold(None, told, later, confirmed_at=later).state is State.IDLE
    assert doubted_at(told, NOW + 0.1) == NOW + EDGE_SETTLES_S
    assert doubted_at(told, later) == NOW + EDGE_DOUBTED_S
    assert doubted_at([asked], NOW) == doubted_at([gave_up], NOW) == math.inf


def test_a_prompt_read_before_an_event_does_not_overtake_it() -> None:
    went_on = seen(Source.HOOK, State.WORKING, 5.0)
    prompt = seen(Source.SCREEN, State.WAITING, 4.9)
    assert fold(None, [went_on, prompt], NOW + 6, confirmed_at=NOW + 6).state is State.WORKING
