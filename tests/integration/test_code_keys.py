"""`R` on an agent: its work tree goes back from the dashboard, with the agent brought to rest."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tree_shapes
from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_core import occupants
from orc_core.model.agent import Agent, State
from orc_tui import keymap
from orc_tui.screens.checkpoints import CheckpointsView, RestoreView
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models.lines import text_of
from private_tmux import PrivateTmux
from repositories import Repository, contents

PROGRAM = Path(__file__).with_name("programs") / "claude"
LINES = [f"line {at}\n" for at in range(40)]
BROKEN = ["FIRST\n", *LINES[1:-1], "LAST\n"]


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    shop = tree_shapes.plain(tmp_path)
    shop.write("src/price.ts", "".join(LINES))
    return shop


@pytest.fixture
async def desk(tmux: PrivateTmux, tmp_path: Path) -> AsyncIterator[Desk]:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        yield desk


async def at_work(desk: Desk, tmux: PrivateTmux, shop: Repository, mode: str) -> Agent:
    """An agent that works in the work tree and writes down what is typed."""
    keys = desk.folder / "keys"
    tmux.window(f"cd {shop.top} && exec {sys.executable} {PROGRAM} {mode} {keys}")
    await wait_for(lambda: agent(desk) and agent(desk).state is State.WORKING, 20)
    return agent(desk)


def agent(desk: Desk) -> Agent:
    found = [one for one in desk.app.snapshot.agents if one.name == "claude-1"]
    return found[0] if found else None  # type: ignore[return-value]


def seen(desk: Desk) -> str:
    return "\n".join(text_of(line) for line in desk.app.screen.query_one(Sheet).lines)


async def preview(desk: Desk, one: Agent) -> None:
    """From the row of an agent to the preview of its newest checkpoint."""
    await desk.act("rollback", keymap.AGENTS, one.key)
    await desk.screen(CheckpointsView)
    await wait_for(lambda: "src/price.ts  goes back +2 -2" in seen(desk), 10)
    await desk.press("R")
    await desk.screen(RestoreView)


async def test_checkpoints_are_listed_made_and_previewed_before_anything_happens(
    desk: Desk, tmux: PrivateTmux, shop: Repository
) -> None:
    one = await at_work(desk, tmux, shop, "busy")
    await desk.act("rollback", keymap.AGENTS, one.key)
    await desk.screen(CheckpointsView)
    await wait_for(lambda: "none yet: N makes one" in seen(desk), 10)
    await desk.press("N")
    await desk.says("W-1 holds the files as they are")
    await wait_for(lambda: "W-1" in seen(desk) and "asked for" in seen(desk), 10)
    await desk.press("escape")

    shop.write("src/price.ts", "".join(BROKEN))
    shop.write("src/new.ts", "new\n")
    broken = contents(shop.top)
    await preview(desk, one)
    told = seen(desk)
    assert "1 of 2 files" in told and "[ ] src/new.ts  made since, stays" in told
    await desk.press("enter")
    await desk.screen(Dialog)
    asked = seen(desk)
    assert "works there: claude-1" in asked and "stays as it is: src/new.ts" in asked
    assert "not taken back: what was pushed" in asked
    await desk.press("enter")  # Cancel has the focus
    await desk.screen(RestoreView)
    assert contents(shop.top) == broken and not (desk.folder / "keys").exists()


async def test_an_agent_rests_before_its_files_go_back_by_hunks(
    desk: Desk, tmux: PrivateTmux, shop: Repository
) -> None:
    one = await at_work(desk, tmux, shop, "busy")
    await desk.core.code.checkpoint(await desk.core.code.find(shop.top))
    shop.write("src/price.ts", "".join(BROKEN))
    broken = contents(shop.top)
    await preview(desk, one)
    await desk.press("j")
    assert "[x] line 1 " in seen(desk)
    await desk.press("j", "space")  # the second hunk stays
    assert "[~] src/price.ts" in seen(desk)
    await desk.press("enter")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("1 file back at W-1; claude-1 interrupted")
    assert (desk.folder / "keys").read_text() == "'\\x1b'\n"
    assert agent(desk).state in (State.IDLE, State.DONE)
    assert shop.path("src/price.ts").read_text() == "".join([*LINES[:-1], "LAST\n"])
    await desk.screen(CheckpointsView)
    await wait_for(lambda: "before: restore W-1" in seen(desk), 10)
    await desk.press("z")
    await desk.says("undone: restore W-1 (1 files)")
    assert contents(shop.top) == broken


async def test_nothing_goes_back_under_an_agent_that_goes_on(
    desk: Desk, tmux: PrivateTmux, shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sooner than for a person, for whom it is worth waiting.
    monkeypatch.setattr(occupants, "REST_WITHIN_S", 1.0)
    one = await at_work(desk, tmux, shop, "stubborn")
    await desk.act("keep-files", keymap.AGENTS, one.key)
    await desk.says("W-1 holds the files as they are")
    shop.write("src/price.ts", "".join(BROKEN))
    broken = contents(shop.top)
    await preview(desk, one)
    await desk.press("enter")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("was not seen to rest: nothing was restored")
    assert "claude-1 is working" in desk.told
    assert (desk.folder / "keys").read_text() == "'\\x1b'\n", "it was interrupted once"
    assert contents(shop.top) == broken
    await desk.screen(RestoreView)
    await desk.press("enter")
    await desk.screen(Dialog)
    await desk.press("tab", "tab", "enter")  # stop it
    await desk.says("1 file back at W-1; claude-1 stopped")
    assert shop.path("src/price.ts").read_text() == "".join(LINES)
