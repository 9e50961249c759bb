"""Traps of the screen library that a dashboard must not step into, each shown shut.

That of a terminal that is gone is in `test_terminal_gone`, those of a terminal that is handed
over in `test_attach`.
"""

from __future__ import annotations

import ast
import gc
import os
import signal
import weakref
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

import orc_tui
import scene
from bare_terminal import shown
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.help import HelpScreen
from orc_tui.screens.line import LineInput
from orc_tui.screens.menu import Menu
from orc_tui.screens.newtask import NewTask
from stage import Stage

SIZE = (100, 30)
TIMES = 12
KITTY_ON, KITTY_OFF = b"\x1b[>", b"\x1b[<u"


def screens(stage: Stage) -> list[Screen[object]]:
    """One of each kind that comes up over the main view."""
    return [
        Dialog("Stop claude-1?", [Option("stop", "Stop")]),
        HelpScreen("agents", stage.keyboard),
        LineInput("claude-1"),
        NewTask(),
        Menu("Choose", [Option("one", "One"), Option("two", "Two")]),
    ]


async def test_screens_and_widgets_that_were_closed_are_let_go() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        left: list[weakref.ref[Widget]] = []
        for number in range(TIMES):
            for shown in screens(stage):
                await _open_and_close(stage, pilot, shown, left)
            await pilot.press("slash", "c", "escape", *("5", "0", "w", "1")[number % 4])
        del shown
        await stage.settled(pilot)
        gc.collect()
        assert len(left) > TIMES * 4
        assert [one for ref in left if (one := ref()) is not None] == []


async def _open_and_close(
    stage: Stage, pilot: Pilot[int], shown: Screen[object], left: list[weakref.ref[Widget]]
) -> None:
    await stage.push_screen(shown)
    await pilot.pause()
    left += [weakref.ref(shown), *(weakref.ref(one) for one in shown.query("*"))]
    shown.dismiss(None)
    await pilot.pause()


LEAKING = {"watch", "data_bind"}
MARKED_UP = {"notify", "from_markup", "escape"}


def test_nothing_is_called_that_leaks_or_takes_text_for_markup() -> None:
    """What `watch` binds stays until its source changes; `notify` reads brackets as markup."""
    calls = set()
    for path in Path(orc_tui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                is_self = isinstance(owner, ast.Name) and owner.id in ("self", "app")
                is_app = isinstance(owner, ast.Attribute) and owner.attr in ("app", "screen")
                if is_self or is_app:
                    calls.add(node.func.attr)
    assert calls & (LEAKING | MARKED_UP) == set()


@pytest.mark.parametrize("wanted", [True, False])
def test_the_protocol_of_keys_can_be_left_out_and_is_taken_back(wanted: bool) -> None:
    with shown({} if wanted else {"TEXTUAL_DISABLE_KITTY_KEY": "1"}) as terminal:
        assert (KITTY_ON in terminal.seen) is wanted
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.read(1.0)
        assert terminal.ended(5.0) == 0
        assert KITTY_OFF in terminal.seen
