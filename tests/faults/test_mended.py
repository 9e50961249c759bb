"""Damaged documents mended: what is left of them comes back, and nothing else is lost by it."""

from __future__ import annotations

import asyncio
import io
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import damage
from clocks import TurnedClock
from orc_core.chronicle.isolating import Isolation
from orc_core.chronicle.mending import Mender
from orc_core.errors import OrcError, UnknownName, UsageError
from orc_storage import (
    archives,
    audit,
    compaction,
    documents,
    engine,
    exports,
    journal,
    quarantine,
    recovery,
    segments,
)
from orc_storage.backups import Reason
from orc_storage.errors import DamagedDocument
from orc_storage.mends import Mend
from orc_storage.records import OPERATOR
from workspaces import RULES, Workspace, open_workspace


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Workspace]:
    """T-1 at revision 3 and T-2, both in files."""
    async with open_workspace(tmp_path / "w", clock) as place:
        await place.add("Cart", text="one")
        await place.add("Cartons")
        await place.edit(text="two")
        await place.edit(title="Carts", text="three")
        await place.sync()
        yield place


def mender(ws: Workspace) -> Mender:
    return Mender(ws.db, RULES, OPERATOR)


async def title(ws: Workspace) -> str:
    return (await ws.tasks.get("T-1")).title


@pytest.mark.parametrize(
    ("harm", "source"),
    [
        (damage.flip_a_byte, "revision 3"),
        (damage.break_the_text, "revision 3"),
        (damage.break_the_revision, "the document"),
        (damage.lose_the_row, "revision 3"),
        (damage.call_it_deleted, "revision 3"),
        (damage.break_both, "the file T-1.json"),
        (damage.lose_all, "the file T-1.json"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_what_was_there_last_comes_back_whole(
    ws: Workspace, harm: damage.Damage, source: str
) -> None:
    harm(ws.folder, "T-1")
    seen = await mender(ws).mend("task", "t-1", dry_run=True)
    assert (seen.source, seen.is_whole, seen.rev) == (source, True, 0)
    done = await mender(ws).mend("task", "T-1")
    assert (done.source, done.is_whole, done.rev) == (source, True, 4)
    assert (await title(ws), (await ws.tasks.get("T-1")).text) == ("Carts", "three")
    report = await ws.sync()
    assert (report.conflicts, report.imported, report.failed, report.faults) == (0, 0, 0, ())
    assert (ws.file()["title"], ws.file()["rev"]) == ("Carts", 4)
    (entry, *_) = await ws.db.read(lambda conn: journal.page(conn, limit=1))
    assert (entry.action, entry.id, entry.detail["cause"]) == ("mend", "T-1", f"mend: {source}")
    with pytest.raises(UsageError, match="is sound"):
        await mender(ws).mend("task", "T-1")


async def test_an_edited_file_is_not_taken_for_what_the_store_had(ws: Workspace) -> None:
    ws.change(title="Basket")
    damage.break_both(ws.folder, "T-1")
    done = await mender(ws).mend("task", "T-1")
    assert (done.source, done.was, done.is_whole) == ("revision 2", 2, False)
    assert await title(ws) == "Cart"
    await ws.sync()
    # The file says what revision 3 said, and an edit of it: both are for a person to decide.
    told = {one.path: one.left.value for one in await ws.open_conflicts()}
    assert told == {"title": "Basket", "text": "three"}
    assert (ws.file()["title"], ws.file()["text"]) == ("Basket", "three")


async def test_a_revision_is_brought_back_by_its_number(ws: Workspace) -> None:
    damage.break_both(ws.folder, "T-1")
    with pytest.raises(UnknownName, match="there are: 1, 2"):
        await mender(ws).mend("task", "T-1", rev=7)
    done = await mender(ws).mend("task", "T-1", rev=1)
    assert (done.source, done.body["text"]) == ("revision 1", "one")


async def test_a_mended_document_can_be_taken_back_to_what_could_be_read(ws: Workspace) -> None:
    damage.break_both(ws.folder, "T-1")
    await mender(ws).mend("task", "T-1")
    report = await ws.history.undo(OPERATOR)
    assert (report.redoable, await title(ws)) == (True, "Cart")
    await ws.history.redo(OPERATOR)
    assert await title(ws) == "Carts"


async def test_what_no_layer_has_comes_back_from_a_backup(ws: Workspace) -> None:
    backup = await ws.db.backup(Reason.MANUAL, at=ws.clock.now())
    ws.path().write_text("{")
    damage.lose_all(ws.folder, "T-1")
    done = await mender(ws).mend("task", "T-1")
    assert done.source == f"backup {backup.name}, revision 3"
    assert (done.is_whole, await title(ws)) == (True, "Carts")


async def test_what_was_archived_comes_back_from_there(ws: Workspace) -> None:
    folder = ws.folder / segments.FOLDER
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("DELETE FROM act")  # what can be undone is not archived
    head, _ = await ws.db.read(journal.head)
    segment = await ws.db.read(lambda conn: archives.write(conn, folder, 1, head - 1, at=1.0))
    await ws.db.write(lambda tx: compaction.cut(tx, segment))
    damage.break_both(ws.folder, "T-1")
    ws.path().write_text("{")
    done = await mender(ws).mend("task", "T-1")
    assert (done.was, done.source) == (2, f"archive/{segment.file}")
    assert (await ws.tasks.get("T-1")).text == "two"


async def test_where_nothing_is_left_that_is_said(ws: Workspace) -> None:
    damage.lose_all(ws.folder, "T-1")
    ws.path().unlink()
    with pytest.raises(OrcError, match="nothing is left of task T-1"):
        await mender(ws).mend("task", "T-1")
    with pytest.raises(UnknownName):
        await mender(ws).mend("task", "T-9")


async def test_a_damaged_deletion_stays_one(ws: Workspace) -> None:
    ws.path().unlink()
    await ws.sync()
    assert await ws.db.read(lambda conn: documents.get(conn, "task", "T-1")) is None
    damage.flip_a_byte(ws.folder, "T-1")
    assert (await mender(ws).mend("task", "T-1")).is_whole
    assert await ws.db.read(lambda conn: documents.get(conn, "task", "T-1")) is None
    assert not ws.path().exists()


async def test_a_conflict_that_cannot_be_read_is_asked_again(ws: Workspace) -> None:
    ws.change(title="Basket")
    await ws.edit(title="Crate")
    await ws.sync()
    (lost,) = await ws.open_conflicts()
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE conflict SET record = substr(record, 2)")
    before = await ws.db.read(journal.head)
    await mender(ws).mend("conflict", lost.id, dry_run=True)
    assert await ws.db.read(journal.head) == before
    await mender(ws).mend("conflict", lost.id.lower())
    await ws.sync()
    (found,) = await ws.open_conflicts()
    assert found.id != lost.id
    assert (found.path, found.base) == ("title", "Carts")
    assert (found.left.value, found.right.value) == ("Basket", "Crate")
    assert (ws.file()["title"], await title(ws)) == ("Basket", "Crate")
    with pytest.raises(UsageError, match="is sound"):
        await mender(ws).mend("conflict", found.id)


async def test_what_is_damaged_is_copied_once_and_stays(ws: Workspace) -> None:
    told: list[list[str]] = []
    isolation = Isolation(
        ws.db, ws.clock, leads=lambda: True, found=lambda all: told.append([o.id for o in all])
    )
    await isolation.once()
    assert not (ws.folder / quarantine.FOLDER).exists()
    damage.break_both(ws.folder, "T-1")
    damage.flip_a_byte(ws.folder, "T-2")
    await isolation.once()
    held = {one.name: one.read_bytes() for one in (ws.folder / quarantine.FOLDER).iterdir()}
    assert sorted(held) == [
        "task-T-1-r3-revision.txt",
        "task-T-1-r3.txt",
        "task-T-2-r1-revision.json",
        "task-T-2-r1.json",
    ]
    assert b'{{"' in held["task-T-1-r3.txt"] and b"Cbrtons" in held["task-T-2-r1.json"]
    modes = {stat.S_IMODE(one.stat().st_mode) for one in (ws.folder / quarantine.FOLDER).iterdir()}
    assert modes == {0o600}
    (ws.folder / quarantine.FOLDER / "task-T-1-r3.txt").write_bytes(b"mine")
    await isolation.once()
    assert (ws.folder / quarantine.FOLDER / "task-T-1-r3.txt").read_bytes() == b"mine"
    await mender(ws).mend("task", "T-1")
    await isolation.once()
    assert told == [["T-1", "T-2"], ["T-2"]]


async def test_what_was_mended_over_is_no_fault_until_more_is_damaged(ws: Workspace) -> None:
    async def examined() -> tuple[list[tuple[str, int]], list[Mend]]:
        found = await ws.db.read(lambda conn: audit.examine(conn, ws.folder))
        return [(one.id, one.rev) for one in found.findings], list(found.mended)

    damage.break_both(ws.folder, "T-1")
    assert await examined() == ([("T-1", 3)] * 2, [])
    await mender(ws).mend("task", "T-1")
    over = Mend("task", "T-1", ws.clock.now(), (3,))
    assert await examined() == ([], [over])
    copy = await ws.db.backup(Reason.MANUAL, at=ws.clock.now())
    assert recovery.rehearse(engine.pick(), copy).problems == ()
    damage.lose_revision(ws.folder, "T-1", 3)
    assert await examined() == ([("T-1", 3)], []), "it is not what was mended over"
    damage.lose_revision(ws.folder, "T-1", 1)
    assert (await examined())[0] == [("T-1", 1), ("T-1", 3)]
    damage.break_both(ws.folder, "T-1")
    ws.clock.turn(60.0)
    await mender(ws).mend("task", "T-1")
    assert await examined() == ([], [Mend("task", "T-1", ws.clock.now(), (1, 3, 4))])


async def test_two_who_mend_write_one_revision(ws: Workspace) -> None:
    damage.flip_a_byte(ws.folder, "T-1")
    both = (mender(ws).mend("task", "T-1"), mender(ws).mend("task", "T-1"))
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(one, OrcError) for one in done) == 1
    assert (await ws.revisions())[-1].rev == 4


async def test_an_export_leaves_out_what_was_mended_over_and_waits_for_the_rest(
    ws: Workspace,
) -> None:
    damage.break_both(ws.folder, "T-1")
    with pytest.raises(DamagedDocument, match="`orc audit mend task T-1`"):
        await ws.db.read(lambda conn: exports.write(conn, io.BytesIO(), at=1.0))
    await mender(ws).mend("task", "T-1")
    out = io.BytesIO()
    await ws.db.read(lambda conn: exports.write(conn, out, at=1.0))
    out.seek(0)
    _, carried = exports.read(out)
    assert [(one.id, one.rev, one.body["title"]) for one in carried] == [
        ("T-1", 4, "Carts"),
        ("T-2", 1, "Cartons"),
    ]
