"""The only door of the core: open it, take snapshots, follow changes, act through its wings.

Invariant: this module composes and decides nothing; a snapshot is replaced, never changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property

from orc_core import activities, dashboards, layering, watching
from orc_core.actors import find_actor
from orc_core.agents.rules import rule_folders
from orc_core.autoscaling import Autoscaler
from orc_core.chores import Chores
from orc_core.chronicle import compacting
from orc_core.chronicle.wing import Chronicle
from orc_core.clock import Clock, SystemClock
from orc_core.code.overlap import Worker
from orc_core.code.watching import CodeWatch
from orc_core.config import CoreOptions
from orc_core.errors import OrcError
from orc_core.fleet import Fleet
from orc_core.history.actions import History
from orc_core.history.backups import Backups
from orc_core.history.checkpoints import Checkpoints
from orc_core.history.timeline import Timeline
from orc_core.later.carrying import Carrier
from orc_core.later.plans import Plans
from orc_core.leadership import Leadership
from orc_core.lifecycle.holders import Holders
from orc_core.lifecycle.missing import Missing
from orc_core.lifecycle.wing import Lifecycle
from orc_core.model.activity import Activity
from orc_core.model.health import Layer, LinkState
from orc_core.model.snapshot import Delta, Snapshot
from orc_core.occupants import merge_wing, tree_rooms, tree_wing, workers
from orc_core.opening import Opened, opened
from orc_core.picture import Picture
from orc_core.prompt_checkpoints import PromptCheckpoints
from orc_core.recordings import Recordings
from orc_core.rulebook import Rulebook
from orc_core.store_view import StoreView
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.policies import Policy
from orc_core.sync.rules import govern
from orc_core.sync.synchronizer import Synchronizer, SyncReport
from orc_core.tasks.desk import Tasks
from orc_core.tasks.dispatch import Dispatch
from orc_core.wings import ConflictWing, HistoryWing, LayerWing, QueueWing, TaskWing, at_once
from orc_core.workflows import CrewHands, Workflows
from orc_storage import live
from orc_storage.database import Database
from orc_storage.records import StateChange

STALE_STEP_S = 1.0
SYNC_TIMEOUT_S = 5.0


class Core:
    """A workspace and the tmux servers, opened. Made by `open_core` alone."""

    def __init__(
        self,
        options: CoreOptions,
        clock: Clock,
        given: Opened,
        fleet: Fleet,
        rulebook: Rulebook,
        actor: str,
        *,
        watches: bool,
    ) -> None:
        place, store, told = given.place, given.store, given.settings
        self.options = options
        self.actor = actor
        self.workspace = place
        self.agents = fleet
        self._rulebook = rulebook
        self._clock = clock
        self._bounds = compacting.Bounds.of(options.environ, told.store)
        self._told = told
        self._store = store
        self._view = StoreView(
            store, clock, declare=fleet.declare, changed=self._publish, outlasts=watches
        )
        self._broken = given.broken
        self._leadership = Leadership(
            place.folder,
            clock,
            actor=actor,
            read_only=options.read_only,
            changed=self._publish,
            trouble=self._view.note,
            beside=lambda: self._chores.layers() if self._chores is not None else (),
        )
        self._chores: Chores | None = None
        self._missing: Missing | None = None
        self._backups: Backups | None = None
        self._synchronizer: Synchronizer | None = None
        self._rules = govern(
            layering.WRITTEN, Policy.of(told.conflicts.strategies, told.conflicts.owners)
        )
        self._is_watching = False
        if store is not None:
            leads, changed = (lambda: self.leads), self._layers_changed
            self._backups = Backups(store, clock, told.backups, leads=leads, changed=changed)
            parts = layering.Parts(store, place.folder, fleet, told, self._rules)
            self._synchronizer = layering.synchronizer(parts, clock, self._layers_changed)
        self.code = tree_wing(
            options, clock, store, fleet, actor, lambda agent: self.lifecycle.stop(agent)
        )
        self.merges = merge_wing(options, clock, store, actor)
        asked = told.code.checkpoint_at_prompt
        self.prompts = PromptCheckpoints(self.code, fleet, clock, asked, store)
        self.code_watch = CodeWatch(
            tree_rooms(), clock, options.environ, workers=self._workers, changed=self._publish
        )
        self.recordings = Recordings(
            place.folder,
            clock,
            told.recordings,
            environ=options.environ,
            skip_ttys=dashboards.terminals,
            read_only=options.read_only,
        )
        self._picture = self._draw(rulebook)

    def _draw(self, rulebook: Rulebook) -> Picture:
        """What all the parts together look like."""
        return Picture(
            self.workspace.name,
            self.options,
            self._clock,
            fleet=self.agents,
            rulebook=rulebook,
            view=self._view,
            leadership=self._leadership,
            synchronizer=self._synchronizer,
            missing=lambda: self._missing.rows if self._missing is not None else (),
            recordings=self.recordings,
            code=lambda: self.code_watch.code,
        )

    def _workers(self) -> list[Worker]:
        return workers(self.snapshot.agents, self.agents)

    @property
    def snapshot(self) -> Snapshot:
        """What is known now."""
        return self._picture.snapshot

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
        return TaskWing(self._view.pending or Tasks(self.store), self.actor, self.options.cause)

    @property
    def queue(self) -> QueueWing:
        """Tasks handed out to agents; raises OrcError without a store."""
        return QueueWing(Dispatch(self.store), self._holders(), self.actor, self.options.cause)

    @cached_property
    def workflows(self) -> Workflows:
        hands = CrewHands(self.lifecycle, self.agents)
        return Workflows.of(self.store, self._clock, self.options.environ, self.actor, hands)

    @property
    def conflicts(self) -> ConflictWing:
        late = self._view.pending.late if self._view.pending is not None else at_once
        return ConflictWing(Conflicts(self.store, self._clock, self._rules), self.actor, late)

    @property
    def history(self) -> HistoryWing:
        past = History(self.store, rules=layering.WRITTEN, turner=self.code)
        parts = past, Timeline(self.store), Checkpoints(self.store)
        return HistoryWing(*parts, self.actor, self._view.require_written)

    @property
    def chronicle(self) -> Chronicle:
        return Chronicle(self.store, self._clock.now, self.actor, self._bounds, layering.CARRIED)

    @property
    def backups(self) -> Backups:
        """Copies of the store; raises OrcError without one."""
        if self._backups is None:
            raise self._no_store()
        return self._backups

    @property
    def lifecycle(self) -> Lifecycle:
        """Agents started, stopped, adopted, forgotten; raises OrcError without a store."""
        return Lifecycle(
            self.store,
            self.agents.home,
            self._rulebook.rules,
            self._clock,
            actor=self.actor,
            environ=self.options.environ,
            cwd=self.options.cwd,
            read_only=self.options.read_only,
            wished=self.refresh,
        )

    @property
    def autoscaler(self) -> Autoscaler:
        """How many instances of agents the queue wants; raises OrcError without a store."""
        return Autoscaler(self.lifecycle, self.store, self._clock, self._told.scale)

    @property
    def later(self) -> Plans:
        """What is put off until a time; raises OrcError without a store."""
        return Plans(self.store, self._clock, self.actor)

    @property
    def layer_choices(self) -> LayerWing:
        """Which layers there are, and at which pace each is brought in step."""
        return LayerWing(self.sync, self.actor, self.options.cause)

    @property
    def sync(self) -> Synchronizer:
        if self._synchronizer is None:
            raise self._no_store()
        return self._synchronizer

    @property
    def leads(self) -> bool:
        """Whether this process syncs the workspace."""
        return self._leadership.leads

    @property
    def led_elsewhere(self) -> bool:
        """Whether another live process syncs the workspace."""
        return self._leadership.led_elsewhere

    @property
    def pending(self) -> tuple[str, ...]:
        """What this process did that still waits for the store, in order."""
        return self._view.labels

    def _holders(self) -> Holders:
        return Holders(
            self.lifecycle.registrar,
            lambda: self.snapshot.agents or self.agents.agents(),
            lambda: self.agents.link().state in (LinkState.LIVE, LinkState.SYNC),
        )

    def _no_store(self) -> OrcError:
        return OrcError(
            self._broken
            or f"there is no store at {self.workspace.folder} yet: `orc task add TITLE` makes it"
        )

    async def sync_once(
        self, *, accept_deletions: bool = False, timeout_s: float = SYNC_TIMEOUT_S
    ) -> SyncReport | None:
        """Bring the layers and the store in step now; None where another process did it.

        Raises ReadOnly, and OrcError where the leader does not answer within `timeout_s`.
        """
        if not self._is_watching and not self.led_elsewhere:
            await self.agents.scan(must_answer=False)  # whose panes are to be published to
        return await self._leadership.sync_once(
            self.sync, accept_deletions=accept_deletions, timeout_s=timeout_s
        )

    async def before_reading(self, kind: str, *, timeout_s: float = SYNC_TIMEOUT_S) -> None:
        """Bring in step what is lazy about documents of a kind, before they are read."""
        if self._synchronizer is None or self.options.read_only:
            return
        if await self._leadership.sync_before(self.sync, kind, timeout_s=timeout_s):
            await self.refresh()

    def note_store(self, trouble: str) -> None:
        """Take down why the store cannot be used."""
        self._view.note(trouble)

    async def refresh(self) -> None:
        """Read the store again, and publish what changed."""
        await self._view.refresh()

    async def activity(self, key: str) -> Activity:
        """What the agent of a pane did, and its figures of today; raises UnknownName."""
        agent = next((one for one in self.snapshot.agents if one.key == key), None)
        agent = agent or self.agents.find(key)
        return await activities.activity(agent, self.agents, self._store, self._clock.now())

    async def steps(self, name: str, limit: int = 8) -> list[StateChange]:
        """The last changes of an agent's state that were written down, newest first."""
        if self._store is None:
            return []
        return await self._store.read(lambda conn: live.recent(conn, name, limit))

    def subscribe(self) -> AsyncIterator[Delta]:
        """The snapshot now, then each newer one; a slow reader skips to the newest.

        Raises what ended the watching, if that failed.
        """
        return self._picture.publisher.subscribe()

    async def watch(self) -> None:
        """Watch tmux, follow the store, lead when nobody else does; until cancelled."""
        self._is_watching = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.agents.run(self._fleet_changed, self._store))
                group.create_task(self._age())
                group.create_task(self.recordings.follow(self._publish))
                group.create_task(self.code_watch.run())
                group.create_task(self._rulebook.follow(self.agents.observers, self._publish))
                if self._store is not None:
                    group.create_task(self._view.follow(self._store))
                    group.create_task(self._leadership.follow())
                    self._missing = Missing(
                        self.lifecycle, self._clock, self.agents.agents, self._publish
                    )
                    group.create_task(self._missing.run())
                    if not self.options.read_only:
                        group.create_task(self._leadership.run(self.sync))
                        self._chores = Chores(
                            self.lifecycle,
                            self.backups,
                            self._store,
                            self._clock,
                            self._bounds,
                            self._holders(),
                            self.agents,
                            self._told,
                            leads=lambda: self.leads,
                            changed=self._layers_changed,
                            found=self._view.found,
                            conflicts=lambda: self.snapshot.conflicts,
                        )
                        group.create_task(self._chores.run())
                        group.create_task(self.workflows.runner.follow(lambda: self.leads))
                        group.create_task(self.prompts.run(lambda: self.leads))
                        group.create_task(self._view.keep_pending(self._store))
                        group.create_task(Carrier(self.later, self.agents, self._view).run())
        except BaseExceptionGroup as failure:
            self._picture.publisher.fail(failure)
            raise

    async def _age(self) -> None:
        """A state that nothing confirms grows stale without any event; look at the clock."""
        while True:
            await self._clock.sleep(STALE_STEP_S)
            self._publish()

    def _fleet_changed(self, *changed: bool) -> None:
        if any(changed):
            self._publish()

    def _layers_changed(self) -> None:
        self._leadership.post()
        self._publish()

    def _publish(self) -> None:
        self._picture.publish()

    def layers(self) -> tuple[Layer, ...]:
        """The lines of the sync pane: the tmux servers, then the other layers and the store."""
        return self._picture.layers()


@asynccontextmanager
async def open_core(
    options: CoreOptions, clock: Clock | None = None, *, watch: bool = True, create: bool = True
) -> AsyncIterator[Core]:
    """Open the workspace and find the tmux servers; `watch` keeps both live in the background.

    With `create` False, or read-only, a missing store is not made and counts as empty.
    """
    clock = clock or SystemClock()
    wish = watching.Wish.of(options)
    rulebook = Rulebook(rule_folders(options.environ), clock)
    async with AsyncExitStack() as stack:
        given = await stack.enter_async_context(
            opened(options, clock, outlasts=watch, create=create)
        )
        fleet = watching.fleet(wish, options, clock, rulebook.rules, given.known)
        actor = find_actor(options, given.known)
        core = Core(options, clock, given, fleet, rulebook, actor, watches=watch)
        if given.store is not None:
            stack.callback(core.sync.close)
        stack.push_async_callback(core.prompts.finish)
        await core.refresh()
        if given.broken:
            core.note_store(given.broken)
        if watch:
            stack.enter_context(dashboards.registered(dashboards.own_tty()))
            task = asyncio.create_task(core.watch())
            stack.push_async_callback(_end, task)
        yield core


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
