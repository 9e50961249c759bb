"""The answer card as lines: exact to the sketch, whole, and honest about its source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialog_scenes import AGENT, NOW, ON_SCREEN, PROMPT, RISKY
from orc_core.model.agent import Agent, Prompt
from orc_tui.view_models import card
from orc_tui.view_models.card import Card, Said
from orc_tui.view_models.lines import text_of, width_of

SKETCH = """\
╭─ Answer  1 of 3 ────────────── claude-2 · T-14 Staging migration for orders ─╮
│  an answer cannot be undone                                                  │
│  Bash command                                                 ~/src/shop-t14 │
│                                                                              │
│    npm run migrate -- --env staging                                          │
│    Apply pending migrations to the staging database                          │
│                                                                              │
│  y  1  Yes                                                                   │
│     2  Yes, and don't ask again for: npm run migrate                         │
│  n  3  No, and tell Claude what to do differently                            │
│                                                                              │
│  waits 4m · hook PermissionRequest · the screen shows the same prompt        │
╰─ y yes  n no  1-3 choose  i no, because  . skip  a attach  w why ─ Esc back ─╯"""


def a_card(prompt: Prompt = PROMPT, agent: Agent = AGENT) -> Card:
    return Card(prompt, agent, 1, 3, NOW, "Staging migration for orders")


def drawn(shown: Card, width: int = 80, height: int = 14) -> str:
    return "\n".join(text_of(line) for line in card.lines(shown, width, height))


def test_the_card_is_the_sketch() -> None:
    assert drawn(a_card()) == SKETCH


def test_the_subject_is_not_said_twice() -> None:
    prompt = replace(PROMPT, lines=("Bash command", "", *PROMPT.lines))
    assert drawn(a_card(prompt)) == SKETCH


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("prompt", [PROMPT, RISKY, replace(PROMPT, whole=False)])
def test_every_line_has_the_width(width: int, prompt: Prompt) -> None:
    wide = replace(prompt, lines=("漢字" * 60, "x" * 300), subject="漢" * 70)
    lines = card.lines(a_card(wide), width, 20)
    assert {width_of(line) for line in lines} == {width}


def test_no_line_of_a_long_prompt_is_lost() -> None:
    prompt = replace(PROMPT, lines=tuple(f"line {n} of it" for n in range(40)))
    seen: set[str] = set()
    for scroll in range(card.last_scroll(a_card(prompt), 80, 14) + 1):
        text = drawn(replace(a_card(prompt), scroll=scroll))
        assert len(text.split("\n")) <= 14
        seen |= {line for line in prompt.lines if f"{line} " in text}
    assert seen == set(prompt.lines)


def test_hostile_text_stays_text() -> None:
    prompt = replace(PROMPT, subject="\x1b[31m[/red]", lines=("\x1b]0;owned\x07[bold]a", "b\rc"))
    text = drawn(a_card(prompt))
    assert "\x1b" not in text and "\x07" not in text and "\r" not in text
    assert "[bold]a" in text


def test_choices_by_letter_and_number() -> None:
    assert card.choice_for(PROMPT, "y") is PROMPT.choices[0]
    assert card.choice_for(PROMPT, "n") is PROMPT.choices[2]
    assert card.choice_for(PROMPT, "2") is PROMPT.choices[1]
    assert card.choice_for(PROMPT, "4") is None
    assert card.choice_for(replace(PROMPT, choices=()), "y") is None


def test_what_was_not_seen_whole_can_only_be_refused() -> None:
    cut = replace(PROMPT, whole=False)
    shown = a_card(cut)
    assert card.refusal(shown, cut.choices[0]) and card.refusal(shown, cut.choices[1])
    assert card.refusal(shown, cut.choices[2]) == ""
    assert card.refusal(a_card(), PROMPT.choices[0]) == ""
    assert "its beginning or end was not seen" in drawn(a_card(cut))


def test_a_risk_names_itself_and_wants_two_presses_of_anything_but_no() -> None:
    assert "▲ risk: rm -rf deletes without asking" in drawn(a_card(RISKY))
    assert card.wants_twice(RISKY, RISKY.choices[0])
    assert not card.wants_twice(RISKY, RISKY.choices[1])
    assert not card.wants_twice(PROMPT, PROMPT.choices[0])


def test_the_source_is_named() -> None:
    assert card.source(a_card()).endswith("the screen shows the same prompt")
    assert card.source(a_card(agent=ON_SCREEN)) == "waits 2m · screen only"
    assert "the screen differs" in card.source(a_card(agent=replace(AGENT, agrees=False)))


def test_the_folder_is_told_as_live_tells_it() -> None:
    agent = replace(AGENT, cwd="/home/ada/src/shop")
    assert " ~/src/shop │" in drawn(replace(a_card(agent=agent), home="/home/ada"))


def test_several_agents_are_named_and_their_folders_counted() -> None:
    others = (replace(AGENT, name="claude-4"), replace(AGENT, name="claude-9", cwd="~/src/b"))
    text = drawn(replace(a_card(), others=others), height=16)
    assert "3 agents ask the same" in text and "2 folders" in text
    assert "one answer for claude-2, claude-4, claude-9" in text


def test_what_became_of_the_last_answer_stays_without_a_prompt() -> None:
    said = (Said("codex-1: nothing sent: the prompt has changed", "error"), Said("b", "done"))
    lines = card.resting(said, 2, 80)
    text = "\n".join(text_of(line) for line in lines)
    assert {width_of(line) for line in lines} == {80}
    assert "2 answered" in text and "the prompt has changed" in text and card.NOBODY in text
