"""kill -9 before each change that a restore of files makes: the tree is the old or the new one."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

import tree_shapes
from chores import FAULT_STRIDE
from orc_core.clock import SystemClock
from orc_core.code.trees import Trees
from orc_core.errors import UsageError
from orc_core.history.actions import History
from orc_core.history.trees import TreeLedger
from orc_storage import audit
from orc_storage.database import Database
from orc_storage.records import OPERATOR
from repositories import Repository, contents, environment
from zygote import Zygote

STRIDE = FAULT_STRIDE * 8 if FAULT_STRIDE > 1 else 1


def wing(folder: Path, db: Database) -> Trees:
    return Trees(
        folder / "rooms",
        SystemClock(),
        environ=environment(),
        actor=OPERATOR,
        ledger=TreeLedger(db, OPERATOR),
    )


def locks(shop: Repository) -> list[Path]:
    return [*shop.top.rglob("*.lock"), *shop.top.glob(".orc*")]


async def test_a_restore_is_done_whole_or_not_at_all(
    zygote: Zygote, tmp_path: Path, runtime: Path
) -> None:
    start = tmp_path / "start"
    shop = tree_shapes.odd_names(start)
    async with await Database.open(start / "store", runtime=runtime) as db:
        trees = wing(start, db)
        old = contents(shop.top)
        await trees.checkpoint(await trees.find(shop.top))
    tree_shapes.disturb(shop, random.Random(7))
    broken, state = contents(shop.top), shop.private()
    assert broken != old
    at, outcomes = random.randint(1, STRIDE), set()
    while True:
        # The same place each time, since a room belongs to a path.
        here = tmp_path / "here"
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(start, here, symlinks=True)
        shop = Repository(here / "shop")
        process = zygote.fork("files-back", shop.top, here, runtime, at)
        process.wait_for(1)
        is_over = bool(process.lines)
        process.join() if is_over else process.kill()
        async with await Database.open(here / "store", runtime=runtime) as db:
            trees = wing(here, db)
            tree = await trees.find(shop.top)
            await trees.recover(tree)
            found = contents(shop.top)
            assert found in (old, broken), f"killed before change {at}"
            assert not locks(shop), f"killed before change {at}"
            outcomes.add(found == old)
            assert "W-1" in {one.id for one in await trees.listing(tree)}
            history = History(db, turner=trees)
            if found == old:
                await history.undo(OPERATOR)
                assert contents(shop.top) == broken
            else:
                with pytest.raises(UsageError, match="nothing to undo"):
                    await history.undo(OPERATOR)
                await trees.restore(tree, await trees.plan(tree, "W-1", is_exact=True))
                assert contents(shop.top) == old
                await history.undo(OPERATOR)
            assert shop.private() == state
            assert not (await db.read(lambda conn: audit.examine(conn, db.folder))).findings
        if is_over:
            break
        at += STRIDE
    assert outcomes == {True, False}
