"""The chain: whatever is changed, moved or taken out behind our back shows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from orc_storage import documents, journal
from orc_storage.database import Connection, Database, Transaction
from orc_storage.engine import pick
from orc_storage.records import Finding


async def fill(db: Database) -> None:
    def work(tx: Transaction) -> None:
        for title in ("one", "two", "three"):
            documents.put(
                tx,
                "task",
                "T-1",
                {"id": "T-1", "title": title},
                rev={"one": 0, "two": 1, "three": 2}[title],
                actor="operator",
                cause=title,
            )
        journal.append(tx, actor="operator", action="init", detail={"ü": [1.5, None]})

    await db.write(work)


async def test_entries_follow_one_another(db: Database) -> None:
    await fill(db)
    entries = await db.read(lambda conn: journal.since(conn, 0))
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert entries[0].prev_hash == journal.GENESIS
    for before, after in pairwise(entries):
        assert after.prev_hash == before.hash
    assert entries[3].detail == {"ü": [1.5, None]}
    assert await db.read(journal.head) == (4, entries[3].hash)
    assert await db.read(lambda conn: journal.since(conn, 2, limit=1)) == [entries[2]]
    assert await db.read(journal.verify) == []


async def test_an_empty_journal_is_intact(db: Database) -> None:
    assert await db.read(journal.head) == (0, journal.GENESIS)
    assert await db.read(journal.verify) == []


async def test_entries_of_two_writers_of_one_group_are_one_chain(db: Database) -> None:
    def fails(tx: Transaction) -> None:
        journal.append(tx, actor="a", action="lost")
        raise LookupError

    await db.write(lambda tx: journal.append(tx, actor="a", action="one"))
    with pytest.raises(LookupError):
        await db.write(fails)
    await db.write(lambda tx: journal.append(tx, actor="b", action="two"))
    assert [e.action for e in await db.read(lambda c: journal.since(c, 0))] == ["one", "two"]
    assert await db.read(journal.verify) == []


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE journal SET actor = 'codex-1' WHERE seq = 2", "entry 2 was changed"),
        ("UPDATE journal SET at = at + 1 WHERE seq = 2", "entry 2 was changed"),
        ("UPDATE journal SET detail = '{}' WHERE seq = 4", "entry 4 was changed"),
        ("DELETE FROM journal WHERE seq = 4; SELECT 1", ""),
        ("DELETE FROM journal WHERE seq = 2", "entry 2 is missing before entry 3"),
        ("DELETE FROM journal WHERE seq = 1", "entry 1 is missing before entry 2"),
        ("DELETE FROM journal WHERE seq >= 3", "revision 3 has no journal entry"),
        ("UPDATE journal SET seq = -seq; UPDATE journal SET seq = 5 + seq", "does not follow"),
        ("UPDATE revision SET body = '{}' WHERE rev = 2", "revision 2 is not what entry 2"),
        ("DELETE FROM revision WHERE rev = 1", "revision 1 is not what entry 1"),
        ("UPDATE document SET body = '{}'", "is not its newest revision"),
        ("UPDATE document SET rev = 2", "is not its newest revision"),
    ],
)
async def test_tampering_shows(db: Database, sql: str, problem: str) -> None:
    await fill(db)
    await db.close()
    tamper(db.path, sql)
    async with await Database.open(db.folder) as again:
        problems = await again.read(journal.verify)
    # The last entry of all can be cut off unseen: nothing else vouches for it.
    assert any(problem in str(found) for found in problems) if problem else problems == []


def tamper(path: Path, script: str) -> None:
    engine = pick()
    conn = engine.connect(path, mode="rw")
    try:
        conn.execute("PRAGMA ignore_check_constraints = ON")
        for table in ("revision", "journal"):
            conn.execute(f"DROP TRIGGER {table}_is_not_changed")
            conn.execute(f"DROP TRIGGER {table}_is_not_deleted")
        for statement in script.split(";"):
            conn.execute(statement)
    finally:
        conn.close()


async def test_problems_are_bounded(db: Database) -> None:
    def many(tx: Transaction) -> None:
        for _ in range(200):
            journal.append(tx, actor="a", action="b")

    await db.write(many)
    await db.close()
    tamper(db.path, "UPDATE journal SET actor = 'x'")
    verify: Callable[[Connection], list[Finding]] = journal.verify
    async with await Database.open(db.folder) as again:
        assert len(await again.read(verify)) == 50
