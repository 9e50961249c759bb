"""Checkpoints: made, shown, renamed, restored whole, and bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import Overlap, UnknownName, UsageError
from orc_core.history.checkpoints import Checkpoints
from orc_storage import documents, journal
from orc_storage.errors import InvalidId
from orc_storage.records import OPERATOR
from stores import Turned
from workspaces import Workspace, open_workspace


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as opened:
        yield opened


@pytest.fixture
def points(ws: Workspace) -> Checkpoints:
    return Checkpoints(ws.db)


async def story(ws: Workspace, points: Checkpoints) -> None:
    """T-1 edited, T-2 deleted, T-3 unchanged, T-4 made after the checkpoint `before`."""
    for title in ("one", "two", "three"):
        await ws.add(title)
    await ws.edit("T-1", title="ONE")
    await points.create("before", note="all\x1b[1m well", actor=OPERATOR)
    await ws.edit("T-1", title="uno", priority=9)
    await ws.db.write(
        lambda tx: documents.delete(tx, "task", "T-2", rev=1, actor="codex-1", cause="rm")
    )
    await ws.add("four")


async def test_it_is_listed_and_shown_against_now(ws: Workspace, points: Checkpoints) -> None:
    await story(ws, points)
    (saved,) = await points.listing()
    assert (saved.name, saved.note, saved.documents, saved.seq) == ("before", "all well", 3, 4)
    shown, held = await points.show("BEFORE")
    assert shown == saved
    assert [(one.id, one.rev, one.now_rev, one.differs) for one in held] == [
        ("T-1", 2, 3, True),
        ("T-2", 1, 0, True),
        ("T-3", 1, 1, False),
        ("T-4", 0, 1, True),
    ]
    with pytest.raises(UnknownName, match="orc checkpoint list"):
        await points.show("after")


async def test_a_restore_brings_all_back_in_one_act(ws: Workspace, points: Checkpoints) -> None:
    await story(ws, points)
    plan = await points.plan_restore("before")
    assert [(step.id, step.to_rev) for step in plan.steps] == [("T-1", 2), ("T-2", 1)]
    assert plan.returns == (
        "T-1 priority: 9 -> 5",
        "T-1 title: uno -> ONE",
        "T-2 comes back whole: it was deleted",
    )
    assert "made later: task T-4" in plan.stays
    assert "where agents are and what they do now" in plan.stays
    head, _ = await ws.db.read(journal.head)
    report = await ws.history.revert(plan, actor=OPERATOR)
    assert report.text == "done: restore before, in 2 documents"
    assert {task.id: task.title for task in await ws.tasks.listing()} == {
        "T-1": "ONE",
        "T-2": "two",
        "T-3": "three",
        "T-4": "four",
    }
    entries = await ws.db.read(lambda conn: journal.since(conn, head))
    assert [(entry.action, entry.id, entry.rev) for entry in entries] == [
        ("checkpoint", "auto-1", 0),
        ("restore", "T-1", 4),
        ("restore", "T-2", 3),
    ]
    assert [one.name for one in await points.listing()] == ["auto-1", "before"]
    await ws.history.undo(OPERATOR)
    assert [(task.id, task.title) for task in await ws.tasks.listing()] == [
        ("T-1", "uno"),
        ("T-3", "three"),
        ("T-4", "four"),
    ]
    await ws.history.redo(OPERATOR)
    assert len(await ws.tasks.listing()) == 4
    assert await ws.db.read(journal.verify) == []


async def test_many_documents_are_counted_and_not_named(ws: Workspace, points: Checkpoints) -> None:
    for number in range(5):
        await ws.add(f"task {number}")
    await points.create("before", note="", actor=OPERATOR)
    for number in range(1, 6):
        await ws.edit(f"T-{number}", title="other")
    plan = await points.plan_restore("before")
    assert "in their histories: every later revision of 5 documents" in plan.stays
    assert not any(line.startswith("in its history") for line in plan.stays)


async def test_exact_deletes_what_was_made_later(ws: Workspace, points: Checkpoints) -> None:
    await story(ws, points)
    plan = await points.plan_restore("before", exact=True)
    assert "T-4 is deleted: it was not there then" in plan.returns
    await ws.history.revert(plan, actor=OPERATOR)
    assert [task.id for task in await ws.tasks.listing()] == ["T-1", "T-2", "T-3"]
    await ws.history.undo(OPERATOR)
    assert (await ws.tasks.get("T-4")).title == "four"


async def test_the_automatic_checkpoint_is_the_way_back(ws: Workspace, points: Checkpoints) -> None:
    await story(ws, points)
    await ws.history.revert(await points.plan_restore("before"), actor=OPERATOR)
    back = await points.plan_restore("auto-1", exact=True)
    await ws.history.revert(back, actor=OPERATOR)
    assert [task.title for task in await ws.tasks.listing()] == ["uno", "three", "four"]


async def test_a_restore_over_newer_work_is_refused_whole(
    ws: Workspace, points: Checkpoints
) -> None:
    await story(ws, points)
    plan = await points.plan_restore("before")
    await ws.edit("T-1", actor="claude-2", text="meanwhile")
    with pytest.raises(Overlap, match="T-1 is at revision 4 by claude-2"):
        await ws.history.revert(plan, actor=OPERATOR)
    with pytest.raises(UnknownName):
        await ws.tasks.get("T-2")
    assert [one.name for one in await points.listing()] == ["before"]


async def test_nothing_to_restore_is_said(ws: Workspace, points: Checkpoints) -> None:
    await ws.add()
    await points.create("now", note="", actor=OPERATOR)
    plan = await points.plan_restore("now")
    with pytest.raises(UsageError, match="restore now: it is so already"):
        await ws.history.revert(plan, actor=OPERATOR)


async def test_one_that_somebody_named_is_no_longer_automatic(
    ws: Workspace, points: Checkpoints
) -> None:
    await story(ws, points)
    await ws.history.revert(await points.plan_restore("before"), actor=OPERATOR)
    report = await points.rename("auto-1", to="mess", note="as it was", actor=OPERATOR)
    assert report.text == "checkpoint auto-1 is called mess"
    saved, _ = await points.show("mess")
    assert (saved.is_automatic, saved.note) == (False, "as it was")
    kept = await points.rename("mess", to="Mess", note=None, actor=OPERATOR)
    assert kept.text == "checkpoint mess is called Mess"
    with pytest.raises(InvalidId, match="already"):
        await points.create("MESS", note="", actor=OPERATOR)
    await points.remove("mess", actor=OPERATOR)
    assert [one.name for one in await points.listing()] == ["before"]
    with pytest.raises(UnknownName):
        await points.remove("mess", actor=OPERATOR)


async def test_a_restored_task_reaches_its_file(ws: Workspace, points: Checkpoints) -> None:
    await ws.add("one")
    await ws.sync()
    await points.create("before", note="", actor=OPERATOR)
    ws.change(title="uno")
    await ws.sync()
    assert (await ws.tasks.get("T-1")).title == "uno"
    await ws.history.revert(await points.plan_restore("before"), actor=OPERATOR)
    await ws.sync()
    assert ws.file()["title"] == "one"
    assert await ws.open_conflicts() == []
