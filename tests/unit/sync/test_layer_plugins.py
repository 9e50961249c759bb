"""Layers that come by entry points of real distributions, sound ones and faulty ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from clocks import TurnedClock, wait_for
from memory_layer import MemoryLayer
from orc_core.breaker import Phase
from orc_core.lifecycle.crew import Crew
from orc_core.lifecycle.rules import KIND as AGENT
from orc_core.lifecycle.rules import AgentRules
from orc_core.model.health import Layer, LayerState
from orc_core.settings import Settings
from orc_core.sync import burden, plugins
from orc_core.sync.choices import Choices
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage.database import Database
from orc_storage.records import OPERATOR
from plugged import SOUND, install
from stores import open_store

TIMEOUT_S = 0.2

RAISES_ON_IMPORT = "raise RuntimeError('no server')\n"
IS_NO_LAYER = "def make(context):\n    return object()\n"
LEAVES = "import sys\ndef make(context):\n    sys.exit(3)\n"
BASE = """
    import asyncio, threading
    from memory_layer import MemoryLayer
    release = threading.Event()

    class Odd(MemoryLayer):
        async def scan(self, kind):
            {scan}

    def make(context):
        return Odd("odd")
"""
FAULTY = {
    "its import raises": (RAISES_ON_IMPORT, "RuntimeError: no server"),
    "it is no layer": (IS_NO_LAYER, "it has no prepare"),
    "it ends the program": (LEAVES, "SystemExit"),
    "it raises": (BASE.format(scan="raise ValueError('[bold]x\\x1b[2J')"), "ValueError: [bold]x"),
    "it is cancelled": (BASE.format(scan="raise asyncio.CancelledError"), "CancelledError"),
    "it waits": (BASE.format(scan="await asyncio.Event().wait()"), "did not come back from scan"),
    "it blocks": (BASE.format(scan="release.wait()"), "come back from scan"),
    "it returns rubbish": (BASE.format(scan="return [1, 2]"), "rubbish from scan: [1, 2]"),
    "it returns bad copies": (BASE.format(scan="return {'T-1': 7}"), "rubbish from scan: 7"),
}


@pytest.fixture
def turned() -> TurnedClock:
    return TurnedClock()


@pytest_asyncio.fixture
async def db(tmp_path: Path, turned: TurnedClock) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "ws", turned) as store:
        yield store


def _synchronizer(db: Database, clock: TurnedClock, beside: MemoryLayer, *on: str) -> Synchronizer:
    chosen: dict[str, Any] = {"layers": {name: {"on": True} for name in on}}
    return Synchronizer(
        db,
        [beside],
        clock,
        rules={KIND: TaskRules()},
        choices=Choices(db, Settings.model_validate(chosen)),
        find=lambda: plugins.find(db.folder, {KIND}, timeout_s=TIMEOUT_S),
    )


def _health(sync: Synchronizer, name: str) -> Layer:
    unknown = Layer(name, LayerState.UNKNOWN, "", 0.0, 0, 0)
    return next((layer for layer in sync.health() if layer.name == name), unknown)


@asynccontextmanager
async def _running(sync: Synchronizer) -> AsyncIterator[None]:
    running = asyncio.create_task(sync.run(asyncio.Event()))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_a_layer_of_another_package_is_synced_once_it_is_on(
    db: Database, turned: TurnedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "sample", SOUND)
    monkeypatch.syspath_prepend(str(tmp_path))
    tasks = Tasks(db)
    await tasks.add("Cart", actor=OPERATOR, cause="")
    file = MemoryLayer("file")
    sync = _synchronizer(db, turned, file)
    await sync.once()
    assert (sync.names, _health(sync, "sample").state) == (("file", "sample"), LayerState.OFF)
    assert "layer-sample" not in _threads()
    sync = _synchronizer(db, turned, file, "sample")
    assert (await sync.once()).exported == 1
    assert _health(sync, "sample").state is LayerState.OK
    async with _running(sync):
        isolated: Any = sync._followers[1].layer
        isolated._loop.call_soon_threadsafe(partial(isolated._layer.edit, "T-1", title="Basket"))
        await wait_for(lambda: file.bodies.get(("task", "T-1"), {}).get("title") == "Basket")
    sync.close()
    await wait_for(lambda: "layer-sample" not in _threads())


@pytest.mark.parametrize("fault", FAULTY)
async def test_a_faulty_one_is_offline_with_its_reason_and_the_rest_goes_on(
    db: Database,
    turned: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    source, said = FAULTY[fault]
    install(tmp_path, "odd", source)
    monkeypatch.syspath_prepend(str(tmp_path))
    await Tasks(db).add("Cart", actor=OPERATOR, cause="")
    file = MemoryLayer("file")
    sync = _synchronizer(db, turned, file, "odd")
    async with _running(sync):
        await wait_for(lambda: _health(sync, "odd").state is LayerState.OFFLINE)
        await wait_for(lambda: file.writes == 1)
        assert said in _health(sync, "odd").trouble
        assert "\x1b" not in _health(sync, "odd").trouble
        await Tasks(db).add("Basket", actor=OPERATOR, cause="")
        await wait_for(lambda: file.writes == 2)
    report = await sync.once()
    assert report.offline == ("odd",)
    _release(tmp_path)
    sync.close()


async def test_nobody_calls_one_that_still_hangs(
    db: Database, turned: TurnedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "odd", FAULTY["it blocks"][0])
    monkeypatch.syspath_prepend(str(tmp_path))
    (layer,) = plugins.find(db.folder, {KIND}, timeout_s=TIMEOUT_S)
    for said in ("did not come back from scan", "has not come back from scan yet"):
        with pytest.raises(Exception, match=said):
            await layer.scan("task")
    _release(tmp_path)
    await wait_for(lambda: not layer._is_in)
    assert await layer.read("task", "T-1") is not None
    layer.close()


async def test_it_is_given_only_what_it_says_it_holds(
    db: Database, turned: TurnedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "sample", SOUND)
    monkeypatch.syspath_prepend(str(tmp_path))
    await Tasks(db).add("Cart", actor=OPERATOR, cause="")
    await Crew(db).add({}, name="ada", base="", taken=(), actor=OPERATOR, cause="")
    rules = {AGENT: AgentRules(), KIND: TaskRules()}
    (layer,) = plugins.find(db.folder, rules)
    on = Settings.model_validate({"layers": {"sample": {"on": True}}})
    sync = Synchronizer(db, [layer], turned, rules=rules, choices=Choices(db, on))
    assert (await sync.once()).exported == 1
    assert sync.kinds("sample") == {KIND}
    held: Any = layer._layer
    assert set(held.bodies) == {(KIND, "T-1")}
    sync.close()


async def test_names_that_cannot_be_a_layers_are_passed_over(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("store", "file", "history", "pending", "Big", "sound"):
        install(tmp_path, name, SOUND)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [layer.name for layer in plugins.find(db.folder, {KIND})] == ["sound"]


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def _release(folder: Path) -> None:
    """Let a call that blocks come back, so that its thread ends with the test."""
    import sys

    for name, module in list(sys.modules.items()):
        if name.startswith("plugged_") and str(folder) in str(getattr(module, "__file__", "")):
            event = getattr(module, "release", None)
            if event is not None:
                event.set()


@pytest.mark.parametrize(
    ("scan", "held_max_s", "said"),
    [
        ("\n            while True: pass", 60.0, "odd spun for"),
        ("sum(range(4 * 10**7))", 0.05, "odd held up everything for"),
    ],
    ids=["it spins", "it lets nobody else run"],
)
async def test_one_that_computes_without_end_is_named_and_left_alone_at_once(
    db: Database,
    turned: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scan: str,
    held_max_s: float,
    said: str,
) -> None:
    monkeypatch.setattr(burden, "HELD_MAX_S", held_max_s)
    install(tmp_path, "odd", BASE.format(scan=scan))
    monkeypatch.syspath_prepend(str(tmp_path))
    await Tasks(db).add("Cart", actor=OPERATOR, cause="")
    file = MemoryLayer("file")
    sync = _synchronizer(db, turned, file, "odd")

    def is_named() -> bool:
        turned.turn(0.5)
        return said in _health(sync, "odd").trouble

    def is_written() -> bool:
        turned.turn(0.5)
        return file.writes == 1

    async with _running(sync):
        await wait_for(is_named, 20.0)
        assert sync._followers[1].breaker.phase is Phase.OPEN
        await wait_for(is_written, 20.0)
        isolated: Any = sync._followers[1].layer
        await wait_for(lambda: not isolated._is_in)  # nothing spins any more
    sync.close()
    await wait_for(lambda: "layer-odd" not in _threads())
