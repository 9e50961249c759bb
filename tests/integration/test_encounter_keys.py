"""Two agents in one file of two work trees: a conflict in the list, with what can be done."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tree_shapes
from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_command import Done, orc
from orc_storage.records import Conflict
from orc_tui import keymap
from orc_tui.screens.checkpoints import CheckpointsView
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.menu import Menu
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models.lines import text_of
from private_tmux import PrivateTmux
from repositories import PLAIN, Repository

PROGRAM = Path(__file__).with_name("programs") / "claude"


@pytest.fixture
async def desk(tmux: PrivateTmux, tmp_path: Path) -> AsyncIterator[Desk]:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        yield desk


def two_trees(tmp_path: Path, tmux: PrivateTmux) -> list[Repository]:
    """An agent in each of two work trees."""
    shop = tree_shapes.plain(tmp_path)
    trees = []
    for name in ("orders", "carts"):
        shop.git("worktree", "add", "--quiet", "-b", f"feat/{name}", f"../{name}")
        trees.append(Repository(tmp_path / name))
        keys = tmp_path / f"{name}.keys"
        tmux.window(f"cd {tmp_path / name} && exec {sys.executable} {PROGRAM} busy {keys}")
    return trees


def of_code(desk: Desk, kind: str) -> list[Conflict]:
    return [one for one in desk.app.snapshot.conflicts if one.kind.value == kind]


def seen(desk: Desk) -> str:
    return "\n".join(text_of(line) for line in desk.app.screen.query_one(Sheet).lines)


async def test_an_overlap_comes_at_once_can_be_put_off_and_goes(
    desk: Desk, tmux: PrivateTmux, tmp_path: Path
) -> None:
    orders, carts = two_trees(tmp_path, tmux)
    await wait_for(lambda: len(desk.app.snapshot.code.trees) == 2, 20)
    assert not of_code(desk, "overlap")
    orders.write("src/price.ts", "one\nTWO\nthree\n")
    carts.write("src/price.ts", "one\n2\nthree\n")
    await wait_for(lambda: of_code(desk, "overlap"), 20)
    (one,) = of_code(desk, "overlap")
    assert {one.left.layer, one.right.layer} == {"feat/orders", "feat/carts"}
    assert {one.left.writer, one.right.writer} == {"claude-1", "claude-2"}

    await desk.act("open", keymap.CONFLICTS, one.id)
    await desk.screen(Menu)
    assert "roll back" in seen(desk) and "merge" in seen(desk)
    await desk.press("d")
    await desk.screen(Dialog)
    told = seen(desk)
    assert "+ TWO" in told and "+ 2" in told and told.count("- two") == 2
    await desk.press("escape")
    await desk.idle()

    await desk.act("rollback", keymap.CONFLICTS, one.id)
    await desk.screen(Menu)
    await desk.press("1")
    await desk.screen(CheckpointsView)
    await desk.press("escape")
    await desk.idle()

    await desk.act("later", keymap.CONFLICTS, one.id)
    await desk.says(f"{one.id} is deferred: L takes it up again")
    await wait_for(lambda: of_code(desk, "overlap")[0].state.value == "deferred", 10)
    shown = await asyncio.to_thread(conflicts, tmux, tmp_path, "conflicts", "--json")
    (same,) = [row for row in json.loads(shown.out) if row["kind"] == "overlap"]
    assert (same["id"], same["state"], same["doc"]) == (one.id, "deferred", "src/price.ts")
    again = await asyncio.to_thread(
        conflicts, tmux, tmp_path, "conflicts", "defer", one.id, "--hours", "0"
    )
    assert again.code == 0, again.err
    await wait_for(lambda: of_code(desk, "overlap")[0].state.value == "open", 10)

    orders.commit("orders")
    carts.commit("carts")
    await wait_for(lambda: of_code(desk, "forecast") and not of_code(desk, "overlap"), 20)
    (ahead,) = of_code(desk, "forecast")
    assert (ahead.doc, ahead.why) == ("src/price.ts", "will conflict, 1 hunk")
    plain = await asyncio.to_thread(conflicts, tmux, tmp_path, "conflicts")
    assert "will conflict, 1 hunk" in plain.out
    figures = await asyncio.to_thread(conflicts, tmux, tmp_path, "conflicts", "stats", "--json")
    assert json.loads(figures.out)["overlaps"] >= 1


def conflicts(tmux: PrivateTmux, folder: Path, *argv: str) -> Done:
    """`orc` beside the dashboard, on the same store and server."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ORC_WORKSPACE": str(folder / "ws"),
        **PLAIN,
    }
    return orc([*argv, "--socket-path", tmux.socket_path], environ, folder)
