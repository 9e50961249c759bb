"""Taking single changes out, ranges of them, and what is left for somebody to decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import Overlap, UnknownName, UsageError
from orc_core.history.actions import History
from orc_core.history.timeline import Timeline
from orc_core.model.history import Mark, Plan, Query
from orc_storage import acts, bases, checkpoints, conflicts, documents, journal
from orc_storage.canonical import digest
from orc_storage.database import Transaction
from orc_storage.records import OPERATOR, ConflictState
from stores import Turned
from workspaces import Workspace, open_workspace

CODEX = "codex-1"


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as opened:
        yield opened


def marks(*revs: int, id: str = "T-1") -> list[Mark]:
    return [Mark("task", id, rev) for rev in revs]


async def carry_out(ws: Workspace, plan: Plan, actor: str = OPERATOR) -> str:
    return (await ws.history.revert(plan, actor=actor)).text


async def test_later_changes_are_kept(ws: Workspace) -> None:
    await ws.add(labels=["shop"], text="one\ntwo\nthree")
    await ws.edit(title="Basket", labels=["shop", "cart"], text="one\n2\nthree")
    await ws.edit(priority=9, labels=["shop", "cart", "urgent"], text="one\n2\nthree\nfour")
    plan = await ws.history.plan_take_out(marks(2))
    assert plan.returns == (
        'labels: ["shop", "cart", "urgent"] -> ["shop", "urgent"]',
        "text: 1 line back, 1 line gone",
        "title: Basket -> Cart",
    )
    assert plan.standing == ()
    assert await carry_out(ws, plan) == "done: take out T-1 2, as revision 4"
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority, task.labels) == ("Cart", 9, ("shop", "urgent"))
    assert task.text == "one\ntwo\nthree\nfour"
    newest = (await ws.revisions())[-1]
    assert (newest.rev, newest.cause, newest.actor) == (4, "take out T-1 2", OPERATOR)
    await ws.history.undo(OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "Basket"


async def test_what_overlaps_becomes_a_conflict_and_the_rest_comes_back(ws: Workspace) -> None:
    await ws.add(priority=3)
    await ws.edit(title="Basket", priority=7)
    await ws.edit(actor="claude-2", title="Trolley")
    plan = await ws.history.plan_take_out(marks(2))
    assert plan.returns == ("priority: 7 -> 3",)
    assert plan.stays[1] == (
        "T-1 title was changed to Trolley by claude-2 at revision 3 since:"
        " a conflict for you to decide"
    )
    assert await carry_out(ws, plan) == "done: take out T-1 2, as revision 4; to be decided: C-1"
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority) == ("Trolley", 3)
    conflict = await ws.conflict("C-1")
    assert (conflict.path, conflict.base, conflict.base_rev) == ("title", "Basket", 2)
    left, right = conflict.left, conflict.right
    assert (left.layer, left.value, left.rev, left.writer) == ("history", "Cart", 1, OPERATOR)
    assert (right.layer, right.value, right.writer) == ("store", "Trolley", "claude-2")
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "Cart"
    await ws.sync()
    assert ws.file()["title"] == "Cart"
    assert await ws.open_conflicts() == []
    assert await ws.db.read(lambda conn: bases.get(conn, "history", "task", "T-1")) is None


async def test_undo_closes_the_conflicts_that_it_opened_and_redo_opens_them(
    ws: Workspace,
) -> None:
    await ws.add(priority=3)
    await ws.edit(title="Basket", priority=7)
    await ws.edit(title="Trolley")
    await carry_out(ws, await ws.history.plan_take_out(marks(2)))
    await ws.history.undo(OPERATOR)
    assert (await ws.conflict("C-1")).state is ConflictState.SUPERSEDED
    assert (await ws.tasks.get("T-1")).priority == 7
    await ws.history.redo(OPERATOR)
    assert (await ws.conflict("C-1")).state is ConflictState.OPEN
    assert (await ws.tasks.get("T-1")).priority == 3
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    await ws.history.undo(OPERATOR)
    assert (await ws.conflict("C-1")).state is ConflictState.OPEN
    await ws.history.undo(OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "Trolley"
    assert await ws.open_conflicts() == []


async def test_the_same_overlap_is_asked_once(ws: Workspace) -> None:
    await ws.add()
    await ws.edit(title="Basket")
    await ws.edit(title="Trolley")
    for _ in range(2):
        await carry_out(ws, await ws.history.plan_take_out(marks(2)))
    assert [conflict.id for conflict in await ws.open_conflicts()] == ["C-2"]


async def test_a_creation_taken_out_deletes_and_a_deletion_brings_back(ws: Workspace) -> None:
    await ws.add()
    await carry_out(ws, await ws.history.plan_take_out(marks(1)))
    with pytest.raises(UnknownName):
        await ws.tasks.get("T-1")
    await carry_out(ws, await ws.history.plan_take_out(marks(2)))
    assert (await ws.tasks.get("T-1")).title == "Cart"
    await ws.edit(title="Basket")
    plan = await ws.history.plan_take_out(marks(1))
    assert plan.steps[0].diff == ()
    assert [(one.path, one.now_present) for one in plan.standing] == [("", True)]
    await carry_out(ws, plan)
    assert (await ws.tasks.get("T-1")).title == "Basket"
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    with pytest.raises(UnknownName):
        await ws.tasks.get("T-1")


async def test_marks_of_many_documents_go_back_together(ws: Workspace) -> None:
    for _ in range(3):
        await ws.add()
    await ws.edit("T-1", title="a")
    await ws.edit("T-2", title="b")
    await ws.edit("T-1", priority=9)
    await ws.edit("T-1", title="c")
    picked = [*marks(2, 4), *marks(2, id="t-2")]
    plan = await ws.history.plan_take_out(picked)
    assert [(step.id, len(step.diff)) for step in plan.steps] == [("T-1", 1), ("T-2", 1)]
    assert plan.checkpoint == "before: take out 3 changes"
    assert await carry_out(ws, plan) == "done: take out 3 changes, in 2 documents"
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority, (await ws.tasks.get("T-2")).title) == ("Cart", 9, "Cart")
    (automatic,) = await ws.db.read(checkpoints.listing)
    assert (automatic.automatic, automatic.note) == (True, "before: take out 3 changes")
    then = await ws.db.read(lambda conn: checkpoints.revisions(conn, automatic))
    assert [(one.id, one.rev) for one in then] == [("T-1", 4), ("T-2", 2), ("T-3", 1)]
    await ws.history.undo(OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "c"
    assert (await ws.tasks.get("T-2")).title == "b"


async def test_everything_an_actor_did_since_then_is_taken_back(
    ws: Workspace, clock: Turned
) -> None:
    await ws.add()
    await ws.edit(title="early")
    clock.turn(60)
    since = clock.now()
    await ws.edit(title="late", text="kept")
    await ws.edit(actor="claude-2", priority=1)
    await ws.add()
    found = await Timeline(ws.db).marks(Query(since=since, actor=CODEX), limit=10)
    assert found == (Mark("task", "T-1", 3),)
    both = await Timeline(ws.db).marks(Query(since=since), limit=10)
    assert [(mark.id, mark.rev) for mark in both] == [("T-2", 1), ("T-1", 4), ("T-1", 3)]
    await carry_out(ws, await ws.history.plan_take_out(both, label="revert since 12:01"))
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority, task.text) == ("early", 5, "")
    assert [one.id for one in await ws.tasks.listing()] == ["T-1"]
    report = await ws.history.undo(OPERATOR)
    assert report.text == "undone: revert since 12:01"
    assert len(await ws.tasks.listing()) == 2
    assert await ws.db.read(journal.verify) == []


async def test_a_range_of_entries_has_both_ends(ws: Workspace) -> None:
    await ws.add()
    for title in "abc":
        await ws.edit(title=title)
    found = await Timeline(ws.db).marks(Query(first=2, last=3), limit=10)
    assert [mark.rev for mark in found] == [3, 2]
    nothing = await Timeline(ws.db).marks(Query(first=9), limit=10)
    with pytest.raises(UsageError, match="nothing to take back"):
        await ws.history.plan_take_out(nothing)


async def test_too_much_at_once_is_refused(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orc_core.history.actions.MARKS_MAX", 2)
    with pytest.raises(UsageError, match="3 revisions are more than"):
        await ws.history.plan_take_out(marks(1, 2, 3))


async def test_a_writer_between_preview_and_deed_refuses_all_of_it(ws: Workspace) -> None:
    await ws.add()
    await ws.add()
    await ws.edit("T-1", title="a")
    await ws.edit("T-2", title="b")
    plan = await ws.history.plan_take_out([*marks(2), *marks(2, id="T-2")])
    await ws.edit("T-2", actor="claude-2", priority=9)
    before = await ws.db.read(journal.head)
    with pytest.raises(Overlap, match="T-2 is at revision 3 by claude-2, the preview was of 2"):
        await carry_out(ws, plan)
    assert (await ws.tasks.get("T-1")).title == "a"
    assert await ws.db.read(journal.head) == before
    assert await ws.db.read(checkpoints.listing) == []
    assert await ws.db.read(lambda conn: acts.last(conn, OPERATOR, "done")) != plan.label


async def test_rules_are_looked_at_once_all_is_written(ws: Workspace) -> None:
    await ws.add()
    await ws.add()
    await ws.edit("T-1", depends_on=["T-2"])
    await ws.edit("T-1", depends_on=[])
    await ws.edit("T-2", depends_on=["T-1"])
    # T-2 goes first in no order that avoids a circle on the way: both change sides at once.
    both = [*marks(3, id="T-1"), *marks(2, id="T-2")]
    for picked in (both, both[::-1]):
        await carry_out(ws, await ws.history.plan_take_out(picked))
        assert (await ws.tasks.get("T-1")).depends_on == ("T-2",)
        await ws.history.undo(OPERATOR)
        assert (await ws.tasks.get("T-2")).depends_on == ("T-1",)
    with pytest.raises(UsageError, match="circle"):
        await carry_out(ws, await ws.history.plan_take_out(marks(3)))
    assert (await ws.tasks.get("T-1")).depends_on == ()


async def test_undo_over_newer_work_waits_for_its_preview(ws: Workspace) -> None:
    await ws.add(priority=3)
    await ws.tasks.edit("T-1", {"title": "Basket", "priority": 7}, actor=OPERATOR, cause="")
    await ws.edit(title="Trolley")
    with pytest.raises(Overlap, match="look at the preview"):
        await ws.history.undo(OPERATOR)
    assert (await ws.tasks.get("T-1")).priority == 7
    plan = await ws.history.plan_turn(OPERATOR, is_undo=True)
    assert plan.returns == ("priority: 7 -> 3",)
    assert (await carry_out(ws, plan)).endswith(
        "undone: edit T-1 title, priority; to be decided: C-1"
    )
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority) == ("Trolley", 3)
    report = await ws.history.redo(OPERATOR)
    assert report.undoable
    assert await ws.open_conflicts() == []
    assert (await ws.tasks.get("T-1")).priority == 7


async def test_a_preview_of_an_undo_is_of_that_act_alone(ws: Workspace) -> None:
    await ws.add()
    await ws.tasks.edit("T-1", {"title": "Basket"}, actor=OPERATOR, cause="")
    plan = await ws.history.plan_turn(OPERATOR, is_undo=True)
    await ws.tasks.add("other", actor=OPERATOR, cause="")
    with pytest.raises(Overlap, match="something else was done since"):
        await carry_out(ws, plan)


async def test_an_agent_stays_where_it_is(ws: Workspace) -> None:
    def write(tx: Transaction) -> None:
        body = {"id": "ada", "labels": ["a"], "server": "s", "session": "x", "pane": None}
        put = documents.put
        put(tx, "agent", "ada", dict(body), rev=0, actor=OPERATOR, cause="")
        moved = body | {"labels": ["b"], "session": "y", "pane": {"pane_id": "%1"}}
        put(tx, "agent", "ada", dict(moved), rev=1, actor=OPERATOR, cause="")

    await ws.db.write(write)
    for plan in (
        await ws.history.plan("agent", "ada", 1),
        await ws.history.plan_take_out([Mark("agent", "ada", 2)]),
    ):
        assert plan.returns == ('labels: ["b"] -> ["a"]',)
        assert plan.steps[0].body == {
            "id": "ada",
            "labels": ["a"],
            "server": "s",
            "session": "y",
            "pane": {"pane_id": "%1"},
        }


async def test_whoever_fences_is_told_before_anything_is_written(ws: Workspace) -> None:
    await ws.add()
    await ws.edit(title="Basket")
    told: list[tuple[str, int]] = []

    def fence(tx: Transaction, plan: Plan) -> None:
        found = documents.get(tx.conn, "task", "T-1")
        told.append((plan.label, 0 if found is None else found.rev))

    history = History(ws.db, fence=fence)
    await history.revert(await history.plan("task", "T-1", 1), actor=OPERATOR)
    assert told == [("revert T-1 to 1", 2)]


async def test_what_did_not_come_back_as_planned_is_undone(ws: Workspace) -> None:
    await ws.add()
    await ws.edit(title="Basket")
    plan = await ws.history.plan("task", "T-1", 1)
    other = '{"id":"T-1"}'

    def meddle(tx: Transaction, plan: Plan) -> None:
        values = f"body = '{other}', sha256 = '{digest(other)}', updated_at = 1.0"
        when = "AFTER UPDATE ON document WHEN new.updated_at <> 1.0"
        then = f"UPDATE document SET {values}"  # noqa: S608
        tx.conn.execute(f"CREATE TEMP TRIGGER meddle {when} BEGIN {then}; END")

    with pytest.raises(Exception, match="did not come back as planned"):
        await History(ws.db, fence=meddle).revert(plan, actor=OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "Basket"
    assert await ws.db.read(conflicts.listing) == []


async def test_a_plan_without_steps_is_refused(ws: Workspace) -> None:
    await ws.add()
    plan = await ws.history.plan("task", "T-1", 1)
    with pytest.raises(UsageError, match="nothing to take back"):
        await carry_out(ws, replace(plan, label="x"))
