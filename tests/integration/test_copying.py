"""Copying by the terminal or by tmux, as the dashboard's own server lets it through."""

from __future__ import annotations

from pathlib import Path

import pytest

from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_core.errors import OrcError, TmuxError
from orc_core.tmux.clipboard import BUFFER, SEQUENCE_MAX_BYTES, Way, copy
from orc_tui import keymap
from orc_tui.screens.menu import Menu
from private_tmux import PrivateTmux

TEXT = "one\ntwo #{pid} $(id) 漢\n"


async def test_tmux_takes_what_it_would_keep_from_the_terminal(tmux: PrivateTmux) -> None:
    pane_id = tmux.start()
    inside = {"TMUX": f"{tmux.socket_path},1,0", "TMUX_PANE": pane_id}

    def buffers() -> str:
        return tmux.run("list-buffers", "-F", "#{buffer_name}", check=False)

    for setting, way, said in (
        ("on", Way.TERMINAL, "by the terminal"),
        ("external", Way.BUFFER, "to the clipboard and into tmux's buffer"),
        ("off", Way.BUFFER, "set-clipboard is off"),
    ):
        tmux.run("set-option", "-s", "set-clipboard", setting)
        copied = await copy(TEXT, inside)
        assert copied.way is way and said in copied.text
        assert tmux.run("show-options", "-sv", "set-clipboard") == setting
        assert buffers() == ("" if way is Way.TERMINAL else BUFFER)
    assert tmux.run("show-buffer", "-b", BUFFER) + "\n" == TEXT
    tmux.run("set-option", "-s", "set-clipboard", "on")
    long = "x" * (SEQUENCE_MAX_BYTES + 1)
    assert (await copy(long, inside)).way is Way.BUFFER
    assert len(tmux.run("show-buffer", "-b", BUFFER)) == len(long)
    tmux.kill()
    with pytest.raises(TmuxError):
        await copy(long, inside)


async def test_without_tmux_the_terminal_alone_takes_it_and_not_too_much() -> None:
    assert (await copy(TEXT, {})).way is Way.TERMINAL
    with pytest.raises(OrcError, match="74 kB are more than a terminal takes"):
        await copy("x" * (SEQUENCE_MAX_BYTES + 1), {})


async def chosen(desk: Desk, pane: str, row_key: str, key: str) -> str:
    """Copy by a key of the menu and return what the terminal was given."""
    await desk.act("copy", pane, row_key)
    await desk.screen(Menu)
    before = len(desk.app.told)
    await desk.press(key)
    await wait_for(lambda: len(desk.app.told) > before, 10)
    return desk.app.clipboard


async def test_the_menu_copies_rows_screens_and_all_that_lies_above(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    pane_id = tmux.start("stty -echo -opost; exec cat")
    tmux.write(pane_id, "".join(f"line {n}\r\n" for n in range(90)))
    async with seated(tmux, tmp_path) as desk:
        await desk.task("Cart totals", text="round them")
        assert await chosen(desk, keymap.TASKS, "T-1", "r") == "T-1 Cart totals"
        assert desk.told == (
            "copied the row: “T-1 Cart totals” to the clipboard, by the terminal (OSC 52)"
        )
        assert await chosen(desk, keymap.TASKS, "T-1", "t") == "round them"
        assert await chosen(desk, keymap.TASKS, "T-1", "c") == "orc task show T-1"
        key = f"{tmux.socket_path}:{pane_id}"
        live = desk.app.main.live
        await wait_for(lambda: live.screen_in_view is not None, 10)
        whole = await chosen(desk, keymap.AGENTS, key, "a")
        assert whole.split("\n") == [f"line {n}" for n in range(90)]
        assert desk.told.startswith("copied the whole text: 90 lines")
        seen = await chosen(desk, keymap.AGENTS, key, "s")
        assert seen.split("\n")[-1] in ("line 89", "")
        assert "line 0" not in seen.split("\n")
        live.search("line 7")
        assert await chosen(desk, keymap.SEARCH, key, "m") == "line 79"
