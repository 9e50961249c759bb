"""kill -9 before each step of the commit of a merge: its branch is the old or the new one."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

import tree_shapes
from chores import FAULT_STRIDE
from orc_core.clock import SystemClock
from orc_core.code.merging import Merges
from orc_core.errors import UnknownName
from orc_core.model.merging import Choice, Take
from orc_storage.records import OPERATOR
from repositories import Repository, contents, environment
from zygote import Zygote

STRIDE = FAULT_STRIDE * 2 if FAULT_STRIDE > 1 else 1
BRANCH = "feat/cart"


def wing(folder: Path) -> Merges:
    return Merges(folder / "rooms", SystemClock(), environ=environment(), actor=OPERATOR)


def tip(shop: Repository) -> str:
    return shop.git("rev-parse", BRANCH).decode().strip()


async def test_a_branch_has_all_of_a_merge_or_nothing(zygote: Zygote, tmp_path: Path) -> None:
    start = tmp_path / "start"
    tree_shapes.parted(start)
    at, outcomes = random.randint(1, STRIDE), set()
    # The same place each time, since a room belongs to a path.
    here = tmp_path / "here"
    shutil.copytree(start, here, symlinks=True)
    merges = wing(here)
    tree = await merges.find(here / "shop")
    await merges.begin(tree, BRANCH, "feat/discounts")
    await merges.choose(tree, "M-1", {1: Choice(Take.BOTH), 2: Choice(Take.RIGHT)})
    shutil.copytree(here, tmp_path / "begun", symlinks=True)
    while True:
        shutil.rmtree(here)
        shutil.copytree(tmp_path / "begun", here, symlinks=True)
        shop = Repository(here / "shop")
        old, files, others = tip(shop), contents(shop.top), shop.private()
        process = zygote.fork("merge-committed", shop.top, here, at)
        process.wait_for(1)
        is_over = bool(process.lines)
        process.join() if is_over else process.kill()
        found = tip(shop)
        assert contents(shop.top) == files and not list(shop.top.rglob("*.lock"))
        outcomes.add(found == old)
        if found == old:
            assert shop.private() == others, f"killed before step {at}"
            assert len((await merges.show(tree, "M-1")).choices) == 2, "nothing is lost"
        try:
            done = await merges.commit(tree, "M-1")
            assert found in (old, done.commit), f"killed before step {at}"
        except UnknownName:
            assert found != old, f"killed before step {at}: the merge is forgotten"
        parents = shop.git("rev-parse", f"{BRANCH}^1", f"{BRANCH}^2").decode().split()
        assert parents == [old, shop.git("rev-parse", "feat/discounts").decode().strip()]
        text = shop.git("show", f"{BRANCH}:src/cart.ts")
        assert b"total of 3\ndiscount of 3\n" in text and b"\ndiscount of 15\n" in text
        assert not await merges.listing(tree)
        if is_over:
            break
        at += STRIDE
    assert outcomes == {True, False}
    with pytest.raises(UnknownName):
        await merges.show(tree, "M-1")
