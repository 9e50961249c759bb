"""Files and store in step: merges, faults, deletions, echoes, with a real store and real files."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from orc_core.board import Board
from orc_core.errors import LayerOffline, UnknownName
from orc_core.model.health import LayerState
from orc_core.model.task import Status
from orc_core.sync import file_layer
from orc_core.sync.passes import AT_ONCE, RETRIES_MAX
from orc_core.sync.settlement import day_of
from orc_core.sync.synchronizer import SyncReport
from orc_core.text import clean
from orc_storage import counters, documents, journal, placing
from orc_storage.errors import StoreUnavailable
from orc_storage.records import OPERATOR, Body, Clash, ConflictState
from stores import Turned
from workspaces import Workspace, open_workspace


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as workspace:
        yield workspace


async def test_tasks_are_written_to_files_with_their_revision(ws: Workspace) -> None:
    await ws.add("Cart", labels=["shop"])
    report = await ws.sync()
    assert (report.exported, report.imported, report.failed) == (1, 0, 0)
    assert ws.file() | {"text": ""} == {
        "id": "T-1",
        "rev": 1,
        "title": "Cart",
        "text": "",
        "status": "ready",
        "priority": 5,
        "needs": [],
        "labels": ["shop"],
        "depends_on": [],
        "assignee": "",
        "due": "",
    }
    assert await ws.sync() == SyncReport()


async def test_an_edit_of_a_file_is_a_revision_by_the_file(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(title="Basket")
    report = await ws.sync()
    assert (report.imported, report.exported, report.merged, report.conflicts) == (1, 1, 0, 0)
    newest = (await ws.revisions())[-1]
    assert (newest.rev, newest.actor, newest.cause) == (2, "file", "file T-1.json")
    assert newest.body["title"] == "Basket"
    assert ws.file()["rev"] == 2
    assert await ws.sync() == SyncReport()
    assert await ws.db.read(journal.verify) == []


async def test_fields_that_do_not_overlap_merge_by_themselves(ws: Workspace) -> None:
    await ws.add(labels=["shop"], text="one\ntwo\nthree")
    await ws.sync()
    ws.change(title="Basket", labels=["shop", "cart"], text="ONE\ntwo\nthree")
    await ws.edit(priority=9, labels=["urgent"], text="one\ntwo\nthree\nfour")
    report = await ws.sync()
    assert (report.conflicts, report.merged) == (0, 3)
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority, task.labels) == ("Basket", 9, ("cart", "urgent"))
    assert task.text == "ONE\ntwo\nthree\nfour"
    assert ws.file() == (await ws.revisions())[-1].body | {"rev": 3}
    day = day_of(ws.clock.now())
    assert await ws.db.read(lambda conn: counters.value(conn, "merged", day)) == 3


async def test_an_edit_without_a_revision_is_made_on_what_the_file_held(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    body = ws.file()
    del body["rev"]
    ws.write(body | {"title": "Basket"})
    await ws.edit(priority=9)
    await ws.sync()
    assert await ws.open_conflicts() == []
    assert ws.file()["rev"] == 3
    assert (ws.file()["title"], ws.file()["priority"]) == ("Basket", 9)


async def test_a_file_saved_twice_before_a_sync_is_one_edit(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(title="Basket")
    ws.change(title="Trolley")
    await ws.sync()
    assert len(await ws.revisions()) == 2
    assert ws.file()["title"] == "Trolley"


async def test_formatting_alone_changes_nothing(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change()
    before = ws.path().read_bytes()
    assert (await ws.sync()).imported == 0
    assert len(await ws.revisions()) == 1
    assert ws.path().read_bytes() == before


async def test_a_new_file_is_a_new_task(ws: Workspace) -> None:
    await ws.sync()
    ws.write({"id": "T-7", "title": "Made by hand"}, "T-7")
    await ws.sync()
    assert (await ws.tasks.get("T-7")).title == "Made by hand"
    assert ws.file("T-7")["rev"] == 1
    for number in range(1, 7):
        assert (await ws.add()).id == f"T-{number}"
    assert (await ws.add()).id == "T-8"


async def test_a_task_that_both_made_is_a_conflict_per_field(ws: Workspace) -> None:
    await ws.sync()
    await ws.add("Cart", priority=7)
    ws.write({"id": "T-1", "title": "Basket", "priority": 7, "owner": "ana"})
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.kind, conflict.path, conflict.base_present) == (Clash.ADD_ADD, "title", False)
    assert (conflict.left.value, conflict.right.value) == ("Basket", "Cart")
    assert (await ws.revisions())[-1].body["owner"] == "ana"
    assert ws.file()["title"] == "Basket"
    await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    assert ws.file()["title"] == "Cart"


async def test_a_status_in_a_file_is_a_request_to_the_machine(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(status="done")
    await ws.sync()
    assert (await ws.tasks.get("T-1")).status is Status.DONE
    ws.change(status="running", title="Basket")
    before = ws.path().read_bytes()
    report = await ws.sync()
    (fault,) = report.faults
    assert (fault.id, fault.text) == (
        "T-1",
        "T-1 is done and cannot become running; from there: ready",
    )
    assert (await ws.tasks.get("T-1")).title == "Cart"
    assert ws.path().read_bytes() == before
    ws.change(status="ready")
    assert (await ws.sync()).faults == ()
    assert (await ws.tasks.get("T-1")).title == "Basket"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            b'{\n  "id": "T-1",\n  "title": "x"\n  "rev": 1\n}',
            "line 4, column 3: is not valid JSON",
        ),
        (b"", "is empty"),
        (b"[]", "one JSON object"),
        (b'{"id": "T-2", "title": "x"}', "id 'T-2'"),
        (b'{"id": "T-1", "title": ""}', "title is ''; it takes a line of 1 to 200"),
        (b'{"id": "T-1", "rev": 1}', "title is missing"),
        (b'{"id": "T-1", "title": "x", "priority": 99}', "priority is 99; it takes a whole"),
        (b'{"id": "T-1", "title": "x", "status": "blocked"}', "blocked follows from depends_on"),
        (b'{"id": "T-1", "title": "x", "rev": 9}', '"rev" is 9, but the store has 2 revisions'),
        (b'{"id": "T-1", "\\u001b]0;x\\u0007": 1, "\\u001b]0;x\\u0007": 2}', r'has "\u001b]0;x'),
        (b'{"id": "T-1", "title": "x", "rev": 99999999999999999999}', '"rev" must be a whole'),
        (b'{"id": "T-1", "title": "x", "rev": "1"}', '"rev" must be a whole number'),
        (b'{"id": "T-1", "title": "x", "depends_on": ["T-1"]}', "makes a circle, T-1 -> T-1"),
        (b'{"id": "T-1", "title": "x", "a": ' + b"[" * 60 + b"]" * 60 + b"}", "nested deeper"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
async def test_a_broken_file_is_a_fault_and_kept_byte_for_byte(
    ws: Workspace, data: bytes, says: str
) -> None:
    await ws.add()
    await ws.sync()
    ws.path().write_bytes(data)
    await ws.edit(priority=9)
    report = await ws.sync()
    (fault,) = report.faults
    assert (fault.layer, fault.kind, fault.id) == ("file", "task", "T-1")
    assert says in fault.text
    assert clean(fault.text) == fault.text
    (file, store) = ws.synchronizer.health()
    assert (file.state, store.state) == (LayerState.DEGRADED, LayerState.OK)
    assert file.trouble == f"T-1.json {fault.text}"
    assert file.faults == (fault,)
    for title in ("again", "and again"):
        await ws.edit(title=title)
        await ws.sync()
    assert ws.path().read_bytes() == data
    assert len(await ws.revisions()) == 4


async def test_what_nobody_thought_of_is_the_matter_of_one_document(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ws.add()
    await ws.add("Other")
    await ws.sync()
    render, asked = file_layer.render, list[object]()

    def fail(body: Body, rev: int) -> bytes:
        asked.append(body["id"])
        if body["id"] == "T-1":
            raise OverflowError("too large")
        return render(body, rev)

    monkeypatch.setattr(file_layer, "render", fail)
    ws.change("T-1", title="Here")
    ws.change("T-2", title="Elsewhere")
    assert (await ws.sync()).failed == 1
    assert ws.file("T-2")["rev"] == 2
    assert asked == ["T-1", "T-2", *["T-1"] * RETRIES_MAX], "it is tried again alone"
    assert "OverflowError: too large" in ws.synchronizer.health()[0].trouble


async def _edit_all(ws: Workspace, count: int) -> list[str]:
    """As many tasks in step, then each edited in its file."""
    ids = [(await ws.add()).id for _ in range(count)]
    await ws.sync()
    for id in ids:
        ws.change(id, title=f"Edited {id}")
    return ids


async def test_what_is_brought_in_step_together_shares_its_commits(ws: Workspace) -> None:
    ids = await _edit_all(ws, AT_ONCE + 1)
    commits: list[int] = []
    ws.db.on_commit.add(lambda: commits.append(1))
    report = await ws.sync()
    assert (report.imported, report.exported) == (len(ids), len(ids))
    assert len(commits) == 4, "two chunks, each settled in one commit and recorded in another"
    assert all(ws.file(id)["rev"] == 2 for id in ids)
    assert await ws.sync() == SyncReport()


async def test_one_that_fails_takes_the_others_of_its_chunk_down_once_at_most(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks a whole commit is found by trying each of its documents alone."""
    ids = await _edit_all(ws, 3)
    write_each = ws.db.write_each

    async def fail(works: Sequence[Any], *, timeout_s: float = 10.0) -> list[Any]:
        if any(work.keywords["copy"].id == "T-2" for work in works):
            raise StoreUnavailable("the commit failed")
        return await write_each(works, timeout_s=timeout_s)

    with monkeypatch.context() as patch:
        patch.setattr(ws.db, "write_each", fail)
        assert (await ws.sync()).failed == 1
    assert [ws.file(id)["rev"] for id in ids] == [2, 1, 2]
    assert ws.file("T-2")["title"] == "Edited T-2"
    assert (await ws.sync()).failed == 0
    assert (await ws.tasks.get("T-2")).title == "Edited T-2"


async def test_a_fault_ends_when_the_file_is_right_again(ws: Workspace) -> None:
    await ws.add()
    await ws.add("Other")
    await ws.sync()
    good = ws.file()
    ws.path().write_bytes(b"{")
    ws.change("T-2", title="Elsewhere")
    assert len((await ws.sync()).faults) == 1
    assert (await ws.tasks.get("T-2")).title == "Elsewhere"
    await ws.edit(priority=9)
    ws.write(good | {"title": "Basket"})
    assert (await ws.sync()).faults == ()
    task = await ws.tasks.get("T-1")
    assert (task.title, task.priority) == ("Basket", 9)
    (file, _) = ws.synchronizer.health()
    assert file.state is LayerState.OK


async def test_a_broken_file_of_no_task_is_a_fault_until_it_is_gone(ws: Workspace) -> None:
    await ws.sync()
    ws.path("T-9").write_bytes(b"{")
    assert [fault.id for fault in (await ws.sync()).faults] == ["T-9"]
    ws.path("T-9").unlink()
    assert (await ws.sync()).faults == ()


@pytest.mark.parametrize("how", ["symlink", "folder", "pipe"])
async def test_what_stands_in_the_place_of_a_file_deletes_nothing(ws: Workspace, how: str) -> None:
    await ws.add()
    await ws.sync()
    good = ws.file()
    ws.path().unlink()
    if how == "symlink":
        ws.path().symlink_to("/etc/hostname")
    elif how == "folder":
        ws.path().mkdir()
    else:
        os.mkfifo(ws.path())
    (fault,) = (await ws.sync()).faults
    assert (fault.id, "no plain file" in fault.text) == ("T-1", True)
    assert (await ws.sync()).faults == (fault,)
    assert (await ws.tasks.get("T-1")).title == "Cart"
    ws.path().rmdir() if how == "folder" else ws.path().unlink()
    ws.write(good | {"title": "Basket"})
    assert (await ws.sync()).faults == ()
    assert (await ws.tasks.get("T-1")).title == "Basket"


async def test_a_symlink_of_no_task_is_ignored(ws: Workspace) -> None:
    await ws.sync()
    ws.path("T-9").symlink_to("/etc/hostname")
    assert (await ws.sync()).faults == ()


async def test_a_name_that_differs_in_case_only_is_a_fault(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.write({"id": "t-1", "title": "x"}, "t-1")
    (fault,) = (await ws.sync()).faults
    assert "rename it to T-1.json" in fault.text
    assert len(await ws.revisions()) == 1


async def test_a_file_is_made_again_under_the_name_of_its_task(ws: Workspace) -> None:
    """However the names that are gone were spelled: the id in a file is that of its name."""
    await ws.add()
    await ws.sync()
    ws.write({"id": "t-1", "title": "x"}, "t-1")
    assert len((await ws.sync()).faults) == 1
    shutil.rmtree(ws.path().parent)
    report = await ws.sync()
    assert report.faults == ()
    assert [path.name for path in ws.path().parent.iterdir()] == ["T-1.json"]
    assert ws.file()["id"] == "T-1"


async def test_a_fault_ends_with_the_name_that_differed_in_case(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.write({"id": "t-1", "title": "x"}, "t-1")
    assert len((await ws.sync()).faults) == 1
    ws.path("t-1").unlink()
    assert (await ws.sync()).faults == ()
    assert len(await ws.revisions()) == 1
    assert ws.file()["id"] == "T-1"


async def test_a_removed_file_deletes_its_task_and_z_brings_it_back(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.path().unlink()
    before = ws.clock.monotonic()
    await ws.sync()
    assert ws.clock.monotonic() - before >= 2.0
    with pytest.raises(UnknownName):
        await ws.tasks.get("T-1")
    newest = (await ws.revisions())[-1]
    assert (newest.deleted, newest.actor, newest.cause) == (True, "file", "file T-1.json removed")
    assert await ws.base() is None
    report = await ws.history.undo(OPERATOR)
    assert report.text == "undone: delete T-1, its file was removed"
    await ws.sync()
    assert ws.file() == (await ws.revisions())[0].body | {"rev": 3}


async def test_a_deleted_task_takes_its_file_along(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    await ws.history.undo(OPERATOR)
    await ws.sync()
    assert not ws.path().exists()
    assert await ws.base() is None
    await ws.history.redo(OPERATOR)
    await ws.sync()
    assert ws.file()["rev"] == 3


async def test_many_missing_at_once_delete_nothing_and_ask(ws: Workspace) -> None:
    for _ in range(10):
        await ws.add()
    await ws.sync()
    for number in (1, 2, 3):
        ws.path(f"T-{number}").unlink()
    report = await ws.sync()
    (fault,) = report.faults
    assert fault.id == ""
    assert "3 of 10 task files are missing at once: nothing was deleted" in fault.text
    assert "orc sync --once --accept-deletions" in fault.text
    assert len(await ws.tasks.listing()) == 10
    await ws.edit("T-1", title="edited meanwhile")
    assert len((await ws.sync()).faults) == 1
    assert not ws.path("T-1").exists()
    report = await ws.sync(accept_deletions=True)
    assert report.faults == ()
    assert [task.id for task in await ws.tasks.listing()][:2] == ["T-1", "T-10"]
    (conflict,) = await ws.open_conflicts()
    assert (conflict.doc, conflict.kind) == ("T-1", Clash.EDIT_DELETE)


async def test_few_missing_of_many_are_deleted(ws: Workspace) -> None:
    for _ in range(10):
        await ws.add()
    await ws.sync()
    ws.path("T-1").unlink()
    ws.path("T-2").unlink()
    assert (await ws.sync()).faults == ()
    assert len(await ws.tasks.listing()) == 8


@pytest.mark.parametrize("name", ["files", "files/tasks"])
async def test_a_missing_folder_is_written_anew_and_deletes_nothing(
    ws: Workspace, name: str
) -> None:
    for _ in range(3):
        await ws.add()
    await ws.sync()
    ws.change(title="Basket")
    await ws.edit(title="Trolley")
    await ws.sync()
    shutil.rmtree(ws.folder / name)
    report = await ws.sync()
    assert (report.faults, report.exported) == ((), 3)
    assert len(await ws.tasks.listing()) == 3
    (conflict,) = await ws.open_conflicts()
    assert conflict.left.value == ws.file()["title"] == "Basket"


async def test_foreign_names_and_symlinks_are_left_alone(ws: Workspace, tmp_path: Path) -> None:
    await ws.sync()
    outside = tmp_path / "outside.json"
    outside.write_text('{"id": "T-5", "title": "x"}')
    ws.path("T-5").symlink_to(outside)
    ws.path("notes").with_suffix(".md").write_text("mine")
    ws.path().with_name("..json").write_text("{}")
    report = await ws.sync()
    assert (report.imported, report.faults) == (0, ())
    assert outside.read_text() == '{"id": "T-5", "title": "x"}'


async def test_a_failed_write_is_tried_again_and_never_taken_for_an_edit(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ws.add()
    await ws.sync()
    await ws.edit(title="Basket")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(placing, "_draft", refuse)
        report = await ws.sync()
        assert report.failed == 1
        (file, _) = ws.synchronizer.health()
        assert (file.state, file.failed) == (LayerState.DEGRADED, 1)
        assert "No space left" in file.trouble
    report = await ws.sync()
    assert (report.failed, report.conflicts, report.exported) == (0, 0, 1)
    assert ws.file()["title"] == "Basket"
    assert await ws.conflicts.listing() == []


async def test_nothing_is_done_while_the_folder_cannot_be_read(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ws.add()
    await ws.sync()

    def refuse(*_: object) -> None:
        raise OSError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(ws.mirror, "scan", refuse)
        with pytest.raises(LayerOffline, match="Permission denied"):
            await ws.sync()
        assert ws.synchronizer.health()[0].state is LayerState.OFFLINE
    await ws.sync()
    assert ws.synchronizer.health()[0].state is LayerState.OK
    assert len(await ws.tasks.listing()) == 1


async def test_a_folder_that_leads_elsewhere_is_refused(ws: Workspace, tmp_path: Path) -> None:
    await ws.add()
    await ws.sync()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(ws.folder / "files" / "tasks", elsewhere)
    shutil.rmtree(ws.folder / "files" / "tasks")
    (ws.folder / "files" / "tasks").symlink_to(elsewhere)
    (elsewhere / "T-2.json").write_text('{"id": "T-2", "title": "x"}')
    with pytest.raises(LayerOffline, match="tasks"):
        await ws.sync()
    (file, store) = ws.synchronizer.health()
    assert (file.state, store.state) == (LayerState.OFFLINE, LayerState.OK)
    assert len(await ws.tasks.listing()) == 1


async def test_superseded_states_never_come_back(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(title="Basket")
    await ws.edit(title="Trolley")
    await ws.sync()
    await ws.edit(title="Basket")
    await ws.sync()
    assert [c.state for c in await ws.conflicts.listing()] == [ConflictState.SUPERSEDED]
    assert ws.file() == (await ws.revisions())[-1].body | {"rev": 3}


async def test_a_file_in_another_spelling_is_marked_on_the_row_of_its_task(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    await ws.sync()
    (ws.folder / "files" / "tasks" / "t-1.json").write_bytes(ws.path().read_bytes())
    faults = (await ws.sync()).faults
    assert [fault.id for fault in faults] == ["t-1"]
    held = await ws.db.read(lambda conn: documents.listing(conn, "task"))
    (task,) = Board(tuple(held)).tasks(faults)
    assert (task.id, task.fault) == ("T-1", faults[0].text)
