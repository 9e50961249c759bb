"""kill -9 of a process that restores, at any moment: all documents came back, or none did."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orc_core.history.actions import History
from orc_storage import acts, checkpoints, documents, journal
from orc_storage.database import Connection, Database, Transaction
from orc_storage.records import OPERATOR

LOOPS = 6
DOCUMENTS = 60
DEADLINE_S = 30.0

RESTORER = """
import asyncio, itertools, sys
from pathlib import Path
from orc_core.history.actions import History
from orc_core.history.checkpoints import Checkpoints
from orc_storage.database import Database

async def main(folder, runtime):
    async with await Database.open(Path(folder), runtime=Path(runtime)) as db:
        history, points = History(db, rules={}), Checkpoints(db)
        for turn in itertools.count():
            plan = await points.plan_restore("one" if turn % 2 else "two")
            if plan.steps:
                await history.revert(plan, actor="operator")
                print(plan.label, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def fill(tx: Transaction) -> None:
    """Two checkpoints: at `one` every document says 1, at `two` every one says 2."""
    for n in (1, 2):
        for number in range(DOCUMENTS):
            id = f"N-{number}"
            body = {"id": id, "n": n, "text": "x" * 500}
            documents.put(tx, "note", id, dict(body), rev=n - 1, actor="a", cause="put")
        checkpoints.create(tx, "one" if n == 1 else "two", note="", actor="a")


def look(conn: Connection) -> tuple[set[object], list[object], int, str]:
    """What the documents say, what is wrong, how many automatic checkpoints, the last act."""
    said = {one.body["n"] for one in documents.listing(conn, "note")}
    wrong: list[object] = list(journal.verify(conn))
    (integrity,) = conn.execute("PRAGMA integrity_check(5)").fetchone()
    wrong += [] if integrity == "ok" else [integrity]
    automatic = sum(one.automatic for one in checkpoints.listing(conn))
    last = acts.last(conn, OPERATOR, "done")
    return said, wrong, automatic, "" if last is None else last.label


@pytest.mark.timeout(120)
def test_a_restore_is_whole_or_not_there(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    folder, runtime = tmp_path / "w", tmp_path / "r"

    async def check(told: int) -> None:
        async with await Database.open(folder, runtime=runtime) as db:
            said, wrong, automatic, label = await db.read(look)
            assert wrong == [], f"seed {seed}"
            assert len(said) == 1, f"seed {seed}: {said}"
            assert automatic >= told, f"seed {seed}"
            if label:
                assert label == f"restore {'one' if said == {1} else 'two'}", f"seed {seed}"
                await History(db, rules={}).undo(OPERATOR)
                undone, _, _, _ = await db.read(look)
                assert undone == {3 - n for n in said if isinstance(n, int)}, f"seed {seed}"

    async def begin() -> None:
        async with await Database.open(folder, runtime=runtime) as db:
            await db.write(fill)

    asyncio.run(begin())
    told = 0
    for _ in range(LOOPS):
        with subprocess.Popen(
            [sys.executable, "-c", RESTORER, str(folder), str(runtime)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines = iter(process.stdout)
            told += sum(1 for _ in itertools.islice(lines, chance.randint(1, 6)))
            # From an acknowledgement on, anywhere in the transaction that follows.
            until = time.monotonic() + chance.random() * 0.03
            while time.monotonic() < until:
                pass
            process.kill()
            told += sum(1 for line in lines if line.endswith("\n"))
            assert process.wait(DEADLINE_S) == -signal.SIGKILL
        asyncio.run(check(told))
    assert told >= LOOPS
