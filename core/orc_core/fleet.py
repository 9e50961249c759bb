"""The agents wing: all tmux servers that are watched, as one fleet.

Invariant: every call goes to the watch of the agent's own server, and a server that does not
answer keeps nobody else waiting. Where several servers are watched, whatever is not on the
person's own one says where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from orc_core.agents import news
from orc_core.agents.observer import Explanation, Observer
from orc_core.errors import ReadOnly, TmuxError, UnknownName
from orc_core.model.agent import OTHER, Agent, Choice, Delivery, Prompt
from orc_core.model.attach import AttachPlan
from orc_core.model.health import Layer, Link, LinkState
from orc_core.model.snapshot import Screen
from orc_core.switches import Strategy
from orc_core.tmux import listening
from orc_core.tmux.attach import here, plan_attach
from orc_core.tmux.discovery import Discovery, short_names
from orc_core.tmux.server import Address, own_server, tmux_binary
from orc_core.watch import Changed, ServerWatch, WatchSetup
from orc_storage.database import Database

DISCOVER_EVERY_S: Final = 1.0
LEAVE_AFTER_S: Final = 15 * 60.0
"""How long the agents of a server that is gone are shown as they were last seen."""

_WORST: Final = (LinkState.STALE, LinkState.GONE, LinkState.SYNC)


@dataclass(frozen=True, slots=True)
class _Part:
    """The agents of one server as they are shown, and what they were made of."""

    seen: tuple[Agent, ...]
    server: str
    stale_since: float
    shown: tuple[Agent, ...]


class Fleet:
    """Watches tmux servers; every read is from memory, every act has a deadline.

    `addresses` are those that were named. Where there are none, the person's own server (that
    of `$TMUX`, else the default one) is watched, and whatever `Discovery` finds beside it.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        setup: WatchSetup,
        *,
        read_only: bool,
        environ: Mapping[str, str],
    ) -> None:
        self._setup = setup
        self._environ = environ
        self._read_only = read_only
        self._own = own_server(environ)
        self._discovery = None if addresses else Discovery(environ)
        self._watches: dict[str, ServerWatch] = {}
        self._short: dict[str, str] = {}
        self._parts: dict[str, _Part] = {}
        self._selected: str | None = None
        self._chosen: Strategy | None = None
        for address in addresses or (self._own,):
            self._add(address)

    @property
    def watches(self) -> tuple[ServerWatch, ...]:
        """The servers that are watched, in the order in which they came."""
        return tuple(self._watches.values())

    @property
    def servers(self) -> tuple[ServerWatch, ...]:
        """The servers that are there, or were: the own one does not count before others."""
        met = tuple(one for one in self.watches if one.seen_at or not one.is_gone)
        return met or self.watches

    def observers(self) -> list[Observer]:
        """What knows the agents of each server."""
        return [watch.observer for watch in self.watches]

    async def run(self, changed: Changed, store: Database | None) -> None:
        """Watch until cancelled; each look at a server calls `changed`."""
        running: dict[ServerWatch, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            news.follow(group, self._setup.sources, partial(self._heard, changed))
            while True:
                for watch in self.watches:
                    if watch not in running:
                        running[watch] = group.create_task(watch.run(changed, store))
                if self._discovery is None:
                    return
                await self._setup.clock.sleep(DISCOVER_EVERY_S)
                gone = self._take_leave()
                for watch in gone:
                    running.pop(watch).cancel()
                if gone or await self._discover():
                    changed(bool(gone), False, True)

    async def scan(self, *, must_answer: bool = True) -> None:
        """Look at every server once; nothing is kept in tmux or in the store.

        Raises TmuxError without tmux, or where no server answers, unless told not to.
        """
        if must_answer:
            tmux_binary()
        await self._discover()
        async with asyncio.TaskGroup() as group:
            looks = [(one, group.create_task(one.watcher.once())) for one in self.watches]
        await news.catch_up(self._setup.sources)
        for watch, look in looks:  # one after the other, so that names come out the same
            watch.take(look.result())
        self._heard(None, await news.catch_up(self._setup.sources))
        silent = self.silent()
        if must_answer and silent and len(silent) == len(self.servers):
            raise TmuxError(silent[0].trouble[0])

    def _heard(self, changed: Changed | None, keys: Collection[str]) -> None:
        """A source heard something of these panes between ticks."""
        for watch in self.watches:
            own = [key for key in keys if watch.holds(key)]
            if own and watch.observer.judge_again(own) and changed is not None:
                changed(True, False, False)

    def silent(self) -> tuple[ServerWatch, ...]:
        """The servers that are there and do not answer."""
        return tuple(one for one in self.servers if one.link_state is LinkState.STALE)

    def agents(self) -> tuple[Agent, ...]:
        """All panes of all servers, in no particular order."""
        parts = [self._part(watch) for watch in self.watches]
        return parts[0] if len(parts) == 1 else tuple(one for part in parts for one in part)

    def find(self, name: str) -> Agent:
        """The agent of that name, `%pane` or `SOCKET:%pane`; raises UnknownName."""
        folded = name.casefold()
        agents = self.agents()
        if folded.startswith("%"):
            found = self._own_pane(folded, agents)
        else:
            found = [one for one in agents if folded in self._called(one)]
        if len(found) == 1:
            return found[0]
        if found:
            which = ", ".join(f"{self.name_of(one.pane.server)}:{name}" for one in found[:12])
            raise UnknownName(f"{name!r} is on several tmux servers: say {which}")
        known = ", ".join(sorted(agent.name for agent in agents)[:12])
        hint = f"known are {known}" if known else "no pane is seen there"
        silent = ", ".join(self.name_of(one.address.socket_path) for one in self.silent())
        hint += f"; {silent} did not answer" if silent else ""
        raise UnknownName(f"no agent {name!r} at {self.title()}: {hint}")

    def select(self, key: str | None) -> None:
        """Capture this pane often and in colour from now on."""
        self._selected = key
        for watch in self.watches:
            watch.select(key if key is not None and watch.holds(key) else None)

    def use_strategy(self, strategy: Strategy, server: str = "") -> None:
        """Watch by this strategy from the next look on: one server, by name or socket, else all.

        Raises UsageError where `TMUX_ORC_FORCE_SYNC` forbids it, UnknownName.
        """
        self._setup.switches.check(strategy)
        watches = [one for one in self.watches if not server or self._goes_by(one, server)]
        if not watches:
            known = ", ".join(self.name_of(one.address.socket_path) for one in self.watches)
            raise UnknownName(f"no tmux server {server!r} is watched: known are {known}")
        if not server:
            self._chosen = strategy
        for watch in watches:
            watch.use(strategy)

    @property
    def screen(self) -> Screen | None:
        """The selected pane in colour, once it was captured."""
        watch = self._find(self._selected) if self._selected is not None else None
        return watch.screen if watch is not None else None

    def seen(self, key: str) -> bool:
        """The operator looked: a finished turn is idle from now on. True if that changed it."""
        watch = self._find(key)
        return watch is not None and watch.observer.seen(key)

    def lines(self, key: str) -> tuple[str, ...]:
        watch = self._find(key)
        return watch.observer.lines(key) if watch is not None else ()

    def prompt(self, key: str) -> Prompt | None:
        watch = self._find(key)
        return watch.observer.prompt(key) if watch is not None else None

    def explain(self, key: str) -> Explanation:
        """Why an agent is shown as it is; raises UnknownName."""
        told = self.watch_of(key).observer.explain(key)
        return replace(told, agent=self._by_key(key))

    def judge_again(self, keys: Collection[str]) -> bool:
        """A source has news of these panes: judge them now; True when any agent differs.

        Not on a server that is gone: its agents ended with it, and that is no crash of theirs.
        """
        differs = False
        for watch in self.watches:
            own = [key for key in keys if watch.holds(key)]
            if own and not watch.is_gone:
                differs |= watch.observer.judge_again(own)
        return differs

    async def answer(self, key: str, prompt: Prompt, choice: Choice) -> Delivery:
        """Type one choice of a prompt, if the pane still shows that prompt."""
        watch = self._for_typing("answer", key)
        return await watch.typist.answer(self._by_key(key), prompt, choice)

    async def send(self, key: str, text: str) -> Delivery:
        """Type a line and Enter, unless a prompt is in the way."""
        watch = self._for_typing("type", key)
        return await watch.typist.say(self._by_key(key), text)

    async def interrupt(self, key: str) -> Delivery:
        watch = self._for_typing("interrupt", key)
        return await watch.typist.interrupt(self._by_key(key))

    async def listen(self, key: str) -> None:
        """Hear the escape sequences of a pane from now on; raises TmuxError where that cannot be.

        What is heard is kept in the state folder, for every process that asks.
        """
        watch = self._for_typing("listen", key)
        await listening.listen(watch.address, self._by_key(key).pane, listening.folder())

    async def unlisten(self, key: str) -> bool:
        """Stop listening to a pane; False where nobody did."""
        watch = self._for_typing("stop listening", key)
        return await listening.unlisten(watch.address, self._by_key(key).pane, listening.folder())

    async def attach_plan(self, key: str) -> AttachPlan:
        return await plan_attach(self.watch_of(key).address, self._by_key(key).pane, self._environ)

    def layers(self) -> tuple[Layer, ...]:
        """The lines of the sync pane, one per server: `tmux`, `tmux work`."""
        return tuple(
            watch.layer(" ".join(("tmux", *filter(None, [self._label(watch)]))))
            for watch in self.servers
        )

    def link(self) -> Link:
        """How far what is shown can be trusted, for all servers together.

        A trouble that not all of them share names the one that has it, or how many have.
        """
        servers = self.servers
        states = [watch.link_state for watch in servers]
        state = next((one for one in _WORST if one in states), None)
        if state is None:
            live = LinkState.LIVE in states
            return Link(LinkState.LIVE if live else LinkState.STARTING)
        bad = [watch for watch in servers if watch.link_state is state]
        which = ""
        if len(bad) < len(servers):
            one = self.name_of(bad[0].address.socket_path)
            which = one if len(bad) == 1 else f"{len(bad)} of {len(servers)}"
        stale_s = 0.0
        if state is LinkState.STALE:
            now = self._setup.clock.now()
            stale_s = float(int(max(watch.silent_s(now) for watch in bad)))
        return Link(state, stale_s, server=which)

    @property
    def store_trouble(self) -> tuple[str, float]:
        """Why what is seen cannot be written down and since when; "" where it can."""
        told = (watch.store_trouble for watch in self.watches)
        return next((one for one in told if one[0]), ("", 0.0))

    @property
    def left_out(self) -> int:
        """How many more servers there are than are watched at most."""
        return self._discovery.left_out if self._discovery is not None else 0

    def title(self) -> str:
        """Which servers are watched: the socket of one, else the names of all."""
        servers = self.servers
        if len(servers) == 1:
            return servers[0].address.socket_path
        return ", ".join(self.name_of(watch.address.socket_path) for watch in servers)

    def name_of(self, socket_path: str) -> str:
        """What people call the server at this socket."""
        return self._short.get(socket_path, socket_path)

    def watch_of(self, key: str) -> ServerWatch:
        """The watch of the server that a pane is on; raises UnknownName."""
        watch = self._find(key)
        if watch is None:
            raise UnknownName(f"no tmux server of the pane {key} is watched")
        return watch

    def _find(self, key: str) -> ServerWatch | None:
        return self._watches.get(key.rpartition(":%")[0])

    def _goes_by(self, watch: ServerWatch, server: str) -> bool:
        return server in (watch.address.socket_path, self.name_of(watch.address.socket_path))

    def _by_key(self, key: str) -> Agent:
        watch = self._find(key)
        for agent in self._part(watch) if watch is not None else ():
            if agent.key == key:
                return agent
        raise UnknownName(f"the pane {key} is gone")

    def _for_typing(self, verb: str, key: str) -> ServerWatch:
        if self._read_only:
            raise ReadOnly(f"cannot {verb}: opened with --read-only")
        watch = self.watch_of(key)
        watch.watcher.urgent.add(key)
        return watch

    def _called(self, agent: Agent) -> tuple[str, ...]:
        short = f"{self.name_of(agent.pane.server)}:{agent.pane.pane_id}"
        return agent.name.casefold(), agent.key.casefold(), short.casefold()

    def _own_pane(self, pane_id: str, agents: Sequence[Agent]) -> list[Agent]:
        """The panes with that number: where this runs in tmux, the one on the same server."""
        found = [agent for agent in agents if agent.pane.pane_id == pane_id]
        place = here(self._environ)
        own = place.address.socket_path if place is not None else ""
        return [agent for agent in found if agent.pane.server == own] or found

    def _label(self, watch: ServerWatch) -> str:
        """What tells the server from the others: "" for the only one, and for the own one."""
        path = watch.address.socket_path
        return "" if path == self._own.socket_path or len(self.servers) == 1 else self.name_of(path)

    def _part(self, watch: ServerWatch) -> tuple[Agent, ...]:
        """The agents of one server, with what tells them from those of others."""
        seen, server, stale_since = watch.observer.agents(), self._label(watch), watch.stale_since
        path = watch.address.socket_path
        part = self._parts.get(path)
        if (
            part is None
            or part.seen is not seen
            or (part.server, part.stale_since)
            != (
                server,
                stale_since,
            )
        ):
            shown = tuple(_placed(agent, server, stale_since) for agent in seen)
            part = self._parts[path] = _Part(seen, server, stale_since, shown)
        return part.shown

    async def _discover(self) -> bool:
        """Watch the servers that came; True where there are any."""
        if self._discovery is None:
            return False
        fresh = await self._discovery.look(self._watches)
        for address in fresh:
            self._add(address)
        return bool(fresh)

    def _take_leave(self) -> list[ServerWatch]:
        """Let go of servers that are gone with their agents, while there are others."""
        now = self._setup.clock.now()
        gone = [one for one in self.watches if one.seen_at and one.is_over(now, LEAVE_AFTER_S)]
        if len(gone) == len(self.servers):
            return []
        for watch in gone:
            del self._watches[watch.address.socket_path]
            self._parts.pop(watch.address.socket_path, None)
            self._setup.names.forget(watch.address.socket_path)
            if watch.address == self._own:
                self._add(self._own)
        return gone

    def _add(self, address: Address) -> None:
        watch = self._watches[address.socket_path] = ServerWatch(address, self._setup)
        if self._chosen is not None:
            watch.use(self._chosen)
        self._short = short_names((one.address for one in self.watches), self._environ)


def _placed(agent: Agent, server: str, stale_since: float) -> Agent:
    if not server and not stale_since:
        return agent
    name = f"{server}:{agent.name}" if server and agent.kind == OTHER else agent.name
    return replace(agent, name=name, server=server, stale_since=stale_since)
