"""`M` on an agent: its branch merged with another's from the dashboard, trees untouched."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tree_shapes
from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_core.model.agent import Agent
from orc_tui import keymap
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.merging import MergeView
from orc_tui.screens.palette import Palette
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models.lines import text_of
from private_tmux import PrivateTmux
from repositories import Repository, contents

PROGRAM = Path(__file__).with_name("programs") / "claude"


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """Two branches that collide in two hunks, each checked out in a work tree of its own."""
    shop = tree_shapes.parted(tmp_path)
    for name in ("cart", "discounts"):
        shop.git("worktree", "add", "--quiet", f"../{name}", f"feat/{name}")
    shop.git("config", "user.name", "Ada")
    shop.git("config", "user.email", "ada@example.org")
    return shop


@pytest.fixture
async def desk(tmux: PrivateTmux, tmp_path: Path) -> AsyncIterator[Desk]:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        yield desk


def seen(desk: Desk) -> str:
    return "\n".join(text_of(line) for line in desk.app.screen.query_one(Sheet).lines)


def typed(desk: Desk) -> str:
    """What was typed to the agent on the branch feat/cart."""
    keys = desk.folder / "keys-cart"
    return keys.read_text(errors="replace") if keys.exists() else ""


async def at_work(desk: Desk, tmux: PrivateTmux) -> Agent:
    """Two agents, each in its tree; the one on feat/cart once their merge is foreseen."""
    for name in ("cart", "discounts"):
        keys = desk.folder / f"keys-{name}"
        tmux.window(f"cd {desk.folder / name} && exec {sys.executable} {PROGRAM} idle {keys}")
    await wait_for(lambda: desk.app.snapshot.code.forecasts, 25)
    return next(one for one in desk.app.snapshot.agents if one.cwd.endswith("/cart"))


async def test_a_forecast_is_resolved_by_hunks(
    desk: Desk, tmux: PrivateTmux, shop: Repository
) -> None:
    one = await at_work(desk, tmux)
    trees = [shop, *(Repository(desk.folder / name) for name in ("cart", "discounts"))]
    before = [(contents(tree.top), tree.private()) for tree in trees]
    await desk.act("merge", keymap.AGENTS, one.key)
    await desk.screen(Palette)
    await wait_for(lambda: "conflicts in src/cart.ts" in seen(desk), 10)
    await desk.press("enter")
    await desk.screen(MergeView)
    assert f"o  {one.name}" in seen(desk) and "total of 3" in seen(desk)
    await desk.press("b", "b", "escape")
    await desk.says("1 of 2 decided, kept for next time")
    assert [(contents(tree.top), tree.private()) for tree in trees] == before

    await desk.act("merge", keymap.AGENTS, one.key)
    await desk.screen(Palette)
    await desk.press("enter")
    await desk.screen(MergeView)
    assert "both, t first" in seen(desk) and "1 of 2 left" in seen(desk)
    await desk.press("t", "enter")
    await desk.screen(Dialog)
    assert "It goes to merge-feat-cart-feat-discounts" in seen(desk)
    await desk.press("tab", "enter")
    await desk.says("`git branch -D merge-feat-cart-feat-discounts` takes it back")
    text = shop.git("show", "merge-feat-cart-feat-discounts:src/cart.ts").decode()
    assert "line 2\ndiscount of 3\ntotal of 3\nline 4\n" in text
    assert "line 14\ndiscount of 15\nline 16\n" in text
    shop.git("branch", "-D", "merge-feat-cart-feat-discounts")
    assert [(contents(tree.top), tree.private()) for tree in trees] == before


async def test_an_agent_is_told_and_what_it_did_is_looked_at(
    desk: Desk, tmux: PrivateTmux, shop: Repository
) -> None:
    one = await at_work(desk, tmux)
    tree = Repository(desk.folder / "cart")

    async def opened() -> None:
        await desk.act("merge", keymap.AGENTS, one.key)
        await desk.screen(Palette)
        await desk.press("enter")

    await opened()
    await desk.screen(MergeView)
    await desk.press("i")
    await desk.screen(Palette)
    await wait_for(lambda: f"{one.name}" in seen(desk), 10)
    at = [name for name in seen(desk).splitlines() if "feat/" in name]
    await desk.press(*("down",) * next(i for i, line in enumerate(at) if one.name in line), "enter")
    await desk.screen(Dialog)
    words = " ".join(seen(desk).replace("│", " ").split())
    assert "git merge --no-ff feat/discounts" in words and typed(desk) == ""
    await desk.press("tab", "enter")
    await desk.says(f"is with {one.name}")
    assert "src/cart.ts: 2 hunks" in typed(desk)

    await opened()
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("is not done with M-1: feat/cart lacks feat/discounts")
    tree.git("merge", "--quiet", "-X", "ours", "feat/discounts")
    await opened()
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says(f"{one.name} merged it")


async def test_an_abort_leaves_everything(desk: Desk, tmux: PrivateTmux, shop: Repository) -> None:
    one = await at_work(desk, tmux)
    before = shop.private()
    await desk.act("merge", keymap.AGENTS, one.key)
    await desk.screen(Palette)
    await desk.press("enter")
    await desk.screen(MergeView)
    await desk.press("O", "x")
    await desk.screen(Dialog)
    assert "2 of 2 parts are decided" in seen(desk)
    await desk.press("tab", "enter")
    await desk.says("M-1 is forgotten")
    assert shop.private() == before and not list((desk.folder).glob("**/merges/M-*.json"))
