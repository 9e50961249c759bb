"""kill -9 of a writing process, at any moment: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orc_storage import documents, journal
from orc_storage.database import Connection, Database

LOOPS = 20
DEADLINE_S = 20.0

WRITER = """
import asyncio, itertools, sys
from functools import partial
from pathlib import Path
from orc_storage import documents
from orc_storage.database import Database

async def edit(db, id, rev, loop):
    for rev in itertools.count(rev):
        body = {"id": id, "n": rev + 1, "loop": loop, "text": "x" * (rev % 7 * 900)}
        await db.write(
            partial(documents.put, kind="task", id=id, body=body, rev=rev, actor=id, cause="k")
        )
        print(id, rev + 1, flush=True)

async def main(folder, runtime, loop):
    async with await Database.open(Path(folder), runtime=Path(runtime)) as db:
        async with asyncio.TaskGroup() as group:
            for n in range(4):
                id = f"T-{n}"
                found = await db.read(lambda conn: documents.get(conn, "task", id))
                group.create_task(edit(db, id, found.rev if found else 0, loop))

asyncio.run(main(*sys.argv[1:]))
"""


def run_and_kill(folder: Path, runtime: Path, loop: int, acks_before_kill: int) -> dict[str, int]:
    """Let a process write, kill it after so many acknowledgements, return the last of each id."""
    acknowledged: dict[str, int] = {}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(runtime), str(loop)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout)
        for line in itertools.islice(lines, acks_before_kill):
            id, rev = line.split()
            acknowledged[id] = int(rev)
        process.kill()
        # What was acknowledged before the kill and not read yet counts as well.
        for line in lines:
            if line.endswith("\n") and len(words := line.split()) == 2:
                acknowledged[words[0]] = int(words[1])
        assert process.wait(DEADLINE_S) == -signal.SIGKILL
    return acknowledged


def check(conn: Connection, acknowledged: dict[str, int]) -> list[str]:
    lost = []
    for id, rev in acknowledged.items():
        past = documents.history(conn, "task", id)
        if [r.rev for r in past] != list(range(1, len(past) + 1)) or len(past) < rev:
            lost.append(f"{id}: acknowledged {rev}, found {[r.rev for r in past][-3:]}")
        lost += [f"{id} {r.rev}: {r.body['n']}" for r in past if r.body["n"] != r.rev]
    (integrity,) = conn.execute("PRAGMA integrity_check(5)").fetchone()
    return lost + journal.verify(conn) + ([] if integrity == "ok" else [integrity])


@pytest.mark.timeout(120)
def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    folder, runtime = tmp_path / "workspace", tmp_path / "run"
    acknowledged: dict[str, int] = {}

    async def look() -> list[str]:
        async with await Database.open(folder, runtime=runtime) as db:
            return await db.read(lambda conn: check(conn, acknowledged))

    for loop in range(LOOPS):
        # From the very first commit on: 1 kills while the store is barely made.
        acks = 1 if loop == 0 else chance.randint(1, 150)
        acknowledged |= run_and_kill(folder, runtime, loop, acks)
        assert asyncio.run(look()) == [], f"seed {seed}, loop {loop}"
    assert sum(acknowledged.values()) > LOOPS


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.timeout(120)
def test_a_writer_killed_while_it_makes_the_store_leaves_none_or_a_whole_one(
    tmp_path: Path,
) -> None:
    chance = random.Random(7)
    for loop in range(8):
        folder = tmp_path / str(loop)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(tmp_path / "run"), "0"],
            stdout=subprocess.DEVNULL,
        ) as process:
            # The folder appears just before the store does; a few spins more or less from there.
            while not folder.exists():
                assert process.poll() is None
            for _ in range(chance.randint(0, 3000)):
                pass
            process.kill()

        async def open_it(folder: Path = folder) -> list[str]:
            async with await Database.open(folder, runtime=tmp_path / "run") as db:
                return await db.read(journal.verify)

        made = (folder / "store.db").exists()
        assert asyncio.run(open_it()) == []
        assert made or names(folder) == ["store.db"]
