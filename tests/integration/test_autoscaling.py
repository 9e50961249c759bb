"""As many agents as the queue wants, with real programs in real panes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from clocks import TurnedClock
from lives_on_stage import Life, living
from orc_core.autoscaling import ACTOR, Autoscaler
from orc_core.errors import OrcError
from orc_core.lifecycle.wing import Wishes
from orc_core.model.work import Holder, Leased
from orc_core.settings import ScaleSettings
from orc_core.tasks.desk import Tasks
from orc_core.tasks.dispatch import Dispatch
from orc_storage.records import OPERATOR
from private_tmux import PrivateTmux

PYTHON = frozenset({"python"})


class Scene:
    """An agent `w` that can do python, and a queue; a leader looks when it is told to."""

    def __init__(self, life: Life, wish: ScaleSettings) -> None:
        self.life = life
        self.clock = TurnedClock(time.time())
        self.tasks, self.dispatch = Tasks(life.db), Dispatch(life.db)
        self.told = 0
        self.scaler = Autoscaler(life.wing, life.db, self.clock, {"w": wish}, changed=self._count)

    def _count(self) -> None:
        self.told += 1

    async def begin(self) -> None:
        await self.life.wing.spawn(
            ["sleep", "300"], wishes=Wishes(name="w", capabilities=tuple(PYTHON))
        )

    async def queue(self, need: str = "python") -> None:
        task = await self.tasks.add("Cart", actor=OPERATOR, cause="x", needs=[need])
        await self.dispatch.enqueue(task.id, actor=OPERATOR, cause="x")

    async def take(self, name: str) -> Leased:
        lease = await self.dispatch.take(Holder(name, "", PYTHON), cause="x")
        assert lease is not None
        return lease

    async def numbers(self) -> tuple[int, int, int, int]:
        (one,) = await self.scaler.proposals()
        return one.runs, one.busy, one.waiting, one.wanted

    async def after(self, seconds: float) -> tuple[int, int, int, int]:
        """Let so long pass, have the leader look, and tell the numbers then."""
        self.clock.turn(seconds)
        await self.scaler.look()
        return await self.numbers()


async def test_it_proposes_and_does_nothing_unless_told(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        scene = Scene(life, ScaleSettings(max=4))
        with pytest.raises(OrcError, match=r"scale\.w: no agent was started under that name"):
            await scene.scaler.proposals()
        await scene.begin()
        await scene.queue("rust")  # nobody like w could take it
        assert await scene.after(1) == (1, 0, 0, 1)
        assert scene.scaler.layers() == ()
        for _ in range(3):
            await scene.queue()
        await scene.take("w")
        assert await scene.after(30) == (1, 1, 2, 2)
        (line,) = scene.scaler.layers()
        assert line.trouble == "w: 2 wanted, 1 run (2 wait, 1 of 1 busy): `orc scale w 2`"
        assert [one.name for one in await life.wing.crew.listing()] == ["w"]
        await scene.after(10)
        assert scene.told == 1
        await life.wing.stop(await life.known("w"))
        assert await scene.after(600) == (0, 0, 0, 0)
        assert scene.scaler.layers() == ()


async def test_it_starts_what_is_wanted_and_stops_what_holds_nothing(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        scene = Scene(life, ScaleSettings(max=3, automatic=True, busy_down=0.5))
        await scene.begin()
        for _ in range(4):
            await scene.queue()
        leases = [await scene.take("w")]
        assert await scene.after(60) == (2, 1, 3, 2)
        leases.append(await scene.take("w-2"))
        assert await scene.after(59) == (2, 2, 2, 2)
        assert await scene.after(1) == (3, 2, 2, 3)
        assert {one.actor for one in await life.entries() if one.id == "w-3"} == {ACTOR}
        leases.append(await scene.take("w-3"))
        last = await scene.dispatch.hand_in(leases[1].token, Holder("w-2", "", PYTHON), cause="x")
        assert last.next is not None
        for token in (leases[0].token, last.next.token):
            await scene.dispatch.acknowledge(token, cause="x")
        assert await scene.after(299) == (3, 1, 0, 3)
        # w-3 came last, and holds a task: the one before it goes.
        assert await scene.after(1) == (2, 1, 0, 2)
        wanted = {one.name: one.wanted for one in await life.wing.crew.listing()}
        assert wanted == {"w": "running", "w-2": "stopped", "w-3": "running"}
        assert await scene.after(300) == (2, 1, 0, 2)  # one fewer would be wanted again at once
        await scene.dispatch.acknowledge(leases[2].token, cause="x")
        assert await scene.after(300) == (1, 0, 0, 1)
        assert await scene.after(900) == (1, 0, 0, 1)
