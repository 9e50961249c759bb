"""kill -9 of a process that archives and cuts: the chain goes on and nothing is lost."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from chores import KILLS
from orc_storage import archives, audit, segments
from orc_storage.database import Connection, Database
from zygote import Zygote

LIVES = 10
"""How many processes a store outlives before the next store is begun."""


def everything(conn: Connection, folder: Path) -> tuple[list[int], list[str]]:
    """The numbers of all revisions of T-1, in archives and in the store; and what is wrong."""
    revs: list[int] = []
    for segment in segments.listing(conn):
        _, *entries = archives.read(folder / segments.FOLDER / segment.file)
        revs += [entry["rev"] for entry in entries if "revision" in entry]
    revs += [rev for (rev,) in conn.execute("SELECT rev FROM revision ORDER BY rev")]
    return revs, [finding.text for finding in audit.examine(conn, folder).findings]


@pytest.mark.timeout(1800)
def test_a_killed_compaction_loses_nothing(tmp_path: Path, runtime: Path, zygote: Zygote) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    archived, revs = 0, [0]

    async def look(folder: Path) -> tuple[list[int], list[str]]:
        async with await Database.open(folder, runtime=runtime) as db:
            return await db.read(lambda conn: everything(conn, folder))

    with asyncio.Runner() as runner:
        for number in range(KILLS // 5):
            folder = tmp_path / str(number // LIVES)
            rev = 0 if number % LIVES == 0 else max(revs)
            process = zygote.fork("cuts", folder, runtime)
            process.wait_for(chance.randint(20, 120))
            process.live_for(chance.random() * 0.004)
            said = process.kill()
            rev = max((int(line.split()[1]) for line in said if line != "cut"), default=rev)
            revs, wrong = runner.run(look(folder))
            assert wrong == [], f"seed {seed}, kill {number}"
            assert sorted(set(revs)) == list(range(1, max(revs) + 1)), f"seed {seed}, {number}"
            assert max(revs) in (rev, rev + 1), f"seed {seed}, kill {number}"
            archived += said.count("cut")
    assert archived > 0
