"""A store that is kept below its size, and a core that lives with what was archived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from orc_core.chronicle import compacting
from orc_core.chronicle.compacting import Bounds, Upkeep, compact, foresee
from orc_core.chronicle.following import follow
from orc_core.errors import OrcError, UsageError
from orc_core.model.health import Layer, LayerState
from orc_core.settings import StoreSettings
from orc_core.sync.provenance import last_change
from orc_core.tasks.ages import ages
from orc_storage import audit, checkpoints, compaction, documents, journal
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import StoreUnavailable
from orc_storage.records import OPERATOR
from stores import open_store
from workspaces import Workspace, open_workspace

DAY_S = 86400.0
KB = 1024


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ENTRIES_KEPT", 5)
    monkeypatch.setattr(compaction, "ENTRIES_MAX", 40)


@pytest.fixture
async def db(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "workspace", clock) as opened:
        yield opened


def grow(tx: Transaction, first: int, last: int, size: int = 3000) -> None:
    for rev in range(first, last):
        body: documents.Body = {"id": "T-1", "n": rev, "text": "x" * size}
        documents.put(tx, "task", "T-1", body, rev=rev, actor="a", cause="c")


async def used(db: Database) -> int:
    return await db.read(compaction.bytes_used)


async def entries(db: Database) -> int:
    (count,) = await db.read(lambda c: c.execute("SELECT count(*) FROM journal").fetchone())
    return int(count)


async def sound(db: Database) -> bool:
    return not (await db.read(lambda c: audit.examine(c, db.folder))).findings


async def test_what_is_old_leaves_and_what_is_young_stays(db: Database, clock: TurnedClock) -> None:
    await db.write(partial(grow, first=0, last=100))
    clock.turn(40 * DAY_S)
    await db.write(partial(grow, first=100, last=150))
    foreseen = await foresee(db, clock.now(), keep_days=30, limit=10**9)
    assert (foreseen.entries, foreseen.revisions, foreseen.archives) == (100, 100, ())
    assert await entries(db) == 150, "a preview changes nothing"
    done = await compact(db, clock.now(), keep_days=30, limit=10**9)
    assert (done.entries, done.revisions, len(done.archives)) == (100, 100, 3)
    # Two thirds of the entries left; the tables and their indexes take room of their own.
    assert done.bytes_after == await used(db) < done.bytes_before * 0.6
    assert abs(done.bytes_after - foreseen.bytes_after) < done.bytes_before / 4
    assert await entries(db) == 50 + 3
    assert await sound(db)
    again = await compact(db, clock.now(), keep_days=30, limit=10**9)
    assert (again.entries, again.archives) == (0, ())


async def test_a_store_over_its_limit_loses_the_oldest_whatever_their_age(
    db: Database, clock: TurnedClock
) -> None:
    await db.write(partial(grow, first=0, last=300))
    limit = 680 * KB
    assert await used(db) > limit
    foreseen = await foresee(db, clock.now(), keep_days=30, limit=limit)
    assert not foreseen.over and foreseen.bytes_after < limit
    done = await compact(db, clock.now(), keep_days=30, limit=limit)
    assert not done.over
    assert limit * 0.5 < await used(db) <= limit * compacting.GOAL, "no more than it has to be"
    assert await sound(db)


async def test_a_store_whose_content_is_needed_stays_over_its_limit(
    db: Database, clock: TurnedClock
) -> None:
    def mark(tx: Transaction) -> None:
        for rev in range(0, 100, 10):
            grow(tx, rev, rev + 10)
            checkpoints.create(tx, note="", actor="a")

    await db.write(mark)
    done = await compact(db, clock.now(), keep_days=30, limit=20 * KB)
    assert done.over and done.entries > 80
    for rev in range(10, 101, 10):
        await db.read(lambda conn, rev=rev: documents.revision(conn, "task", "T-1", rev))
    assert await sound(db)


async def test_the_leader_looks_now_and_then(db: Database, clock: TurnedClock) -> None:
    await db.write(partial(grow, first=0, last=100))
    leads, told = [False], list[Layer]()
    upkeep = Upkeep(
        db,
        clock,
        Bounds(300 * KB, 30),
        leads=lambda: leads[0],
        changed=lambda: told.extend(upkeep.layers()),
    )
    running = asyncio.create_task(upkeep.run())
    try:
        for leading in (False, True):
            leads[0] = leading
            await wait_for(lambda: clock.sleepers)
            clock.turn(compacting.CHECK_EVERY_S)
            await wait_for(lambda: clock.sleepers)
            assert (await used(db) < 300 * KB) == leading
        await db.close()
        clock.turn(compacting.CHECK_EVERY_S)
        await wait_for(lambda: told)
        assert (told[0].name, told[0].state) == ("archive", LayerState.DEGRADED)
        assert "is closed" in told[0].trouble
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_a_store_within_its_limit_is_left_alone(db: Database, clock: TurnedClock) -> None:
    await db.write(partial(grow, first=0, last=100))
    clock.turn(400 * DAY_S)
    upkeep = Upkeep(db, clock, Bounds(10**9, 30), leads=lambda: True, changed=lambda: None)
    assert await upkeep.once() is None
    assert await entries(db) == 100


@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, 100), ({"ORC_STATE_MAX_MB": "3"}, 3), ({"ORC_STATE_MAX_MB": ""}, 100)],
)
def test_the_limit_is_read(said: dict[str, str], expected: int) -> None:
    assert Bounds.of(said, StoreSettings()).limit == expected * KB * KB
    assert Bounds.of({}, StoreSettings(max_mb=7, keep_days=3)) == Bounds(7 * KB * KB, 3.0)


@pytest.mark.parametrize("said", ["0", "-1", "1.5", "many", "9" * 10])
def test_a_limit_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match="ORC_STATE_MAX_MB"):
        Bounds.of({"ORC_STATE_MAX_MB": said}, StoreSettings())


# Living with it


@pytest.fixture
async def ws(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "workspace", clock) as workspace:
        yield workspace


async def archive_all(ws: Workspace) -> None:
    for name in ("ENTRIES_KEPT", "ENTRIES_MAX"):
        assert getattr(compaction, name) < 50
    await compact(ws.db, ws.clock.now(), keep_days=0, limit=10**9)


async def old_task(ws: Workspace, clock: TurnedClock) -> None:
    """T-1 with ten revisions whose entries are archived, but for the newest one."""
    await ws.add()
    for number in range(9):
        await ws.edit(priority=number, title=f"Cart {number}")
    # The undo list would keep what it can go back to.
    await ws.db.write(lambda tx: tx.conn.execute("DELETE FROM act"))
    for _ in range(6):
        await ws.db.write(lambda tx: journal.append(tx, actor="a", action="b"))
    clock.turn(DAY_S)
    await archive_all(ws)
    assert [revision.rev for revision in await ws.revisions()] == [10]


async def test_an_age_is_a_lower_bound_behind_the_cut(ws: Workspace, clock: TurnedClock) -> None:
    await old_task(ws, clock)

    def work(conn: Connection) -> float:
        return ages(conn, documents.listing(conn, "task"))["T-1"].since

    assert await ws.db.read(work) == (await ws.revisions())[0].at


async def test_who_wrote_a_field_is_told_as_far_as_is_known(
    ws: Workspace, clock: TurnedClock
) -> None:
    await old_task(ws, clock)
    (newest,) = await ws.revisions()
    assert await ws.db.read(lambda conn: last_change(conn, newest, "priority")) == newest


async def test_a_file_made_from_an_archived_revision_wins_nothing_silently(
    ws: Workspace, clock: TurnedClock
) -> None:
    await ws.add()
    await ws.sync()
    stale = ws.file()
    for number in range(9):
        await ws.edit(priority=number)
    await ws.sync()
    await ws.db.write(lambda tx: tx.conn.execute("DELETE FROM act"))
    for _ in range(6):
        await ws.db.write(lambda tx: journal.append(tx, actor="a", action="b"))
    clock.turn(DAY_S)
    await archive_all(ws)
    assert [revision.rev for revision in await ws.revisions()] == [10]
    ws.write(stale | {"title": "Written over an old copy"})
    await ws.sync()
    assert {c.path for c in await ws.open_conflicts()} >= {"title", "priority"}
    assert (await ws.tasks.get("T-1")).priority == 8


async def test_undo_goes_on_over_a_cut(ws: Workspace, clock: TurnedClock) -> None:
    await ws.add()
    for number in range(4):
        await ws.edit(actor=OPERATOR, priority=number)
    for _ in range(6):
        await ws.db.write(lambda tx: journal.append(tx, actor="a", action="b"))
    clock.turn(DAY_S)
    await archive_all(ws)
    for expected in (2, 1, 0):
        await ws.history.undo(OPERATOR)
        assert (await ws.tasks.get("T-1")).priority == expected
    assert await sound(ws.db)


async def test_a_watch_that_begins_below_the_cut_names_the_archive(
    ws: Workspace, clock: TurnedClock
) -> None:
    await old_task(ws, clock)
    with pytest.raises(OrcError, match=r"entry 3 is in archive/journal-1-\d+.ndjson.gz"):
        async for _ in follow(ws.db, after=2, stay=False):
            pass


async def test_a_store_opened_to_look_is_not_made_smaller(ws: Workspace) -> None:
    await ws.add()
    async with await Database.open(ws.db.folder, read_only=True) as looked:
        with pytest.raises(StoreUnavailable):
            await looked.shrink()
