"""The agents wing: all tmux servers that are watched, as one fleet.

Invariant: every call goes to the watch of the agent's own server, and a server that does not
answer keeps nobody else waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

from orc_core.agents import news
from orc_core.agents.names import Declared
from orc_core.agents.observer import Explanation, Observer
from orc_core.agents.sources import Witness
from orc_core.errors import ReadOnly, TmuxError, UnknownName
from orc_core.model.activity import Deeds, Sight
from orc_core.model.agent import Agent, Choice, Delivery, PaneRef, Prompt
from orc_core.model.attach import AttachPlan
from orc_core.model.health import Layer, Link, ServerStatus
from orc_core.model.snapshot import Screen, Scrollback
from orc_core.roster import Roster
from orc_core.switches import Strategy
from orc_core.tmux import clipboard, listening
from orc_core.tmux.attach import here, plan_attach
from orc_core.tmux.clipboard import Copied
from orc_core.tmux.discovery import Discovery
from orc_core.tmux.scrollback import scrollback
from orc_core.tmux.server import Address, alive, own_server, tmux_binary
from orc_core.watch import Changed, ServerWatch, WatchSetup
from orc_storage.database import Database

PREVIEWS_MAX: Final = 64
DISCOVER_EVERY_S: Final = 1.0
LEAVE_AFTER_S: Final = 15 * 60.0
"""How long the agents of a server that is gone are shown as they were last seen."""


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
        self._roster = Roster(self._own, environ)
        # Found out once: to ask an object for a protocol takes longer than to ask for the deeds.
        self._witnesses = [one for one in setup.sources if isinstance(one, Witness)]
        self.home = addresses[0] if addresses else self._own
        """The server where new agents go: the first that was named, else the person's own."""
        self._discovery = None if addresses else Discovery(environ)
        self._selected: str | None = None
        self._shown: frozenset[str] = frozenset()
        self._chosen: Strategy | None = None
        self.before_prompt: Callable[[Agent, str], Awaitable[None]] | None = None
        """Called with what is about to be typed; it keeps nobody waiting for long."""
        self._unsure: set[str] = set()
        """Panes that were named while a server was silent, which may have those names itself."""
        for address in addresses or (self._own,):
            self._add(address)

    @property
    def watches(self) -> tuple[ServerWatch, ...]:
        """The servers that are watched, in the order in which they came."""
        return self._roster.watches

    @property
    def servers(self) -> tuple[ServerWatch, ...]:
        """The servers that are there, or were; all, where none ever was."""
        return self._roster.servers

    @property
    def silent(self) -> tuple[ServerWatch, ...]:
        """The servers that are there and do not answer."""
        return self._roster.silent

    def observers(self) -> list[Observer]:
        """What knows the agents of each server."""
        return [watch.observer for watch in self.watches]

    async def run(self, changed: Changed, store: Database | None) -> None:
        """Watch until cancelled; each look at a server calls `changed`."""
        await self._free_names()
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
        await self._free_names()
        async with asyncio.TaskGroup() as group:
            looks = [(one, group.create_task(one.watcher.once())) for one in self.watches]
        await news.catch_up(self._setup.sources)
        new: set[str] = set()
        for watch, look in looks:  # one after the other, so that names come out the same
            panes = [sighting.info.pane for sighting in look.result().sightings]
            new |= {pane.key for pane in panes if self._setup.names.row(pane) is None}
            watch.take(look.result())
        self._heard(None, await news.catch_up(self._setup.sources))
        silent = self.silent
        self._unsure = new if silent else set()
        if must_answer and silent and len(silent) == len(self.servers):
            raise TmuxError(silent[0].trouble[0])

    def _heard(self, changed: Changed | None, keys: Collection[str]) -> None:
        """A source heard something of these panes between ticks."""
        for watch in self.watches:  # their screens are about to change, too
            watch.watcher.urgent.update(key for key in keys if watch.holds(key))
        if self.judge_again(keys) and changed is not None:
            changed(True, False, False)

    def agents(self) -> tuple[Agent, ...]:
        """All panes of all servers, in no particular order."""
        return self._roster.agents()

    def find(self, name: str) -> Agent:
        """The agent of that name, `%pane` or `SOCKET:%pane`; raises UnknownName."""
        folded = name.casefold()
        agents = self.agents()
        if folded.startswith("%"):
            found = self._own_pane(folded, agents)
        else:
            found = [one for one in agents if folded in self._roster.called(one)]
        silent = ", ".join(self.name_of(one.address.socket_path) for one in self.silent)
        which = ", ".join(self._roster.called(one)[-1] for one in found[:12])
        if len(found) > 1:
            raise UnknownName(f"{name!r} is on several tmux servers: say {which}")
        sure = not found or found[0].is_other or found[0].key not in self._unsure
        if not sure and folded == found[0].name.casefold():
            raise UnknownName(f"{silent} did not answer and may have {name!r}, too: say {which}")
        if found:
            return found[0]
        known = ", ".join(sorted(agent.name for agent in agents)[:12])
        hint = f"known are {known}" if known else "no pane is seen there"
        hint += f"; {silent} did not answer" if silent else ""
        raise UnknownName(f"no agent {name!r} at {self.title()}: {hint}")

    def declare(self, declared: Mapping[PaneRef, Declared], reserved: Collection[str] = ()) -> bool:
        """Call the agents in these panes so from now on; True when any agent differs."""
        if not self._setup.names.declare(declared, reserved):
            return False
        return sum(watch.observer.declare_again() for watch in self.watches) > 0

    def select(self, key: str | None) -> None:
        """Capture this pane often and in colour from now on."""
        self._selected = key
        for watch in self.watches:
            watch.select(key if key is not None and watch.holds(key) else None)

    def show(self, keys: Collection[str]) -> None:
        """Capture these panes in colour, too, as they change; at most PREVIEWS_MAX of them."""
        self._shown = frozenset(islice(keys, PREVIEWS_MAX))
        for watch in self.watches:
            watch.show(self._shown)

    def use_strategy(self, strategy: Strategy, server: str = "") -> None:
        """Watch by this strategy from the next look on: one server, by name or socket, else all.

        Raises UsageError where `TMUX_ORC_FORCE_SYNC` forbids it, UnknownName.
        """
        self._setup.switches.check(strategy)
        watches = [one for one in self.watches if not server or self._roster.goes_by(one, server)]
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
        watch = self._roster.find(self._selected) if self._selected is not None else None
        return watch.screen if watch is not None else None

    @property
    def previews(self) -> tuple[Screen, ...]:
        """The screens that are shown beside it, as far as they were captured, by their keys."""
        found = (one for watch in self.watches for one in watch.previews.values())
        return tuple(sorted(found, key=lambda one: one.key))

    async def scrollback(self, key: str, lines: int) -> Scrollback:
        """A pane's last lines with its screen, captured once, now; at most LINES_MAX of them.

        Raises UnknownName, and TmuxError where the pane is gone or a dashboard's own.
        """
        watch, agent = self.watch_of(key), self._roster.agent(key)
        skip = self._setup.skip_ttys()
        return await scrollback(watch.address, agent.pane, lines=lines, skip_ttys=skip)

    def seen(self, key: str) -> bool:
        """The operator looked: a finished turn is idle from now on. True if that changed it."""
        watch = self._roster.find(key)
        return watch is not None and watch.observer.seen(key)

    def lines(self, key: str) -> tuple[str, ...]:
        watch = self._roster.find(key)
        return watch.observer.lines(key) if watch is not None else ()

    def prompt(self, key: str) -> Prompt | None:
        watch = self._roster.find(key)
        return watch.observer.prompt(key) if watch is not None else None

    def sight(self, key: str) -> Sight:
        """What was seen of a pane by this process so far."""
        watch = self._roster.find(key)
        return watch.observer.sight(key) if watch is not None else Sight()

    def deeds(self, key: str) -> Deeds | None:
        """What the hooks of an agent told that it did; None where none ever told."""
        told = (one.deeds(key) for one in self._witnesses)
        return next((one for one in told if one is not None), None)

    def explain(self, key: str) -> Explanation:
        """Why an agent is shown as it is; raises UnknownName."""
        told = self.watch_of(key).observer.explain(key)
        return replace(told, agent=self._roster.agent(key))

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
        return await watch.typist.answer(self._roster.agent(key), prompt, choice)

    async def send(self, key: str, text: str) -> Delivery:
        """Type a line and Enter, unless a prompt is in the way."""
        watch = self._for_typing("type", key)
        if self.before_prompt is not None:
            await self.before_prompt(self._roster.agent(key), text)
        return await watch.typist.say(self._roster.agent(key), text)

    async def interrupt(self, key: str) -> Delivery:
        watch = self._for_typing("interrupt", key)
        return await watch.typist.interrupt(self._roster.agent(key))

    async def listen(self, key: str) -> None:
        """Hear the escape sequences of a pane from now on; raises TmuxError where that cannot be.

        What is heard is kept in the state folder, for every process that asks.
        """
        watch = self._for_typing("listen", key)
        await listening.listen(watch.address, self._roster.agent(key).pane, listening.folder())

    async def unlisten(self, key: str) -> bool:
        """Stop listening to a pane; False where nobody did."""
        watch = self._for_typing("stop listening", key)
        return await listening.unlisten(
            watch.address, self._roster.agent(key).pane, listening.folder()
        )

    async def attach_plan(self, key: str) -> AttachPlan:
        return await plan_attach(
            self.watch_of(key).address, self._roster.agent(key).pane, self._environ
        )

    async def copy(self, text: str) -> Copied:
        """Copy a text by the way that is open to the dashboard; says which it is."""
        return await clipboard.copy(text, self._environ)

    def layers(self) -> tuple[Layer, ...]:
        """The lines of the sync pane, one per server: `tmux`, `tmux work`."""
        return self._roster.layers()

    def statuses(self) -> tuple[ServerStatus, ...]:
        """How every server is, and how many are in it."""
        return self._roster.statuses()

    def link(self) -> Link:
        """How far what is shown can be trusted, for all servers together."""
        return self._roster.link(self._setup.clock.now())

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
        return self._roster.title()

    def name_of(self, socket_path: str) -> str:
        """What people call the server at this socket."""
        return self._roster.name_of(socket_path)

    def watch_of(self, key: str) -> ServerWatch:
        """The watch of the server that a pane is on; raises UnknownName."""
        watch = self._roster.find(key)
        if watch is None:
            raise UnknownName(f"no tmux server of the pane {key} is watched")
        return watch

    def _for_typing(self, verb: str, key: str) -> ServerWatch:
        if self._read_only:
            raise ReadOnly(f"cannot {verb}: opened with --read-only")
        watch = self.watch_of(key)
        watch.watcher.urgent.add(key)
        return watch

    def _own_pane(self, pane_id: str, agents: Sequence[Agent]) -> list[Agent]:
        """The panes with that number: where this runs in tmux, the one on the same server."""
        found = [agent for agent in agents if agent.pane.pane_id == pane_id]
        place = here(self._environ)
        own = place.address.socket_path if place is not None else ""
        return [agent for agent in found if agent.pane.server == own] or found

    async def _discover(self) -> bool:
        """Watch the servers that came; True where there are any."""
        if self._discovery is None:
            return False
        fresh = await self._discovery.look(self._roster.paths)
        for address in fresh:
            self._add(address, found=True)
        return bool(fresh)

    async def _free_names(self) -> None:
        """Give free the names on servers that are over since they were written down."""
        away = [path for path in self._setup.names.servers if path not in self._roster.paths]
        there = await asyncio.gather(*(alive(Address(path)) for path in away))
        for path, answers in zip(away, there, strict=True):
            if not answers:
                self._setup.names.forget(path)

    def _take_leave(self) -> list[ServerWatch]:
        """Let go of servers that are gone with their agents, while there are others."""
        now = self._setup.clock.now()
        gone = [one for one in self.watches if one.seen_at and one.is_over(now, LEAVE_AFTER_S)]
        if len(gone) == len(self.servers):
            return []
        for watch in gone:
            self._roster.drop(watch)
            self._setup.names.forget(watch.address.socket_path)
            if watch.address == self._own:
                self._add(self._own)
        return gone

    def _add(self, address: Address, *, found: bool = False) -> None:
        watch = ServerWatch(address, self._setup, found=found)
        if self._chosen is not None:
            watch.use(self._chosen)
        watch.show(self._shown)
        self._roster.add(watch)
