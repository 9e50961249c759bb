"""Workflows: four steps through, back again, taken on after a death, and five side by side.

Invariant: every run ends in the state that it should, or the measurement fails. The floor is the
same programs one after the other without a store.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from tests.bench.report import Figure, p50, p95, short

from orc_core.clock import SystemClock
from orc_core.saga import argv
from orc_core.saga.definition import Action, Definition, Step
from orc_core.workflows import Workflows
from orc_storage import sagas
from orc_storage.database import Database
from orc_storage.sagas import State

ROUNDS = 30
SIDE_BY_SIDE = 5
ENVIRON = dict(os.environ)
TRUE = ["/bin/true"]


def definition(*, fails: bool = False) -> Definition:
    """Four steps that can be undone; with `fails` a fifth that does not work."""
    steps = [Step(name=f"s{n}", run=TRUE, undo=Action(run=TRUE), retries=0) for n in range(4)]
    if fails:
        steps.append(Step(name="last", run=["/bin/false"], retries=0))
    return Definition(name="bench", step=steps)


async def measure(folder: Path) -> list[Figure]:
    """Time of whole workflows, from begun to ended."""
    async with await Database.open(folder / "store") as db:
        wing = Workflows.of(db, SystemClock(), ENVIRON, "bench")
        floor = await _bare(folder, 4)
        through = [await _run(wing, folder) for _ in range(ROUNDS)]
        back = [await _rolled_back(wing, folder) for _ in range(ROUNDS)]
        beside = [await _beside(wing, folder) for _ in range(ROUNDS // 3)]
        bare_beside = await _bare(folder, 4, side_by_side=SIDE_BY_SIDE)
        taken = [await _taken_on(db, wing, folder) for _ in range(ROUNDS // 3)]
    one = p50(through)
    note = f"floor: the same programs alone; p95 {short(p95(through) * 1e3)} ms"
    ratio = f"{p50(beside) / one:.1f} x one alone, where the aim is 2"
    return [
        Figure("a workflow of 4 steps", "ms", one * 1e3, 10.0, floor * 1e3, note),
        Figure("4 steps undone", "ms", p50(back) * 1e3, 20.0, floor * 1e3),
        Figure(
            f"{SIDE_BY_SIDE} workflows side by side", "ms", p50(beside) * 1e3, 2e3 * one,
            bare_beside * 1e3, ratio,
        ),
        Figure("taken on after a death, to its end", "ms", p95(taken) * 1e3, 1000.0, None, "p95"),
    ]  # fmt: skip


async def _bare(folder: Path, count: int, *, side_by_side: int = 1) -> float:
    """Seconds that programs take one after the other, so many rows of them side by side."""

    async def row() -> None:
        for _ in range(count):
            await argv.run(TRUE, environ=ENVIRON, folder=str(folder))

    samples = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await asyncio.gather(*(row() for _ in range(side_by_side)))
        samples.append(time.perf_counter() - started)
    return p50(samples)


async def _run(wing: Workflows, folder: Path) -> float:
    begun = await wing.begin(definition(), folder)
    started = time.perf_counter()
    ended = await wing.runner.run(begun.id)
    assert ended.state is State.COMPLETED, ended
    return time.perf_counter() - started


async def _rolled_back(wing: Workflows, folder: Path) -> float:
    """Seconds from the failure to the end."""
    begun = await wing.begin(definition(fails=True), folder)
    ended = await wing.runner.run(begun.id)
    assert ended.state is State.ROLLED_BACK, ended
    return time.time() - ended.steps[-1].ended_at


async def _beside(wing: Workflows, folder: Path) -> float:
    begun = [await wing.begin(definition(), folder) for _ in range(SIDE_BY_SIDE)]
    started = time.perf_counter()
    ended = await asyncio.gather(*(wing.runner.run(one.id) for one in begun))
    assert all(one.state is State.COMPLETED for one in ended)
    return time.perf_counter() - started


async def _taken_on(db: Database, wing: Workflows, folder: Path) -> float:
    """Seconds from a leader's coming to the end of what a dead process left in its first step."""
    begun = await wing.begin(definition(), folder)
    await db.write(lambda tx: sagas.claim(tx, begun.id, owner="4194304.1", was=""))
    other = Workflows.of(db, SystemClock(), ENVIRON, "bench")
    started = time.perf_counter()
    following = asyncio.create_task(other.runner.follow(lambda: True))
    try:
        while True:
            if (await wing.get(begun.id)).state is State.COMPLETED:
                return time.perf_counter() - started
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
