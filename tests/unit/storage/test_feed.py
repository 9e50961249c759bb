"""The feed: commits are heard at once, also across processes, and a ring is only a hint."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orc_storage import counters, database
from orc_storage.database import Database
from orc_storage.errors import StoreUnavailable
from orc_storage.feed import Feed
from orc_storage.lane import Lane

NEVER_S = 3600.0
DEADLINE_S = 8.0

OTHER = """
import asyncio, sys, time
from pathlib import Path
from orc_storage import counters
from orc_storage.database import Database

async def main(folder, runtime):
    async with await Database.open(Path(folder), runtime=Path(runtime)) as db:
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            await db.write(lambda tx: counters.bump(tx, "other", "today"))
            print(time.monotonic(), flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.asynccontextmanager
async def another_process(folder: Path, runtime: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER, str(folder), str(runtime), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    try:
        assert await say(process) == "ready"
        yield process
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), DEADLINE_S)


async def say(process: asyncio.subprocess.Process, word: str = "") -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(word.encode())
    line = await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
    return line.decode().strip()


async def heard(changes: AsyncIterator[None]) -> float:
    await asyncio.wait_for(anext(changes), DEADLINE_S)
    return time.monotonic()


async def bump(db: Database) -> None:
    await db.write(lambda tx: counters.bump(tx, "own", "today"))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_an_own_commit_is_heard_at_once(db: Database) -> None:
    async with Feed(db, poll_s=NEVER_S) as feed:
        changes = feed.changes()
        for _ in range(3):
            await bump(db)
            await heard(changes)


async def test_a_commit_before_the_first_wait_is_not_missed(db: Database) -> None:
    async with Feed(db, poll_s=NEVER_S) as feed:
        await bump(db)
        await heard(feed.changes())


async def test_another_process_is_heard_within_50_ms(
    db: Database, folder: Path, runtime: Path
) -> None:
    async with (
        Feed(db, poll_s=NEVER_S) as feed,
        another_process(folder, runtime) as other,
    ):
        assert feed.hears_others
        changes = feed.changes()
        late_s = []
        for _ in range(10):
            hearing = asyncio.create_task(heard(changes))
            committed = float(await say(other, "\n"))
            late_s.append(await hearing - committed)
        assert statistics.median(late_s) < 0.05, late_s
        assert await db.read(lambda conn: counters.value(conn, "other", "today")) == 10


async def test_without_a_doorbell_the_poll_hears(
    db: Database, folder: Path, tmp_path: Path
) -> None:
    async with Feed(db, poll_s=0.02) as feed, another_process(folder, tmp_path / "r") as other:
        changes = feed.changes()
        hearing = asyncio.create_task(heard(changes))
        await say(other, "\n")
        await hearing


async def test_an_unchanged_store_is_seen_by_its_files_alone(
    db: Database, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    ask = Lane.data_version

    async def counted(lane: Lane) -> int:
        asked.append(lane)
        return await ask(lane)

    monkeypatch.setattr(Lane, "data_version", counted)
    await bump(db)
    first = await db.data_version()
    for _ in range(3):
        assert await db.data_version(glance=True) == first
    assert len(asked) == 4, "what was written just now proves nothing yet"
    for path in folder.glob("store.db*"):
        os.utime(path, (1.0, 1.0))
    for _ in range(4):
        assert await db.data_version(glance=True) == first
    assert len(asked) == 5
    async with another_process(folder, tmp_path / "r") as other:
        await say(other, "\n")
        assert await db.data_version(glance=True) > first
    monkeypatch.setattr(database, "GLANCE_MAX_S", 0.0)
    asked.clear()
    await db.data_version(glance=True)
    assert len(asked) == 1, "files that look the same are believed for a while only"


async def test_a_socket_path_that_is_too_long_leaves_the_poll(folder: Path, tmp_path: Path) -> None:
    async with (
        await Database.open(folder, runtime=tmp_path / ("r" * 100)) as db,
        Feed(db, poll_s=0.02) as feed,
    ):
        assert not feed.hears_others
        await bump(db)
        await heard(feed.changes())


async def test_many_commits_are_one_wake_for_who_was_busy(db: Database) -> None:
    async with Feed(db, poll_s=NEVER_S) as feed:
        changes = feed.changes()
        await bump(db)
        await heard(changes)
        for _ in range(50):
            await bump(db)
        await heard(changes)
        # What is left is at most the one wake that came while the last was taken.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(anext(changes), 0.05)
        again = asyncio.create_task(heard(feed.changes()))
        await again


async def test_every_listener_hears_and_ends_with_the_feed(db: Database) -> None:
    async def count(feed: Feed) -> int:
        seen = 0
        async for _ in feed.changes():
            seen += 1
        return seen

    async with Feed(db, poll_s=NEVER_S) as feed:
        listeners = [asyncio.create_task(count(feed)) for _ in range(3)]
        await bump(db)
        await heard(feed.changes())
    assert all(n >= 1 for n in await asyncio.wait_for(asyncio.gather(*listeners), DEADLINE_S))


async def test_a_reader_hears_a_writer_and_leaves_no_socket(
    db: Database, folder: Path, runtime: Path
) -> None:
    async with (
        await Database.open(folder, read_only=True, runtime=runtime) as looking,
        Feed(looking, poll_s=NEVER_S) as feed,
    ):
        await bump(db)
        await heard(feed.changes())
    assert names(runtime) == []


async def test_the_sockets_of_the_dead_are_taken_away(db: Database) -> None:
    ear = db.doorbell.listen()
    name = Path(ear.getsockname()).name
    assert name in names(db.doorbell.folder)
    ear.close()
    stranger = Database(db._opening, db.doorbell.folder.parent)
    stranger.doorbell.ring()
    stranger.doorbell.close()
    assert name not in names(db.doorbell.folder)


async def test_trouble_wakes_once_and_is_told(db: Database, folder: Path) -> None:
    async with Feed(db, poll_s=0.02) as feed:
        changes = feed.changes()
        db.path.rename(folder / "elsewhere.db")
        await heard(changes)
        assert "was removed while it was open" in feed.trouble
        (folder / "elsewhere.db").rename(db.path)
        await heard(changes)
        assert feed.trouble == ""


async def test_a_closed_store_has_no_feed(folder: Path, runtime: Path) -> None:
    db = await Database.open(folder, runtime=runtime)
    await db.close()
    with contextlib.suppress(StoreUnavailable):
        async with Feed(db):
            raise AssertionError("a feed over a closed store")
    assert names(runtime) == []
