"""kill -9 before each file operation and each statement of what replaces or makes files."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orc_storage import audit, backups, documents, recovery
from orc_storage.backups import Reason
from orc_storage.database import Database
from orc_storage.engine import pick
from orc_storage.records import Body
from zygote import Zygote

EVERY = int(os.environ.get("ORC_FAULT_STRIDE", "8"))


def kills(zygote: Zygote, scenario: str, start: Path, folder: Path, runtime: Path) -> Iterator[int]:
    """Kill the scenario at one step after the other; each time `folder` is as it then is."""
    at = random.randint(1, EVERY)
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if start.exists():
            shutil.copytree(start, folder)
        process = zygote.fork("until", scenario, folder, runtime, at)
        process.wait_for(1)
        if process.lines:
            process.join()
            return
        process.kill()
        yield at
        at += EVERY


async def put(db: Database, rev: int) -> None:
    body: Body = {"id": "T-1", "n": rev + 1}
    await db.write(
        partial(documents.put, kind="task", id="T-1", body=body, rev=rev, actor="a", cause="c")
    )


async def look(folder: Path, runtime: Path) -> tuple[int, list[str]]:
    """How many revisions there are, and what is wrong."""
    async with await Database.open(folder, runtime=runtime) as db:
        examined = await db.read(lambda conn: audit.examine(conn, folder))
        found = await db.read(lambda conn: documents.get(conn, "task", "T-1"))
        return found.rev if found else 0, [str(one) for one in examined.findings]


async def make_old(folder: Path, runtime: Path) -> Path:
    """A store of three revisions, a copy of which holds one and whose log holds the third."""
    async with await Database.open(folder, runtime=runtime) as db:
        await put(db, 0)
        await db.backup(Reason.MANUAL, at=4e9)
        await put(db, 1)
    async with await Database.open(folder, runtime=runtime) as db:
        await put(db, 2)
        # As a process leaves it that is killed now.
        return Path(shutil.copytree(folder, folder.with_name("old")))


def quarantined(folder: Path, scratch: Path) -> list[int]:
    """How many revisions each store in quarantine holds, its log included."""
    found = []
    for aside in (folder / "quarantine").glob("*"):
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(aside, scratch)
        if (scratch / "store.db").exists():
            conn = pick().connect(scratch / "store.db", mode="rw")
            found.append(len(documents.history(conn, "task", "T-1")))
            conn.close()
    return found


@pytest.mark.timeout(1800)
def test_a_store_whose_replacement_is_killed_is_the_old_one_or_the_new_one(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    with asyncio.Runner() as runner:
        start = runner.run(make_old(tmp_path / "made", runtime))
        assert (start / "store.db-wal").stat().st_size > 0
        folder = tmp_path / "w"
        seen = set()
        for at in kills(zygote, "replace", start, folder, runtime):
            revs, wrong = runner.run(look(folder, runtime))
            seen.add(revs)
            assert (revs in (1, 3), wrong) == (True, []), f"step {at}: {revs}, {wrong}"
            assert revs == 3 or 3 in quarantined(folder, tmp_path / "aside"), f"step {at}"
            copy = backups.find(folder / "backups", "latest")
            recovery.replace_store(pick(), folder, copy, at=6e9)
            assert runner.run(look(folder, runtime)) == (1, []), f"step {at}, repeated"
            assert 3 in quarantined(folder, tmp_path / "aside"), f"step {at}"
            left = {path.name for path in folder.iterdir()}
            assert not {name for name in left if name.startswith(".")}, f"step {at}: {left}"
        assert seen == {1, 3}
