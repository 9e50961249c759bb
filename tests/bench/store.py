"""The store at 1,000 documents and 100,000 journal entries, against the disk's own fdatasync.

Invariant: what is compared was measured on the same disk in the same run. The floor of a durable
write is one append of 4 KiB with fdatasync in the folder of the store.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from tests.bench.report import Figure, p50, p95, short

from orc_core import board
from orc_core.chronicle.compacting import compact, foresee
from orc_storage import audit, documents, engine, journal
from orc_storage.database import Connection, Database, Transaction
from orc_storage.records import Body, Document, Filter

DOCUMENTS = 1000
ENTRIES = 100_000
SAMPLES = 400
LISTS = 60
OPENED = 5
TOGETHER = 256
BATCHED = 5000
ONE = "SELECT rev, body FROM document WHERE kind = 'task' AND id = 'T-7'"
NAMES = "SELECT id, rev FROM document WHERE kind = 'task' AND deleted = 0 ORDER BY id"
WHOLE = "SELECT * FROM document WHERE kind = 'task' AND deleted = 0 ORDER BY id"
TEXT = "One page, A4, with the logo and the sum in words. " * 8


async def measure(folder: Path) -> list[Figure]:
    """Grow a store to its size, then one document at a time, lists, many writers, upkeep."""
    async with await Database.open(folder / "store") as db:
        await fill(db)
        floor = await asyncio.to_thread(syncs, folder, SAMPLES)
        return [
            await _opened(db),
            *await _lists(db),
            *await _single(db, p95(floor) * 1e3),
            await _together(db, p50(floor) * 1e3),
            *await _upkeep(db),
        ]


async def _opened(db: Database) -> Figure:
    """What every command and every dashboard reads first: all tasks, with their ages."""
    samples = await _timed(OPENED, lambda n: board.load(db, time.time(), board.Board()))
    name = f"first look at {DOCUMENTS:,} tasks of {ENTRIES // DOCUMENTS} revisions, longest"
    return Figure(name, "ms", max(samples) * 1e3, None, None, _median(samples))


async def _bare(db: Database, sql: str) -> float:
    """The floor of a read: the rows of a bare SELECT, thrown away; p95 in milliseconds."""

    def work() -> list[float]:
        conn = engine.pick().connect(db.path, mode="ro")
        try:
            samples = []
            for _ in range(SAMPLES):
                started = time.perf_counter()
                conn.execute(sql).fetchall()
                samples.append(time.perf_counter() - started)
            return samples
        finally:
            conn.close()

    return p95(await asyncio.to_thread(work)) * 1e3


async def fill(db: Database) -> None:
    """Write 1,000 documents a hundred times, which makes 100,000 entries of the journal."""
    for rev in range(ENTRIES // DOCUMENTS):
        await db.write(partial(_put_all, rev=rev), timeout_s=60.0)


async def _single(db: Database, syncs_ms: float) -> list[Figure]:
    rev, old = ENTRIES // DOCUMENTS, LISTS
    creates = await _timed(SAMPLES, lambda n: db.write(lambda tx: _put(tx, DOCUMENTS + n, 0)))
    updates = await _timed(SAMPLES, lambda n: db.write(lambda tx: _put(tx, old + n, rev)))
    reads = await _timed(SAMPLES, lambda n: db.read(lambda conn: _get(conn, n)))
    return [
        _figure("create, durable, p95", creates, 2.0, syncs_ms),
        _figure("update, durable, p95", updates, 2.0, syncs_ms),
        _figure("read, p95", reads, 0.3, await _bare(db, ONE)),
    ]


async def _lists(db: Database) -> list[Figure]:
    known: dict[str, Document] = {}
    rev = ENTRIES // DOCUMENTS

    async def renew(number: int) -> None:
        found = await db.read(lambda conn: documents.listing(conn, "task", known=known))
        known.update({one.id: one for one in found})

    async def look(number: int) -> float:
        await db.write(lambda tx: _put(tx, number, rev))
        started = time.perf_counter()
        await renew(number)
        return time.perf_counter() - started

    whole = await _timed(LISTS, lambda n: db.read(lambda conn: documents.listing(conn, "task")))
    await renew(0)
    again = [await look(number) for number in range(LISTS)]
    pages = await _timed(
        LISTS, lambda n: db.read(lambda c: journal.page(c, Filter(kind="task", since=1.0)))
    )
    return [
        _figure(f"list {DOCUMENTS:,}, one changed, p95", again, 2.0, await _bare(db, NAMES)),
        _figure(f"list {DOCUMENTS:,} for the first time, p95", whole, None, await _bare(db, WHOLE)),
        _figure("a page of the audit trail, p95", pages, 2.0),
    ]


async def _together(db: Database, sync_ms: float) -> Figure:
    """Many writers at once, each waiting for its own write before the next."""
    newest = await db.read(lambda conn: {d.id: d.rev for d in documents.listing(conn, "task")})
    share = BATCHED // TOGETHER

    async def write(writer: int) -> None:
        rev = newest[f"T-{writer + 1}"]
        for step in range(share):
            await db.write(lambda tx, rev=rev + step: _put(tx, writer, rev))  # type: ignore[misc]

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for writer in range(TOGETHER):
            group.create_task(write(writer))
    rate = share * TOGETHER / (time.perf_counter() - started)
    return Figure(
        f"one durable transaction of {TOGETHER} writers at once",
        "ms",
        1e3 / rate,
        0.2,
        sync_ms,
        f"{rate:,.0f} per second; 0.2 ms is 5,000",
    )


async def _upkeep(db: Database) -> list[Figure]:
    """Examining and compacting all of it, and how long a writer waits meanwhile."""
    started = time.perf_counter()
    done = await db.read(lambda conn: audit.examine(conn, db.folder), timeout_s=300.0)
    examined = time.perf_counter() - started
    assert not done.findings, done.findings
    foreseen = await foresee(db, math.inf, keep_days=0.0, limit=2**40)
    waits: list[float] = []
    compacting = asyncio.create_task(compact(db, time.time() + 1e6, keep_days=0.0, limit=2**40))
    started = time.perf_counter()
    while not compacting.done():
        begun = time.perf_counter()
        await db.write(lambda tx: journal.append(tx, actor="bench", action="wait"), timeout_s=60.0)
        waits.append(time.perf_counter() - begun)
        await asyncio.sleep(0)
    took = time.perf_counter() - started
    told = await compacting
    sizes = f"{told.bytes_before / 2**20:.0f} to {told.bytes_after / 2**20:.0f} MB"
    assert foreseen.entries <= told.entries
    return [
        Figure("verify 100,000 entries", "s", examined, None, None, f"{done.entries:,} entries"),
        Figure("archive 100,000 entries", "s", took, None, None, sizes),
        Figure(
            "a write meanwhile, the longest", "ms", max(waits) * 1e3, None, None, _median(waits)
        ),
    ]


def _figure(
    name: str, samples: list[float], aim: float | None, floor: float | None = None
) -> Figure:
    return Figure(name, "ms", p95(samples) * 1e3, aim, floor, _median(samples))


def _median(samples: list[float]) -> str:
    return f"p50 {short(p50(samples) * 1e3)} ms"


def _put_all(tx: Transaction, rev: int) -> None:
    for number in range(DOCUMENTS):
        _put(tx, number, rev)


def _put(tx: Transaction, number: int, rev: int) -> Document:
    id = f"T-{number + 1}"
    body: Body = {"id": id, "title": f"Task {number}, version {rev}", "text": TEXT, "priority": 5}
    return documents.put(tx, "task", id, body, rev=rev, actor="bench", cause="bench")


def _get(conn: Connection, number: int) -> Document | None:
    return documents.get(conn, "task", f"T-{number + 1}")


async def _timed(count: int, act: Callable[[int], Awaitable[object]]) -> list[float]:
    samples = []
    for number in range(count):
        started = time.perf_counter()
        await act(number)
        samples.append(time.perf_counter() - started)
    return samples


def syncs(folder: Path, count: int) -> list[float]:
    """How long each of some appends of 4 KiB with fdatasync took, in seconds."""
    samples = []
    block = os.urandom(4096)
    descriptor = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for _ in range(count):
            started = time.perf_counter()
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            samples.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
    return samples
