"""kill -9 between every two writes of a workflow, and again while another process takes it on.

Completed means that every step took effect once; rolled back means that no effect is left.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from chores import KILLS
from clocks import wait_for
from orc_core.clock import SystemClock
from orc_core.saga.definition import Action, Definition, Step
from orc_core.workflows import Workflows
from orc_storage import audit, journal
from orc_storage.database import Database
from orc_storage.lock import lives
from orc_storage.records import Filter
from orc_storage.sagas import Saga, State
from zygote import Zygote

STEPS = 4
TRIES = max(6, KILLS * 6 // 100)


def definition(fails_at: int | None) -> Definition:
    """Steps that make a file each and write down that they did; one of them may fail."""
    steps = []
    for number in range(STEPS):
        name = f"s{number}"
        doing = f"set -C; : > {name} && echo do {name} >> done"
        if number == fails_at:
            doing = "exit 3"
        undoing = f"echo undo {name} >> done; rm -f {name}"
        steps.append(
            Step(
                name=name,
                run=["sh", "-c", doing],
                check=["test", "-e", name],
                undo=Action(run=["sh", "-c", undoing]),
                retries=3 if number != fails_at else 0,
            )
        )
    return Definition(name="made", step=steps)


async def begin(folder: Path, runtime: Path, fails_at: int | None) -> str:
    async with await Database.open(folder / "w", runtime=runtime) as db:
        place = folder / "effects"
        place.mkdir()
        wing = Workflows.of(db, SystemClock(), dict(os.environ), "me")
        return (await wing.begin(definition(fails_at), place)).id


async def finish(folder: Path, runtime: Path, id: str) -> tuple[Saga, list[str]]:
    """Carry it to its end; returns what the journal says was done, in order."""
    async with await Database.open(folder / "w", runtime=runtime) as db:
        wing = Workflows.of(db, SystemClock(), dict(os.environ), "me")
        saga = await wing.wait(id)
        entries = await db.read(
            lambda conn: journal.page(conn, Filter(kind="workflow", id=id), limit=500)
        )
        examined = await db.read(lambda conn: audit.examine(conn, folder / "w"))
        assert not examined.findings
        told = [f"{one.action} {one.detail.get('step', '')}".strip() for one in entries]
        return saga, told[::-1]


def judge(folder: Path, saga: Saga, told: list[str], fails_at: int | None) -> None:
    place = folder / "effects"
    made = sorted(one.name for one in place.glob("s*"))
    lines = (place / "done").read_text().splitlines() if (place / "done").exists() else []
    names = [f"s{number}" for number in range(STEPS)]
    if fails_at is None:
        assert saga.state is State.COMPLETED
        assert made == names
        assert [line for line in lines if line.startswith("do")] == [f"do {n}" for n in names]
    else:
        assert saga.state is State.ROLLED_BACK
        assert made == []
        undone = [one for one in dict.fromkeys(told) if one.startswith("undone")]
        assert undone == [f"undone {name}" for name in reversed(names[:fails_at])]
    for name in names:
        assert told.count(f"done {name}") <= 1, "a step that is done was done again"


def moments(fails_at: int | None) -> int:
    """How many moments a run has that nobody ends: two at each write."""
    writes = STEPS + 1 if fails_at is None else 2 * fails_at + 2
    return 2 * writes


@pytest.mark.parametrize("fails_at", [None, 2])
@pytest.mark.parametrize("part", range(2))
async def test_a_workflow_is_carried_through_by_whoever_comes_next(
    fails_at: int | None, part: int, tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    for at in range(1 + part, moments(fails_at) + 1, 2):
        folder = tmp_path / str(at)
        folder.mkdir()
        id = await begin(folder, runtime, fails_at)
        first = zygote.fork("workflow", folder / "w", runtime, id, at)
        first.wait_for(1)
        assert not first.lines, f"it was not killed at {at}"
        first.kill()
        judge(folder, *await finish(folder, runtime, id), fails_at)


async def test_a_second_kill_amid_the_recovery_changes_nothing(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(TRIES):
        fails_at = chance.choice([None, 1, 2, 3])
        folder = tmp_path / str(number)
        folder.mkdir()
        id = await begin(folder, runtime, fails_at)
        for _ in range(2):
            at = chance.randint(1, moments(fails_at))
            process = zygote.fork("workflow", folder / "w", runtime, id, at)
            process.wait_for(1)
            process.kill()
        judge(folder, *await finish(folder, runtime, id), fails_at)


async def test_the_programs_of_a_killed_runner_end_with_it(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    pids = tmp_path / "effects" / "pids"
    doing = "sleep 300 & echo $! $$ > draft; mv draft pids; wait"
    async with await Database.open(tmp_path / "w", runtime=runtime) as db:
        (tmp_path / "effects").mkdir()
        wing = Workflows.of(db, SystemClock(), dict(os.environ), "me")
        step = Step(name="a", run=["sh", "-c", doing])
        begun = await wing.begin(Definition(name="x", step=[step]), tmp_path / "effects")
    process = zygote.fork("workflow", tmp_path / "w", runtime, begun.id, 1_000)
    await wait_for(pids.exists, 20.0)
    process.kill()
    left = [int(one) for one in pids.read_text().split()]
    await wait_for(lambda: not any(map(lives, left)), 10.0)
