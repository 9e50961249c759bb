"""One tmux server watched: its agents are known, typed into, and written down.

Invariant: what is shown was seen; what is typed was asked for by a person. A server that does
not answer changes nothing: its agents stay as they were last seen.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orc_core.agents.names import Identity, NameBook, identity
from orc_core.agents.observer import Observer
from orc_core.agents.rules import RuleSet
from orc_core.agents.sources import SignalSource
from orc_core.agents.typing import Typist
from orc_core.clock import Clock
from orc_core.model.agent import OTHER, State
from orc_core.model.health import Layer, LayerState, LinkState
from orc_core.model.snapshot import Screen
from orc_core.switches import Strategy, Switches
from orc_core.tmux.server import Address
from orc_core.tmux.watcher import Tick, Watcher
from orc_storage import live
from orc_storage.database import Database
from orc_storage.engine import Transaction
from orc_storage.errors import StorageError
from orc_storage.lock import FileLock, lives
from orc_storage.records import LiveRow

PERSIST_EVERY_S: Final = 1.0
SHY_S: Final = 5.0
"""How old a watch is before it connects to a server that nobody named."""

CONNECT_WITHIN_S: Final = 3.0
"""For so long it is no trouble that there is no connection yet."""

PAUSE_STEP_S: Final = 10
"""In such steps it is told how long a pause still is."""

Changed = Callable[[bool, bool, bool], None]
"""Called after a look with what it changed: agents, the selected screen, the link."""

_LAYER_STATE: Mapping[LinkState, LayerState] = {
    LinkState.STARTING: LayerState.UNKNOWN,
    LinkState.LIVE: LayerState.OK,
    LinkState.SYNC: LayerState.DEGRADED,
    LinkState.STALE: LayerState.DEGRADED,
    LinkState.GONE: LayerState.OFFLINE,
}

_UNWELL: Final = frozenset({LinkState.GONE, LinkState.STALE, LinkState.SYNC})
_UNANSWERED: Final = frozenset({LinkState.STALE, LinkState.GONE})


@dataclass(frozen=True, slots=True)
class WatchSetup:
    """What all watches of a fleet have in common.

    `home` is where agents keep their session files, `names` the book that keeps the names of
    all servers apart, `host` what this machine is called, and `sources` tell of agents beside
    their panes.
    """

    clock: Clock
    rules: RuleSet
    home: Path
    names: NameBook
    skip_ttys: Callable[[], set[str]]
    switches: Switches
    host: str = ""
    sources: Sequence[SignalSource] = ()


def pause_line(left_s: float) -> str:
    """How long a connection that failed too often is left alone; "" where it is not.

    In steps, so that nothing on the screen counts seconds.
    """
    if left_s <= 0:
        return ""
    return f"connection paused, tries again in {math.ceil(left_s / PAUSE_STEP_S) * PAUSE_STEP_S}s"


class ServerWatch:
    """Watches one tmux server; every read is from memory."""

    def __init__(self, address: Address, setup: WatchSetup, *, found: bool = False) -> None:
        self.address = address
        # Every machine calls its default server the same: the host tells them apart.
        self.strategy = setup.switches.strategy(f"{setup.host}:{address.socket_path}")
        # Nobody asked for a server that was found: until there is an agent on it, and while it
        # may still be set up, we make no session of ours there.
        self._shy = found and self.strategy == "async"
        self._near_at = setup.clock.monotonic() + SHY_S if self._shy else 0.0
        self.watcher = Watcher(
            address,
            setup.clock,
            skip_ttys=setup.skip_ttys,
            strategy="sync" if self._shy else self.strategy,
        )
        self.observer = Observer(
            setup.rules, setup.clock, setup.home, sources=setup.sources, names=setup.names
        )
        self.typist = Typist(address, setup.rules, setup.clock)
        self.link_state = LinkState.STARTING
        self.seen_at = 0.0
        """When it last answered, in seconds since the epoch; 0 where it never did."""
        self.trouble = ("", 0.0)
        """What tmux said when it was last unwell, and when; "" where it never was."""
        self.store_trouble = ("", 0.0)
        """Why what is seen cannot be written down and since when; "" where it can."""
        self.screen: Screen | None = None
        self.previews: dict[str, Screen] = {}
        """The screens that are shown beside the selected one, as far as they were captured."""
        self._beside: frozenset[str] = frozenset()
        self._clock = setup.clock
        self._began_at = setup.clock.now()
        self._selected: str | None = None
        self._persisted: dict[Identity, LiveRow] = {}
        self._persisted_at = 0.0
        self._news = asyncio.Event()

    async def run(self, changed: Changed, store: Database | None) -> None:
        """Watch until cancelled; each look calls `changed`."""
        lock = self._watch_lock(store)
        async with asyncio.TaskGroup() as group:
            if store is not None and lock is not None:
                group.create_task(self._keep(store, lock))
            async with aclosing(self.watcher.ticks()) as ticks:
                async for tick in ticks:
                    changed(*self.take(tick))
                    self._news.set()

    def use(self, strategy: Strategy) -> None:
        """Watch by this strategy from the next look on."""
        self.strategy, self._shy, self._near_at = strategy, False, 0.0
        self.watcher.use(strategy)
        self.watcher.rest(long=False)

    def take(self, tick: Tick) -> tuple[bool, bool, bool]:
        """Take in one look: whether it changed agents, the selected screen, the link."""
        state = LinkState.LIVE if tick.state is LinkState.SYNC and self._keeps_away else tick.state
        link = state is not self.link_state
        if link and state in _UNWELL and not self._is_as_chosen(state):
            said = tick.trouble or f"{state} at {self.address.socket_path}"
            self.trouble = (said, tick.at)
        self.link_state = state
        if tick.complete:
            self.seen_at = tick.at
        agents = self.observer.apply(tick)
        if agents:
            # What they ask is what a person looks at next.
            agents_there = self.observer.agents()
            self.watcher.heed({one.key for one in agents_there if one.state is State.WAITING})
        self._come_near()
        screens = [s.screen for s in tick.fresh if s.screen is not None]
        fresh = next((screen for screen in screens if screen.key == self._selected), None)
        known = replace(self.screen, taken_at=0.0) if self.screen is not None else None
        screen = fresh is not None and replace(fresh, taken_at=0.0) != known
        if fresh is not None:
            self.screen = fresh
        beside = {one.key: one for one in screens if one.key in self._beside}
        self.previews |= beside
        return agents, screen or bool(beside), link

    @property
    def is_gone(self) -> bool:
        """Whether nobody listens at the socket."""
        return self.link_state is LinkState.GONE

    @property
    def stale_since(self) -> float:
        """Since when what is shown of the agents is old, in seconds since the epoch; else 0."""
        return self.seen_at if self.link_state in _UNANSWERED else 0.0

    def is_over(self, now: float, after_s: float) -> bool:
        """Whether the server is gone and its agents with it, or for so long that it will be so.

        A socket may be lost while its server lives on: then its agents do, too.
        """
        if not self.is_gone:
            return False
        panes = [agent.pane.pid for agent in self.observer.agents() if agent.kind != OTHER]
        return not panes or (self.silent_s(now) >= after_s and not any(map(lives, panes)))

    def holds(self, key: str) -> bool:
        """Whether a key is that of a pane of this server."""
        return key.rpartition(":%")[0] == self.address.socket_path

    def select(self, key: str | None) -> None:
        """Capture this pane often and in colour from now on; None for none of this server."""
        self._selected = key
        self.watcher.select(key, self._beside)
        if self.screen is not None and self.screen.key != key:
            self.screen = None

    def show(self, keys: Collection[str]) -> None:
        """Capture those of these panes that are of this server in colour, too, as they change."""
        self._beside = frozenset(key for key in keys if self.holds(key))
        self.previews = {key: self.previews[key] for key in self._beside & self.previews.keys()}
        self.watcher.select(self._selected, self._beside)

    def silent_s(self, now: float) -> float:
        """For how many seconds the server has not answered."""
        return max(0.0, now - (self.seen_at or self._began_at))

    def layer(self, name: str) -> Layer:
        """The server's line of the sync pane, under this name."""
        well = self.link_state is LinkState.LIVE or self._is_as_chosen(self.link_state)
        trouble, trouble_at = self.trouble
        if not well and (pause := pause_line(self.watcher.paused_s)):
            trouble = f"{pause}: {trouble}" if trouble else pause
        return Layer(
            name=name,
            state=LayerState.OK if well else _LAYER_STATE[self.link_state],
            strategy="realtime",
            behind_s=self.silent_s(self._clock.now()) if self.seen_at and not well else 0.0,
            queued=0,
            failed=0,
            trouble=trouble,
            trouble_at=trouble_at,
        )

    @property
    def _keeps_away(self) -> bool:
        """Whether plain commands do the work because there is no connection yet."""
        return self._shy or self._clock.monotonic() < self._near_at

    def _come_near(self) -> None:
        """Connect to a server that was found, once there is a reason and it is old enough."""
        if not self._shy:
            return
        now, empty = self._clock.monotonic(), self._is_empty
        self.watcher.rest(long=empty)
        if not empty and now >= self._near_at:
            self._shy, self._near_at = False, now + CONNECT_WITHIN_S
            self.watcher.use(self.strategy)

    @property
    def _is_empty(self) -> bool:
        """Whether there is no agent on the server."""
        return all(agent.is_other for agent in self.observer.agents())

    def _is_as_chosen(self, state: LinkState) -> bool:
        """Whether it runs by processes because it is told to, and not because it has to."""
        return state is LinkState.SYNC and self.strategy == "sync"

    async def _keep(self, store: Database, lock: FileLock) -> None:
        """Write down what is seen; a store in trouble never keeps anyone from watching."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._persist(store, lock)
        finally:
            self._persisted_at = float("-inf")
            await self._persist(store, lock)
            lock.release()

    async def _persist(self, store: Database, lock: FileLock) -> None:
        now = self._clock.monotonic()
        if now - self._persisted_at < PERSIST_EVERY_S:
            return
        self._persisted_at = now
        try:
            if lock.try_acquire():
                await self._write_down(store)
            else:
                self.observer.transitions()  # whoever holds the lock writes them down
        except (StorageError, OSError) as error:
            self.store_trouble = (str(error), self.store_trouble[1] or self._clock.now())
        else:
            self.store_trouble = ("", 0.0)

    async def _write_down(self, store: Database) -> None:
        rows = {identity(row): row for row in self.observer.rows()}
        fresh = [row for who, row in rows.items() if _differs(self._persisted.get(who), row)]
        steps = self.observer.transitions()
        if not fresh and not steps:
            return

        def write(tx: Transaction) -> None:
            live.upsert(tx, fresh)
            for name, step in steps:
                live.transition(tx, name, step.at, step.after.value, step.told)

        try:
            await store.write(write)
        except BaseException:
            self.observer.put_back(steps)
            raise
        self._persisted = rows

    def _watch_lock(self, store: Database | None) -> FileLock | None:
        if store is None or store.read_only:
            return None
        mark = hashlib.sha256(self.address.socket_path.encode()).hexdigest()[:12]
        return FileLock(store.folder / f"watch-{mark}.lock")


def _differs(known: LiveRow | None, row: LiveRow) -> bool:
    """Whether more than the time of the last look changed."""
    return known is None or replace(known, seen_at=row.seen_at) != row
