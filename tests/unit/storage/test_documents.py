"""Documents: compare-and-set, ids, history, and the journal that vouches for them."""

from __future__ import annotations

from functools import partial

import pytest

from orc_storage import documents, journal
from orc_storage.database import Database, Transaction
from orc_storage.errors import InvalidBody, InvalidId, NotFound, StaleRevision, StorageError
from orc_storage.records import Body, Document


def task(id: str = "T-1", title: str = "Rotate keys", **more: object) -> Body:
    return {"id": id, "title": title, **more}  # type: ignore[dict-item]


async def put(db: Database, body: Body, rev: int, id: str = "T-1") -> Document:
    def work(tx: Transaction) -> Document:
        return documents.put(tx, "task", id, body, rev=rev, actor="operator", cause="test")

    return await db.write(work)


async def delete(db: Database, rev: int, id: str = "T-1") -> Document:
    return await db.write(
        partial(documents.delete, kind="task", id=id, rev=rev, actor="codex-1", cause="gone")
    )


async def test_put_makes_document_revision_and_entry_together(db: Database) -> None:
    written = await put(db, task(), 0)
    assert (written.rev, written.updated_by, written.updated_at) == (1, "operator", 1_790_000_000.0)
    assert await db.read(lambda conn: documents.get(conn, "task", "t-1")) == written
    (first,) = await db.read(lambda conn: documents.history(conn, "task", "T-1"))
    assert (first.rev, first.parent_rev, first.body, first.cause) == (1, 0, task(), "test")
    (entry,) = await db.read(lambda conn: journal.since(conn, 0))
    assert (entry.seq, entry.kind, entry.id, entry.rev) == (1, "task", "T-1", 1)
    assert entry.detail["sha256"] == written.sha256


async def test_a_stale_revision_changes_nothing(db: Database) -> None:
    await put(db, task(), 0)
    await put(db, task(title="Rotate all keys"), 1)
    with pytest.raises(StaleRevision, match="is at revision 2, not 1"):
        await put(db, task(title="Lost"), 1)
    with pytest.raises(StaleRevision, match="is at revision 2, not 0"):
        await put(db, task(title="Lost"), 0)
    assert [d.body["title"] for d in await db.read(lambda c: documents.listing(c, "task"))] == [
        "Rotate all keys"
    ]
    assert await db.read(journal.head) == (
        2,
        (await db.read(lambda c: journal.since(c, 1)))[0].hash,
    )


async def test_delete_is_a_revision_and_the_document_can_be_made_again(db: Database) -> None:
    await put(db, task(), 0)
    gone = await delete(db, 1)
    assert (gone.rev, gone.deleted, gone.body) == (2, True, task())
    assert await db.read(lambda conn: documents.get(conn, "task", "T-1")) is None
    assert await db.read(lambda conn: documents.listing(conn, "task")) == []
    assert await db.read(lambda conn: documents.listing(conn, "task", with_deleted=True)) == [gone]
    with pytest.raises(NotFound, match="there is no task T-1"):
        await delete(db, 2)
    again = await put(db, task(title="Back"), 0)
    assert again.rev == 3
    await delete(db, 3)
    assert (await put(db, task(title="Reverted"), 4)).rev == 5


async def test_reading_what_never_was(db: Database) -> None:
    assert await db.read(lambda conn: documents.get(conn, "task", "T-9")) is None
    with pytest.raises(NotFound, match="there never was a task T-9"):
        await db.read(lambda conn: documents.history(conn, "task", "T-9"))
    with pytest.raises(NotFound, match="task T-9 has no revision 3"):
        await db.read(lambda conn: documents.revision(conn, "task", "T-9", 3))


@pytest.mark.parametrize(
    "id", ["", "-a", "a/b", "../x", "a.json", "ä", "a b", "a\n", "x" * 64, "a\0", ".hidden"]
)
async def test_ids_that_could_leave_their_folder_are_refused(db: Database, id: str) -> None:
    with pytest.raises(InvalidId, match="is no id"):
        await put(db, task(id), 0, id=id)


async def test_an_id_is_unique_without_regard_to_case(db: Database) -> None:
    await put(db, task(), 0)
    for rev in (0, 1):
        with pytest.raises(InvalidId, match="differs only in case from T-1"):
            await put(db, task("t-1"), rev, id="t-1")
    with pytest.raises(InvalidId, match="both must be the same"):
        await put(db, task("T-2"), 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1, 2}])
async def test_a_body_that_json_cannot_hold_is_refused(db: Database, value: object) -> None:
    with pytest.raises(InvalidBody, match="task T-1: not storable as JSON"):
        await put(db, task(note=value), 0)


async def test_a_record_does_not_change_with_the_body_it_was_made_of(db: Database) -> None:
    body = task(labels=["a"])
    written = await put(db, body, 0)
    body["title"] = "Changed afterwards"
    assert written.body == task(labels=["a"])


async def test_allocated_ids_are_never_given_twice_and_never_taken(db: Database) -> None:
    await put(db, task("t-2"), 0, id="t-2")
    first = await db.write(lambda tx: documents.allocate(tx, "T"))

    def fails(tx: Transaction) -> None:
        documents.allocate(tx, "T")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await db.write(fails)
    assert (first, await db.write(lambda tx: documents.allocate(tx, "T"))) == ("T-1", "T-3")
    assert await db.write(lambda tx: documents.allocate(tx, "C")) == "C-1"
    with pytest.raises(InvalidId, match="is no prefix"):
        await db.write(lambda tx: documents.allocate(tx, "T-"))


@pytest.mark.parametrize("table", ["revision", "journal"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {} SET actor = 'someone else'",
        "DELETE FROM {}",
        "INSERT OR REPLACE INTO {} SELECT * FROM {}",
    ],
)
async def test_history_cannot_be_rewritten(db: Database, table: str, sql: str) -> None:
    await put(db, task(), 0)
    with pytest.raises(StorageError, match="is never"):
        await db.write(lambda tx: tx.conn.execute(sql.format(table, table)))
    assert await db.read(journal.verify) == []


async def test_a_list_takes_what_it_knows_and_reads_what_changed(db: Database) -> None:
    for number in range(1, 5):
        await put(db, task(f"T-{number}"), 0, f"T-{number}")
    first = await db.read(lambda conn: documents.listing(conn, "task"))
    known = {document.id: document for document in first}
    await put(db, task("T-2", "Rotated"), 1, "T-2")
    await delete(db, 1, "T-3")
    await put(db, task("T-9"), 0, "T-9")
    again = await db.read(lambda conn: documents.listing(conn, "task", known=known))
    assert again == await db.read(lambda conn: documents.listing(conn, "task"))
    assert [document.id for document in again] == ["T-1", "T-2", "T-4", "T-9"]
    assert again[0] is first[0] and again[1] is not first[1] and again[1].rev == 2
    everything = await db.read(lambda conn: documents.listing(conn, "task", with_deleted=True))
    assert [document.id for document in everything] == ["T-1", "T-2", "T-3", "T-4", "T-9"]
