"""Conflicts between a file and the store, end to end: opened, moved, decided, taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import Overlap, UnknownName, UsageError
from orc_core.sync.synchronizer import SyncReport
from orc_storage import journal
from orc_storage.files import Gift
from orc_storage.records import OPERATOR, Clash, Conflict, ConflictState
from stores import Turned
from workspaces import Workspace, open_workspace


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as workspace:
        yield workspace


async def _clash(ws: Workspace) -> Conflict:
    """A title changed in its file and in the store since both agreed."""
    await ws.add()
    await ws.sync()
    ws.change(title="Basket", due="soon")
    ws.clock.turn(60)
    await ws.edit(title="Trolley", priority=9)
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    return conflict


async def _assert_in_step(ws: Workspace) -> None:
    """A further sync does nothing, and file and store hold the same."""
    assert await ws.sync() == SyncReport()
    assert await ws.open_conflicts() == []
    newest = (await ws.revisions())[-1]
    assert ws.file() == newest.body | {"rev": newest.rev}
    assert await ws.db.read(journal.verify) == []


async def test_a_conflict_says_base_both_values_who_and_when(ws: Workspace) -> None:
    start = ws.clock.now()
    conflict = await _clash(ws)
    assert (conflict.id, conflict.doc, conflict.path) == ("C-1", "T-1", "title")
    assert conflict.kind is Clash.EDIT_EDIT
    assert (conflict.base, conflict.base_present, conflict.base_rev) == ("Cart", True, 1)
    left, right = conflict.left, conflict.right
    assert (left.layer, left.value, left.writer, left.rev) == ("file", "Basket", "", 1)
    assert left.at == ws.path().stat().st_mtime or left.at > 0
    assert (right.layer, right.value, right.writer) == ("store", "Trolley", "codex-1")
    assert (right.at, right.cause) == (start + 60, "orc task edit")
    first = (await ws.revisions())[0]
    assert (conflict.base_at, conflict.base_by) == (first.at, first.actor)
    assert conflict.why == "the file changed revision 1, the store changed it in revision 3"


async def test_the_rest_merges_and_each_side_keeps_its_own_value(ws: Workspace) -> None:
    await _clash(ws)
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority, task.due) == ("Trolley", 9, "soon")
    file = ws.file()
    assert (file["title"], file["priority"], file["due"], file["rev"]) == ("Basket", 9, "soon", 3)
    assert await ws.sync() == SyncReport()
    assert len(await ws.open_conflicts()) == 1


async def test_other_fields_go_on_while_a_conflict_waits(ws: Workspace) -> None:
    await _clash(ws)
    ws.change(labels=["a"])
    await ws.edit(priority=3)
    await ws.sync()
    assert [c.id for c in await ws.open_conflicts()] == ["C-1"]
    task = await ws.tasks.get("T-1")
    assert (task.labels, task.priority, task.title) == (("a",), 3, "Trolley")
    assert (ws.file()["priority"], ws.file()["title"]) == (3, "Basket")


@pytest.mark.parametrize(
    ("take", "value", "expected", "source"),
    [
        ("left", None, "Basket", ", from the file"),
        ("right", None, "Trolley", ", from the store"),
        ("base", None, "Cart", ", from the base"),
        ("value", "Bag", "Bag", ""),
    ],
)
async def test_a_decision_reaches_both_sides_and_can_be_taken_back_and_made_again(
    ws: Workspace, take: str, value: str | None, expected: str, source: str
) -> None:
    await _clash(ws)
    report = await ws.conflicts.resolve("c-1", take, value=value, actor=OPERATOR)
    assert report.text == f"C-1: T-1 title is {expected}{source}"
    newest = (await ws.revisions())[-1]
    assert (newest.rev, newest.cause, newest.actor) == (4, "conflict C-1", OPERATOR)
    conflict = await ws.conflict("C-1")
    assert (conflict.state, conflict.decision, conflict.decided_by) == (
        ConflictState.RESOLVED,
        take,
        OPERATOR,
    )
    assert conflict.value == expected
    base = await ws.base()
    assert base is not None
    assert base.body is not None
    assert base.body["title"] == "Basket"
    await ws.sync()
    assert ws.file()["title"] == expected
    await _assert_in_step(ws)

    report = await ws.history.undo(OPERATOR)
    assert report.text == "undone: resolve C-1, T-1 title"
    for _ in range(2):
        assert [c.id for c in await ws.open_conflicts()] == ["C-1"]
        assert (await ws.tasks.get("T-1")).title == "Trolley"
        await ws.sync()
        assert ws.file()["title"] == "Basket"
        assert (ws.file()["due"], ws.file()["priority"]) == ("soon", 9)
    assert [c.id for c in await ws.conflicts.listing()] == ["C-1"]

    await ws.history.redo(OPERATOR)
    await ws.sync()
    assert ws.file()["title"] == (await ws.tasks.get("T-1")).title == expected
    await _assert_in_step(ws)


async def test_taking_a_decision_back_by_name_is_what_undo_does(ws: Workspace) -> None:
    await _clash(ws)
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    report = await ws.conflicts.undo_resolution("C-1", actor=OPERATOR)
    assert report.text == "C-1 is open again: T-1 title"
    await ws.sync()
    assert ((await ws.tasks.get("T-1")).title, ws.file()["title"]) == ("Trolley", "Basket")
    await ws.history.redo(OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "Basket"
    await ws.edit(actor=OPERATOR, priority=1)
    await ws.conflicts.undo_resolution("C-1", actor=OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "Trolley"
    await ws.history.undo(OPERATOR)
    assert (await ws.tasks.get("T-1")).title == "Basket"
    await ws.sync()
    await _assert_in_step(ws)


async def test_a_decision_is_not_taken_back_over_newer_work(ws: Workspace) -> None:
    await _clash(ws)
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    await ws.edit(title="Bag")
    with pytest.raises(Overlap, match="T-1 title was changed to Bag by codex-1 at revision 5"):
        await ws.conflicts.undo_resolution("C-1", actor=OPERATOR)
    with pytest.raises(Overlap):
        await ws.history.undo(OPERATOR)
    assert (await ws.conflict("C-1")).state is ConflictState.RESOLVED


async def test_an_edit_of_the_file_after_an_undone_decision_is_a_new_side(ws: Workspace) -> None:
    await _clash(ws)
    await ws.conflicts.resolve("C-1", "right", actor=OPERATOR)
    await ws.sync()
    await ws.history.undo(OPERATOR)
    ws.change(title="Bag")
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.id, conflict.left.value, conflict.right.value) == ("C-2", "Bag", "Trolley")
    assert (await ws.conflict("C-1")).state is ConflictState.SUPERSEDED


async def test_a_side_that_moves_on_supersedes_the_conflict(ws: Workspace) -> None:
    await _clash(ws)
    await ws.edit(title="Cart 2")
    await ws.sync()
    (second,) = await ws.open_conflicts()
    assert (second.id, second.base, second.right.value) == ("C-2", "Cart", "Cart 2")
    ws.change(title="Basket 2")
    await ws.sync()
    (third,) = await ws.open_conflicts()
    assert (third.id, third.left.value, third.right.value) == ("C-3", "Basket 2", "Cart 2")
    assert (third.base, third.base_rev) == ("Cart", 1)
    ws.change(title="Cart 2")
    await ws.sync()
    assert [c.state for c in await ws.conflicts.listing()] == [ConflictState.SUPERSEDED] * 3
    await _assert_in_step(ws)


async def test_a_layer_that_takes_its_change_back_ends_the_conflict(ws: Workspace) -> None:
    await _clash(ws)
    ws.change(title="Cart")
    await ws.sync()
    assert (await ws.conflict("C-1")).state is ConflictState.SUPERSEDED
    assert ws.file()["title"] == "Trolley"
    await _assert_in_step(ws)


async def test_a_store_that_goes_back_to_the_base_is_not_overwritten(ws: Workspace) -> None:
    await _clash(ws)
    await ws.edit(title="Cart")
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.id, conflict.left.value, conflict.right.value) == ("C-2", "Basket", "Cart")
    assert (await ws.tasks.get("T-1")).title == "Cart"


async def test_a_decision_over_a_store_that_moved_on_is_refused(ws: Workspace) -> None:
    await _clash(ws)
    await ws.edit(title="Cart 2")
    with pytest.raises(Overlap, match=r"C-1 is superseded by C-2: the store has Cart 2 for T-1"):
        await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    (conflict,) = await ws.open_conflicts()
    assert (conflict.id, conflict.right.value, conflict.left.value) == ("C-2", "Cart 2", "Basket")
    await ws.sync()
    assert [c.id for c in await ws.open_conflicts()] == ["C-2"]
    with pytest.raises(UsageError, match="C-1 is superseded"):
        await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    await ws.edit(title="Basket")
    with pytest.raises(Overlap, match="C-2 is over: both sides of T-1 title agree"):
        await ws.conflicts.resolve("C-2", "left", actor=OPERATOR)
    await ws.sync()
    await _assert_in_step(ws)


async def test_an_edit_of_the_file_between_decision_and_sync_is_a_new_conflict(
    ws: Workspace,
) -> None:
    await _clash(ws)
    await ws.conflicts.resolve("C-1", "right", actor=OPERATOR)
    ws.change(title="Bag")
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.id, conflict.left.value, conflict.right.value) == ("C-2", "Bag", "Trolley")


async def test_a_decision_has_to_be_a_valid_task(ws: Workspace) -> None:
    await _clash(ws)
    with pytest.raises(UsageError, match="title is 7; it takes a line"):
        await ws.conflicts.resolve("C-1", "value", value=7, actor=OPERATOR)
    with pytest.raises(UsageError, match="take is 'neither'"):
        await ws.conflicts.resolve("C-1", "neither", actor=OPERATOR)
    with pytest.raises(UnknownName, match="no conflict goes by 'C-9'"):
        await ws.conflicts.resolve("C-9", "left", actor=OPERATOR)
    assert (await ws.conflict("C-1")).state is ConflictState.OPEN
    assert len(await ws.revisions()) == 3


async def test_a_status_that_waits_is_decided_along_the_machine(ws: Workspace) -> None:
    """The machine took the file's wish; taken back, both stand side by side for a person."""
    await ws.add()
    await ws.sync()
    ws.change(status="done")
    await ws.edit(status="running")
    await ws.sync()
    await ws.history.undo(OPERATOR)
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.path, conflict.left.value, conflict.right.value) == (
        "status",
        "done",
        "running",
    )
    with pytest.raises(UsageError, match="status is 'over'; it takes one of ready"):
        await ws.conflicts.resolve(conflict.id, "value", value="over", actor=OPERATOR)
    await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    assert ws.file()["status"] == "running"
    await _assert_in_step(ws)


async def test_a_deferred_conflict_waits_and_comes_back(ws: Workspace) -> None:
    await _clash(ws)
    until = ws.clock.now() + 3600
    with pytest.raises(UsageError, match="later time"):
        await ws.conflicts.defer("C-1", ws.clock.now(), actor=OPERATOR)
    report = await ws.conflicts.defer("C-1", until, actor=OPERATOR)
    assert report.undoable
    await ws.sync()
    assert (await ws.conflict("C-1")).state is ConflictState.DEFERRED
    await ws.history.undo(OPERATOR)
    assert (await ws.conflict("C-1")).state is ConflictState.OPEN
    await ws.history.redo(OPERATOR)
    conflict = await ws.conflict("C-1")
    assert (conflict.state, conflict.deferred_until) == (ConflictState.DEFERRED, until)
    ws.clock.turn(3601)
    await ws.sync()
    assert (await ws.conflict("C-1")).state is ConflictState.OPEN


async def test_several_are_put_off_as_one_act_and_what_is_decided_stays(ws: Workspace) -> None:
    await _clash(ws)
    until = ws.clock.now() + 3600
    tally = await ws.conflicts.defer_many(["C-1", "c-1"], until, actor=OPERATOR)
    assert (tally.done, tally.text) == (("C-1",), "1 put off")
    await ws.conflicts.resolve("C-1", "left", actor="codex-1")
    tally = await ws.conflicts.defer_many(["C-1"], until, actor=OPERATOR)
    assert tally.text == "1 refused: C-1 is resolved: there is nothing to put off"


async def test_undo_never_decides_what_somebody_else_took_back(ws: Workspace) -> None:
    await _clash(ws)
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    await ws.conflicts.undo_resolution("C-1", actor="codex-1")
    await ws.history.undo(OPERATOR)
    assert (await ws.conflict("C-1")).state is ConflictState.OPEN
    assert (await ws.tasks.get("T-1")).title == "Trolley"
    await ws.history.undo("codex-1")
    assert (await ws.conflict("C-1")).state is ConflictState.RESOLVED
    assert (await ws.tasks.get("T-1")).title == "Basket"


async def test_taking_a_decision_back_leaves_the_act_that_put_it_off(ws: Workspace) -> None:
    await _clash(ws)
    await ws.conflicts.defer("C-1", ws.clock.now() + 3600, actor="codex-1")
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    await ws.conflicts.undo_resolution("C-1", actor="codex-1")
    assert (await ws.history.undo("codex-1")).text.startswith("undone: reopen C-1")


async def test_an_old_copy_written_back_whole_is_a_conflict(ws: Workspace) -> None:
    await ws.add(priority=4)
    await ws.sync()
    old = ws.path().read_bytes()
    await ws.edit(title="Basket", labels=["shop"])
    await ws.edit(priority=9)
    await ws.sync()
    assert ws.file()["rev"] == 3
    ws.path().write_bytes(old)
    await ws.sync()
    found = {c.path: c for c in await ws.open_conflicts()}
    assert sorted(found) == ["labels", "priority", "title"]
    title = found["title"]
    assert title.why == "an old copy of revision 1 was written back"
    assert (title.left.value, title.right.value, title.left.rev) == ("Cart", "Basket", 1)
    assert (await ws.tasks.get("T-1")).title == "Basket"
    assert (ws.file()["title"], ws.file()["rev"]) == ("Cart", 3)
    assert await ws.sync() == SyncReport()
    for conflict in found.values():
        await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    assert ws.file()["title"] == "Basket"
    await _assert_in_step(ws)


async def test_an_old_copy_is_told_while_a_conflict_is_open(ws: Workspace) -> None:
    await _clash(ws)
    old = ws.file()
    await ws.edit(title="Trolley 2", labels=["shop"])
    await ws.sync()
    assert [c.path for c in await ws.open_conflicts()] == ["title"]
    ws.write(old)
    await ws.sync()
    found = {c.path: c for c in await ws.open_conflicts()}
    assert sorted(found) == ["labels", "title"]
    assert found["labels"].why == "an old copy of revision 3 was written back"
    assert (await ws.tasks.get("T-1")).labels == ("shop",)


async def test_an_old_copy_that_equals_the_store_is_no_conflict(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    old = ws.path().read_bytes()
    await ws.edit(title="Basket")
    await ws.sync()
    await ws.edit(title="Cart")
    await ws.sync()
    ws.path().write_bytes(old)
    await ws.sync()
    assert await ws.conflicts.listing() == []
    assert ws.file()["rev"] == 3


async def test_an_edit_made_on_an_old_copy_is_merged_from_there(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    old = ws.file()
    await ws.edit(title="Basket", priority=9)
    await ws.sync()
    ws.write(old | {"title": "Trolley", "due": "soon"})
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.path, conflict.base, conflict.base_rev) == ("title", "Cart", 1)
    assert (conflict.left.value, conflict.right.value) == ("Trolley", "Basket")
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority, task.due) == ("Basket", 9, "soon")


async def test_a_copy_older_than_a_decision_does_not_undo_it(ws: Workspace) -> None:
    await _clash(ws)
    old = ws.file()
    await ws.conflicts.resolve("C-1", "right", actor=OPERATOR)
    await ws.sync()
    ws.write(old)
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert conflict.why == "an old copy of revision 3 was written back"
    assert (conflict.left.value, conflict.right.value) == ("Basket", "Trolley")
    await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    ws.write(old | {"labels": ["new"]})
    await ws.sync()
    assert await ws.open_conflicts() == []
    task = await ws.tasks.get("T-1")
    assert (task.title, task.labels) == ("Trolley", ("new",))
    await _assert_in_step(ws)


async def test_a_removed_file_of_a_changed_task_is_a_conflict(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.path().unlink()
    await ws.edit(title="Basket")
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.kind, conflict.path) == (Clash.EDIT_DELETE, "")
    assert (conflict.left.present, conflict.right.present) == (False, True)
    assert not ws.path().exists()
    assert (await ws.tasks.get("T-1")).title == "Basket"
    assert await ws.sync() == SyncReport()

    await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    assert ws.file()["title"] == "Basket"
    await _assert_in_step(ws)
    await ws.history.undo(OPERATOR)
    await ws.sync()
    assert not ws.path().exists()
    assert [c.id for c in await ws.open_conflicts()] == [conflict.id]

    await ws.conflicts.resolve(conflict.id, "left", actor=OPERATOR)
    await ws.sync()
    with pytest.raises(UnknownName):
        await ws.tasks.get("T-1")
    await ws.history.undo(OPERATOR)
    await ws.sync()
    assert (await ws.tasks.get("T-1")).title == "Basket"
    assert not ws.path().exists()
    assert [c.id for c in await ws.open_conflicts()] == [conflict.id]


async def test_a_file_that_comes_back_ends_the_conflict_over_its_removal(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    old = ws.file()
    ws.path().unlink()
    await ws.edit(title="Basket")
    await ws.sync()
    ws.write(old | {"due": "soon"})
    await ws.sync()
    assert await ws.open_conflicts() == []
    assert ((await ws.tasks.get("T-1")).title, ws.file()["due"]) == ("Basket", "soon")
    await _assert_in_step(ws)


async def test_an_edited_file_of_a_deleted_task_is_a_conflict(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(title="Basket")
    await ws.history.undo(OPERATOR)
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.kind, conflict.path) == (Clash.EDIT_DELETE, "")
    assert (conflict.left.present, conflict.right.present) == (True, False)
    assert ws.file()["title"] == "Basket"
    assert await ws.sync() == SyncReport()

    await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    assert not ws.path().exists()
    await ws.history.undo(OPERATOR)
    await ws.sync()
    assert ws.file()["title"] == "Basket"

    await ws.conflicts.resolve(conflict.id, "left", actor=OPERATOR)
    await ws.sync()
    assert (await ws.tasks.get("T-1")).title == "Basket"
    await _assert_in_step(ws)


async def test_an_old_copy_of_a_deleted_task_is_a_conflict(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    old = ws.path().read_bytes()
    await ws.history.undo(OPERATOR)
    await ws.sync()
    ws.path().write_bytes(old)
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert conflict.why == "an old copy of revision 1 was written back"
    with pytest.raises(UnknownName):
        await ws.tasks.get("T-1")


async def test_a_task_edited_while_its_file_is_written_loses_nothing(ws: Workspace) -> None:
    """Somebody saves between our reading and our writing: what they saved is merged as well."""
    await ws.add()
    await ws.sync()
    await ws.edit(priority=9)
    write_all = ws.mirror.write_all
    saves = iter([{"title": "Basket"}, {"due": "soon"}])

    def save_first(gifts: Sequence[Gift]) -> object:
        if (fields := next(saves, None)) is not None:
            ws.change(**fields)
        return write_all(gifts)

    ws.mirror.write_all = save_first  # type: ignore[method-assign, assignment]
    await ws.sync()
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority, task.due) == ("Basket", 9, "soon")
    await _assert_in_step(ws)
