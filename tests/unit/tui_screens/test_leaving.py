"""A screen that was left leaves nothing of what it drew behind."""

from __future__ import annotations

import gc
import weakref

from textual._styles_cache import StylesCache

from dialog_stage import Stage
from orc_tui.screens.menu import Menu
from orc_tui.screens.newtask import NewTask


async def test_what_was_drawn_goes_with_its_screen() -> None:
    """A cache of Textual's would hold the lines of the last thousand widgets."""
    stage = Stage(Menu("What?", []))
    async with stage.run_test(size=(80, 24)) as pilot:
        drawn: list[weakref.ref[StylesCache]] = []
        for _ in range(4):
            form = NewTask()
            await stage.push_screen(form)
            await pilot.pause()
            drawn.append(weakref.ref(form._styles_cache))
            del form
            await pilot.press("escape")
            await pilot.pause()
        gc.collect()
        assert [one() for one in drawn[:-1]] == [None] * 3, "the last one may be known yet"
        assert StylesCache.get_inner_outer.cache_info().currsize < 10
