"""When a lease is over: the holder died, or nothing is heard of it any more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest_asyncio

from orc_core.model.task import Status
from orc_core.model.work import Holder, Leased, Life
from orc_core.tasks.desk import Tasks
from orc_core.tasks.dispatch import Dispatch
from orc_core.tasks.leases import ORPHAN_S, SILENT_S, Leases
from orc_storage import deliveries
from orc_storage.database import Database
from orc_storage.records import OPERATOR
from stores import Turned, open_store


@pytest_asyncio.fixture
async def db(tmp_path: Path, clock: Turned) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "ws", clock) as opened:
        yield opened


class Scene:
    """One task that codex-1 holds, and a leader that looks after its lease."""

    def __init__(self, db: Database, clock: Turned) -> None:
        self.tasks, self.dispatch = Tasks(db), Dispatch(db)
        self.clock = clock
        self.leads = True
        self.life = Life.ALIVE
        self.leases = Leases(db, clock, leads=lambda: self.leads, lives=self._lives)

    async def _lives(self) -> Mapping[str, Life]:
        return {} if self.life is Life.UNKNOWN else {"codex-1": self.life}

    async def begin(self) -> Leased:
        task = await self.tasks.add("Cart", actor=OPERATOR, cause="x")
        await self.dispatch.enqueue(task.id, actor=OPERATOR, cause="x")
        lease = await self.dispatch.take(Holder("codex-1"), cause="x")
        assert lease is not None
        return lease

    async def pass_s(self, seconds: float) -> Status:
        """Let so long pass, with a look each second; returns the status of the task."""
        for _ in range(int(seconds)):
            self.clock.turn(1.0)
            await self.leases.look()
        return (await self.tasks.get("T-1")).status


async def test_a_task_is_free_again_fifteen_seconds_after_a_death(
    db: Database, clock: Turned
) -> None:
    scene = Scene(db, clock)
    await scene.begin()
    assert await scene.pass_s(600) is Status.RUNNING
    scene.life = Life.DEAD
    assert await scene.pass_s(ORPHAN_S - 1) is Status.RUNNING
    scene.life = Life.ALIVE
    assert await scene.pass_s(ORPHAN_S) is Status.RUNNING
    scene.life = Life.DEAD
    assert await scene.pass_s(ORPHAN_S + 1) is Status.READY
    (left,) = await scene.dispatch.listing(deliveries.Stage.READY)
    assert (left.stage, left.reason, left.attempts) == ("ready", "codex-1 died", 1)


async def test_a_holder_nobody_knows_has_to_speak(db: Database, clock: Turned) -> None:
    scene = Scene(db, clock)
    lease = await scene.begin()
    scene.life = Life.UNKNOWN
    assert await scene.pass_s(SILENT_S - 5) is Status.RUNNING
    await scene.dispatch.beat(lease.token)
    assert await scene.pass_s(SILENT_S - 5) is Status.RUNNING
    assert await scene.pass_s(10) is Status.READY


async def test_leases_stand_still_while_nobody_leads(db: Database, clock: Turned) -> None:
    scene = Scene(db, clock)
    await scene.begin()
    scene.life = Life.DEAD
    assert await scene.pass_s(ORPHAN_S - 1) is Status.RUNNING
    scene.leads = False
    assert await scene.pass_s(600) is Status.RUNNING
    scene.leads = True
    assert await scene.pass_s(ORPHAN_S - 1) is Status.RUNNING
    assert await scene.pass_s(3) is Status.READY


async def test_the_wall_clock_ends_no_lease(db: Database, clock: Turned) -> None:
    scene = Scene(db, clock)
    await scene.begin()
    scene.life = Life.UNKNOWN
    await scene.pass_s(2)
    scene.clock.jump(7200.0)  # type: ignore[attr-defined]
    assert await scene.pass_s(2) is Status.RUNNING


async def test_results_whose_reader_went_away_are_told_again(db: Database, clock: Turned) -> None:
    scene = Scene(db, clock)
    lease = await scene.begin()
    assert await scene.dispatch.results("mails", reader="me") == ()
    await scene.dispatch.acknowledge(lease.token, note="sent", cause="x")
    (told,) = await scene.dispatch.results("mails", reader="me")
    await scene.pass_s(SILENT_S - 1)
    assert await scene.dispatch.results("mails", reader="me") == ()
    assert await scene.pass_s(3) is Status.DONE
    (again,) = await scene.dispatch.results("mails", reader="me")
    assert (again.task, again.token != told.token) == ("T-1", True)
