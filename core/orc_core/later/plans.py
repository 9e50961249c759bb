"""Planning what is to be done later, and thinking better of it.

Invariant: what is planned was confirmed by a person, and says of which agent, in which pane and
in which state it is. Nothing is planned that could not be carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import OrcError, UnknownName, UsageError
from orc_core.model.agent import Agent, State
from orc_core.text import clean
from orc_storage import laters
from orc_storage.database import Database
from orc_storage.engine import Transaction
from orc_storage.laters import Later, Phase, What

TEXT_MAX: Final = 16_000
OPEN_MAX: Final = 500
"""How many may be planned at once."""
GRACE_S: Final = 60.0
"""So long after a limit ends the line is typed: agents round the time that they tell."""
SHOWN_S: Final = 15 * 60.0
"""For so long one that is over is told of."""

AT_REST: Final = frozenset({State.IDLE, State.DONE})
_PLANNABLE: Final = AT_REST | {State.WORKING, State.LIMITED, State.ERROR}


def still_fits(planned: str, now: State) -> bool:
    """Whether an agent still is as it was planned for; one that worked may have finished."""
    if planned == now.value:
        return True
    return planned in (State.IDLE, State.DONE, State.WORKING) and now in AT_REST


@dataclass(frozen=True, slots=True)
class Plans:
    """What is put off in one workspace, as one actor sees and changes it."""

    store: Database
    clock: Clock
    actor: str

    async def listing(self) -> list[Later]:
        """What is open, the next first, then what is over for at most 15 minutes."""
        since = self.clock.now() - SHOWN_S
        return await self.store.read(lambda conn: laters.listing(conn, ended_since=since))

    async def line(self, agent: Agent, text: str, at: float) -> Later:
        """Plan to type a line at a time (epoch seconds); raises UsageError and OrcError."""
        line = clean(text, limit=TEXT_MAX, newlines=True).strip()
        if not line:
            raise UsageError("there is no text to type: say what the agent is to be told")
        if agent.is_other or agent.state not in _PLANNABLE:
            raise OrcError(
                f"{agent.name} is {agent.state.value}: a line is planned for an agent that works,"
                " rests or is limited"
            )
        return await self._add(agent, What.LINE, line, at)

    async def at_reset(self, agent: Agent, text: str) -> Later:
        """Plan to type a line when the agent's limit ends; raises OrcError where none is told."""
        if agent.state is not State.LIMITED or not agent.resets_at:
            raise OrcError(f"{agent.name} does not say when its limit ends: give a time")
        return await self.line(agent, text, self.reset_of(agent))

    def reset_of(self, agent: Agent) -> float:
        """When an agent goes on, in epoch seconds: a minute after its limit ends, or from now."""
        return max(agent.resets_at, self.clock.now()) + GRACE_S

    async def mute(self, agent: Agent, until: float) -> Later:
        """Do not tell of an agent until then; a mute before is over."""
        return await self._add(agent, What.MUTE, "", until)

    async def cancel(self, id: str) -> Later:
        """Take one back; raises UnknownName, and OrcError where it is under way or over."""

        def take_back(tx: Transaction) -> tuple[Later | None, bool]:
            found = laters.get(tx.conn, id)
            phase, waits = Phase.CANCELLED, (Phase.WAITING,)
            return found, laters.end(tx, id, phase, "", actor=self.actor, of=waits)

        found, done = await self.store.write(take_back)
        if found is None:
            raise UnknownName(
                f"nothing is planned as {clean(id, limit=40)!r}: see `orc later list`"
            )
        if not done:
            raise OrcError(f"{found.id} is {found.phase.value}: it cannot be taken back")
        return found

    async def _add(self, agent: Agent, what: What, text: str, at: float) -> Later:
        now, pane = self.clock.now(), agent.pane
        if at <= now:
            raise UsageError("that time is over: give one that is to come")
        wanted = Later(
            *("", what, agent.name, pane.server, pane.server_start, pane.pane_id, pane.pid),
            *(agent.state.value, text, at, now, self.actor),
        )

        def add(tx: Transaction) -> Later:
            waiting = laters.listing(tx.conn)
            if len(waiting) >= OPEN_MAX:
                raise OrcError(f"{OPEN_MAX} things are planned already: cancel some first")
            for one in waiting:
                if what is What.MUTE and one.what is what and _same(one, wanted):
                    laters.end(tx, one.id, Phase.CANCELLED, "muted anew", actor=self.actor)
            return laters.add(tx, wanted)

        return await self.store.write(add)


def _same(one: Later, other: Later) -> bool:
    return one.agent.casefold() == other.agent.casefold()
