"""The only door of the core: open it, take snapshots, follow changes, act through its wings.

Invariant: this module composes and decides nothing; a snapshot is replaced, never changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from orc_core import board, dashboards, leader, workspace
from orc_core.agents.rules import load as load_rules
from orc_core.agents.rules import rule_folders
from orc_core.clock import Clock, SystemClock
from orc_core.config import CoreOptions
from orc_core.errors import OrcError, ReadOnly
from orc_core.fleet import Fleet, strategy_from
from orc_core.history.actions import History
from orc_core.history.steps import RULES
from orc_core.model.agent import OTHER
from orc_core.model.health import Fault, Layer, Link, LinkState
from orc_core.model.snapshot import Delta, Part, Snapshot
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.synchronizer import Synchronizer, SyncReport
from orc_core.tasks.desk import Tasks
from orc_core.text import clean
from orc_core.tmux import server
from orc_core.tmux.server import Address
from orc_core.wings import ConflictWing, HistoryWing, TaskWing
from orc_core.workspace import Workspace
from orc_storage import live
from orc_storage.database import Database
from orc_storage.errors import StorageError
from orc_storage.feed import Feed
from orc_storage.files import Mirror
from orc_storage.records import OPERATOR, LiveRow

STALE_STEP_S = 1.0
STORE_RETRY_S = 1.0
SYNC_TIMEOUT_S = 5.0


class Core:
    """A workspace and a tmux server, opened. Made by `open_core` alone."""

    def __init__(
        self,
        options: CoreOptions,
        clock: Clock,
        place: Workspace,
        store: Database | None,
        fleet: Fleet,
        actor: str,
    ) -> None:
        self.options = options
        self.actor = actor
        self.workspace = place
        self.agents = fleet
        self._clock = clock
        self._store = store
        self._lock = leader.lock(place.folder)
        self._leads = False
        self._board = board.Board()
        self._subscribers: set[_Subscriber] = set()
        self._failure: BaseException | None = None
        self._store_trouble = ("", 0.0)
        self._synchronizer: Synchronizer | None = None
        if store is not None:
            mirror = Mirror(place.folder / "files")
            self._synchronizer = Synchronizer(
                store, mirror, clock, on_change=self._layers_changed, rules=RULES
            )
        self.snapshot = Snapshot(
            at=clock.now(),
            workspace=place.name,
            host=options.host,
            server=fleet.address.socket_path,
            link=Link(read_only=options.read_only),
        )

    @property
    def store(self) -> Database:
        """The store; raises OrcError where none was ever made."""
        if self._store is None:
            raise self._no_store()
        return self._store

    @property
    def has_store(self) -> bool:
        return self._store is not None

    @property
    def tasks(self) -> TaskWing:
        return TaskWing(Tasks(self.store), self.actor, self.options.cause)

    @property
    def conflicts(self) -> ConflictWing:
        return ConflictWing(Conflicts(self.store, self._clock, RULES), self.actor)

    @property
    def history(self) -> HistoryWing:
        return HistoryWing(History(self.store), self.actor)

    @property
    def sync(self) -> Synchronizer:
        if self._synchronizer is None:
            raise self._no_store()
        return self._synchronizer

    @property
    def leads(self) -> bool:
        """Whether this process syncs the workspace."""
        return self._leads

    def _no_store(self) -> OrcError:
        return OrcError(
            f"there is no store at {self.workspace.folder} yet: `orc task add TITLE` makes it"
        )

    def led_elsewhere(self) -> bool:
        """Whether another live process syncs the workspace."""
        return not self._leads and self._lock.holder() is not None

    async def sync_once(
        self, *, accept_deletions: bool = False, timeout_s: float = SYNC_TIMEOUT_S
    ) -> SyncReport | None:
        """Bring the layers and the store in step now; None where another process did it.

        Raises ReadOnly, and OrcError where the leader does not answer within `timeout_s`.
        """
        if self.options.read_only:
            raise ReadOnly("cannot sync: opened with --read-only")
        # A lock of its own: ours may be taken, or given back, by the loop that leads.
        lock = leader.lock(self.workspace.folder)
        if self._leads or lock.try_acquire():
            try:
                report = await self.sync.once(accept_deletions=accept_deletions)
                leader.post(self.workspace.folder, self.sync.health())
            finally:
                lock.release()
            return report
        if not await self.sync.ask(
            self.actor, accept_deletions=accept_deletions, timeout_s=timeout_s
        ):
            raise OrcError(
                f"the process that syncs {self.workspace.folder} did not answer in "
                f"{timeout_s:g} s: look at its dashboard, or end it"
            )
        return None

    async def refresh(self) -> None:
        """Read the store again, and publish what changed."""
        self._board = await board.load(self._store, self._clock.now(), self._board)
        self._publish()

    async def subscribe(self) -> AsyncIterator[Delta]:
        """The snapshot now, then each newer one; a slow reader skips to the newest.

        Raises what ended the watching, if that failed.
        """
        subscriber = _Subscriber(set(Part))
        self._subscribers.add(subscriber)
        try:
            while True:
                await subscriber.wake.wait()
                subscriber.wake.clear()
                if self._failure is not None:
                    raise self._failure
                parts = frozenset(subscriber.parts)
                subscriber.parts.clear()
                yield Delta(self.snapshot, parts)
        finally:
            self._subscribers.discard(subscriber)

    async def watch(self) -> None:
        """Watch tmux, follow the store, lead when nobody else does; until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.agents.run(self._fleet_changed, self._store))
                group.create_task(self._age())
                if self._store is not None:
                    group.create_task(self._follow(self._store))
                    if not self.options.read_only:
                        group.create_task(self._lead())
        except BaseExceptionGroup as failure:
            self._failure = failure
            for subscriber in self._subscribers:
                subscriber.wake.set()
            raise

    async def _follow(self, store: Database) -> None:
        """Follow the store; while it cannot be read, what was read last stands."""
        while True:
            try:
                async with Feed(store) as feed:
                    await self.refresh()
                    self._note_store(feed.trouble)
                    async for _ in feed.changes():
                        await self.refresh()
                        self._note_store(feed.trouble)
            except StorageError as error:
                self._note_store(str(error))
            await self._clock.sleep(STORE_RETRY_S)

    async def _lead(self) -> None:
        """Sync whenever nobody else does; what fails is tried again."""
        while True:
            try:
                await self._lead_on()
            except* (OrcError, StorageError, OSError) as group:
                self._note_store("; ".join(map(str, group.exceptions)))
            await self._clock.sleep(STORE_RETRY_S)

    async def _lead_on(self) -> None:
        while not self._lock.try_acquire():
            await self._clock.sleep(leader.RETRY_S)
            self._publish()
        try:
            self._leads = True
            self._publish()
            await self.sync.run(asyncio.Event())
        finally:
            self._leads = False
            self._lock.release()

    def _note_store(self, trouble: str) -> None:
        if trouble != self._store_trouble[0]:
            self._store_trouble = (trouble, self._clock.now())
            self._publish()

    async def _age(self) -> None:
        """A state that nothing confirms grows stale without any event; look at the clock."""
        while True:
            await self._clock.sleep(STALE_STEP_S)
            self._publish()

    def _fleet_changed(self, agents: bool, screen: bool, link: bool) -> None:
        if agents or screen or link:
            self._publish()

    def _layers_changed(self) -> None:
        if self._leads and self._synchronizer is not None:
            leader.post(self.workspace.folder, self._synchronizer.health())
        self._publish()

    def _publish(self) -> None:
        layers = self.layers()
        now = self._clock.now()
        tasks = self._board.tasks(_faults(layers))
        fresh = replace(
            self.snapshot,
            at=now,
            agents=board.join_tasks(self.agents.agents(), tasks),
            tasks=tasks,
            conflicts=self._board.conflicts,
            merged_today=self._board.merged_today,
            layers=layers,
            link=self._link(now),
            screen=self.agents.screen,
        )
        parts = _differing(self.snapshot, fresh)
        self.snapshot = fresh
        if parts:
            for subscriber in self._subscribers:
                subscriber.parts |= parts
                subscriber.wake.set()

    def layers(self) -> tuple[Layer, ...]:
        """The lines of the sync pane: tmux, then the file layer and the store."""
        led = self._leads or self.led_elsewhere()
        if self._leads and self._synchronizer is not None:
            below = self._synchronizer.health()
        else:
            below = leader.read(self.workspace.folder, led=led)
        trouble = self._store_trouble if self._store_trouble[0] else self.agents.store_trouble
        return (self.agents.layer(), *leader.with_store_trouble(below, *trouble))

    def _link(self, now: float) -> Link:
        state = self.agents.link_state
        behind = max(0.0, now - self.agents.last_complete_at)
        stale = state is LinkState.STALE
        return Link(
            state=state,
            stale_s=float(int(behind)) if stale else 0.0,
            read_only=self.options.read_only,
            leader=self._leads,
        )


@dataclass(slots=True, eq=False)
class _Subscriber:
    parts: set[Part]
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.wake.set()


@asynccontextmanager
async def open_core(
    options: CoreOptions, clock: Clock | None = None, *, watch: bool = True, create: bool = True
) -> AsyncIterator[Core]:
    """Open the workspace and find the tmux server; `watch` keeps both live in the background.

    With `create` False, or read-only, a missing store is not made and counts as empty.
    """
    clock = clock or SystemClock()
    address = server.resolve(
        socket_path=options.socket_path, socket_name=options.socket_name, environ=options.environ
    )
    place = await workspace.find(options.workspace, environ=options.environ, cwd=options.cwd)
    rules = load_rules(rule_folders(options.environ))
    async with AsyncExitStack() as stack:
        store: Database | None = None
        if place.exists or (create and not options.read_only):
            store = await Database.open(place.folder, now=clock.now, read_only=options.read_only)
            stack.push_async_callback(store.close)
        known = await store.read(live.listing) if store is not None else []
        fleet = Fleet(
            address,
            clock,
            rules,
            options.home,
            known=known,
            skip_ttys=dashboards.terminals,
            strategy=strategy_from(options.environ),
            read_only=options.read_only,
            environ=options.environ,
        )
        core = Core(options, clock, place, store, fleet, _find_actor(options, address, known))
        await core.refresh()
        if watch:
            stack.enter_context(dashboards.registered(dashboards.own_tty()))
            watching = asyncio.create_task(core.watch())
            stack.push_async_callback(_end, watching)
        yield core


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


def _find_actor(options: CoreOptions, address: Address, known: Sequence[LiveRow]) -> str:
    """Who acts: as told, `$ORC_ACTOR`, the agent in whose pane this runs, else the operator."""
    told = options.actor or clean(options.environ.get("ORC_ACTOR", ""), limit=60).strip()
    if told:
        return told
    socket_path = options.environ.get("TMUX", "").partition(",")[0]
    pane_id = options.environ.get("TMUX_PANE", "")
    for row in known:
        if (row.server, row.pane_id) == (socket_path, pane_id) and row.agent_kind != OTHER:
            return row.name
    return OPERATOR


def _faults(layers: tuple[Layer, ...]) -> list[Fault]:
    return [fault for layer in layers for fault in layer.faults]


def _differing(before: Snapshot, after: Snapshot) -> frozenset[Part]:
    pairs = {
        Part.AGENTS: (before.agents, after.agents),
        Part.TASKS: (before.tasks, after.tasks),
        Part.CONFLICTS: (
            (before.conflicts, before.merged_today),
            (after.conflicts, after.merged_today),
        ),
        Part.LAYERS: (before.layers, after.layers),
        Part.LINK: (before.link, after.link),
        Part.SCREEN: (before.screen, after.screen),
    }
    return frozenset(part for part, (old, new) in pairs.items() if old != new)
