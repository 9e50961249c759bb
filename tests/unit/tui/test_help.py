"""The help: every key of a pane, and each found by itself or by what it does."""

from __future__ import annotations

import pytest

import scene
from orc_tui import keymap
from orc_tui.keyboard import DEFAULT
from orc_tui.view_models import help
from orc_tui.view_models.lines import text_of
from stage import Stage

AGENTS = DEFAULT.of_pane(keymap.AGENTS)


def shown(wanted: str) -> list[str]:
    return [text_of(line).strip() for line in help.lines(keymap.AGENTS, wanted=wanted)]


def test_without_a_wish_all_keys_are_told_those_of_the_pane_first() -> None:
    told = shown("")
    assert told[0] == "Agents"
    assert told.index("Agents") < told.index("Everywhere")
    assert len(told) == len(AGENTS) + 3  # two headings, a blank line between


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("y", ["answer"]),
        (" y ", ["answer"]),
        ("ctrl+r", ["refresh"]),
        ("attach", ["attach"]),
        ("HALF page", ["half-down", "half-up"]),
        ("no such thing", []),
    ],
)
def test_a_key_is_found_by_itself_or_by_words_of_what_it_does(wanted: str, ids: list[str]) -> None:
    found = [one.id for one in help.find(AGENTS, wanted)]
    assert found[: len(ids)] == ids
    assert bool(found) == bool(ids)


def test_nothing_found_is_said() -> None:
    assert shown("xyzzy") == ["no key here is or does xyzzy"]


async def test_slash_looks_for_a_key_as_it_is_typed_and_each_esc_goes_one_layer_back() -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show(scene.snapshot())
        await pilot.press("question_mark", "slash", *"type")
        await app.settled(pilot)
        text = "\n".join(app.lines())
        assert "type a line to it" in text and "interrupt" not in text
        assert app.lines()[23].strip().startswith("type")
        await pilot.press("enter")
        await app.settled(pilot)
        assert "Keys of Agents  /type" in app.lines()[0]
        await pilot.press("escape")
        await app.settled(pilot)
        assert "answer" in "\n".join(app.lines())
        await pilot.press("slash", "q", "escape")
        await app.settled(pilot)
        assert "Keys of Agents" in app.lines()[0]
        await pilot.press("escape")
        await app.settled(pilot)
        assert app.screen is app.main
