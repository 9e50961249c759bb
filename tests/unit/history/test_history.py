"""Revisions, previews, reverts, and the undo list of each actor, in a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import Overlap, UnknownName, UsageError
from orc_core.history.actions import History
from orc_core.model.task import Status
from orc_core.tasks.desk import Tasks
from orc_storage import acts, documents, journal
from orc_storage.database import Database
from orc_storage.records import OPERATOR, Json
from stores import Turned, open_store

CODEX = "codex-1"


@pytest_asyncio.fixture
async def db(tmp_path: Path, clock: Turned) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "ws", clock) as opened:
        yield opened


@pytest.fixture
def tasks(db: Database) -> Tasks:
    return Tasks(db)


@pytest.fixture
def history(db: Database) -> History:
    return History(db)


async def _add(tasks: Tasks, title: str = "Cart", **fields: Json) -> str:
    return (await tasks.add(title, actor=OPERATOR, cause="orc task add", **fields)).id


async def _edit(tasks: Tasks, actor: str = OPERATOR, id: str = "T-1", **fields: Json) -> int:
    return (await tasks.edit(id, fields, actor=actor, cause="orc task edit")).rev


async def _delete(db: Database, id: str, rev: int, actor: str = CODEX) -> None:
    await db.write(lambda tx: documents.delete(tx, "task", id, rev=rev, actor=actor, cause="rm"))


async def test_each_revision_shows_what_it_changed(
    tasks: Tasks, history: History, db: Database
) -> None:
    await _add(tasks)
    await _edit(tasks, title="Basket", due="soon")
    await _delete(db, "T-1", 2)
    revisions = await history.revisions("task", "T-1")
    assert [(r.rev, r.parent_rev, r.actor, r.deleted) for r in revisions] == [
        (1, 0, OPERATOR, False),
        (2, 1, OPERATOR, False),
        (3, 2, CODEX, True),
    ]
    first = await history.diff("task", "T-1", 1)
    assert {change.path for change in first} >= {"id", "title", "priority"}
    assert not any(change.before_present for change in first)
    second = await history.diff("task", "T-1", 2)
    assert [(c.path, c.before, c.after) for c in second] == [
        ("due", "", "soon"),
        ("title", "Cart", "Basket"),
    ]
    (third,) = await history.diff("task", "T-1", 3)
    assert (third.path, third.after_present) == ("", False)


async def test_what_never_was_is_named(tasks: Tasks, history: History) -> None:
    await _add(tasks)
    with pytest.raises(UnknownName, match="there never was a task T-9"):
        await history.revisions("task", "T-9")
    with pytest.raises(UnknownName, match="T-1 has no revision 7: it has 1 to 1"):
        await history.diff("task", "T-1", 7)
    with pytest.raises(UnknownName):
        await history.plan("task", "T-1", 0)


async def test_a_preview_has_three_lists(tasks: Tasks, history: History, clock: Turned) -> None:
    await _add(tasks, text="one\ntwo")
    clock.turn(10)
    await _add(tasks, "later")
    await _edit(tasks, title="Basket\x1b[31m", text="one\ntwo\nthree")
    plan = await history.plan("task", "t-1", 1)
    (step,) = plan.steps
    assert (step.id, step.from_rev, step.to_rev) == ("T-1", 2, 1)
    assert plan.returns == (
        "text: 0 lines back, 1 line gone",
        "title: Basket -> Cart",
    )
    assert plan.stays == (
        "files in the work tree are not touched",
        "in its history: revision 2 of T-1",
        "whoever works on it goes on",
    )
    assert plan.lost == ("messages already sent to agents",)


async def test_a_revert_is_a_revision_and_can_be_undone(
    tasks: Tasks, history: History, db: Database
) -> None:
    await _add(tasks)
    await _edit(tasks, title="Basket")
    await _edit(tasks, title="Trolley", priority=9)
    report = await history.revert(await history.plan("task", "T-1", 1), actor=OPERATOR)
    assert report.text == "T-1 is back at revision 1, as revision 4"
    assert (await tasks.get("T-1")).title == "Cart"
    newest = (await history.revisions("task", "T-1"))[-1]
    assert (newest.rev, newest.parent_rev, newest.cause) == (4, 3, "revert T-1 to 1")
    report = await history.undo(OPERATOR)
    assert report.text == "undone: revert T-1 to 1"
    task = await tasks.get("T-1")
    assert (task.title, task.priority, task.rev) == ("Trolley", 9, 5)
    assert await db.read(journal.verify) == []


async def test_a_preview_that_is_out_of_date_is_not_carried_out(
    tasks: Tasks, history: History
) -> None:
    await _add(tasks)
    await _edit(tasks, title="Basket")
    plan = await history.plan("task", "T-1", 1)
    await _edit(tasks, CODEX, title="Trolley")
    with pytest.raises(Overlap, match="at revision 3 by codex-1, the preview was of 2"):
        await history.revert(plan, actor=OPERATOR)
    assert (await tasks.get("T-1")).title == "Trolley"


async def test_a_deleted_task_comes_back_by_a_revert(
    tasks: Tasks, history: History, db: Database
) -> None:
    await _add(tasks)
    await _delete(db, "T-1", 1)
    plan = await history.plan("task", "T-1", 1)
    await history.revert(plan, actor=OPERATOR)
    assert (await tasks.get("T-1")).rev == 3
    await history.undo(OPERATOR)
    with pytest.raises(UnknownName):
        await tasks.get("T-1")
    await history.redo(OPERATOR)
    assert (await tasks.get("T-1")).title == "Cart"


async def test_nothing_to_take_back_is_said(tasks: Tasks, history: History) -> None:
    await _add(tasks)
    with pytest.raises(UsageError, match="nothing to take back"):
        await history.revert(await history.plan("task", "T-1", 1), actor=OPERATOR)
    with pytest.raises(UsageError, match="nothing to undo"):
        await history.undo("nobody")
    with pytest.raises(UsageError, match="nothing to redo"):
        await history.redo(OPERATOR)


async def test_a_revert_to_a_circle_is_refused(tasks: Tasks, history: History) -> None:
    await _add(tasks)
    await _add(tasks)
    await _edit(tasks, depends_on=["T-2"])
    await _edit(tasks, depends_on=[])
    await _edit(tasks, id="T-2", depends_on=["T-1"])
    with pytest.raises(UsageError, match="circle"):
        await history.revert(await history.plan("task", "T-1", 2), actor=OPERATOR)


async def test_undo_and_redo_walk_the_list_and_survive_a_restart(
    tmp_path: Path, clock: Turned
) -> None:
    folder = tmp_path / "again"
    async with open_store(folder, clock) as db:
        tasks = Tasks(db)
        await _add(tasks)
        await _edit(tasks, title="Basket")
        await tasks.set_status("T-1", Status.DONE, actor=OPERATOR, cause="")
        await History(db).undo(OPERATOR)
    async with open_store(folder, clock) as db:
        tasks, history = Tasks(db), History(db)
        assert (await tasks.get("T-1")).status is Status.READY
        assert (await history.undo(OPERATOR)).text.startswith("undone: edit T-1 title")
        assert (await tasks.get("T-1")).title == "Cart"
        assert (await history.undo(OPERATOR)).text.startswith("undone: add T-1")
        with pytest.raises(UnknownName):
            await tasks.get("T-1")
        await history.redo(OPERATOR)
        await history.redo(OPERATOR)
        assert (await tasks.get("T-1")).title == "Basket"
        await history.redo(OPERATOR)
        assert (await tasks.get("T-1")).status is Status.DONE
        with pytest.raises(UsageError, match="nothing to redo"):
            await history.redo(OPERATOR)
        assert await db.read(journal.verify) == []


async def test_a_new_act_drops_what_was_undone(tasks: Tasks, history: History) -> None:
    await _add(tasks)
    await _edit(tasks, title="Basket")
    await history.undo(OPERATOR)
    await _edit(tasks, priority=9)
    with pytest.raises(UsageError, match="nothing to redo"):
        await history.redo(OPERATOR)
    await history.undo(OPERATOR)
    await history.undo(OPERATOR)
    with pytest.raises(UnknownName):
        await tasks.get("T-1")


async def test_each_actor_has_a_list_of_their_own(tasks: Tasks, history: History) -> None:
    await _add(tasks)
    await _edit(tasks, CODEX, priority=9)
    await _edit(tasks, title="Basket")
    await history.undo(CODEX)
    task = await tasks.get("T-1")
    assert (task.title, task.priority) == ("Basket", 5)
    with pytest.raises(UsageError, match="nothing to undo"):
        await history.undo(CODEX)


async def test_undo_keeps_newer_changes_of_others(tasks: Tasks, history: History) -> None:
    await _add(tasks, labels=["shop"])
    await _edit(tasks, title="Basket", labels=["shop", "cart"])
    await _edit(tasks, CODEX, priority=9, labels=["shop", "cart", "urgent"])
    await history.undo(OPERATOR)
    task = await tasks.get("T-1")
    assert (task.title, task.priority, task.labels) == ("Cart", 9, ("shop", "urgent"))


async def test_undo_stops_before_a_newer_change_of_the_same_field(
    tasks: Tasks, history: History, db: Database
) -> None:
    await _add(tasks)
    await _edit(tasks, title="Basket")
    await _edit(tasks, CODEX, title="Trolley")
    await _edit(tasks, CODEX, priority=9)
    with pytest.raises(Overlap) as stopped:
        await history.undo(OPERATOR)
    told = "cannot undo: T-1 title was changed to Trolley by codex-1 at revision 3 since; look at"
    assert told in str(stopped.value)
    assert (await tasks.get("T-1")).rev == 4
    act = await db.read(lambda conn: acts.last(conn, OPERATOR, "done"))
    assert act is not None
    assert act.label == "edit T-1 title"


async def test_undo_of_an_addition_stops_before_newer_work(
    tasks: Tasks, history: History, db: Database
) -> None:
    await _add(tasks)
    await _edit(tasks, CODEX, title="Trolley")
    with pytest.raises(Overlap, match="T-1 was edited by codex-1 at revision 2 since"):
        await history.undo(OPERATOR)
    await _edit(tasks, title="Basket")
    await _delete(db, "T-1", 3)
    with pytest.raises(Overlap, match="T-1 was deleted by codex-1 at revision 4 since"):
        await history.undo(OPERATOR)


async def test_an_undo_that_somebody_did_by_hand_writes_nothing(
    tasks: Tasks, history: History
) -> None:
    await _add(tasks)
    await _edit(tasks, title="Basket")
    await _edit(tasks, CODEX, title="Cart")
    await history.undo(OPERATOR)
    assert (await tasks.get("T-1")).rev == 3
