"""Leading and following: signs of life, and a leader that stopped giving them."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from orc_core import leader
from orc_core.leadership import BEAT_S, FOLLOW_S, STALLED_S, Leadership
from orc_core.model.health import Layer, LayerState
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.synchronizer import Synchronizer
from orc_storage.files import Mirror
from orc_storage.lock import FileLock
from stores import open_store
from workspaces import RULES


class Told:
    """What a leadership told its owner."""

    def __init__(self) -> None:
        self.changes = 0
        self.trouble = ""

    def changed(self) -> None:
        self.changes += 1

    def say(self, trouble: str) -> None:
        self.trouble = trouble


@asynccontextmanager
async def running(
    folder: Path, clock: TurnedClock, *, beside: Callable[[], tuple[Layer, ...]] = tuple
) -> AsyncIterator[tuple[Leadership, Told]]:
    told = Told()
    one = Leadership(
        folder,
        clock,
        actor="operator",
        read_only=False,
        changed=told.changed,
        trouble=told.say,
        beside=beside,
    )
    async with open_store(folder, clock) as db:
        synchronizer = Synchronizer(
            db, [FileLayer(Mirror(folder / "files"))], clock, told.changed, rules=RULES
        )
        tasks = [asyncio.create_task(one.run(synchronizer)), asyncio.create_task(one.follow())]
        try:
            yield one, told
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def test_a_leader_gives_signs_of_life(tmp_path: Path, clock: TurnedClock) -> None:
    async with running(tmp_path / "w", clock) as (one, _):
        await wait_for(lambda: one.leads)
        other = leader.lock(tmp_path / "w")
        before = other.beaten_at()
        await wait_for(lambda: clock.sleepers)
        clock.turn(1.0)
        await wait_for(lambda: other.beaten_at() == before + 1.0)
        assert one.stall == ""


async def test_a_leader_without_a_sign_of_life_is_named(tmp_path: Path, clock: TurnedClock) -> None:
    folder = tmp_path / "w"
    async with open_store(folder, clock):
        held = leader.lock(folder)
        assert held.try_acquire()
    held.beat(clock.now())
    async with running(folder, clock) as (one, told):
        await wait_for(lambda: clock.sleepers)
        assert one.stall == ""
        before = told.changes
        clock.turn(STALLED_S)
        await wait_for(lambda: told.changes > before)
        (file,) = one.layers(None)
        assert "kill -CONT" in file.trouble
        assert (file.state, file.trouble) == (LayerState.UNKNOWN, one.stall)
        held.beat(clock.now())
        await wait_for(lambda: clock.sleepers == 2)
        clock.turn(FOLLOW_S)
        await wait_for(lambda: told.changes > before + 1)
        assert "kill -CONT" not in str(one.layers(None))


async def test_a_lock_given_back_is_taken(tmp_path: Path, clock: TurnedClock) -> None:
    folder = tmp_path / "w"
    async with open_store(folder, clock):
        held = leader.lock(folder)
        assert held.try_acquire()
    async with running(folder, clock) as (one, told):
        await wait_for(lambda: clock.sleepers)
        assert not one.leads
        held.release()
        clock.turn(leader.RETRY_S)
        await wait_for(lambda: one.leads)
        assert told.trouble == ""


async def test_a_sign_of_life_that_fails_ends_no_sync(
    tmp_path: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = 0

    def fail(lock: FileLock, at: float) -> None:
        nonlocal failed
        failed += 1
        raise OSError(errno.EIO, "no such luck")

    monkeypatch.setattr(FileLock, "beat", fail)
    async with running(tmp_path / "w", clock) as (one, told):
        await wait_for(lambda: failed == 1)
        clock.turn(BEAT_S)
        await wait_for(lambda: failed == 2)
        assert one.leads
        assert told.trouble == ""


async def test_a_leader_that_is_cancelled_leads_no_more_at_once(
    tmp_path: Path, clock: TurnedClock
) -> None:
    async with running(tmp_path / "w", clock) as (one, _):
        await wait_for(lambda: one.leads)
    assert not one.leads
    assert leader.lock(tmp_path / "w").try_acquire()


async def test_what_is_posted_has_the_lines_of_all_that_a_leader_does(
    tmp_path: Path, clock: TurnedClock
) -> None:
    folder = tmp_path / "w"
    line = Layer("supervisor", LayerState.DEGRADED, "", 0.0, 0, 0, "cannot", 1.0)
    async with running(folder, clock, beside=lambda: (line,)) as (one, _):
        await wait_for(lambda: line in leader.read(folder, led=True))
        (folder / leader.BULLETIN_NAME).unlink()
        one.post()
        await wait_for(lambda: line in leader.read(folder, led=True))
