"""The scripted agents are read by the very rules that read real ones."""

from __future__ import annotations

import re

import pytest

from orc_core.agents.prompts import read_prompt
from orc_core.agents.rules import RuleSet, load
from orc_core.agents.signals import states
from orc_core.demo.programs.aider import AiderFace
from orc_core.demo.programs.claude import ClaudeFace
from orc_core.demo.programs.codex import CodexFace
from orc_core.demo.programs.face import Face
from orc_core.demo.programs.play import Play
from orc_core.demo.programs.stories import SCENES
from orc_core.model.agent import Evidence, Prompt, Source, State, Waiting

SGR = re.compile(r"\x1b\[[0-9;]*m")
FACES: dict[str, Face] = {
    "claude": ClaudeFace(),
    "codex": CodexFace("shop"),
    "aider": AiderFace(),
}


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load()


def screen(name: str, at_s: float, width: int = 120, height: int = 40) -> tuple[str, ...]:
    face = FACES[name.partition("-")[0]]
    play = Play(SCENES[name], 0.0, letters=face.letters, line_answers=face.line_answers)
    play.advance(at_s)
    lines = [SGR.sub("", line).rstrip() for line in face.frame(play, at_s, width, height).lines]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def prompt_of(rules: RuleSet, name: str, lines: tuple[str, ...]) -> Prompt:
    evidence = Evidence(Source.SCREEN, "test", 0.0)
    prompt = read_prompt(rules, name.partition("-")[0], name, lines, Waiting.NONE, evidence)
    assert prompt is not None
    return prompt


def screen_state(rules: RuleSet, name: str, lines: tuple[str, ...]) -> State:
    """The state that the screen alone tells."""
    kind = rules.kind(name.partition("-")[0])
    assert kind is not None
    return next(iter(states(kind, lines)), State.UNKNOWN)


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 20)])
@pytest.mark.parametrize(
    ("name", "at_s", "waiting", "labels"),
    [
        ("claude-2", 20.0, Waiting.PERMISSION, 3),
        ("claude-1", 90.0, Waiting.QUESTION, 3),
        ("codex-1", 20.0, Waiting.PERMISSION, 3),
    ],
)
def test_prompts_are_read_whole(
    rules: RuleSet, name: str, at_s: float, waiting: Waiting, labels: int, width: int, height: int
) -> None:
    prompt = prompt_of(rules, name, screen(name, at_s, width, height))
    assert prompt.whole
    assert prompt.waiting is waiting
    assert [choice.keys for choice in prompt.choices] == [(f"{n + 1}",) for n in range(labels)]
    if waiting is Waiting.PERMISSION:
        assert [choice.meaning for choice in prompt.choices] == ["yes", "", "no"]


def test_an_edit_of_codex_is_read_as_one(rules: RuleSet) -> None:
    face = FACES["codex"]
    play = Play(SCENES["codex-1"], 0.0, letters=face.letters)
    play.advance(20.0)
    play.choose(0, 20.0)
    play.advance(60.0)
    lines = tuple(SGR.sub("", line) for line in face.frame(play, 60.0, 120, 40).lines)
    assert prompt_of(rules, "codex-1", lines).subject == "Edit"


@pytest.mark.parametrize(
    ("name", "at_s", "state"),
    [
        ("claude-1", 12.0, State.WORKING),
        ("claude-3", 20.0, State.LIMITED),
        ("claude-4", 20.0, State.IDLE),
        ("codex-2", 20.0, State.WORKING),
        ("codex-3", 20.0, State.IDLE),
        ("aider-1", 5.0, State.WORKING),
        ("aider-2", 20.0, State.WAITING),
    ],
)
def test_screens_alone_tell_the_state(rules: RuleSet, name: str, at_s: float, state: State) -> None:
    assert screen_state(rules, name, screen(name, at_s)) is state
