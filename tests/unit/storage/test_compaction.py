"""The oldest of the journal in archives: nothing that is needed leaves, nothing leaves untold."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import pytest

from orc_storage import (
    acts,
    archives,
    audit,
    bases,
    checkpoints,
    compaction,
    conflicts,
    documents,
    journal,
    segments,
)
from orc_storage.database import Database, Transaction
from orc_storage.engine import pick
from orc_storage.errors import Archived, NotFound, StorageError
from orc_storage.records import (
    Base,
    Change,
    Check,
    Clash,
    Conflict,
    ConflictState,
    Finding,
    Segment,
    Side,
)


@pytest.fixture(autouse=True)
def few_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ENTRIES_KEPT", 2)


def put(tx: Transaction, id: str, rev: int) -> None:
    body: documents.Body = {"id": id, "n": rev + 1}
    documents.put(tx, "task", id, body, rev=rev, actor="a", cause="c")


def fill(tx: Transaction, first: int = 0, last: int = 6) -> None:
    """T-1 and T-2, each with its revisions in turn: entry 2n-1 is T-1's revision n."""
    for rev in range(first, last):
        put(tx, "T-1", rev)
        put(tx, "T-2", rev)


async def cut(db: Database, last: int) -> Segment:
    """Archive up to entry `last`."""
    folder = db.folder / segments.FOLDER

    first, _ = await db.read(partial(compaction.bounds, before=math.inf))
    segment = await db.read(lambda conn: archives.write(conn, folder, first, last, at=5.0))
    await db.write(lambda tx: compaction.cut(tx, segment))
    return segment


async def revs(db: Database, id: str) -> list[int]:
    return [r.rev for r in await db.read(lambda conn: documents.history(conn, "task", id))]


async def findings(db: Database) -> list[Finding]:
    return list((await db.read(lambda conn: audit.examine(conn, db.folder))).findings)


async def test_what_leaves_is_in_the_archive_and_the_chain_goes_on(db: Database) -> None:
    await db.write(fill)
    before = {e.seq: e for e in await db.read(lambda conn: journal.since(conn, 0))}
    segment = await cut(db, 8)
    assert (segment.first_seq, segment.last_seq) == (1, 8)
    assert (segment.prev_hash, segment.head_hash) == (journal.GENESIS, before[8].hash)
    entries = await db.read(lambda conn: journal.since(conn, 0))
    assert [entry.seq for entry in entries] == [9, 10, 11, 12, 13]
    assert (entries[-1].action, entries[-1].detail["last"]) == ("compact", 8)
    assert entries[-1].detail["file_sha256"] == segment.sha256
    assert await findings(db) == []
    path = db.folder / segments.FOLDER / segment.file
    assert path.stat().st_mode & 0o777 == 0o600
    header, *archived = archives.read(path)
    assert (header["first"], header["last"], header["version"]) == (1, 8, archives.VERSION)
    assert [entry["hash"] for entry in archived] == [before[seq].hash for seq in range(1, 9)]
    assert [entry["revision"]["body"] for entry in archived[:2]] == [
        '{"id":"T-1","n":1}',
        '{"id":"T-2","n":1}',
    ]


async def test_a_revision_below_the_cut_names_its_archive(db: Database) -> None:
    await db.write(fill)
    segment = await cut(db, 8)
    assert await revs(db, "T-1") == [5, 6]
    for rev in range(1, 5):
        with pytest.raises(Archived, match=f"revision {rev} is in archive/{segment.file}"):
            await db.read(lambda conn, rev=rev: documents.revision(conn, "task", "t-1", rev))
    for rev in (0, 7):
        with pytest.raises(NotFound):
            await db.read(lambda conn, rev=rev: documents.revision(conn, "task", "T-1", rev))
    assert await db.read(lambda c: segments.archive_of_entry(c, 8)) == f"archive/{segment.file}"
    assert await db.read(lambda c: segments.archive_of_entry(c, 9)) == ""


async def test_a_second_part_follows_the_first(db: Database) -> None:
    await db.write(fill)
    first = await cut(db, 5)
    second = await cut(db, 9)
    assert (second.first_seq, second.prev_hash) == (6, first.head_hash)
    assert await findings(db) == []
    with pytest.raises(Archived, match=first.file):
        await db.read(lambda conn: documents.revision(conn, "task", "T-1", 2))
    with pytest.raises(Archived, match=second.file):
        await db.read(lambda conn: documents.revision(conn, "task", "T-1", 4))
    # Writing goes on, and so does the chain across the cuts.
    await db.write(lambda tx: fill(tx, 6, 8))
    await db.close()
    async with await Database.open(db.folder) as again:
        assert await findings(again) == []


async def test_the_newest_revision_stays_however_old_it_is(db: Database) -> None:
    await db.write(fill)
    await db.write(lambda tx: [put(tx, "T-9", rev) for rev in range(6)])
    await cut(db, 14)
    assert await revs(db, "T-1") == await revs(db, "T-2") == [6]
    found = await db.read(lambda conn: documents.get(conn, "task", "T-1"))
    assert found is not None and found.body["n"] == 6
    assert await findings(db) == []


def conflict(id: str, base: int, left: int, right: int, state: ConflictState) -> Conflict:
    def side(layer: str, rev: int) -> Side:
        return Side(layer, "x", True, "a", 1.0, rev, "c")

    return Conflict(
        id=id,
        kind=Clash.EDIT_EDIT,
        doc_kind="task",
        doc="T-2",
        path="n",
        base=1,
        base_present=True,
        base_rev=base,
        left=side("file", left),
        right=side("store", right),
        state=state,
        opened_at=1.0,
        closed_rev=4 if state is ConflictState.RESOLVED else 0,
    )


async def test_what_something_refers_to_stays(db: Database) -> None:
    def refer(tx: Transaction) -> None:
        put(tx, "T-1", 0)
        checkpoints.create(tx, "start", note="", actor="a")
        for rev in range(1, 10):
            put(tx, "T-1", rev)
        for rev in range(10):
            put(tx, "T-2", rev)
        acts.record(tx, actor="a", label="l", changes=[Change("task", "T-1", 3, 4)])
        bases.put(tx, Base("file", "task", "T-1", 6, {"id": "T-1"}, None, ""))
        conflicts.insert(tx, conflict("C-1", 1, 0, 2, ConflictState.OPEN))
        conflicts.insert(tx, conflict("C-2", 6, 0, 7, ConflictState.SUPERSEDED))
        conflicts.insert(tx, conflict("C-3", 5, 0, 0, ConflictState.RESOLVED))
        acts.record(tx, actor="b", label="l", changes=[], conflicts=["C-3"])
        fill(tx, 10, 12)

    await db.write(refer)
    (head, _) = await db.read(journal.head)
    plan = await db.read(partial(compaction.plan, before=math.inf))
    assert (plan.last, plan.revisions, plan.kept) == (head - 2, 13, 9)
    await cut(db, head - 2)
    # The start, the act's two, the base's, the newest two; base and sides of what is open, base
    # and revisions of what was decided and can be undone.
    assert await revs(db, "T-1") == [1, 3, 4, 6, 12]
    assert await revs(db, "T-2") == [1, 2, 3, 4, 5, 12]
    assert await findings(db) == []
    past = await db.read(lambda conn: documents.revision(conn, "task", "T-1", 3))
    assert past.body == {"id": "T-1", "n": 3}


async def test_what_nothing_refers_to_any_more_leaves_later_and_is_found(db: Database) -> None:
    def mark(tx: Transaction) -> None:
        fill(tx, 0, 2)
        checkpoints.create(tx, "start", note="", actor="a")
        fill(tx, 2, 6)

    await db.write(mark)
    first = await cut(db, 7)
    assert await revs(db, "T-1") == [2, 4, 5, 6]
    await db.write(lambda tx: checkpoints.remove(tx, "start", actor="a"))
    assert await findings(db) == []
    await cut(db, 9)
    assert await revs(db, "T-1") == [5, 6]
    with pytest.raises(Archived, match=first.file):
        await db.read(lambda conn: documents.revision(conn, "task", "T-1", 2))
    assert await findings(db) == []


async def test_what_came_to_be_needed_after_it_was_archived_stays(db: Database) -> None:
    await db.write(fill)
    folder = db.folder / segments.FOLDER
    segment = await db.read(lambda conn: archives.write(conn, folder, 1, 8, at=5.0))
    await db.write(
        lambda tx: acts.record(tx, actor="a", label="l", changes=[Change("task", "T-1", 2, 6)])
    )
    await db.write(lambda tx: compaction.cut(tx, segment))
    assert await revs(db, "T-1") == [2, 5, 6]


async def test_two_that_archive_at_once_cut_once(db: Database) -> None:
    await db.write(fill)
    folder = db.folder / segments.FOLDER
    one, two = [
        await db.read(lambda conn: archives.write(conn, folder, 1, 8, at=5.0)) for _ in range(2)
    ]
    assert one == two, "equal entries make one file"
    await db.write(lambda tx: compaction.cut(tx, one))
    with pytest.raises(StorageError, match="another process"):
        await db.write(lambda tx: compaction.cut(tx, two))
    assert await findings(db) == []
    assert [path.name for path in folder.iterdir()] == [one.file]


async def test_an_archive_of_other_entries_is_not_overwritten(db: Database) -> None:
    folder = db.folder / segments.FOLDER
    folder.mkdir(mode=0o700)
    (folder / "journal-1-8.ndjson.gz").write_bytes(b"of an older store")
    (folder / "journal-1-8.ndjson.gz").chmod(0o600)
    await db.write(fill)
    assert (await cut(db, 8)).file == "journal-1-8-2.ndjson.gz"
    assert (folder / "journal-1-8.ndjson.gz").read_bytes() == b"of an older store"
    assert await findings(db) == []


async def test_only_the_old_and_enough_of_them_may_leave(
    db: Database, now: pytest.FixtureRequest
) -> None:
    assert await db.read(partial(compaction.bounds, before=math.inf)) == (1, -2)
    for at in (100.0, 200.0, 150.0, 300.0, 400.0):
        now.at = at  # type: ignore[attr-defined]
        await db.write(lambda tx: journal.append(tx, actor="a", action="b"))
    bounds = [await db.read(partial(compaction.bounds, before=at)) for at in (50, 180, 201, 1e9)]
    # Entry 3 is older than 180, but it stands behind one that is not.
    assert bounds == [(1, 0), (1, 1), (1, 3), (1, 3)]
    assert (await db.read(partial(compaction.plan, before=50))).entries == 0


# What holds it


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("DELETE FROM journal WHERE seq = 9", "never cut"),
        ("DELETE FROM journal", "never cut"),
        ("DELETE FROM revision WHERE rev = 5", "never deleted"),
        ("DELETE FROM segment", "never deleted"),
        ("UPDATE segment SET last_seq = 20", "never changed"),
        ("DELETE FROM archived", "stays archived"),
        ("UPDATE archived SET last_rev = 9", "stays archived"),
        ("INSERT INTO segment VALUES (9, 10, 'x', 'y', 'f', 's', 1, 1.0)", "not the oldest part"),
        (
            "INSERT INTO segment SELECT 9, 10, (SELECT prev_hash FROM journal WHERE seq = 9),"
            " 'y', 'f', 's', 1, 1.0",
            "not the oldest part",
        ),
        (
            "INSERT INTO segment SELECT 10, 11, (SELECT prev_hash FROM journal WHERE seq = 10),"
            " (SELECT hash FROM journal WHERE seq = 11), 'f', 's', 1, 1.0",
            "not the oldest part",
        ),
        (
            "INSERT INTO segment SELECT 9, 13, (SELECT prev_hash FROM journal WHERE seq = 9),"
            " (SELECT hash FROM journal WHERE seq = 13), 'f', 's', 1, 1.0",
            "not the oldest part",
        ),
        ("INSERT INTO archived VALUES ('task', 'T-1', 5, 6, 2)", "FOREIGN KEY"),
    ],
)
async def test_the_store_refuses_every_other_cut(db: Database, sql: str, refused: str) -> None:
    await db.write(fill)
    await cut(db, 8)
    with pytest.raises(StorageError, match=refused):
        await db.write(lambda tx: tx.conn.execute(sql))
    assert await findings(db) == []


async def test_the_newest_revision_is_refused_even_where_it_is_said_to_be_archived(
    db: Database,
) -> None:
    await db.write(fill)
    await cut(db, 8)

    def work(tx: Transaction) -> None:
        tx.conn.execute("INSERT INTO archived VALUES ('task', 'T-1', 6, 6, 1)")
        tx.conn.execute("DELETE FROM revision WHERE id = 'T-1' AND rev = 6")

    with pytest.raises(StorageError, match="never deleted"):
        await db.write(work)


# What shows


def tamper(path: Path, sql: str) -> None:
    conn = pick().connect(path, mode="rw")
    try:
        for name in ("segment", "archived", "revision", "journal"):
            conn.execute(f"DROP TRIGGER {name}_is_not_changed")
            conn.execute(f"DROP TRIGGER {name}_is_not_deleted")
        conn.execute("DROP TRIGGER segment_follows_the_last")
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute(sql)
    finally:
        conn.close()


@pytest.mark.parametrize(
    ("sql", "check", "text"),
    [
        ("UPDATE segment SET sha256 = 'x'", Check.ARCHIVE, "the table segments is not"),
        ("UPDATE segment SET head_hash = 'x'", Check.CHAIN, "entry 9 does not follow"),
        ("UPDATE segment SET first_seq = 2", Check.ARCHIVE, "does not follow entry 0"),
        ("UPDATE segment SET last_seq = 9", Check.CHAIN, "entry 9"),
        ("DELETE FROM segment", Check.CHAIN, "entry 1 is missing before entry 9"),
        ("DELETE FROM outlasting", Check.REVISION, "T-1: revision 2 has no journal entry"),
        (
            "UPDATE revision SET body = '{}' WHERE id = 'T-1' AND rev = 2",
            Check.REVISION,
            "T-1: revision 2 is not what its archived entry recorded",
        ),
        (
            "DELETE FROM revision WHERE id = 'T-1' AND rev = 2",
            Check.REVISION,
            "T-1: revision 2 is not what its archived entry recorded",
        ),
        ("UPDATE outlasting SET sha256 = 'x'", Check.ARCHIVE, "the table outlasting is not"),
    ],
)
async def test_tampering_with_a_cut_shows(db: Database, sql: str, check: Check, text: str) -> None:
    await db.write(fill)
    await db.write(
        lambda tx: acts.record(tx, actor="a", label="l", changes=[Change("task", "T-1", 2, 6)])
    )
    await cut(db, 8)
    await db.close()
    tamper(db.path, sql)
    async with await Database.open(db.folder) as again:
        found = await findings(again)
    assert any(one.check is check and text in one.text for one in found), found


async def test_an_archive_that_is_gone_or_changed_shows(db: Database) -> None:
    await db.write(fill)
    segment = await cut(db, 8)
    path = db.folder / segments.FOLDER / segment.file
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (changed,) = await findings(db)
    assert changed.check is Check.ARCHIVE and "is not the file that was archived" in changed.text
    path.unlink()
    (gone,) = await findings(db)
    assert f"archive/{segment.file} is missing: put it back" in gone.text
    path.symlink_to("/etc/passwd")
    (odd,) = await findings(db)
    assert "cannot be read" in odd.text


# Room


async def free_pages(db: Database) -> int:
    (free,) = await db.read(lambda conn: conn.execute("PRAGMA freelist_count").fetchone())
    return int(free)


async def test_room_is_given_back_to_the_disk(db: Database) -> None:
    def large(tx: Transaction) -> None:
        for rev in range(400):
            body: documents.Body = {"id": "T-1", "text": "x" * 4000, "n": rev}
            documents.put(tx, "task", "T-1", body, rev=rev, actor="a", cause="c")

    await db.write(large)
    full = await db.read(compaction.bytes_used)
    await cut(db, 390)
    assert await db.read(compaction.bytes_used) < full / 5
    assert await free_pages(db) > 100
    await db.shrink()
    assert await free_pages(db) == 0
    assert db.path.stat().st_size < full / 5
    assert await findings(db) == []


async def test_a_store_of_an_older_make_is_rebuilt_for_it(db: Database) -> None:
    await db.write(lambda tx: [put(tx, "T-1", rev) for rev in range(300)])
    await db.close()
    conn = pick().connect(db.path, mode="rw")
    conn.execute("PRAGMA auto_vacuum = NONE")
    conn.execute("VACUUM")
    assert conn.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    conn.close()
    async with await Database.open(db.folder) as again:
        await cut(again, 290)
        await again.shrink()
        assert await findings(again) == []
    conn = pick().connect(db.path, mode="rw")
    assert conn.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    conn.close()
