"""kill -9 of a process that archives and cuts: the chain goes on and nothing is lost."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from orc_storage import archives, audit, segments
from orc_storage.database import Connection, Database

LOOPS = 12
DEADLINE_S = 20.0

# Writes and compacts side by side, over and over; each line is one step that was acknowledged.
PROGRAM = """
import asyncio, itertools, sys
from functools import partial
from pathlib import Path
from orc_core.chronicle.compacting import compact
from orc_storage import compaction, documents
from orc_storage.database import Database

compaction.ENTRIES_KEPT = 5
compaction.ENTRIES_MAX = 20

async def edit(db):
    found = await db.read(lambda conn: documents.get(conn, "task", "T-1"))
    for rev in itertools.count(found.rev if found else 0):
        body = {"id": "T-1", "n": rev + 1, "text": "x" * 500}
        await db.write(
            partial(documents.put, kind="task", id="T-1", body=body, rev=rev, actor="a", cause="c")
        )
        print("edit", rev + 1, flush=True)

async def cut(db):
    while True:
        done = await compact(db, 1e12, keep_days=0, limit=10**9)
        print("cut", done.entries, flush=True)
        await asyncio.sleep(0)

async def main(folder, runtime):
    async with await Database.open(Path(folder), runtime=Path(runtime)) as db:
        async with asyncio.TaskGroup() as group:
            group.create_task(edit(db))
            group.create_task(cut(db))

asyncio.run(main(*sys.argv[1:]))
"""


def run_and_kill(folder: Path, runtime: Path, steps: int) -> int:
    """Kill it after so many steps; return the last revision that was acknowledged."""
    rev = 0
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(runtime)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            if number == steps:
                process.kill()
            words = line.split()
            if line.endswith("\n") and words[0] == "edit":
                rev = int(words[1])
        process.wait(DEADLINE_S)
    return rev


def everything(conn: Connection, folder: Path) -> tuple[list[int], list[str]]:
    """The numbers of all revisions of T-1, in archives and in the store; and what is wrong."""
    revs: list[int] = []
    for segment in segments.listing(conn):
        _, *entries = archives.read(folder / segments.FOLDER / segment.file)
        revs += [entry["rev"] for entry in entries if "revision" in entry]
    revs += [rev for (rev,) in conn.execute("SELECT rev FROM revision ORDER BY rev")]
    return revs, [finding.text for finding in audit.examine(conn, folder).findings]


@pytest.mark.timeout(120)
def test_a_killed_compaction_loses_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    folder, runtime = tmp_path / "workspace", tmp_path / "run"

    async def look() -> tuple[list[int], list[str]]:
        async with await Database.open(folder, runtime=runtime) as db:
            return await db.read(lambda conn: everything(conn, folder))

    for loop in range(LOOPS):
        rev = run_and_kill(folder, runtime, chance.randint(20, 120))
        revs, wrong = asyncio.run(look())
        assert wrong == [], f"seed {seed}, loop {loop}"
        assert sorted(set(revs)) == list(range(1, max(revs) + 1)), f"seed {seed}, loop {loop}"
        assert max(revs) >= rev, f"seed {seed}, loop {loop}"
    assert len(list((folder / segments.FOLDER).glob("*.gz"))) > LOOPS
