"""kill -9 before each file operation and each statement of what replaces or makes files."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from chores import FAULT_STRIDE
from clocks import TurnedClock
from due_work import heal, prepare
from long_stores import find_all, make_long, put
from mortals import MEANWHILE
from old_stores import ENTRIES, NEWEST, make
from orc_core.history.checkpoints import Checkpoints
from orc_core.tasks.desk import Tasks
from orc_storage import audit, backups, checkpoints, documents, recovery
from orc_storage.backups import Reason
from orc_storage.database import Database
from orc_storage.engine import pick
from workspaces import open_workspace
from zygote import Zygote


def kills(
    zygote: Zygote,
    scenario: str,
    start: Path,
    folder: Path,
    runtime: Path,
    sparse: int = 1,
    every: int = FAULT_STRIDE,
) -> Iterator[int]:
    """Kill the scenario at one step after the other; each time `folder` is as it then is.

    `sparse` is by how much fewer they are, unless each step is tried.
    """
    stride = every * sparse if every > 1 else 1
    at = random.randint(1, stride)
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
        at += stride


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


@pytest.mark.timeout(1800)
def test_a_store_that_is_killed_while_it_is_made_is_not_there_or_is_whole(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    folder = tmp_path / "w"
    with asyncio.Runner() as runner:
        for at in kills(zygote, "open", tmp_path / "none", folder, runtime):
            assert runner.run(look(folder, runtime)) == (0, []), f"step {at}"
            assert [path.name for path in folder.iterdir()] == ["store.db"], f"step {at}"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", range(1, NEWEST))
def test_a_migration_killed_anywhere_leaves_the_old_store_or_the_new_one(
    tmp_path: Path,
    runtime: Path,
    zygote: Zygote,
    version: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, folder = tmp_path / "old", tmp_path / "w"
    make(start, version, monkeypatch)
    with asyncio.Runner() as runner:
        for at in kills(zygote, "open", start, folder, runtime, 3):
            conn = pick().connect(folder / "store.db", mode="rw")
            (found,) = conn.execute("PRAGMA user_version").fetchone()
            assert found in (version, NEWEST), f"step {at}"
            assert conn.execute("SELECT count(*) FROM journal").fetchone() == (ENTRIES,)
            conn.close()
            # A copy that has its name is whole, and there is one before anything changes.
            copies = backups.listing(folder / "backups")
            assert [backups.check_sum(copy) for copy in copies] == [""] * len(copies)
            assert copies or found == version, f"step {at}"
            assert runner.run(look(folder, runtime)) == (3, []), f"step {at}"


async def make_edited(folder: Path, runtime: Path) -> None:
    """A store with a checkpoint, and edits of many documents after it."""
    async with await Database.open(folder, runtime=runtime) as db:
        tasks = Tasks(db)
        for _ in range(6):
            await tasks.add("before", actor="operator", cause="c")
        await Checkpoints(db).create("before", note="", actor="operator")
        for number in range(1, 7):
            await tasks.edit(f"T-{number}", {"title": "after"}, actor="operator", cause="c")


@pytest.mark.timeout(1800)
def test_a_restore_of_a_checkpoint_killed_anywhere_is_done_or_not_begun(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    start, folder = tmp_path / "start", tmp_path / "w"

    async def standing() -> tuple[set[object], list[str]]:
        async with await Database.open(folder, runtime=runtime) as db:
            found = await db.read(lambda conn: documents.listing(conn, "task"))
            titles = {(one.body["title"], one.rev) for one in found}
            wrong = (await db.read(lambda conn: audit.examine(conn, folder))).findings
            made = await db.read(checkpoints.listing)
            # The checkpoint of how it was belongs to the same commit.
            assert len(made) == (2 if ("before", 3) in titles else 1)
            return {*titles}, [str(one) for one in wrong]

    with asyncio.Runner() as runner:
        runner.run(make_edited(start, runtime))
        for at in kills(zygote, "restore", start, folder, runtime):
            found = runner.run(standing())
            assert found in (({("after", 2)}, []), ({("before", 3)}, [])), f"step {at}"


@pytest.mark.timeout(1800)
def test_a_backup_killed_anywhere_is_whole_or_not_listed(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    start, folder = tmp_path / "start", tmp_path / "w"
    with asyncio.Runner() as runner:
        runner.run(make_edited(start, runtime))
        for at in kills(zygote, "backup", start, folder, runtime):
            for copy in backups.listing(folder / "backups"):
                assert recovery.rehearse(pick(), copy).problems == (), f"step {at}"


@pytest.mark.timeout(1800)
def test_a_sync_killed_anywhere_is_taken_up_by_the_next(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    """Also between a file that is written and the record that it was."""
    start, folder = tmp_path / "start", tmp_path / "w"

    async def make_due() -> None:
        async with open_workspace(start, TurnedClock()) as ws:
            await prepare(ws)

    async def take_up(when: str) -> None:
        async with open_workspace(folder, TurnedClock()) as ws:
            await heal(ws, when)

    with asyncio.Runner() as runner:
        runner.run(make_due())
        for at in kills(zygote, "sync", start, folder, runtime, 2):
            runner.run(take_up(f"killed at step {at}"))


@pytest.mark.timeout(1800)
def test_a_compaction_killed_anywhere_keeps_every_revision(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    start, folder = tmp_path / "start", tmp_path / "w"
    with asyncio.Runner() as runner:
        runner.run(make_long(start, runtime))
        for at in kills(zygote, "compact", start, folder, runtime):
            assert runner.run(find_all(folder, runtime)) == [], f"step {at}"


@pytest.mark.timeout(1800)
def test_what_was_saved_while_a_killed_leader_wrote_is_not_lost(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    start, folder = tmp_path / "start", tmp_path / "w"

    async def make_due() -> None:
        async with open_workspace(start, TurnedClock()) as ws:
            await ws.add("one")
            await ws.sync()
            await ws.edit("T-1", priority=9)

    async def take_up(when: str) -> None:
        async with open_workspace(folder, TurnedClock()) as ws:
            for _ in range(2):
                await ws.sync()
            task = await ws.tasks.get("T-1")
            found = (task.title, task.priority, ws.file()["title"])
            assert found == (MEANWHILE, 9, MEANWHILE), when
            left = {path.name: path.read_bytes() for path in (folder / "tmp").iterdir()}
            assert left == {}, when

    with asyncio.Runner() as runner:
        runner.run(make_due())
        # Counted from the save on: the first ones are those that matter.
        for at in islice(kills(zygote, "saved", start, folder, runtime, every=1), 8):
            runner.run(take_up(f"killed at step {at}"))
