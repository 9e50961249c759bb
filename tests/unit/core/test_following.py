"""Following the journal: each entry once, in order, from wherever one begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.chronicle.following import CHUNK, Step, follow
from orc_core.errors import OrcError, UsageError
from orc_storage import documents, journal
from orc_storage.database import Database, Transaction
from orc_storage.engine import pick
from stores import open_store


@pytest.fixture
async def db(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "workspace", clock) as opened:
        yield opened


def say(tx: Transaction, count: int = 1) -> None:
    for _ in range(count):
        journal.append(tx, actor="a", action="said")


async def edit(db: Database, rev: int, id: str = "T-1") -> None:
    body: documents.Body = {"id": id, "n": rev}
    await db.write(
        partial(documents.put, kind="task", id=id, body=body, rev=rev, actor="a", cause="c")
    )


async def until_head(db: Database, after: int | None = 0, kind: str = "") -> list[Step]:
    return [step async for step in follow(db, after=after, kind=kind, stay=False)]


async def test_what_is_there_comes_with_its_bodies(db: Database) -> None:
    await edit(db, 0)
    await db.write(say)
    await edit(db, 1)
    await db.write(lambda tx: documents.delete(tx, "task", "T-1", rev=2, actor="a", cause="c"))
    steps = await until_head(db)
    assert [step.entry.seq for step in steps] == [1, 2, 3, 4]
    assert [step.body for step in steps] == [
        {"id": "T-1", "n": 0},
        None,
        {"id": "T-1", "n": 1},
        None,
    ]
    assert [step.entry.seq for step in await until_head(db, 2)] == [3, 4]
    assert [step.entry.seq for step in await until_head(db, kind="task")] == [1, 3, 4]
    assert await until_head(db, None) == []


async def test_a_beginning_that_is_not_there_yet_is_refused(db: Database) -> None:
    await db.write(say)
    assert await until_head(db, 1) == []
    for after in (2, -1):
        with pytest.raises(UsageError, match="ends at 1"):
            await until_head(db, after)


async def test_no_entry_is_missed_or_repeated_while_others_write(db: Database) -> None:
    await db.write(partial(say, count=CHUNK + 50))
    seen: list[int] = []
    last = CHUNK + 50 + 300

    async def write() -> None:
        for _ in range(100):
            await db.write(partial(say, count=3))

    async with asyncio.timeout(20.0), aclosing(follow(db, after=0)) as steps:
        writing = asyncio.create_task(write())
        async for step in steps:
            seen.append(step.entry.seq)
            if step.entry.seq == last:
                break
        await writing
    assert seen == list(range(1, last + 1))


async def test_from_now_on_is_from_now_on(db: Database) -> None:
    await db.write(say)
    async with asyncio.timeout(10.0), aclosing(follow(db)) as steps:
        first = asyncio.ensure_future(anext(steps))
        rev = 0
        # Its "now" is some moment after it was asked; from there on it leaves nothing out.
        while not first.done():
            await edit(db, rev)
            rev += 1
        seq = (await first).entry.seq
        assert 2 <= seq <= rev + 1
        for expected in range(seq + 1, rev + 2):
            assert (await anext(steps)).entry.seq == expected


async def test_an_entry_that_is_gone_is_no_gap_to_step_over(db: Database, tmp_path: Path) -> None:
    await db.write(partial(say, count=5))
    await db.close()
    conn = pick().connect(db.path, mode="rw")
    conn.execute("DROP TRIGGER journal_is_not_deleted")
    conn.execute("DELETE FROM journal WHERE seq = 3")
    conn.close()
    async with await Database.open(db.folder, runtime=tmp_path / "r") as again:
        with pytest.raises(
            OrcError, match="entry 3 is missing, not in the store: begin with --since 3"
        ):
            await until_head(again)
