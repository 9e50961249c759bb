"""What is seen first: the panes, before the core and the commands are even loaded."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from rich.console import RenderableType
from textual.screen import Screen

from orc_core.errors import UsageError
from orc_core.hub import Core
from orc_tui import first_frame, keymap
from orc_tui.app import OrcApp
from orc_tui.first_frame import FirstFrame
from orc_tui.main import LateCommands
from orc_tui.messages import Act
from orc_tui.screens.main import MainScreen

AGENTS = keymap.PANE_NAMES[keymap.AGENTS]


async def test_the_core_is_opened_behind_the_frame_that_shows_the_panes() -> None:
    drawn: list[str] = []
    before: list[str] = []

    class Watched(OrcApp):
        def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
            if renderable is not None:
                drawn.append("\n".join(strip.text for strip in screen._compositor.render_strips()))
            super()._display(screen, renderable)

    def opened() -> AbstractAsyncContextManager[Core]:
        before.extend(drawn)
        assert gc.isenabled()
        raise UsageError("there is nothing to watch")

    app = Watched(opened, remembers=False)
    gc.disable()
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
    finally:
        gc.enable()
    assert app.return_code == 1
    assert before and AGENTS in before[-1]


def test_nothing_of_the_core_or_the_commands_is_loaded_for_the_first_frame() -> None:
    late = ("orc_core.hub", "orc_core.lifecycle", "orc_core.tmux", "orc_tui.commands")
    told = "import sys, orc_tui.main, orc_tui.app; print([m for m in sys.modules if m in sys.argv])"
    assert subprocess.check_output([sys.executable, "-c", told, *late], text=True) == "[]\n"


async def test_an_act_before_the_core_is_open_loads_the_commands_and_is_done() -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Core]:
        await asyncio.Event().wait()
        raise AssertionError("nobody opens it")
        yield

    app = OrcApp(opened, remembers=False)
    app.commands = LateCommands(app)
    async with app.run_test(size=(120, 40)) as pilot:
        app.post_message(Act("alerts", keymap.AGENTS, ""))
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.told == ["there is no Alerts view in this version"]


async def test_a_frame_that_does_not_come_keeps_nothing_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first_frame, "FIRST_FRAME_S", 0.01)
    gc.disable()
    try:
        await FirstFrame().wait(MainScreen())
        assert gc.isenabled()
    finally:
        gc.enable()
