"""Who may hold work: what is known of an agent by its name, and whether it lives.

Invariant: absent is not dead. Whoever was never seen is unknown, and while a server does not answer
those on it live on; dead is only who was seen to end or to go, or fell silent after speaking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from orc_core.lifecycle.registration import Record, Registrar
from orc_core.model.agent import OTHER, Agent
from orc_core.model.life import Presence
from orc_core.model.work import Holder, Life

MET_MAX: Final = 10_000
"""How many names are remembered; beyond that whoever goes is unknown, not dead."""


class Holders:
    """The agents of a workspace as holders of work.

    `seen` gives those that are in a pane, `is_sure` says whether those are all there are.
    """

    def __init__(
        self,
        registrar: Registrar,
        seen: Callable[[], Sequence[Agent]],
        is_sure: Callable[[], bool],
    ) -> None:
        self._registrar = registrar
        self._seen = seen
        self._is_sure = is_sure
        self._met: set[str] = set()

    async def get(self, name: str) -> Holder:
        """What is known of who goes by a name; somebody nobody knows has no kind and no skills."""
        wanted = name.casefold()
        known = next(
            (one.known for one in await self._registrar.records() if _is(one, wanted)), None
        )
        agent = next((one for one in self._seen() if one.name.casefold() == wanted), None)
        kind = known.kind if known is not None and known.kind else ""
        if not kind and agent is not None and agent.kind != OTHER:
            kind = agent.kind
        able = known.capabilities if known is not None else ()
        called = known.name if known is not None else agent.name if agent is not None else name
        return Holder(called, kind, frozenset(able))

    async def lives(self) -> dict[str, Life]:
        """Whether each agent lives, by its name, case-folded."""
        agents = self._seen()
        found = lives(agents, await self._registrar.records())
        gone = self._met - found.keys()
        if self._is_sure():
            found |= dict.fromkeys(gone, Life.DEAD)
        met = found.keys() | gone
        self._met = set(met) if len(met) <= MET_MAX else set()
        return found


def lives(agents: Iterable[Agent], records: Iterable[Record]) -> dict[str, Life]:
    """Whether each agent lives, by its name, case-folded; nothing of those nobody knows."""
    found: dict[str, Life] = {}
    for record in records:
        if record.presence is not Presence.SILENT:
            online = record.presence is Presence.ONLINE
            found[record.known.name.casefold()] = Life.ALIVE if online else Life.DEAD
    for agent in agents:
        ended = agent.has_ended and not agent.stale_since
        found[agent.name.casefold()] = Life.DEAD if ended else Life.ALIVE
    return found


def _is(record: Record, name: str) -> bool:
    return record.known.name.casefold() == name
