"""Durable writes and reads of documents, against one fdatasync of 4 KiB in the same folder."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench.report import Figure, p50, p95

from orc_storage import documents
from orc_storage.database import Connection, Database, Transaction
from orc_storage.records import Body, Document

DOCUMENTS = 400
TEXT = "One page, A4, with the logo and the sum in words. " * 8


async def measure(folder: Path) -> list[Figure]:
    """Create, update and read one document at a time; then many writers at once."""
    floor = await asyncio.to_thread(_syncs, folder, DOCUMENTS)
    db = await Database.open(folder / "store")
    try:
        creates = await _timed(DOCUMENTS, lambda n: db.write(lambda tx: _put(tx, n, 0)))
        updates = await _timed(DOCUMENTS, lambda n: db.write(lambda tx: _put(tx, n, 1)))
        reads = await _timed(DOCUMENTS, lambda n: db.read(lambda conn: _get(conn, n)))
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(DOCUMENTS):
                group.create_task(db.write(lambda tx, n=number: _put(tx, n, 2)))
        together = DOCUMENTS / (time.perf_counter() - started)
    finally:
        await db.close()
    syncs = p95(floor) * 1e3
    return [
        Figure("create, durable, p95", "ms", p95(creates) * 1e3, 10.0, syncs, _median(creates)),
        Figure("update, durable, p95", "ms", p95(updates) * 1e3, 10.0, syncs, _median(updates)),
        Figure("read, p95", "ms", p95(reads) * 1e3, 1.0, None, _median(reads)),
        Figure(
            "a durable write among 400 at once",
            "ms",
            1e3 / together,
            2.0,
            p50(floor) * 1e3,
            f"{together:.0f} transactions/s",
        ),
    ]


def _median(samples: list[float]) -> str:
    return f"p50 {p50(samples) * 1e3:.2g} ms"


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


def _syncs(folder: Path, count: int) -> list[float]:
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
