"""Two processes on one workspace decide the same conflicts: the second is told, nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from orc_core.errors import OrcError, Overlap
from orc_core.model.history import Report
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.synchronizer import SyncReport
from orc_core.tasks.desk import Tasks
from orc_storage import journal
from orc_storage.records import OPERATOR, ConflictState
from stores import Turned, open_store
from workspaces import RULES, open_workspace

TASKS = 12


async def test_each_conflict_is_decided_once_and_the_other_is_told(
    tmp_path: Path, clock: Turned
) -> None:
    async with (
        open_workspace(tmp_path / "ws", clock) as ws,
        open_store(tmp_path / "ws", clock) as second,
    ):
        for number in range(1, TASKS + 1):
            await ws.add()
            await ws.sync()
            ws.change(f"T-{number}", title="Basket")
            await ws.edit(f"T-{number}", title="Trolley")
        await ws.sync()
        ids = [conflict.id for conflict in await ws.open_conflicts()]
        assert len(ids) == TASKS
        others = Conflicts(second, clock, RULES)

        async def both(id: str) -> list[Report | BaseException]:
            return await asyncio.gather(
                ws.conflicts.resolve(id, "left", actor=OPERATOR),
                others.resolve(id, "right", actor="ana"),
                return_exceptions=True,
            )

        results = await asyncio.gather(*(both(id) for id in ids))
        for id, outcome in zip(ids, results, strict=True):
            conflict = await ws.conflict(id)
            assert conflict.state is ConflictState.RESOLVED
            (told,) = [one for one in outcome if isinstance(one, BaseException)]
            assert isinstance(told, OrcError)
            by = "you" if conflict.decided_by == OPERATOR else "ana"
            taken = {"left": "file", "right": "store"}[conflict.decision]
            assert str(told).startswith(f"{id} is resolved: {by} took the {taken} already")
            wanted = "Basket" if conflict.decision == "left" else "Trolley"
            assert (await ws.tasks.get(conflict.doc)).title == wanted
        await ws.sync()
        assert await ws.sync() == SyncReport()
        assert await ws.db.read(journal.verify) == []


async def test_a_store_edited_by_another_process_is_not_decided_over(
    tmp_path: Path, clock: Turned
) -> None:
    """Between looking and deciding somebody else writes: the newer value stands beside it."""
    async with (
        open_workspace(tmp_path / "ws", clock) as ws,
        open_store(tmp_path / "ws", clock) as second,
    ):
        await ws.add()
        await ws.sync()
        ws.change(title="Basket")
        await ws.edit(title="Trolley")
        await ws.sync()
        (seen,) = await ws.open_conflicts()
        await Tasks(second).edit("T-1", {"title": "Bag"}, actor="ana", cause="")
        with pytest.raises(Overlap, match=r"is superseded by C-2: the store has Bag"):
            await ws.conflicts.resolve(seen.id, "left", actor=OPERATOR)
        (now,) = await ws.open_conflicts()
        assert (now.left.value, now.right.value, now.right.writer) == ("Basket", "Bag", "ana")
