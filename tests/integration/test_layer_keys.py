"""Keys of the sync pane: the dashboard on a real store and a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_core.model.health import Layer, LayerState
from orc_tui import keymap
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.menu import Menu
from private_tmux import PrivateTmux


@pytest.fixture
async def desk(tmux: PrivateTmux, tmp_path: Path) -> AsyncIterator[Desk]:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        await wait_for(lambda: _layer(desk, "file").state is LayerState.OK, 10)
        yield desk


def _layer(desk: Desk, name: str) -> Layer:
    unknown = Layer(name, LayerState.UNKNOWN, "", 0.0, 0, 0)
    return next((one for one in desk.app.snapshot.layers if one.name == name), unknown)


async def _state(desk: Desk, name: str, state: LayerState) -> None:
    await wait_for(lambda: _layer(desk, name).state is state, 10)


async def test_a_layer_is_switched_off_and_on_again(desk: Desk) -> None:
    await desk.act("switch", keymap.SYNC, "file")
    await desk.screen(Dialog)
    await desk.press("escape")
    await desk.idle()
    assert _layer(desk, "file").state is LayerState.OK
    await desk.act("switch", keymap.SYNC, "file")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("file is off")
    await _state(desk, "file", LayerState.OFF)
    await desk.act("switch", keymap.SYNC, "file")
    await desk.says("file is on")
    await _state(desk, "file", LayerState.OK)
    await desk.act("undo", keymap.SYNC)
    await _state(desk, "file", LayerState.OFF)


async def test_a_strategy_is_chosen_from_a_menu(desk: Desk) -> None:
    await desk.act("pace", keymap.SYNC, "tmux")
    await desk.screen(Menu)
    await desk.press("b")
    await desk.says("tmux is brought in step by batch 30s")
    await wait_for(lambda: _layer(desk, "tmux").strategy == "batch 30s", 10)
    await desk.act("pace", keymap.SYNC, "store")
    await desk.says("it is always on")
    await desk.act("again", keymap.SYNC, "tmux")
    await desk.says("synced")
