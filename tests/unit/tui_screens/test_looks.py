"""Choosing a theme: it is worn as the cursor comes to it, and taken off on the way back."""

from __future__ import annotations

import pytest

from dialog_stage import Stage
from orc_tui.screens.looks import ThemeMenu
from orc_tui.screens.sheet import Sheet
from orc_tui.themes import BUILT_IN


def menu(worn: str = "dark") -> ThemeMenu:
    names = tuple(BUILT_IN)
    return ThemeMenu(names, worn, [""] * len(names))


async def test_the_theme_under_the_cursor_is_worn_and_enter_keeps_it() -> None:
    stage = Stage(menu())
    async with stage.run_test() as pilot:
        ground = stage.palette.ground.bgcolor
        await pilot.press("j")
        assert stage.worn == "light"
        assert stage.palette.ground.bgcolor != ground
        drawn = stage.shown.query_one(Sheet).render_line(1)
        grounds = {part.style.bgcolor for part in drawn if part.style}
        assert grounds == {stage.palette.ground.bgcolor}
        await pilot.press("j", "enter")
    assert (stage.results, stage.worn) == (["contrast"], "contrast")


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_going_back_brings_back_the_theme_of_before(key: str) -> None:
    stage = Stage(menu("light"), theme="light")
    async with stage.run_test() as pilot:
        await pilot.press("k", "k", "k", key)
    assert (stage.results, stage.worn) == ([None], "light")
