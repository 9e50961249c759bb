"""The daily backup: once for each day, made up for, checked, and never for a follower."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from orc_core.errors import OrcError, UsageError
from orc_core.history.backups import Backups, replace_damaged
from orc_core.history.schedule import is_due, last_moment
from orc_core.leader import lock
from orc_core.settings import BackupSettings
from orc_storage import backups, documents
from orc_storage.backups import DAY_S, Reason
from orc_storage.database import Database
from orc_storage.engine import STORE_FILE, Transaction
from stores import open_store

NOON = 1_800_014_400.0  # 12:00 in UTC


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_last_moment_is_today_or_yesterday() -> None:
    assert last_moment(NOON, "12:00") == NOON
    assert last_moment(NOON, "02:00") == NOON - 10 * 3600
    assert last_moment(NOON, "12:01") == NOON - DAY_S + 60


def test_a_clock_change_moves_the_moment_and_never_doubles_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    begin = time.mktime((2027, 3, 27, 12, 0, 0, 0, 0, -1))
    hours = [begin + 900.0 * step for step in range(4 * 72)]
    moments = [last_moment(now, "02:30") for now in hours]
    assert moments == sorted(moments)
    assert len(set(moments)) == 4
    assert all(0 <= now - moment <= 25 * 3600 for now, moment in zip(hours, moments, strict=True))


def test_due_once_for_each_moment() -> None:
    assert is_due(NOON, "02:00", done_at=NOON - DAY_S)
    assert not is_due(NOON, "02:00", done_at=NOON - 9 * 3600)


@asynccontextmanager
async def kept(
    folder: Path,
    clock: TurnedClock,
    settings: BackupSettings | None = None,
    *,
    leads: bool = True,
) -> AsyncIterator[Backups]:
    async with open_store(folder, clock) as db:
        await _put(db)
        told = settings or BackupSettings()
        found = Backups(db, clock, told, leads=lambda: leads, changed=lambda: None)
        running = asyncio.create_task(found.run())
        try:
            await wait_for(lambda: clock.sleepers or running.done())
            yield found
        finally:
            running.cancel()
            await asyncio.wait([running])


async def _put(db: Database) -> None:
    def work(tx: Transaction) -> None:
        if documents.get(tx.conn, "task", "T-1") is None:
            documents.put(tx, "task", "T-1", {"id": "T-1"}, rev=0, actor="a", cause="c")

    await db.write(work)


async def pass_time(clock: TurnedClock, seconds: float) -> None:
    clock.turn(seconds)
    await wait_for(lambda: clock.sleepers)


async def test_a_new_store_waits_for_its_first_night(tmp_path: Path) -> None:
    clock = TurnedClock(NOON)
    async with kept(tmp_path / "w", clock) as found:
        assert await found.listing() == []
        await pass_time(clock, 14 * 3600 + 30)
        assert [one.reason for one in await found.listing()] == [Reason.DAILY]
        await pass_time(clock, 3600)
        assert len(await found.listing()) == 1


async def test_a_night_that_was_missed_is_made_up_for_once(tmp_path: Path) -> None:
    clock = TurnedClock(NOON)
    async with kept(tmp_path / "w", clock):
        pass
    clock.turn(3 * DAY_S)
    async with kept(tmp_path / "w", clock) as found:
        assert len(await found.listing()) == 1
        await pass_time(clock, 60)
        assert len(await found.listing()) == 1


async def test_old_copies_go_when_a_new_one_is_there(tmp_path: Path) -> None:
    clock = TurnedClock(NOON)
    async with kept(tmp_path / "w", clock, BackupSettings(keep_days=2)) as found:
        for _ in range(5):
            await pass_time(clock, DAY_S)
        assert len(await found.listing()) == 3


async def test_nothing_is_made_where_it_is_switched_off(tmp_path: Path) -> None:
    clock = TurnedClock(NOON)
    async with kept(tmp_path / "w", clock):
        pass
    clock.turn(2 * DAY_S)
    async with kept(tmp_path / "w", clock, BackupSettings(scheduled=False)) as found:
        assert await found.listing() == []


async def test_a_follower_leaves_it_to_the_leader(tmp_path: Path) -> None:
    clock = TurnedClock(NOON)
    async with kept(tmp_path / "w", clock, leads=False) as found:
        await pass_time(clock, 2 * DAY_S)
        assert await found.listing() == []


async def test_a_failure_is_said_and_tried_again_after_an_hour(tmp_path: Path) -> None:
    clock = TurnedClock(NOON)
    async with kept(tmp_path / "w", clock) as found:
        found.folder.write_text("in the way")
        await pass_time(clock, DAY_S)
        assert "daily backup failed" in found.layers()[0].trouble
        found.folder.unlink()
        clock.turn(1800)
        assert clock.sleepers == 1  # it did not wake: a turn settles who is due at once
        clock.turn(1800)
        await wait_for(lambda: not found.layers())
        assert len(await found.listing()) == 1


async def test_a_copy_that_is_not_sound_is_said_until_one_is_and_nothing_older_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TurnedClock(NOON)
    async with kept(tmp_path / "w", clock, BackupSettings(keep_days=1)) as found:
        await pass_time(clock, DAY_S)
        (sound,) = await found.listing()
        with monkeypatch.context() as damaged:
            damaged.setattr(backups, "check_sum", lambda backup: "a page is bad")
            for _ in range(3):
                await pass_time(clock, DAY_S)
                assert found.layers()[0].trouble.endswith("is not sound: a page is bad")
                await pass_time(clock, 2 * 3600)
                assert found.layers(), "said as long as it is so"
        assert sound in await found.listing()
        await pass_time(clock, DAY_S)
        assert found.layers() == ()
        assert sound not in await found.listing()


async def test_only_a_damaged_store_is_replaced(tmp_path: Path) -> None:
    clock, folder = TurnedClock(NOON), tmp_path / "w"
    async with kept(folder, clock) as found:
        await found.create()
    with pytest.raises(UsageError, match="is sound"):
        await replace_damaged(folder, "latest", clock)
    (folder / STORE_FILE).write_bytes(b"junk" * 4096)
    held = lock(folder)
    assert held.try_acquire()
    with pytest.raises(OrcError, match="close it first"):
        await replace_damaged(folder, "latest", clock)
    held.release()
    await replace_damaged(folder, "latest", clock)
    async with open_store(folder, clock) as db:
        assert await db.read(lambda conn: documents.get(conn, "task", "T-1")) is not None
