"""Leader, followers, people and faults over one workspace, played from a seed in virtual time.

Invariant: all that is drawn is drawn from the seed, so that a seed plays the same way again, and
an event draws from its own number, so that one can be left out and the others stay as they are.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import simulation_events
import simulation_faults
from orc_core import leader
from orc_core.errors import OrcError
from orc_core.leadership import Leadership
from orc_core.model.task import Task
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.desk import Tasks
from orc_storage import journal
from orc_storage.errors import StorageError
from simulated_desk import Desk, leadership, synchronizer
from simulated_workspace import BOARD, Lock, Store, Trouble, World
from simulation_events import Happening
from simulation_laws import Deed, Ledger
from virtual_time import Process, VirtualLoop, run

QUIET_S = 2.5
REST_MAX_S = 150.0
MEMORY = Path("/dev/shm")
"""Where files need no disk, if there is such a place."""


WEIGHTED: dict[Happening, int] = {
    simulation_events.edit: 8,
    simulation_events.orc: 6,
    simulation_events.put: 2,
    simulation_events.add: 2,
    simulation_events.save: 12,
    simulation_events.spoil: 2,
    simulation_events.remove: 2,
    simulation_events.put_back: 3,
    simulation_events.new_file: 1,
    simulation_events.post: 3,
    simulation_events.decide: 6,
    simulation_events.go_back: 3,
    simulation_events.policy: 1,
    simulation_events.pace: 1,
    simulation_faults.crash: 5,
    simulation_faults.quit: 1,
    simulation_faults.stall: 2,
    simulation_faults.lose_store: 3,
    simulation_faults.lose_files: 2,
    simulation_faults.lose_board: 1,
    simulation_faults.slow: 1,
    simulation_faults.jump: 1,
    simulation_events.sync: 2,
}
"""What may happen, and how often."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens `at` a time; `number` is the seed of all that it draws."""

    number: int
    at: float
    happening: Happening

    def __str__(self) -> str:
        return f"{self.number}:{self.happening.__name__}@{self.at:.2f}"


def draw(seed: str, count: int) -> tuple[Event, ...]:
    """Draw what happens, in the order of time."""
    chance = random.Random(f"{seed}/events")
    names = chance.choices(list(WEIGHTED), list(WEIGHTED.values()), k=count)
    # Some things come in bursts: what matters happens while something else is under way.
    at, drawn = 0.5, list[Event]()
    for number, happening in enumerate(names, start=1):
        at += chance.choice((0.0, 0.01, 0.05, 0.3, 1.0, 3.0)) * chance.random()
        drawn.append(Event(number, at, happening))
    return tuple(drawn)


@dataclass
class Play:
    """One run of a seed."""

    world: World
    events: Sequence[Event]
    desks: list[Desk] = field(default_factory=list)
    ledger: Ledger = field(init=False)
    trace: list[str] = field(default_factory=list)
    running: list[asyncio.Task[Any]] = field(default_factory=list)
    copies: dict[str, list[bytes]] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    head: str = ""
    """The journal's hash at rest, which depends on all that was written, and when."""
    steps: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.world)
        self.loop: VirtualLoop = self.world.loop
        self.shape = random.Random(f"{self.world.seed}/shape")
        self.world.has_board = self.shape.random() < 0.3

    # ---- processes

    def process(self, name: str) -> Process:
        number = 101 + len(self.processes)
        self.processes.append(Process(f"{name}-{number}", number))
        return self.processes[-1]

    async def boot(self, place: int) -> None:
        """Start a dashboard in a place where none is."""
        desk = Desk(self.process("desk"), self.world)

        async def main() -> None:
            desk.make()
            await desk.look()
            await desk.run()

        if place < len(self.desks):
            self.desks[place] = desk
        else:
            self.desks.append(desk)
        desk.main = self.start(desk.process, main(), desk.process.name)

    async def replace(self, desk: Desk) -> None:
        """Start another dashboard where one died, if nobody did."""
        places = [place for place, one in enumerate(self.desks) if one is desk]
        for place in places:
            await self.boot(place)

    def start(
        self, process: Process | None, work: Coroutine[Any, Any, Any], name: str
    ) -> asyncio.Task[Any]:
        """Start something inside a process, or outside of all."""
        task = self.loop.spawn(process, self._guard(work, name))
        # Whoever died before the first step never came to it.
        task.add_done_callback(lambda _: work.close())
        return task

    async def _guard(self, work: Awaitable[Any], name: str) -> None:
        """Refusals are as they should be; whatever else comes up is a defect."""
        try:
            await work
        except (OrcError, StorageError) as error:
            self.trace.append(f"{name}: {type(error).__name__}")
        except Exception:
            self.ledger.fail(f"{name} failed: {traceback.format_exc(limit=-6)}")

    def in_desk(self, desk: Desk, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Have a dashboard do something, if there is one."""
        self.running.append(self.start(desk.process, work, name))

    def in_orc(self, work: Callable[[Store], Coroutine[Any, Any, Any]], name: str) -> Process:
        """Run a command: a process of its own that ends when it is done."""
        process = self.process("orc")

        async def main() -> None:
            store = Store(self.world)
            try:
                await work(store)
            finally:
                await store.close()

        self.running.append(self.start(process, main(), name))
        return process

    def outside(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        self.running.append(self.start(None, work, name))

    def desk(self, chance: random.Random, *, leads: float = 0.0) -> Desk | None:
        up = [desk for desk in self.desks if desk.is_up and hasattr(desk, "history")]
        leading = [desk for desk in up if desk.leadership.leads]
        if leading and chance.random() < leads:
            return leading[0]
        return chance.choice(up) if up else None

    def synchronizer(self, store: Store) -> Synchronizer:
        return synchronizer(self.world, store)

    def leadership(self, actor: str) -> Leadership:
        return leadership(self.world, actor)

    # ---- what is done

    @property
    def folder(self) -> Path:
        """Where the files of tasks are."""
        return self.world.folder / "files" / "tasks"

    def begin(self, event: Event, process: Process, word: str) -> Deed:
        """Write down that something is about to be asked of a process."""
        deed = Deed(event.number, process.name, word, self.loop.steps)
        self.ledger.deeds[deed.cause] = deed
        return deed

    def ended(self, deed: Deed, task: Task) -> None:
        """Write down what was said of it."""
        if not task.pending:
            deed.got = task.rev
            return
        deed.kept = self.loop.steps
        if deed.cause in self.ledger.written:
            self.ledger.fail(f"{deed.cause} is called pending and was written")

    # ---- the whole

    async def run(self) -> None:
        """Play all events, end all faults, and look at what has come of it."""
        try:
            await self._play()
            await self._rest()
        finally:
            await self._end()

    async def _play(self) -> None:
        self.outside(self._found(), "found")
        for place in range(self.shape.choice((1, 2, 2, 3))):
            await self.boot(place)
        start = self.loop.time()
        for event in self.events:
            await asyncio.sleep(max(0.0, start + event.at - self.loop.time()))
            self.trace.append(f"{event} {self.loop.steps}")
            chance = random.Random(f"{self.world.seed}/{event.number}")
            await event.happening(self, event, chance)
        await asyncio.sleep(1.0)

    async def _found(self) -> None:
        """The workspace begins with a few tasks."""

        async def work(store: Store) -> None:
            tasks = Tasks(store)
            for number in (1, 2, 3):
                word = f"w{number}"
                text = "\n".join(f"line {line} w{number}{line}" for line in range(5))
                fields = {"text": text, "due": f"{word}9"}
                await tasks.add(f"Task {word}", actor="orc", cause="found", **fields)

        self.in_orc(work, "found")

    async def _rest(self) -> None:
        self.world.trouble = Trouble()
        # What was begun while the disk was slow still takes its time.
        await asyncio.sleep(max(0.0, self.world.slowest_until - self.loop.time()))
        for desk in self.desks:
            if desk.process.is_alive:
                self.loop.release(desk.process)
        for place, desk in enumerate(self.desks):
            if not desk.is_up:
                await self.boot(place)
        living = [task for task in self.running if not task.done()]
        if living:
            await asyncio.wait(living, timeout=40.0)
        if not any(desk.is_up for desk in self.desks):
            self.ledger.fail("no dashboard is up")
            return
        self.in_orc(self._all_at_once, "pace")
        await asyncio.wait({self.running[-1]}, timeout=30.0)
        await self._become_quiet()
        faults = {
            (fault.layer, fault.id)
            for desk in self.desks
            if desk.leadership.leads
            for layer in desk.sync.health()
            for fault in layer.faults
        }
        self.head, self.steps = journal.head(self.world.conn)[1], self.loop.steps
        self.ledger.at_rest(faults)
        self._look_at_kept()
        await self._look_once_more()

    async def _all_at_once(self, store: Store) -> None:
        sync = synchronizer(self.world, store)
        for name in ("file", BOARD):
            await sync.choices.change(
                name, {"on": True, "strategy": None}, actor="orc", cause="pace"
            )

    async def _become_quiet(self) -> None:
        until = self.loop.time() + REST_MAX_S
        await asyncio.sleep(1.0)
        while True:
            now = self.loop.time()
            leads = [desk for desk in self.desks if desk.is_up and desk.leadership.leads]
            waits = any(desk.pending.waiting for desk in self.desks if desk.is_up)
            is_quiet = now - self.ledger.quiet_since > QUIET_S
            if is_quiet and leads and leads[0].is_quiet and not waits:
                return
            if now > until:
                health = [str(layer) for desk in leads for layer in desk.sync.health()]
                self.ledger.fail(f"does not come to rest: waits {waits}, {health}")
                return
            await asyncio.sleep(0.5)

    async def _look_once_more(self) -> None:
        """A look at everything finds nothing to do."""
        desk = next((desk for desk in self.desks if desk.is_up and desk.leadership.leads), None)
        if desk is None:
            return
        reports = []

        async def look() -> None:
            reports.append(await desk.sync.once())

        task = self.start(desk.process, look(), "look")
        await asyncio.wait({task}, timeout=60.0)
        for report in reports:
            if report.imported or report.exported or report.conflicts:
                self.ledger.fail(f"a look at what was at rest did something: {report}")
        if not reports:
            self.ledger.fail("the last look did not end")

    def _look_at_kept(self) -> None:
        """What waited is written, or waits for a decision, or was refused by name."""
        conn = self.world.conn
        told = {
            json.loads(record)["left"]["cause"]
            for (record,) in conn.execute("SELECT record FROM conflict")
        }
        for desk in self.desks:
            if not desk.is_up:
                continue
            lost = [
                deed.cause
                for deed in self.ledger.deeds.values()
                if deed.kept
                and deed.process == desk.process.name
                and deed.cause not in self.ledger.written
                and deed.cause not in told
            ]
            if len(lost) > len(desk.pending.refused):
                self.ledger.fail(f"{lost} waited for the store and were lost")

    async def _end(self) -> None:
        """Let everybody go home; nothing of it counts any more."""
        self.world.is_over = True
        everyone = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
        for process in self.processes:
            self.loop.release(process)
        for _ in range(20):
            left = [task for task in everyone if not task.done()]
            if not left:
                return
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=20.0)


def play(seed: str, events: Sequence[Event]) -> Play:
    """Play a seed's events and return what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="orc-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    world = World(seed, folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(leader, "lock", lambda _: Lock(world))
            played = Play(world, events)
            run(world.loop, played.run())
    finally:
        world.loop.close()
        world.conn.close()
        shutil.rmtree(folder, ignore_errors=True)
    return played


def shrink(seed: str, events: Sequence[Event]) -> Sequence[Event]:
    """Leave out what the failure does not need, as far as one event at a time tells."""
    for event in tuple(events):
        fewer = [one for one in events if one is not event]
        if play(seed, fewer).ledger.broken:
            events = fewer
    return events
