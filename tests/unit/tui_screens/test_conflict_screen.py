"""The conflict view: choosing writes nothing, and leaving keeps what was chosen."""

from __future__ import annotations

import pytest

from dialog_scenes import CONFLICTS, NOW, PRIORITY, TEXT, TITLE, TITLES
from dialog_stage import Stage
from orc_tui.screens.conflict import BOTH_IS_OFF, ConflictView, Verdict
from orc_tui.view_models.conflict_view import Taken


def a_stage(at: str = "C-7", taken: dict[str, Taken] | None = None) -> Stage:
    return Stage(ConflictView(CONFLICTS, at=at, titles=TITLES, taken=taken or {}, now=NOW))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_one_key_each_and_enter_writes_when_nothing_is_left(size: tuple[int, int]) -> None:
    stage = a_stage()
    async with stage.run_test(size=size) as pilot:
        await pilot.press("o")
        assert "took claude-2" in stage.text
        await pilot.press("enter")
        assert stage.results == []
        assert "not decided yet: priority" in stage.text
        await pilot.press("t", "enter")
        taken = {"C-7": Taken("left"), "C-8": Taken("right")}
        assert stage.results == [Verdict("write", taken, (TITLE, PRIORITY))]


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_leaving_keeps_the_choices(key: str) -> None:
    stage = a_stage()
    async with stage.run_test() as pilot:
        await pilot.press("B", key)
        assert stage.results == [Verdict("keep", {"C-7": Taken("base")})]


async def test_kept_choices_are_there_again_and_u_clears_one() -> None:
    stage = a_stage(taken={"C-7": Taken("left")})
    async with stage.run_test(size=(120, 36)) as pilot:
        assert "took claude-2" in stage.text
        await pilot.press("u", "escape")
        assert stage.results == [Verdict("keep", {})]


async def test_sides_by_arrows_and_space() -> None:
    stage = a_stage(at="C-9")
    async with stage.run_test(size=(160, 48)) as pilot:
        await pilot.press("right", "right", "right", "space", "enter")
        assert stage.results == [Verdict("write", {"C-9": Taken("right")}, (TEXT,))]


async def test_the_hidden_base_is_stepped_over_until_p_shows_it() -> None:
    stage = a_stage(at="C-9")
    async with stage.run_test(size=(120, 36)) as pilot:
        await pilot.press("right", "space")
        assert "took codex-1" in stage.text
        assert "B  base" not in stage.text
        await pilot.press("p", "left", "space")
        assert "B  base" in stage.text and "took base" in stage.text


async def test_b_says_why_it_is_off() -> None:
    stage = a_stage()
    async with stage.run_test(size=(120, 36)) as pilot:
        await pilot.press("b")
        assert BOTH_IS_OFF in stage.text
        await pilot.press("escape")
        assert stage.results == [Verdict("keep", {})]


async def test_moving_among_parts_and_documents() -> None:
    stage = a_stage()
    async with stage.run_test(size=(120, 36)) as pilot:
        await pilot.press("j")
        assert "Conflict C-8" in stage.text
        await pilot.press("k", "o")
        assert "Conflict C-8" in stage.text, "the cursor goes on to what is open"
        await pilot.press("comma")
        assert "Conflict C-8" in stage.text, "nothing else is open here"
        await pilot.press("right_square_bracket")
        assert "Conflict C-9" in stage.text and "conflict 2 of 2" in stage.text
        await pilot.press("left_square_bracket")
        assert "took claude-2" in stage.text, "choices are kept between documents"


async def test_e_edits_the_value_that_will_be_written() -> None:
    stage = a_stage()
    async with stage.run_test() as pilot:
        await pilot.press("e", *" now", "enter", "t", "enter")
        await pilot.pause()
        mine = Taken("value", "Staging migration for all orders now")
        taken = {"C-7": mine, "C-8": Taken("right")}
        assert stage.results == [Verdict("write", taken, (TITLE, PRIORITY))]


async def test_a_value_that_the_model_refuses_is_not_taken() -> None:
    stage = a_stage(at="C-8")
    async with stage.run_test() as pilot:
        await pilot.press("e", "backspace", "backspace", *"99", "enter")
        assert "priority" in str(stage.screen.query_one(".fault").render())
        await pilot.press("escape", "escape")
        assert stage.results == [Verdict("keep", {})]


async def test_later_names_the_conflict_under_the_cursor() -> None:
    stage = a_stage()
    async with stage.run_test() as pilot:
        await pilot.press("j", "L")
        assert stage.results == [Verdict("later", {}, (PRIORITY,))]


async def test_the_verbs_of_everywhere_leave_as_acts() -> None:
    stage = a_stage()
    async with stage.run_test() as pilot:
        await pilot.press("z", "H", "Z")
        assert stage.acts == [
            ("undo", "conflicts", "C-7"),
            ("history", "conflicts", "C-7"),
            ("redo", "conflicts", "C-7"),
        ]
        assert stage.results == []


async def test_a_click_on_a_side_takes_it() -> None:
    stage = a_stage(at="C-9")
    async with stage.run_test(size=(160, 48)) as pilot:
        lines = stage.text.split("\n")
        row = next(n for n, line in enumerate(lines) if "t  codex-1" in line)
        await pilot.click(offset=(lines[row].index("t  codex-1"), row))
        await pilot.pause()
        assert "took codex-1" in stage.text
