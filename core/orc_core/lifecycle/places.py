"""Where agents are: the panes of the servers that their documents name, looked at once.

Invariant: absent is not unknown. A server that does not answer says nothing of its agents; one
that is gone, or answers without a pane, says that the agent is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orc_core.errors import TmuxError, TmuxGone
from orc_core.model.agent import PaneRef
from orc_core.model.life import Known
from orc_core.tmux.making import Seen, look
from orc_core.tmux.server import Address


class Whereabouts(StrEnum):
    """What is known of an agent's pane."""

    THERE = "there"
    DEAD = "dead"
    """The pane is there, its program ended."""
    CLOSED = "closed"
    SERVER_GONE = "server gone"
    UNKNOWN = "unknown"
    NONE = "none"
    """It has no pane, or none that is known."""


@dataclass(frozen=True, slots=True)
class Places:
    """What the servers said; `gone` are those that are not there, `trouble` why one is silent."""

    panes: Mapping[str, Mapping[str, Seen]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    trouble: Mapping[str, str] = field(default_factory=dict)

    def of(self, known: Known) -> tuple[Whereabouts, Seen | None]:
        """Where an agent is; the pane where it was found."""
        return self.at(known.server, known.pane)

    def at(self, server: str, pane: PaneRef | None) -> tuple[Whereabouts, Seen | None]:
        """What became of a pane of that server."""
        if pane is None:
            return Whereabouts.NONE, None
        if server in self.gone:
            return Whereabouts.SERVER_GONE, None
        if server not in self.panes:
            return Whereabouts.UNKNOWN, None
        there = self.panes[server]
        seen = there.get(pane.pane_id)
        if any(one.pane.server_start != pane.server_start for one in there.values()):
            return Whereabouts.SERVER_GONE, None
        if seen is None or seen.pane.pid != pane.pid:
            return Whereabouts.CLOSED, seen
        return (Whereabouts.DEAD if seen.dead else Whereabouts.THERE), seen

    def marked(self, known: Known, home: str) -> Seen | None:
        """The pane that says that it was made for this agent, of the workspace `home`."""
        there = self.panes.get(known.server, {}).values()
        return next((one for one in there if (one.mark, one.home) == (known.name, home)), None)


async def see(servers: Iterable[str]) -> Places:
    """Look at each of these servers once."""
    panes: dict[str, Mapping[str, Seen]] = {}
    gone: set[str] = set()
    trouble: dict[str, str] = {}
    for server in sorted({one for one in servers if one}):
        try:
            panes[server] = {one.pane.pane_id: one for one in await look(Address(server))}
        except TmuxGone:
            gone.add(server)
        except TmuxError as error:
            trouble[server] = str(error)
    return Places(panes, frozenset(gone), trouble)
