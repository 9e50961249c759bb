"""Every screen of the corpus tells what its label says, and every rule has a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

import corpus_screens
from orc_core.agents.classify import classify, kind_of_screen
from orc_core.agents.detect import fold
from orc_core.agents.endings import left_shell, unruled
from orc_core.agents.rules import RuleSet
from orc_core.agents.signals import signals
from orc_core.model.agent import OTHER, State, Waiting
from orc_core.tmux.watcher import PaneInfo

pytest_plugins = ("agents_on_stage",)

NOW = 1_800_000_000.0
RIGHT_SHARE = 0.97
CORPUS = corpus_screens.corpus()
OF_AGENTS = [one for one in CORPUS if one.agent != corpus_screens.SHELL]
OF_NOBODY = [one for one in CORPUS if one.agent == corpus_screens.SHELL]
Pane = Callable[..., PaneInfo]


@dataclass(frozen=True)
class Told:
    state: State
    waiting: Waiting
    substate: str
    hold: bool


def told(rules: RuleSet, pane: Pane, one: corpus_screens.Labelled) -> Told:
    """What orc makes of a screen that it sees for the first time."""
    info = pane(title=one.label.title, command=one.label.command or one.agent)
    if one.agent == corpus_screens.SHELL:
        ended = one.label.state in (State.CRASHED, State.DONE)
        signal = (
            left_shell(one.lines, one.label.command, 0.0, NOW)
            if ended
            else unruled(info, (one.label.command,), NOW)
        )
        return Told(signal.state, signal.waiting, signal.substate, hold=False)
    read = signals(rules, one.agent, info, one.lines, NOW)
    if read.hold:
        return Told(State.UNKNOWN, Waiting.NONE, "", hold=True)
    live = fold(None, read.signals, NOW)
    return Told(live.state, live.waiting, live.substate, hold=False)


def labelled(one: corpus_screens.Labelled) -> Told:
    label = one.label
    return Told(label.state, label.waiting, label.substate, label.hold)


@pytest.mark.parametrize("one", CORPUS, ids=[one.name for one in CORPUS])
def test_the_screen_tells_its_label(
    one: corpus_screens.Labelled, rules: RuleSet, pane: Pane
) -> None:
    assert told(rules, pane, one) == labelled(one)


def test_the_score(rules: RuleSet, pane: Pane) -> None:
    said = [(one, told(rules, pane, one)) for one in CORPUS]
    right = [one for one, state in said if state == labelled(one)]
    assert len(right) >= RIGHT_SHARE * len(CORPUS)
    for grave in (State.CRASHED, State.WAITING):
        false = [one.name for one, now in said if now.state is grave is not one.label.state]
        assert false == [], f"called {grave} and is not"


@pytest.mark.parametrize("one", CORPUS, ids=[one.name for one in CORPUS])
def test_a_label_is_sound(one: corpus_screens.Labelled) -> None:
    label = one.label
    assert label.origin in ("lab", "written")
    assert label.version or label.origin == "written", "the lab knows which version it ran"
    assert (label.state is State.WAITING) == (label.waiting is not Waiting.NONE)
    assert not label.hold or label.state is State.UNKNOWN
    assert bool(label.command) == (one.agent == corpus_screens.SHELL)


def test_the_corpus_is_wide_enough() -> None:
    assert sum(one.label.decoy for one in CORPUS) >= 25
    assert len({one.agent for one in OF_AGENTS}) >= 6
    states = {one.label.state for one in CORPUS}
    assert states >= {State.WORKING, State.WAITING, State.IDLE, State.ERROR, State.LIMITED}
    assert states >= {State.CRASHED, State.DONE, State.UNKNOWN}


def test_each_agent_with_screens_has_rules(rules: RuleSet) -> None:
    assert {one.agent for one in OF_AGENTS} <= {kind.id for kind in rules.kinds}


def test_each_rule_and_prompt_is_proved_by_a_screen(rules: RuleSet, pane: Pane) -> None:
    proved = set()
    for one in OF_AGENTS:
        read = signals(rules, one.agent, pane(title=one.label.title), one.lines, NOW)
        proved |= {signal.evidence.rule for signal in read.signals} | {read.held_by}
    asked = {
        f"{kind.id}/{part.id}"
        for kind in rules.kinds
        for part in (*kind.prompts, *(rule for rule in kind.rules if rule.source == "screen"))
    }
    assert sorted(asked - proved) == []


def test_a_screen_alone_tells_whose_it_is(rules: RuleSet) -> None:
    telling = [one for one in OF_AGENTS if one.label.state is not State.UNKNOWN]
    said = {one.name: kind_of_screen(rules, one.lines, one.label.title) for one in telling}
    right = [one for one in telling if (kind := said[one.name]) and kind.id == one.agent]
    assert len(right) >= RIGHT_SHARE * len(telling)


@pytest.mark.parametrize("one", OF_NOBODY, ids=[one.name for one in OF_NOBODY])
def test_a_pane_that_no_rule_knows_stays_other(
    one: corpus_screens.Labelled, rules: RuleSet
) -> None:
    told = classify(rules, one.lines, NOW)
    assert (told.agent, told.state, told.rule) == (OTHER, State.UNKNOWN, "no-rule")
