"""The agents wing: one tmux server watched, its agents known, and typing into them.

Invariant: what is shown was seen; what is typed was asked for by a person.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from orc_core.agents.names import identity
from orc_core.agents.observer import Explanation, Observer
from orc_core.agents.rules import RuleSet
from orc_core.agents.typing import Typist
from orc_core.clock import Clock
from orc_core.errors import OrcError, ReadOnly, TmuxError, UnknownName
from orc_core.model.agent import Agent, Choice, Delivery, Prompt
from orc_core.model.attach import AttachPlan
from orc_core.model.health import Layer, LayerState, LinkState
from orc_core.model.snapshot import Screen
from orc_core.tmux.attach import plan_attach
from orc_core.tmux.server import Address, tmux_binary
from orc_core.tmux.watcher import Strategy, Tick, Watcher
from orc_storage import live
from orc_storage.database import Database
from orc_storage.errors import StorageError
from orc_storage.lock import FileLock
from orc_storage.records import LiveRow

PERSIST_EVERY_S = 1.0

_LAYER_STATE: Mapping[LinkState, LayerState] = {
    LinkState.STARTING: LayerState.UNKNOWN,
    LinkState.LIVE: LayerState.OK,
    LinkState.SYNC: LayerState.DEGRADED,
    LinkState.STALE: LayerState.DEGRADED,
    LinkState.GONE: LayerState.OFFLINE,
}


class Fleet:
    """Watches one tmux server; every read is from memory, every act has a deadline."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        rules: RuleSet,
        home: Path,
        *,
        known: Sequence[LiveRow],
        skip_ttys: Callable[[], set[str]],
        strategy: Strategy,
        read_only: bool,
        environ: Mapping[str, str],
    ) -> None:
        self.address = address
        self.link_state = LinkState.STARTING
        self.last_complete_at = 0.0
        self.screen: Screen | None = None
        self._clock = clock
        self._environ = environ
        self._read_only = read_only
        self._watcher = Watcher(address, clock, skip_ttys=skip_ttys, strategy=strategy)
        self._observer = Observer(rules, clock, home, known)
        self._typist = Typist(address, rules, clock)
        self._selected: str | None = None
        self._persisted: tuple[LiveRow, ...] = ()
        self._persisted_at = 0.0
        self._news = asyncio.Event()
        self.store_trouble = ("", 0.0)
        """Why what is seen cannot be written down and since when; "" where it can."""
        self._trouble = ""
        self._trouble_at = 0.0

    async def run(
        self, changed: Callable[[bool, bool, bool], None], store: Database | None
    ) -> None:
        """Watch until cancelled; each tick calls `changed(agents, screen, link)`."""
        lock = self._watch_lock(store)
        async with asyncio.TaskGroup() as group:
            if store is not None and lock is not None:
                group.create_task(self._keep(store, lock))
            async with aclosing(self._watcher.ticks()) as ticks:
                async for tick in ticks:
                    changed(*self._take(tick))
                    self._news.set()

    async def scan(self, *, must_answer: bool = True) -> None:
        """Look once by plain subprocesses; nothing is kept in tmux or in the store.

        Raises TmuxError without tmux, or where a server does not answer, unless told not to.
        """
        if must_answer:
            tmux_binary()
        tick = await self._watcher.once()
        self._take(tick)
        if must_answer and tick.state is LinkState.STALE:
            raise TmuxError(tick.trouble)

    def agents(self) -> tuple[Agent, ...]:
        return self._observer.agents()

    def find(self, name: str) -> Agent:
        """The agent of that name, `%pane` or `SOCKET:%pane`; raises UnknownName."""
        folded = name.casefold()
        for agent in self.agents():
            if folded in (agent.name.casefold(), agent.key.casefold(), agent.pane.pane_id):
                return agent
        known = ", ".join(sorted(agent.name for agent in self.agents())[:12])
        hint = f"known are {known}" if known else "no pane is seen there"
        raise UnknownName(f"no agent {name!r} at {self.address.socket_path}: {hint}")

    def select(self, key: str | None) -> None:
        """Capture this pane often and in colour from now on."""
        self._selected = key
        self._watcher.select(key)
        if self.screen is not None and self.screen.key != key:
            self.screen = None

    def seen(self, key: str) -> bool:
        """The operator looked: a finished turn is idle from now on. True if that changed it."""
        return self._observer.seen(key)

    def lines(self, key: str) -> tuple[str, ...]:
        return self._observer.lines(key)

    def prompt(self, key: str) -> Prompt | None:
        return self._observer.prompt(key)

    def explain(self, key: str) -> Explanation:
        return self._observer.explain(key)

    async def answer(self, key: str, prompt: Prompt, choice: Choice) -> Delivery:
        """Type one choice of a prompt, if the pane still shows that prompt."""
        self._refuse_read_only("answer")
        self._watcher.urgent.add(key)
        return await self._typist.answer(self._by_key(key), prompt, choice)

    async def send(self, key: str, text: str) -> Delivery:
        """Type a line and Enter, unless a prompt is in the way."""
        self._refuse_read_only("type")
        self._watcher.urgent.add(key)
        return await self._typist.say(self._by_key(key), text)

    async def interrupt(self, key: str) -> Delivery:
        self._refuse_read_only("interrupt")
        self._watcher.urgent.add(key)
        return await self._typist.interrupt(self._by_key(key))

    async def attach_plan(self, key: str) -> AttachPlan:
        return await plan_attach(self.address, self._by_key(key).pane, self._environ)

    def layer(self) -> Layer:
        """The tmux line of the sync pane."""
        behind = 0.0
        if self.link_state is not LinkState.LIVE and self.last_complete_at:
            behind = max(0.0, self._clock.now() - self.last_complete_at)
        return Layer(
            name="tmux",
            state=_LAYER_STATE[self.link_state],
            strategy="realtime",
            behind_s=behind,
            queued=0,
            failed=0,
            trouble=self._trouble,
            trouble_at=self._trouble_at,
        )

    def _take(self, tick: Tick) -> tuple[bool, bool, bool]:
        link = tick.state is not self.link_state
        if link and tick.state in (LinkState.GONE, LinkState.STALE, LinkState.SYNC):
            said = tick.trouble or f"{tick.state} at {self.address.socket_path}"
            self._trouble, self._trouble_at = said, tick.at
        self.link_state = tick.state
        if tick.complete:
            self.last_complete_at = tick.at
        agents = self._observer.apply(tick)
        screens = [s.screen for s in tick.sightings if s.screen is not None]
        fresh = next((screen for screen in screens if screen.key == self._selected), None)
        screen = fresh is not None and (self.screen is None or fresh.lines != self.screen.lines)
        if fresh is not None:
            self.screen = fresh
        return agents, screen, link

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
        except (StorageError, OSError) as error:
            self.store_trouble = (str(error), self.store_trouble[1] or self._clock.now())
        else:
            self.store_trouble = ("", 0.0)

    async def _write_down(self, store: Database) -> None:
        rows = tuple(self._observer.rows())
        known = {identity(row): row for row in self._persisted}
        fresh = [row for row in rows if _differs(known.get(identity(row)), row)]
        if not fresh:
            return
        await store.write(lambda tx: live.upsert(tx, fresh))
        self._persisted = rows

    def _watch_lock(self, store: Database | None) -> FileLock | None:
        if store is None or store.read_only:
            return None
        mark = hashlib.sha256(self.address.socket_path.encode()).hexdigest()[:12]
        return FileLock(store.folder / f"watch-{mark}.lock")

    def _by_key(self, key: str) -> Agent:
        for agent in self.agents():
            if agent.key == key:
                return agent
        raise UnknownName(f"the pane {key} is gone")

    def _refuse_read_only(self, verb: str) -> None:
        if self._read_only:
            raise ReadOnly(f"cannot {verb}: opened with --read-only")


def _differs(known: LiveRow | None, row: LiveRow) -> bool:
    """Whether more than the time of the last look changed."""
    return known is None or replace(known, seen_at=row.seen_at) != row


def strategy_from(environ: Mapping[str, str]) -> Strategy:
    """`sync` when the emergency switch is set, else `async`; raises OrcError on other values."""
    value = environ.get("TMUX_ORC_ASYNC_DISABLED", "")
    if value not in ("", "0", "1"):
        raise OrcError(f"TMUX_ORC_ASYNC_DISABLED is {value!r}: set it to 1, or unset it")
    return "sync" if value == "1" else "async"
