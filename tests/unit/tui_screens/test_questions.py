"""Which prompts are one question: all that says the same, and nothing that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialog_scenes import AGENT, ON_SCREEN, PROMPT
from orc_core.model.agent import Choice, Prompt
from orc_tui.view_models.questions import counterpart, gather

OTHER = replace(AGENT, key="/tmp/s:%9", name="claude-4", cwd="~/src/other")
SAME = replace(PROMPT, agent="claude-4", fingerprint="f2")


def names(*asked: Prompt, alike: bool = True) -> list[list[str]]:
    agents = (AGENT, OTHER, replace(OTHER, key="c", name="claude-9"))
    found = gather(list(zip(agents, asked, strict=False)), alike=alike)
    return [[agent.name for agent in one.agents] for one in found]


def test_equal_prompts_are_one_question() -> None:
    padded = replace(SAME, lines=("", *(f"{line}  " for line in SAME.lines)))
    assert names(PROMPT, SAME, padded) == [["claude-2", "claude-4", "claude-9"]]
    assert names(PROMPT, SAME, alike=False) == [["claude-2"], ["claude-4"]]


@pytest.mark.parametrize(
    "differs",
    [
        replace(SAME, lines=("npm run migrate -- --env production", SAME.lines[1])),
        replace(SAME, lines=("npm  run migrate -- --env staging", SAME.lines[1])),
        replace(SAME, choices=SAME.choices[:2]),
        replace(SAME, choices=(*SAME.choices[:2], Choice(3, "No", ("3",), "no"))),
        replace(SAME, choices=(replace(SAME.choices[0], keys=("y",)), *SAME.choices[1:])),
        replace(SAME, risks=("a path outside the work tree",)),
        replace(SAME, subject="Edit file"),
        replace(SAME, whole=False),
    ],
)
def test_what_could_be_decided_differently_is_another_question(differs: Prompt) -> None:
    assert names(PROMPT, differs, SAME) == [["claude-2", "claude-9"], ["claude-4"]]


def test_what_was_not_seen_whole_is_never_the_same() -> None:
    cut = replace(PROMPT, whole=False)
    assert names(cut, cut) == [["claude-2"], ["claude-4"]]


def test_another_kind_of_agent_is_asked_apart() -> None:
    assert len(gather([(AGENT, PROMPT), (ON_SCREEN, PROMPT)], alike=True)) == 2


def test_the_same_choice_of_another_prompt() -> None:
    assert counterpart(SAME, PROMPT.choices[2]) is SAME.choices[2]
    assert counterpart(replace(SAME, choices=()), PROMPT.choices[0]) is None
