"""Typing tasks into agents at rest, for those of which the operator said so by a rule.

Invariant: only the leader types, only to agents that a pattern names, and only what it holds a
lease of in their name. A lease says before the typing that it is tried, so that what nobody
knows the end of counts as a failed attempt and is not typed again under that lease.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, Protocol

from orc_core.clock import Clock
from orc_core.errors import OrcError
from orc_core.model.agent import Agent, Delivery, State
from orc_core.model.work import Holder, Leased
from orc_core.tasks import handover
from orc_core.tasks.handover import WORKERS
from orc_storage import deliveries, queue
from orc_storage.database import Connection, Database, Transaction
from orc_storage.deliveries import Stage
from orc_storage.errors import StorageError

LOOK_EVERY_S: Final = 1.0
REST_S: Final = 3.0
"""So long an agent has to be at rest: some rest for a moment between two steps."""
RETRY_S: Final = 30.0
"""So long an agent is left alone to which nothing could be typed."""
TYPING_MAX_S: Final = 60.0
"""Whoever has not said for so long how it went will not say it any more."""
AT_ONCE: Final = 8
TYPING: Final = "is typed into its pane"
CAUSE: Final = "feed"
CAUSE_MAX: Final = 200


class Agents(Protocol):
    """The agents that this process sees, and the way to type to them."""

    def agents(self) -> tuple[Agent, ...]: ...

    async def send(self, key: str, text: str, /) -> Delivery: ...


class Names(Protocol):
    """What is known of whoever takes work, by name."""

    async def get(self, name: str) -> Holder: ...


class Feeder:
    """Hands the queue's tasks to agents whose names fit one of `patterns`, by typing them."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        agents: Agents,
        names: Names,
        patterns: Sequence[str],
        *,
        leads: Callable[[], bool],
    ) -> None:
        self._db = db
        self._clock = clock
        self._agents = agents
        self._names = names
        self._patterns = tuple(one.casefold() for one in patterns)
        self._leads = leads
        self._rests_until_s: dict[str, float] = {}

    async def run(self) -> None:
        """Look every second, until cancelled; ends at once where no agent is named."""
        while self._patterns:
            await self._clock.sleep(LOOK_EVERY_S)
            with contextlib.suppress(StorageError, OSError):  # others tell of a store in trouble
                await self.look()

    async def look(self) -> None:
        """Give each agent that is free its next task, if there is one."""
        if not self._leads():
            return
        free = [one for one in self._agents.agents() if self._is_free(one)]
        if not free:
            return
        held = await self._db.read(_held)
        for first in range(0, len(free), AT_ONCE):
            some = free[first : first + AT_ONCE]
            async with asyncio.TaskGroup() as group:
                for agent in some:
                    group.create_task(self._try(agent, held.get(agent.name.casefold())))

    def _is_free(self, agent: Agent) -> bool:
        name = agent.name.casefold()
        if not any(fnmatchcase(name, pattern) for pattern in self._patterns):
            return False
        if agent.state not in (State.IDLE, State.DONE) or agent.is_other or agent.has_ended:
            return False
        if agent.stale_since or agent.line_at or self._clock.now() - agent.since < REST_S:
            return False
        return self._clock.monotonic() >= self._rests_until_s.get(agent.key, 0.0)

    async def _try(self, agent: Agent, held: deliveries.Delivery | None) -> None:
        with contextlib.suppress(StorageError):  # one that is lost; or the store is in trouble
            await self._feed(agent, held)

    async def _feed(self, agent: Agent, held: deliveries.Delivery | None) -> None:
        if held is not None:
            late = self._clock.now() - held.since > TYPING_MAX_S
            if held.progress == TYPING and late:
                await self._give_up(held.token, agent)
            return  # it holds a task, however it came by it
        lease = await self._take(await self._names.get(agent.name))
        if lease is not None:
            await self._type(agent, lease)

    async def _take(self, holder: Holder) -> Leased | None:
        def work(tx: Transaction) -> Leased | None:
            lease = handover.take(tx, holder, cause=CAUSE)
            if lease is not None:
                queue.beat(tx, lease.token, progress=TYPING)
            return lease

        return await self._db.write(work)

    async def _type(self, agent: Agent, lease: Leased) -> None:
        try:
            delivery = await self._agents.send(agent.key, told(lease))
            sent, said = delivery.sent, delivery.text
        except OrcError as error:
            sent, said = False, str(error)
        if sent:
            await self._db.write(lambda tx: queue.beat(tx, lease.token, progress=said))
            return
        now_s = self._clock.monotonic()
        resting = {key: at for key, at in self._rests_until_s.items() if at > now_s}
        self._rests_until_s = resting | {agent.key: now_s + RETRY_S}
        cause = f"{CAUSE}: {said}"[:CAUSE_MAX]
        await self._db.write(
            lambda tx: handover.step_aside(
                tx, lease.token, checkpoint=lease.checkpoint, cause=cause
            )
        )

    async def _give_up(self, token: str, agent: Agent) -> None:
        why = f"nobody knows whether it was typed to {agent.name}: who did it ended amid that"
        await self._db.write(
            lambda tx: handover.failed(tx, token, reason=why, cause=CAUSE, action="fail")
        )


def told(lease: Leased) -> str:
    """What is typed: the task, how far it came, and how it is handed in."""
    parts = [f"{lease.task}: {lease.title}"]
    if lease.text:
        parts.append(lease.text)
    if lease.checkpoint:
        parts.append(f"It was begun before: {lease.checkpoint}")
    parts.append(
        f"When it is done, run: orc task ack {lease.token}\n"
        f"If it cannot be done, run: orc task fail {lease.token} --reason WHY"
    )
    return "\n\n".join(parts)


def _held(conn: Connection) -> Mapping[str, deliveries.Delivery]:
    """What each holder has, by its name, case-folded."""
    return {
        one.holder.casefold(): one
        for one in deliveries.listing(conn, Stage.LEASED)
        if one.group == WORKERS
    }
