"""Layers at each pace, on a turned clock: what is written, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from clocks import TurnedClock, wait_for
from memory_layer import MemoryLayer
from orc_core.model.health import Layer, LayerState
from orc_core.settings import Settings
from orc_core.sync.choices import Choices
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Key
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage.database import Database
from orc_storage.errors import StoreUnavailable
from orc_storage.records import OPERATOR, Body, Json
from stores import open_store


@dataclass
class Bench:
    """A store with layers in memory that a synchronizer follows."""

    db: Database
    clock: TurnedClock
    layers: tuple[MemoryLayer, ...]
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.tasks = Tasks(self.db)
        self.sync = Synchronizer(
            self.db,
            self.layers,
            self.clock,
            rules={KIND: TaskRules()},
            choices=Choices(self.db, self.settings),
        )

    async def add(self, title: str = "Cart") -> None:
        await self.tasks.add(title, actor=OPERATOR, cause="")

    async def edit(self, id: str = "T-1", **fields: Json) -> None:
        await self.tasks.edit(id, fields, actor=OPERATOR, cause="")

    def health(self, name: str = "memory") -> Layer:
        return next(layer for layer in self.sync.health() if layer.name == name)

    async def title(self, id: str = "T-1") -> str:
        return (await self.tasks.get(id)).title

    async def set(self, name: str = "memory", *, kind: str = "", **fields: Any) -> None:
        """Choose from another process, as `orc layers set` does."""
        choices = Choices(self.db, Settings())
        await choices.load()
        await choices.change(name, fields, kind=kind, actor="codex-1", cause="orc layers set")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        running = asyncio.create_task(self.sync.run(stop))
        try:
            starting = (LayerState.STARTING, LayerState.UNKNOWN)
            await wait_for(lambda: all(one.state not in starting for one in self.sync.health()))
            yield
            stop.set()
            async with asyncio.timeout(5.0):
                await running
        finally:
            running.cancel()
            await asyncio.wait({running})

    async def wrote(self, writes: int) -> None:
        """Wait until the layer was written to that often."""
        await wait_for(lambda: self.layers[0].writes == writes)

    async def heard(self, queued: int = 1, name: str = "memory") -> None:
        """Wait until the synchronizer knows of that many changes."""
        await wait_for(lambda: self.health(name).queued == queued)


def said(**layers: dict[str, Any]) -> Settings:
    return Settings.model_validate({"layers": layers})


@pytest_asyncio.fixture
async def db(tmp_path: Path, turned: TurnedClock) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "ws", turned) as store:
        yield store


@pytest.fixture
def turned() -> TurnedClock:
    return TurnedClock()


def bench(db: Database, clock: TurnedClock, **pace: Any) -> Bench:
    return Bench(db, clock, (MemoryLayer(),), said(memory={"on": True, **pace}))


async def test_realtime_writes_every_change_at_once(db: Database, turned: TurnedClock) -> None:
    on = bench(db, turned, strategy="realtime")
    async with on.running():
        await on.add()
        await on.wrote(1)
        for number in (2, 3, 4):
            await on.edit(title=f"Cart {number}")
            await on.wrote(number)
        on.layers[0].edit("T-1", title="Basket")
        await _becomes(on, "Basket")
        assert on.layers[0].writes == 4


async def test_a_batch_writes_once_for_all_changes_of_its_interval(
    db: Database, turned: TurnedClock
) -> None:
    on = bench(db, turned, strategy="batch")
    layer = on.layers[0]
    async with on.running():
        await on.add()
        for number in range(5):
            await on.edit(title=f"Cart {number}")
        await on.heard()
        turned.turn(29.0)
        await on.add()
        await on.heard(2)
        assert (layer.writes, on.health().behind_s) == (0, 20.0)
        turned.turn(1.0)
        await on.heard(0)
        assert layer.bodies["task", "T-1"]["title"] == "Cart 4"
        layer.edit("T-1", title="Trolley")
        await on.heard()
        assert await on.title() == "Cart 4"
        turned.turn(30.0)
        await _becomes(on, "Trolley")
        assert layer.writes == 2


async def test_an_interval_is_as_long_as_it_was_set(db: Database, turned: TurnedClock) -> None:
    on = bench(db, turned, strategy="batch", interval_s=5)
    async with on.running():
        await on.add()
        await on.heard()
        turned.turn(4.9)
        assert on.layers[0].writes == 0
        turned.turn(0.1)
        await on.wrote(1)


async def test_what_is_lazy_is_written_when_it_is_read(db: Database, turned: TurnedClock) -> None:
    on = bench(db, turned, strategy="lazy")
    layer = on.layers[0]
    async with on.running():
        await on.add()
        await on.heard()
        turned.turn(3600.0)
        await on.edit(title="Basket")
        assert (layer.writes, layer.bodies) == (0, {})
        assert await on.sync.is_lazy("task")
        await on.sync.read("task", timeout_s=5.0)
        assert layer.bodies["task", "T-1"]["title"] == "Basket"
        layer.edit("T-1", title="Trolley")
        await on.heard()
        assert await on.title() == "Basket"
        await on.sync.read("task", timeout_s=5.0)
        assert await on.title() == "Trolley"
        assert layer.writes == 1


async def test_a_follower_that_reads_has_the_leader_write(
    db: Database, turned: TurnedClock
) -> None:
    on = bench(db, turned, strategy="lazy")
    async with on.running():
        await on.add()
        await on.heard()
        assert await Bench(db, turned, ()).sync.ask("codex-1", reads="task", timeout_s=5.0)
        assert on.layers[0].writes == 1


async def test_events_that_are_listed_have_it_written(db: Database, turned: TurnedClock) -> None:
    on = bench(db, turned, strategy="event", events=["task.done"])
    layer = on.layers[0]
    async with on.running():
        await on.add()
        await on.edit(title="Basket")
        await on.edit(status="running")
        await on.heard()
        turned.turn(3600.0)
        assert layer.writes == 0
        await on.edit(status="done")
        await on.wrote(1)
        assert layer.bodies["task", "T-1"]["status"] == "done"


async def test_a_follower_sets_the_pace_and_the_leader_goes_by_it(
    db: Database, turned: TurnedClock
) -> None:
    on = bench(db, turned)
    layer = on.layers[0]
    async with on.running():
        await on.add()
        await on.wrote(1)
        await on.set(strategy="batch", interval_s=60.0)
        await wait_for(lambda: on.health().strategy == "batch 1m")
        await on.edit(title="Basket")
        await on.heard()
        turned.turn(59.0)
        assert layer.writes == 1
        await on.set(strategy="realtime")
        await on.wrote(2)
    again = Bench(db, turned, (MemoryLayer(),))
    await again.sync.load()
    assert again.health().strategy == "realtime"


async def test_one_kind_may_have_a_pace_of_its_own(db: Database, turned: TurnedClock) -> None:
    on = bench(db, turned, strategy="lazy", kinds={"task": {"strategy": "realtime"}})
    async with on.running():
        await on.add()
        await on.wrote(1)
        assert on.health().strategy == "lazy*"


async def test_a_layer_is_switched_off_and_on(db: Database, turned: TurnedClock) -> None:
    on = bench(db, turned)
    layer = on.layers[0]
    async with on.running():
        await on.add()
        await on.wrote(1)
        await on.set(on=False)
        await wait_for(lambda: on.health().state is LayerState.OFF and layer.withdrawn)
        calls = layer.calls
        await on.edit(title="Basket")
        layer.edit("T-1", priority=9)
        turned.turn(120.0)
        assert (layer.calls, layer.withdrawn) == (calls, 1)
        await on.set(on=True)
        await wait_for(lambda: layer.bodies["task", "T-1"]["title"] == "Basket")
        # What was edited on both sides meanwhile is merged.
        await wait_for(lambda: on.health().state is LayerState.OK)
        assert (await on.tasks.get("T-1")).priority == 9


@pytest.mark.parametrize("off", [(), ("one",), ("two",), ("one", "two")])
async def test_with_any_layer_off_the_rest_is_in_step_and_all_is_readable(
    db: Database, turned: TurnedClock, off: tuple[str, ...]
) -> None:
    layers = (MemoryLayer("one"), MemoryLayer("two"))
    choices = {name: {"on": name not in off} for name in ("one", "two")}
    on = Bench(db, turned, layers, said(**choices))
    async with on.running():
        await on.add()
        await wait_for(lambda: all(one.writes == (one.name not in off) for one in layers))
        assert await on.title() == "Cart"
        assert {one.name for one in on.sync.health() if one.state is LayerState.OFF} == set(off)
    report = await on.sync.once()
    assert report.offline == ()


async def test_layers_are_served_in_their_order(db: Database, turned: TurnedClock) -> None:
    served: list[str] = []

    class Noting(MemoryLayer):
        async def give(self, copy: Copy, body: Body | None, rev: int) -> str:
            served.append(self.name)
            return await super().give(copy, body, rev)

    layers = (Noting("file"), Noting("tmux"))
    on = Bench(db, turned, layers)
    await on.add()
    await on.sync.once()
    assert served == ["file", "tmux"]
    async with on.running():
        await on.edit(title="Basket")
        await wait_for(lambda: len(served) == 4)
    assert sorted(served[2:]) == ["file", "tmux"], "followed, each goes at its own pace"


async def test_what_one_layer_brings_reaches_the_others(db: Database, turned: TurnedClock) -> None:
    layers = (MemoryLayer("one"), MemoryLayer("two"))
    on = Bench(db, turned, layers, said(one={"on": True}, two={"on": True}))
    await on.add()
    await on.sync.once()
    layers[1].edit("T-1", title="Basket")
    await on.sync.once()
    assert layers[0].bodies == layers[1].bodies
    assert await on.title() == "Basket"


async def test_a_layer_that_keeps_failing_is_left_alone_then_tried_with_care(
    db: Database, turned: TurnedClock
) -> None:
    on = bench(db, turned)
    layer = on.layers[0]
    await on.add()
    async with on.running():
        await on.wrote(1)
        layer.trouble = "the disk is gone"
        for _ in range(60):
            await on.edit(text=str(layer.calls))
            await _turned(turned, 0.5)
            if on.health().rests_s:
                break
        assert (on.health().state, on.health().trouble) == (LayerState.OFFLINE, layer.trouble)
        assert on.health().errors == 5
        calls = layer.calls
        for _ in range(28):
            await _turned(turned, 1.0)
        assert layer.calls == calls
        layer.trouble = ""
        await _turned(turned, 2.0)
        await wait_for(lambda: on.health().state is LayerState.OK)
        follower = on.sync._followers[0]
        assert follower.breaker.phase == "half-open"
        await _turned(turned, 0.5)
        await wait_for(lambda: follower.breaker.phase == "closed")
        assert (await on.tasks.get("T-1")).text == layer.bodies["task", "T-1"]["text"]


async def test_what_cannot_be_written_is_tried_three_times_more_then_shown_as_failed(
    db: Database, turned: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = bench(db, turned)
    layer = on.layers[0]
    tries: list[str] = []

    async def refuse(copy: Copy, body: Body | None, rev: int) -> str:
        tries.append(copy.id)
        raise StoreUnavailable("the store is locked: try again")

    monkeypatch.setattr(layer, "give", refuse)
    await on.add()
    async with on.running():
        await wait_for(lambda: tries)
        for _ in range(60):
            await _turned(turned, 0.5)
            if on.health().failed:
                break
        assert tries == ["T-1"] * 4
        assert (on.health().state, on.health().failed) == (LayerState.DEGRADED, 1)
        assert on.health().trouble == "T-1 the store is locked: try again"
        await on.add("Other")
        await wait_for(lambda: "T-2" in tries)
        monkeypatch.undo()
        await _turned(turned, 30.0)
        await wait_for(lambda: on.health().failed == 0)
        assert set(layer.bodies) == {("task", "T-1"), ("task", "T-2")}


async def test_who_asks_has_a_resting_layer_tried_at_once(
    db: Database, turned: TurnedClock
) -> None:
    on = bench(db, turned)
    layer = on.layers[0]
    layer.trouble = "the disk is gone"
    await on.add()
    async with on.running():
        await _until_it_rests(on, turned)
        layer.trouble = ""
        began = turned.monotonic()
        asked = asyncio.create_task(on.sync.ask("codex-1", timeout_s=5.0))
        while not asked.done():
            await _turned(turned, 0.1)
        assert await asked
        assert layer.writes == 1
        assert turned.monotonic() - began < 10.0


async def test_a_layer_that_is_offline_keeps_no_other_and_no_answer(
    db: Database, turned: TurnedClock
) -> None:
    layers = (MemoryLayer("one", trouble="gone"), MemoryLayer("two"))
    on = Bench(db, turned, layers, said(one={"on": True}, two={"on": True}))
    await on.add()
    async with on.running():
        await wait_for(lambda: layers[1].writes == 1)
        asked = asyncio.create_task(on.sync.ask("codex-1", timeout_s=5.0))
        while not asked.done():
            await _turned(turned, 0.1)
        assert await asked
    assert (await on.sync.once()).offline == ("one",)


@pytest.mark.parametrize("error", [StoreUnavailable("busy"), ValueError("a defect")])
async def test_a_layer_whose_watching_fails_is_watched_again_and_keeps_no_other(
    db: Database, turned: TurnedClock, error: Exception
) -> None:
    class Failing(MemoryLayer):
        asked = 0

        async def changes(self) -> AsyncGenerator[Collection[Key], None]:
            self.asked += 1
            if self.asked == 1:
                raise error
            async for names in super().changes():
                yield names

    layers = (Failing("one"), MemoryLayer("two"))
    on = Bench(db, turned, layers, said(one={"on": True}, two={"on": True}))
    async with on.running():
        await on.add()
        await wait_for(lambda: all(layer.writes == 1 for layer in layers))
        await wait_for(lambda: turned.sleepers)
        await _turned(turned, 1.0)
        layers[0].edit("T-1", title="Basket")
        await _becomes(on, "Basket")
    assert layers[0].asked == 2


async def test_the_figures_tell_how_long_a_change_took(db: Database, turned: TurnedClock) -> None:
    on = bench(db, turned)
    async with on.running():
        await on.add()
        await on.wrote(1)
        await on.heard(0)
        health = on.health()
        assert (health.errors, health.latency_s, health.p95_s) == (0, 0.0, 0.0)
        assert health.passes >= 2


async def _until_it_rests(on: Bench, clock: TurnedClock) -> None:
    for _ in range(60):
        if on.health().rests_s:
            return
        await _turned(clock, 0.5)
    pytest.fail("it is not left alone")


async def _turned(clock: TurnedClock, seconds: float) -> None:
    """Turn the clock, and let everybody do what they do then."""
    clock.turn(seconds)
    loop = asyncio.get_running_loop()
    for _ in range(5):
        step = loop.create_future()
        loop.call_later(0.002, step.set_result, None)
        await step


async def _becomes(on: Bench, title: str) -> None:
    deadline = asyncio.get_running_loop().time() + 5.0
    while await on.title() != title:
        assert asyncio.get_running_loop().time() < deadline, "not true in time"
