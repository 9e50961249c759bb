"""Examining a store: whatever was cut, rewritten or damaged is told and named."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from orc_storage import anchors, audit, documents, journal
from orc_storage.audit import Examination
from orc_storage.database import Database, Transaction
from orc_storage.engine import pick
from orc_storage.records import Body, Check, Filter, Finding


async def examined(folder: Path, noted: tuple[int, str] | None = None) -> Examination:
    async with await Database.open(folder) as db:
        return await db.read(lambda conn: audit.examine(conn, folder, noted=noted))


def put(tx: Transaction, id: str = "T-1", *, rev: int = 0, actor: str = "operator") -> None:
    body: Body = {"id": id, "title": f"Cart {rev}"}
    documents.put(tx, "task", id, body, rev=rev, actor=actor, cause="test")


async def fill(db: Database) -> None:
    for rev in range(3):
        await db.write(lambda tx, rev=rev: put(tx, rev=rev))
    await db.write(lambda tx: put(tx, "T-2"))
    await db.close()


def tamper(folder: Path, script: str) -> None:
    """Change a store behind its back, as whoever owns the file can."""
    conn = pick().connect(folder / "store.db", mode="rw")
    try:
        for table in ("revision", "journal"):
            conn.execute(f"DROP TRIGGER {table}_is_not_changed")
            conn.execute(f"DROP TRIGGER {table}_is_not_deleted")
        for statement in script.split(";"):
            conn.execute(statement)
    finally:
        conn.close()


async def test_a_sound_store_has_no_findings(db: Database) -> None:
    await fill(db)
    done = await examined(db.folder)
    assert (done.findings, done.entries, done.seq) == ((), 4, 4)
    assert done.anchor is not None
    assert (done.anchored, done.anchor.seq, done.anchor.hash) == (1, 4, done.hash)


async def test_a_store_without_anchors_is_no_fault(db: Database) -> None:
    await fill(db)
    (db.folder / anchors.FILE).unlink()
    done = await examined(db.folder)
    assert (done.findings, done.anchor) == ((), None)


async def test_a_tail_that_was_cut_off_shows_by_the_anchor(db: Database) -> None:
    await fill(db)
    tamper(
        db.folder,
        "DELETE FROM journal WHERE seq = 4; DELETE FROM revision WHERE id = 'T-2';"
        "DELETE FROM document WHERE id = 'T-2'",
    )
    (finding,) = (await examined(db.folder)).findings
    assert finding.check is Check.ANCHOR
    assert "ends at entry 3, but audit.anchors vouches for entry 4" in finding.text
    (db.folder / anchors.FILE).unlink()
    assert (await examined(db.folder)).findings == (), "nothing else vouches for it"


async def test_a_chain_that_was_written_anew_shows_by_the_anchor(
    db: Database, tmp_path: Path
) -> None:
    await fill(db)
    other = tmp_path / "other"
    async with await Database.open(other) as forged:
        for rev in range(6):
            await forged.write(lambda tx, rev=rev: put(tx, rev=rev, actor="forger"))
    shutil.copy(other / "store.db", db.path)
    (finding,) = (await examined(db.folder)).findings
    assert (finding.check, finding.seq) == (Check.ANCHOR, 4)
    assert "entry 4 is not the one that audit.anchors vouches for" in finding.text


async def test_a_new_epoch_counts_from_where_it_began(db: Database) -> None:
    await fill(db)
    (db.folder / anchors.FILE).unlink()
    for seq in (2, 400):
        anchors.note(db.folder, seq, "c" * 64, at=1.0)
    done = await examined(db.folder)
    assert [finding.seq for finding in done.findings] == [400, 2]
    anchors.begin_epoch(db.folder, seq=done.seq, hash=done.hash, at=2.0, why="restored")
    assert (await examined(db.folder)).findings == ()


async def test_a_head_that_a_person_kept_is_looked_for(db: Database) -> None:
    await fill(db)
    hash = (await examined(db.folder)).hash
    assert (await examined(db.folder, (4, hash))).findings == ()
    (wrong,) = (await examined(db.folder, (4, "d" * 64))).findings
    (beyond,) = (await examined(db.folder, (9, hash))).findings
    assert "the head that you gave" in wrong.text and "the head that you gave" in beyond.text


@pytest.mark.parametrize(
    ("sql", "checks", "named"),
    [
        (
            "UPDATE revision SET body = replace(body, 'Cart 1', 'Cart 7') WHERE rev = 2",
            {Check.REVISION},
            ("task", "T-1", 2),
        ),
        (
            "UPDATE document SET body = replace(body, 'Cart 0', 'Cart 7') WHERE id = 'T-2'",
            {Check.DOCUMENT},
            ("task", "T-2", 1),
        ),
        (
            "UPDATE document SET sha256 = 'x' WHERE id = 'T-2'",
            {Check.DOCUMENT},
            ("task", "T-2", 1),
        ),
        # Bytes that are no text and no JSON any more, as a bad disk leaves them.
        (
            "UPDATE document SET body = CAST(x'7bff7d' AS TEXT) WHERE id = 'T-2'",
            {Check.DOCUMENT},
            ("task", "T-2", 1),
        ),
        (
            "UPDATE revision SET body = CAST(x'7bff7d' AS TEXT) WHERE id = 'T-2'",
            {Check.DOCUMENT, Check.REVISION},
            ("task", "T-2", 1),
        ),
        (
            "UPDATE journal SET detail = CAST(x'7bff7d' AS TEXT) WHERE seq = 4",
            {Check.CHAIN},
            ("task", "T-2", 1),
        ),
        ("UPDATE journal SET detail = '[1]' WHERE seq = 4", {Check.CHAIN}, ("task", "T-2", 1)),
        ("UPDATE journal SET at = 9e999 WHERE seq = 4", {Check.CHAIN}, ("task", "T-2", 1)),
        (
            "UPDATE journal SET actor = CAST(x'ff' AS TEXT) WHERE seq = 4",
            {Check.CHAIN},
            ("task", "T-2", 1),
        ),
    ],
)
async def test_a_damaged_row_is_told_and_names_its_document(
    db: Database, sql: str, checks: set[Check], named: tuple[str, str, int]
) -> None:
    await fill(db)
    tamper(db.folder, sql)
    findings = (await examined(db.folder)).findings
    assert {finding.check for finding in findings} == checks
    assert {(f.kind, f.id, f.rev) for f in findings} == {named}


async def test_a_byte_that_flipped_in_the_file_is_told(db: Database) -> None:
    await fill(db)
    conn = pick().connect(db.path, mode="rw")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    data = db.path.read_bytes()
    place = data.index(b'{"id":"T-2","title":"Cart 0"}')
    db.path.write_bytes(data[: place + 12] + bytes([data[place + 12] ^ 1]) + data[place + 13 :])
    findings = (await examined(db.folder)).findings
    assert findings and all("T-2" in finding.text for finding in findings)


async def test_a_page_that_is_damaged_is_told(db: Database) -> None:
    await fill(db)
    conn = pick().connect(db.path, mode="rw")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (root,) = conn.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'journal_by_actor'"
    ).fetchone()
    (size,) = conn.execute("PRAGMA page_size").fetchone()
    conn.close()
    data = bytearray(db.path.read_bytes())
    # Its last cells: the index names the entries in another order than the table holds them.
    begin = root * size - 8
    data[begin : root * size] = bytes(reversed(data[begin : root * size]))
    db.path.write_bytes(bytes(data))
    findings: list[Finding] = list((await examined(db.folder)).findings)
    assert Check.PAGES in {finding.check for finding in findings}


# Pages of the trail


async def test_pages_are_filtered_and_go_on(db: Database) -> None:
    for number in range(1, 8):
        actor = "codex-1" if number % 2 else "operator"
        await db.write(lambda tx, n=number, a=actor: put(tx, f"T-{n}", actor=a))
    await db.write(lambda tx: journal.append(tx, actor="leader", action="sync answered"))

    async def seqs(wanted: Filter | None = None, **more: int) -> list[int]:
        return [e.seq for e in await db.read(lambda c: journal.page(c, wanted, **more))]

    assert await seqs() == [8, 7, 6, 5, 4, 3, 2, 1]
    assert await seqs(limit=3) == [8, 7, 6]
    assert await seqs(limit=3, before=6) == [5, 4, 3]
    assert await seqs(Filter(actor="codex-1")) == [7, 5, 3, 1]
    assert await seqs(Filter(actor="codex-1"), before=5) == [3, 1]
    assert await seqs(Filter(kind="task"), limit=2) == [7, 6]
    assert await seqs(Filter(kind="task", id="t-3")) == [3]
    assert await seqs(Filter(id="T-3")) == [3]
    assert await seqs(Filter(kind="agent")) == []


async def test_a_clock_that_was_set_back_hides_no_entry(db: Database, now: Any) -> None:
    for at in (100.0, 300.0, 200.0, 50.0, 400.0):
        now.at = at
        await db.write(lambda tx: journal.append(tx, actor="a", action="b"))

    async def times(since: float) -> list[float]:
        return [e.at for e in await db.read(lambda c: journal.page(c, Filter(since=since)))]

    assert await times(200.0) == [400.0, 200.0, 300.0]
    assert await times(500.0) == []
    assert await times(60.0) == [400.0, 200.0, 300.0, 100.0]
