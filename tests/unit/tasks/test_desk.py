"""The desk: adding, editing and moving tasks in a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import IllegalMove, UnknownName, UsageError
from orc_core.history.actions import History
from orc_core.model.task import Status, Task
from orc_core.tasks.ages import ages
from orc_core.tasks.desk import Tasks
from orc_storage import acts, documents, journal
from orc_storage.database import Database
from orc_storage.errors import StaleRevision
from orc_storage.records import OPERATOR, Body, Change, Json
from stores import Turned, open_store


@pytest_asyncio.fixture
async def db(tmp_path: Path, clock: Turned) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "ws", clock) as opened:
        yield opened


@pytest.fixture
def tasks(db: Database) -> Tasks:
    return Tasks(db)


async def _add(tasks: Tasks, title: str = "Cart", **fields: Json) -> Task:
    return await tasks.add(title, actor=OPERATOR, cause="orc task add", **fields)


async def _edit(tasks: Tasks, id: str, rev: int | None = None, **fields: Json) -> Task:
    return await tasks.edit(id, fields, actor="codex-1", cause="orc task edit", rev=rev)


async def test_a_task_gets_an_id_a_revision_and_a_place_in_the_journal(
    tasks: Tasks, db: Database
) -> None:
    task = await _add(tasks, "Cart \x1b[31mtotals", text="one\ntwo", priority=9, labels=["shop"])
    assert (task.id, task.rev, task.title, task.text) == ("T-1", 1, "Cart totals", "one\ntwo")
    assert (task.status, task.priority, task.labels) == (Status.READY, 9, ("shop",))
    (entry,) = await db.read(lambda conn: journal.since(conn, 0))
    assert (entry.actor, entry.action, entry.kind, entry.id, entry.rev) == (
        OPERATOR,
        "add",
        "task",
        "T-1",
        1,
    )
    assert (await _add(tasks)).id == "T-2"


async def test_many_added_at_once_get_ids_of_their_own(tasks: Tasks) -> None:
    made = await asyncio.gather(*(_add(tasks, f"task {n}") for n in range(40)))
    assert {task.id for task in made} == {f"T-{n}" for n in range(1, 41)}
    assert len(await tasks.listing()) == 40


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"title": ""}, "title is ''; it takes a line of 1 to 200 characters"),
        ({"title": "x" * 201}, "title is"),
        ({"priority": 16}, "priority is 16; it takes a whole number from 0 to 15"),
        ({"priority": "9"}, "priority is '9'"),
        ({"priority": True}, "priority is True"),
        ({"status": "blocked"}, "blocked follows from depends_on"),
        ({"labels": [""]}, "labels is ''"),
        ({"labels": "shop"}, "labels is 'shop'"),
        ({"depends_on": ["T-9"]}, "depends_on names 'T-9', which is no task"),
        ({"depends_on": ["../etc"]}, "depends_on names"),
        ({"colour": "red"}, "no field 'colour' to set; it has title, text"),
        ({"id": "T-7"}, "no field 'id'"),
    ],
)
async def test_what_a_task_cannot_hold_is_refused_and_leaves_no_trace(
    tasks: Tasks, db: Database, fields: dict[str, Json], says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        await tasks.add(**({"title": "Cart"} | fields), actor=OPERATOR, cause="")
    assert says in str(refused.value)
    assert await db.read(journal.head) == (0, journal.GENESIS)
    assert (await _add(tasks)).id == "T-1"


async def test_dependencies_block_until_they_are_done(tasks: Tasks) -> None:
    await _add(tasks, "first")
    second = await _add(tasks, "second", depends_on=["t-1"])
    assert (second.status, second.depends_on) == (Status.BLOCKED, ("T-1",))
    await tasks.set_status("T-1", Status.DONE, actor=OPERATOR, cause="")
    assert (await tasks.get("t-2")).status is Status.READY


async def test_a_circle_of_dependencies_is_refused_and_named(tasks: Tasks) -> None:
    await _add(tasks, "first")
    await _add(tasks, "second", depends_on=["T-1"])
    await _add(tasks, "third", depends_on=["T-2"])
    with pytest.raises(UsageError, match="a circle, T-1 -> T-3 -> T-2 -> T-1"):
        await _edit(tasks, "T-1", depends_on=["T-3"])
    with pytest.raises(UsageError, match="T-1 -> T-1"):
        await _edit(tasks, "T-1", depends_on=["T-1"])
    assert (await tasks.get("T-1")).rev == 1


async def test_a_dependency_that_vanished_does_not_forbid_other_edits(
    tasks: Tasks, db: Database
) -> None:
    await _add(tasks, "first")
    await _add(tasks, "second")
    await _add(tasks, "third", depends_on=["T-1"])
    await db.write(lambda tx: documents.delete(tx, "task", "T-1", rev=1, actor=OPERATOR, cause=""))
    task = await _edit(tasks, "T-3", depends_on=["T-1", "T-2"])
    assert task.blocked_by == ("T-1", "T-2")


async def test_an_edit_is_one_revision_and_one_act(tasks: Tasks, db: Database) -> None:
    await _add(tasks)
    task = await _edit(tasks, "t-1", title="Basket", priority=7)
    assert (task.id, task.rev, task.title, task.updated_by) == ("T-1", 2, "Basket", "codex-1")
    act = await db.read(lambda conn: acts.last(conn, "codex-1", "done"))
    assert act is not None
    assert act.label == "edit T-1 title, priority"
    assert act.changes == (Change("task", "T-1", 1, 2),)
    (_, revision) = await db.read(lambda conn: documents.history(conn, "task", "T-1"))
    assert (revision.actor, revision.cause) == ("codex-1", "orc task edit")


async def test_an_edit_that_changes_nothing_writes_nothing(tasks: Tasks, db: Database) -> None:
    await _add(tasks)
    assert (await _edit(tasks, "T-1", title="Cart")).rev == 1
    assert await db.read(lambda conn: acts.last(conn, "codex-1", "done")) is None


async def test_a_stale_edit_and_an_unknown_task_are_refused(tasks: Tasks) -> None:
    await _add(tasks)
    await _edit(tasks, "T-1", title="Basket")
    with pytest.raises(StaleRevision, match="revision 2, not 1"):
        await _edit(tasks, "T-1", rev=1, title="Trolley")
    with pytest.raises(UnknownName, match="no task goes by 'T-9'"):
        await _edit(tasks, "T-9", title="x")
    with pytest.raises(UnknownName):
        await tasks.get("T-9")


async def test_a_status_moves_by_the_machine(tasks: Tasks, db: Database) -> None:
    await _add(tasks)
    await tasks.set_status("T-1", Status.DONE, actor=OPERATOR, cause="")
    act = await db.read(lambda conn: acts.last(conn, OPERATOR, "done"))
    assert act is not None
    assert act.label == "set T-1 to done"
    with pytest.raises(IllegalMove, match="T-1 is done and cannot become running"):
        await tasks.set_status("T-1", Status.RUNNING, actor=OPERATOR, cause="")


async def test_the_age_of_a_status_outlives_edits_of_other_fields(
    tasks: Tasks, db: Database, clock: Turned
) -> None:
    start = clock.now()
    await _add(tasks)
    clock.turn(10)
    await tasks.set_status("T-1", Status.RUNNING, actor=OPERATOR, cause="")
    known = await db.read(lambda conn: ages(conn, documents.listing(conn, "task")))
    clock.turn(10)
    await _edit(tasks, "T-1", title="Basket")
    assert (await tasks.get("T-1")).since == start + 10
    for before in (known, None):
        found = await db.read(lambda conn, b=before: ages(conn, documents.listing(conn, "task"), b))
        assert found["T-1"].since == start + 10
    clock.turn(10)
    await tasks.set_status("T-1", Status.FAILED, actor=OPERATOR, cause="")
    (task,) = await tasks.listing()
    assert (task.since, task.updated_at) == (start + 30, start + 30)
    found = await db.read(lambda conn: ages(conn, documents.listing(conn, "task"), known))
    assert found["T-1"].since == start + 30


async def test_an_age_begins_anew_with_what_was_deleted_and_came_back(
    tasks: Tasks, db: Database, clock: Turned
) -> None:
    start = clock.now()
    await _add(tasks)
    clock.turn(10)
    await db.write(lambda tx: documents.delete(tx, "task", "T-1", rev=1, actor=OPERATOR, cause=""))
    clock.turn(10)
    body: Body = {"id": "T-1", "title": "Cart", "status": "ready"}
    await db.write(
        lambda tx: documents.put(tx, "task", "T-1", body, rev=0, actor=OPERATOR, cause="")
    )
    clock.turn(10)
    await _edit(tasks, "T-1", title="Basket")
    assert (await tasks.get("T-1")).since == start + 20


async def test_many_are_changed_as_one_act_and_what_is_refused_stays(
    tasks: Tasks, db: Database
) -> None:
    for number in range(4):
        await _add(tasks, f"task {number}")
    await tasks.set_status("T-4", Status.DONE, actor=OPERATOR, cause="x")
    tally = await tasks.edit_many(
        ["T-1", "t-2", "T-1", "T-4", "T-9"], {"status": "failed"}, actor=OPERATOR, cause="x"
    )
    assert (tally.done, tally.word) == (("T-1", "T-2"), "set to failed")
    assert [why.partition(":")[0] for why in tally.refused] == [
        "T-4 is done and cannot become failed; from there",
        "no task goes by 'T-9'",
    ]
    assert tally.text.startswith("2 set to failed, 2 refused: T-4 is done")
    act = await db.read(lambda conn: acts.last(conn, OPERATOR, "done"))
    assert act is not None
    assert (act.label, [(one.id, one.from_rev, one.to_rev) for one in act.changes]) == (
        "T-1, T-2: set to failed",
        [("T-1", 1, 2), ("T-2", 1, 2)],
    )
    with pytest.raises(UsageError):
        await tasks.edit_many(["T-1"], {"colour": "red"}, actor=OPERATOR, cause="x")
    again = await tasks.edit_many(["T-1"], {"status": "failed"}, actor=OPERATOR, cause="x")
    assert again.done == ("T-1",)
    assert (await tasks.get("T-1")).rev == 2, "what is so already is not written again"


async def test_many_are_deleted_and_brought_back_by_one_undo(tasks: Tasks, db: Database) -> None:
    for number in range(3):
        await _add(tasks, f"task {number}")
    tally = await tasks.delete_many(["T-1", "T-3"], actor=OPERATOR, cause="x")
    assert tally.text == "2 deleted"
    assert [task.id for task in await tasks.listing()] == ["T-2"]
    report = await History(db).undo(OPERATOR)
    assert report.redoable
    assert [task.id for task in await tasks.listing()] == ["T-1", "T-2", "T-3"]
