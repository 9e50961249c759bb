"""The queue: 1,000 tasks of all priorities through it, and the express lane while others wait.

Invariant: every task that was put in is taken once and handed in, or the measurement fails. The
floor is three durable rows of the journal for each task (queued, taken, done), by as many writers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path

from tests.bench.report import Figure, p50, p95, short

from orc_core.model.work import ANY, EXPRESS, Holder, Leased
from orc_core.tasks.desk import Tasks
from orc_core.tasks.dispatch import Dispatch
from orc_storage import journal
from orc_storage.database import Database

TASKS = 1000
WORKERS = 64
WAITING = 500
EXPRESSES = 200
KINDS = (ANY, "codex", "claude")
PUTTERS = len(KINDS)
TOGETHER = 50
"""So many tasks are put in by one call."""
STEPS = 3
"""What is written of each task at least: queued, taken, done."""


async def measure(folder: Path) -> list[Figure]:
    """Through the queue and out of it, then one urgent task at a time past those that wait."""
    async with await Database.open(folder / "store") as db:
        floor = await _bare(db)
        through = await _through(db, floor)
        return [through, *await _express(db)]


async def _bare(db: Database) -> float:
    """Seconds that one task takes where each of its steps writes one row of the journal."""

    async def write() -> None:
        for _ in range(TASKS * STEPS // WORKERS):
            await db.write(lambda tx: journal.append(tx, actor="bench", action="floor"))

    started = time.perf_counter()
    await _together(*(write() for _ in range(WORKERS)))
    return (time.perf_counter() - started) / TASKS


async def _through(db: Database, floor_s: float) -> Figure:
    desk, queue = Tasks(db), Dispatch(db)
    ids = await _add(desk, TASKS, mixed=True)
    done: list[str] = []

    async def put(number: int) -> None:
        mine = ids[number::PUTTERS]
        for first in range(0, len(mine), TOGETHER):
            some = mine[first : first + TOGETHER]
            await queue.enqueue_many(some, kind=KINDS[number], actor="bench", cause="bench")

    async def work(number: int) -> None:
        holder = Holder(f"worker-{number}", KINDS[1 + number % 2])
        lease: Leased | None = None
        while len(done) < TASKS:
            if lease is None:
                lease = await queue.take(holder, cause="bench")
                await asyncio.sleep(0)
                continue
            handed = await queue.hand_in(lease.token, holder, cause="bench")
            done.append(handed.done.task)
            lease = handed.next

    started = time.perf_counter()
    await _together(*(put(n) for n in range(PUTTERS)), *(work(n) for n in range(WORKERS)))
    took = time.perf_counter() - started
    left = await queue.listing()
    assert sorted(done) == sorted(ids) and not left, (len(done), left[:3])
    rate = TASKS / took
    note = f"{rate:,.0f} per second; 0.5 ms is 2,000; 0 errors, 0 orphans"
    name = f"a task through the queue, {WORKERS} workers at once"
    return Figure(name, "ms", 1e3 / rate, 0.5, floor_s * 1e3, note)


async def _express(db: Database) -> list[Figure]:
    """How long an urgent task takes from being put in to being taken, past those that wait."""
    desk, queue = Tasks(db), Dispatch(db)
    for id in await _add(desk, WAITING, mixed=False):
        await queue.enqueue(id, actor="bench", cause="bench")
    urgent = await _add(desk, EXPRESSES, mixed=False, priority=EXPRESS)
    holder = Holder("express", "codex")
    samples: list[float] = []
    for id in urgent:
        started = time.perf_counter()
        await queue.enqueue(id, actor="bench", cause="bench")
        lease = await queue.take(holder, cause="bench")
        samples.append(time.perf_counter() - started)
        assert lease is not None and lease.task == id, (lease, id)
        await queue.acknowledge(lease.token, cause="bench")
    name = f"an express task put in and taken, {WAITING} others waiting, p95"
    note = f"p50 {short(p50(samples) * 1e3)} ms"
    return [Figure(name, "ms", p95(samples) * 1e3, 10.0, None, note)]


async def _add(desk: Tasks, count: int, *, mixed: bool, priority: int = 5) -> list[str]:
    made = await asyncio.gather(
        *(
            desk.add(
                f"Task {number}",
                actor="bench",
                cause="bench",
                priority=number * 7 % EXPRESS if mixed else priority,
            )
            for number in range(count)
        )
    )
    return [task.id for task in made]


async def _together(*calls: Coroutine[None, None, None]) -> None:
    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(call)
