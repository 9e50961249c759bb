"""Carrying out what was planned, when its time has come.

Invariant: whoever carries one out claims it first, in the store, so that it is typed once or not
at all; one of which nobody knows how it went is told as such and never typed again. A line goes
only to the very program it was planned for, while that still is as it was then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from orc_core.errors import OrcError
from orc_core.later.plans import Plans, still_fits
from orc_core.model.agent import Agent, Delivery, PaneRef
from orc_core.text import age
from orc_storage import laters
from orc_storage.errors import StorageError
from orc_storage.laters import Later, Phase, What

LOOK_EVERY_S: Final = 1.0
LATE_MAX_S: Final = 3600.0
"""A line that is later than this is not typed: whoever planned it meant another moment."""
SENDING_MAX_S: Final = 60.0
"""Whoever has not said for so long how it went will not say it any more."""
TOLD_MAX: Final = 300
AT_ONCE: Final = 8
"""To so many agents lines are typed at a time."""


class Agents(Protocol):
    """The agents that this process sees, and the way to type to them."""

    def agents(self) -> tuple[Agent, ...]: ...

    async def send(self, key: str, text: str, /) -> Delivery: ...


class Known(Protocol):
    """What the store held when it was last read."""

    @property
    def laters(self) -> Sequence[Later]: ...


class Carrier:
    """Carries out what is due of what was planned, in the name of who made the `plans`."""

    def __init__(self, plans: Plans, agents: Agents, known: Known) -> None:
        self._store, self._clock, self._actor = plans.store, plans.clock, plans.actor
        self._agents = agents
        self._known = known
        self._sending_since: dict[str, float] = {}
        self._outcomes: dict[str, tuple[Phase, str]] = {}
        """How it went, where the store could not take that yet."""

    async def run(self) -> None:
        """Look every second, until cancelled; a store in trouble is asked again."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except (StorageError, OSError):
                continue  # its own line of the sync pane tells

    async def look(self) -> None:
        """Carry out what is due now."""
        for id in list(self._outcomes):
            await self._write_outcome(id)
        now = self._clock.now()
        due = [one for one in self._known.laters if one.phase is Phase.WAITING and one.at <= now]
        for one in due:
            if one.what is What.MUTE:
                await self._give_up(one, Phase.OVER, "heard of again")
            elif now - one.at > LATE_MAX_S:
                late = f"not typed: nobody was there to do it, and it is {age(now - one.at)} late"
                await self._give_up(one, Phase.FAILED, late)
        lines = [one for one in due if one.what is What.LINE and now - one.at <= LATE_MAX_S]
        for first in range(0, len(lines), AT_ONCE):
            await asyncio.gather(*map(self._carry_out, lines[first : first + AT_ONCE]))
        await self._bury()

    async def _carry_out(self, one: Later) -> None:
        here = [agent for agent in self._agents.agents() if agent.pane.server == one.server]
        if not here or any(agent.stale_since for agent in here):
            return  # that server is not seen from here, or what is shown of it is old
        claimed = await self._store.write(lambda tx: laters.claim(tx, one.id, actor=self._actor))
        if not claimed:
            return  # another process does it, or somebody took it back
        self._outcomes[one.id] = await self._type(one, here)
        await self._write_outcome(one.id)

    async def _type(self, one: Later, here: Sequence[Agent]) -> tuple[Phase, str]:
        """Type the line, where all is as it was when that was planned."""
        pane = PaneRef(one.server, one.server_start, one.pane_id, one.pane_pid)
        agent = next((agent for agent in here if agent.pane == pane), None)
        if agent is None or agent.has_ended:
            return Phase.FAILED, f"not typed: {one.agent} ended or was started anew since"
        if not still_fits(one.state, agent.state):
            was = f"it was {one.state} when that was planned"
            return Phase.FAILED, f"not typed: {was}, and is {agent.state.value} now"
        try:
            delivery = await self._agents.send(agent.key, one.text)
        except OrcError as error:
            return Phase.FAILED, f"not typed: {error}"
        return (Phase.SENT if delivery.sent else Phase.FAILED), delivery.text

    async def _write_outcome(self, id: str) -> None:
        phase, outcome = self._outcomes[id]
        await self._end(id, phase, outcome, of=(Phase.SENDING,))
        del self._outcomes[id]

    async def _give_up(self, one: Later, phase: Phase, outcome: str) -> None:
        """End one that nobody took on."""
        await self._end(one.id, phase, outcome, of=(Phase.WAITING,))

    async def _bury(self) -> None:
        """End what a process took on that never told how it went."""
        sending = {one.id for one in self._known.laters if one.phase is Phase.SENDING}
        now_s = self._clock.monotonic()
        since = {id: self._sending_since.get(id, now_s) for id in sending - self._outcomes.keys()}
        self._sending_since = since
        for id, began_s in since.items():
            if now_s - began_s > SENDING_MAX_S:
                told = "nobody knows whether it was typed: who did it ended amid that"
                await self._end(id, Phase.FAILED, told, of=(Phase.SENDING,))

    async def _end(self, id: str, phase: Phase, outcome: str, *, of: Sequence[Phase]) -> None:
        told = outcome[:TOLD_MAX]
        await self._store.write(
            lambda tx: laters.end(tx, id, phase, told, actor=self._actor, of=of)
        )
