"""The dashboard on a real tmux server, from the first look to the last."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clocks import wait_for
from orc_core.hub import Core, CoreOptions, open_core
from orc_storage.errors import StoreUnavailable
from orc_tui.app import OrcApp
from private_tmux import PrivateTmux

SIZE = (100, 30)


def options_of(tmux: PrivateTmux) -> CoreOptions:
    return CoreOptions(
        workspace=tmux.folder / "work",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        cwd=tmux.folder,
        environ={"PATH": os.environ["PATH"], "HOME": str(tmux.folder)},
    )


def text_of(app: OrcApp) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in strip) for strip in strips)


async def test_without_a_server_it_says_how_to_start_one(tmux: PrivateTmux) -> None:
    options = options_of(tmux)
    app = OrcApp(lambda: open_core(options))
    async with app.run_test(size=SIZE):
        await wait_for(lambda: "no tmux server at" in text_of(app))
        assert "tmux gone" in text_of(app)


async def test_a_pane_its_screen_and_its_change_show_up(tmux: PrivateTmux) -> None:
    pane = tmux.start("exec cat")
    tmux.write(pane, "hello \x1b[31mred\x1b[0m [/] world\r\n")
    options = options_of(tmux)
    app = OrcApp(lambda: open_core(options))
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(lambda: "hello red [/] world" in text_of(app), 10.0)
        assert "1 other" in text_of(app)
        tmux.write(pane, "and then more\r\n")
        await wait_for(lambda: "and then more" in text_of(app))
        await pilot.press("w")
        await wait_for(lambda: "what runs in the pane" in text_of(app))
        assert "cat" in text_of(app)


async def test_a_core_that_cannot_open_ends_it_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @asynccontextmanager
    async def refuse() -> AsyncIterator[Core]:
        raise StoreUnavailable(f"{tmp_path}/store.db cannot be opened: look at its owner")
        yield  # pragma: no cover

    app = OrcApp(refuse)
    async with app.run_test(size=SIZE):
        await wait_for(lambda: app.return_code == 1)
    said = capsys.readouterr().err
    assert said == f"orc-tui: {tmp_path}/store.db cannot be opened: look at its owner\n"


async def test_two_ctrl_c_leave_from_anywhere(tmux: PrivateTmux) -> None:
    options = options_of(tmux)
    app = OrcApp(lambda: open_core(options))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("question_mark", "ctrl+c")
        await wait_for(lambda: "ctrl+c again quits" in app.told)
        await pilot.press("ctrl+c")
        await wait_for(lambda: app._exit)


@pytest.mark.parametrize("keys", [("q",), ("0", "+", "q", "q", "q")])
async def test_q_closes_views_and_then_quits(tmux: PrivateTmux, keys: tuple[str, ...]) -> None:
    options = options_of(tmux)
    app = OrcApp(lambda: open_core(options))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        await wait_for(lambda: app._exit)


async def test_libtmux_can_be_imported_while_the_dashboard_runs(tmux: PrivateTmux) -> None:
    options = options_of(tmux)
    app = OrcApp(lambda: open_core(options))
    async with app.run_test(size=SIZE):
        assert not isinstance(sys.stdout, io.TextIOBase)
        importlib.reload(importlib.import_module("libtmux._compat"))
