"""The watched servers side by side: what each is called, who is on it, how well all are.

Invariant: nothing here changes a server or a watch. Where several servers are watched, whatever
is not on the person's own one says where it is; with one server nothing says anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from orc_core.errors import UnknownName
from orc_core.model.agent import Agent
from orc_core.model.health import Layer, Link, LinkState, ServerStatus
from orc_core.tmux.discovery import short_names
from orc_core.tmux.server import Address
from orc_core.watch import ServerWatch

_WORST: Final = (LinkState.STALE, LinkState.GONE, LinkState.SYNC)


@dataclass(frozen=True, slots=True)
class _Part:
    """The agents of one server as they are shown, and what they were made of."""

    seen: tuple[Agent, ...]
    server: str
    stale_since: float
    shown: tuple[Agent, ...]


class Roster:
    """The watches by socket path; `own` is the server that the person is on."""

    def __init__(self, own: Address, environ: Mapping[str, str]) -> None:
        self._own = own
        self._environ = environ
        self._watches: dict[str, ServerWatch] = {}
        self._names: dict[str, str] = {}
        self._parts: dict[str, _Part] = {}

    def add(self, watch: ServerWatch) -> None:
        self._watches[watch.address.socket_path] = watch
        self._names = short_names((one.address for one in self.watches), self._environ)

    def drop(self, watch: ServerWatch) -> None:
        path = watch.address.socket_path
        del self._watches[path]
        self._parts.pop(path, None)

    @property
    def watches(self) -> tuple[ServerWatch, ...]:
        """All watches, in the order in which they came."""
        return tuple(self._watches.values())

    @property
    def servers(self) -> tuple[ServerWatch, ...]:
        """Those whose server is there, or was; all, where none ever was."""
        met = tuple(one for one in self.watches if one.seen_at or not one.is_gone)
        return met or self.watches

    @property
    def silent(self) -> tuple[ServerWatch, ...]:
        """Those whose server is there and does not answer."""
        return tuple(one for one in self.servers if one.link_state is LinkState.STALE)

    @property
    def paths(self) -> tuple[str, ...]:
        """The sockets of all watches."""
        return tuple(self._watches)

    def find(self, key: str) -> ServerWatch | None:
        """The watch of the server that a pane is on."""
        return self._watches.get(key.rpartition(":%")[0])

    def name_of(self, socket_path: str) -> str:
        """What people call the server at this socket."""
        return self._names.get(socket_path, socket_path)

    def goes_by(self, watch: ServerWatch, name: str) -> bool:
        """Whether a person may mean this server by its socket or short name."""
        path = watch.address.socket_path
        return name in (path, self.name_of(path))

    def title(self) -> str:
        """Which servers are watched: the socket of one, else the names of all."""
        servers = self.servers
        if len(servers) == 1:
            return servers[0].address.socket_path
        return ", ".join(self.name_of(watch.address.socket_path) for watch in servers)

    def agents(self) -> tuple[Agent, ...]:
        """All panes of all servers, in no particular order."""
        parts = [self._part(watch) for watch in self.watches]
        return parts[0] if len(parts) == 1 else tuple(one for part in parts for one in part)

    def agent(self, key: str) -> Agent:
        """The pane with this key; raises UnknownName."""
        watch = self.find(key)
        for agent in self._part(watch) if watch is not None else ():
            if agent.key == key:
                return agent
        raise UnknownName(f"the pane {key} is gone")

    def called(self, agent: Agent) -> tuple[str, str, str]:
        """What an agent goes by, without regard to case: its name, its key, `work:%3`."""
        short = f"{self.name_of(agent.pane.server)}:{agent.pane.pane_id}"
        return agent.name.casefold(), agent.key.casefold(), short.casefold()

    def layers(self) -> tuple[Layer, ...]:
        """A line of the sync pane per server: `tmux`, `tmux work`."""
        return tuple(watch.layer(self._layer_name(watch)) for watch in self.servers)

    def statuses(self) -> tuple[ServerStatus, ...]:
        """How every server is, and how many are in it."""
        return tuple(map(self._status, self.servers))

    def link(self, now: float) -> Link:
        """How far what is shown can be trusted, for all servers together.

        A trouble that not all of them share names the one that has it, or how many have.
        """
        servers = self.servers
        states = [watch.link_state for watch in servers]
        state = next((one for one in _WORST if one in states), None)
        if state is None:
            return Link(LinkState.LIVE if LinkState.LIVE in states else LinkState.STARTING)
        bad = [watch for watch in servers if watch.link_state is state]
        which = ""
        if len(bad) < len(servers):
            one = self.name_of(bad[0].address.socket_path)
            which = one if len(bad) == 1 else f"{len(bad)} of {len(servers)}"
        stale_s = max(watch.silent_s(now) for watch in bad) if state is LinkState.STALE else 0.0
        return Link(state, float(int(stale_s)), server=which)

    def _label(self, watch: ServerWatch) -> str:
        """What tells the server from the others: "" for the only one, and for the own one."""
        path = watch.address.socket_path
        return "" if path == self._own.socket_path or len(self.servers) == 1 else self.name_of(path)

    def _layer_name(self, watch: ServerWatch) -> str:
        return f"tmux {self._label(watch)}".rstrip()

    def _status(self, watch: ServerWatch) -> ServerStatus:
        seen = watch.observer.agents()
        agents = sum(not agent.is_other for agent in seen)
        return ServerStatus(
            name=self.name_of(watch.address.socket_path),
            layer=self._layer_name(watch),
            socket_path=watch.address.socket_path,
            state=watch.link_state,
            agents=agents,
            others=len(seen) - agents,
            trouble=watch.trouble[0],
        )

    def _part(self, watch: ServerWatch) -> tuple[Agent, ...]:
        """The agents of one server, with what tells them from those of others."""
        seen, server, since = watch.observer.agents(), self._label(watch), watch.stale_since
        path = watch.address.socket_path
        part = self._parts.get(path)
        same = part is not None and (part.server, part.stale_since) == (server, since)
        if part is None or not same or part.seen is not seen:
            shown = tuple(_placed(agent, server, since) for agent in seen)
            part = self._parts[path] = _Part(seen, server, since, shown)
        return part.shown


def _placed(agent: Agent, server: str, stale_since: float) -> Agent:
    if not server and not stale_since:
        return agent
    name = f"{server}:{agent.name}" if server and agent.is_other else agent.name
    return replace(agent, name=name, server=server, stale_since=stale_since)
