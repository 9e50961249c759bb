"""The agents that are at work in a folder, what they touch, and bringing them to rest.

Invariant: at rest is what was seen to be so after it was asked for; an agent of which nothing is
known does not count as resting. Whoever asks is not counted.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.code.merging import Merges
from orc_core.code.overlap import Worker
from orc_core.code.trees import Trees
from orc_core.config import CoreOptions
from orc_core.errors import OrcError
from orc_core.fleet import Fleet
from orc_core.history.trees import TreeLedger
from orc_core.model.agent import Agent, PaneRef, State
from orc_core.model.code import Share
from orc_core.model.life import Done
from orc_core.text import clean
from orc_storage.database import Database
from orc_storage.paths import state_dir

REST_WITHIN_S: Final = 8.0
_LOOK_EVERY_S: Final = 0.25
_AT_REST: Final = frozenset({State.IDLE, State.DONE, State.WAITING, State.ERROR, State.LIMITED})

Stop = Callable[[Agent], Awaitable[Done]]


class FleetOccupants:
    """What the fleet knows of a folder; `stop` ends an agent."""

    def __init__(self, fleet: Fleet, clock: Clock, actor: str, stop: Stop) -> None:
        self._fleet = fleet
        self._clock = clock
        self._actor = actor
        self._stop = stop

    async def within(self, top: Path) -> Sequence[str]:
        """The names of the agents whose folder is this one or below it."""
        await self._fleet.scan(must_answer=False)
        return [agent.name for agent in self._agents(top)]

    async def touched(self, top: Path) -> Sequence[Share]:
        """The files below it of which the hooks of agents told, whoever told."""
        return self._touched(top)

    def _touched(self, top: Path) -> Sequence[Share]:
        real = os.path.realpath(top)
        found: dict[tuple[str, str], Share] = {}
        for agent in self._fleet.agents():
            deeds = self._fleet.deeds(agent.key)
            for one in deeds.files if deeds is not None else ():
                path = os.path.realpath(Path(agent.cwd, one.text))
                if Path(path).is_relative_to(real):
                    name = os.fsencode(os.path.relpath(path, real))
                    before = found.get((agent.name, path))
                    at = max(one.at, before.at) if before is not None else one.at
                    found[agent.name, path] = Share(name, agent.name, at)
        return list(found.values())

    async def quiet(self, top: Path, *, stop: bool) -> Sequence[str]:
        """Interrupt those that do not rest, or with `stop` end all of them.

        Raises OrcError where one goes on, and where it cannot be told.
        """
        await self._fleet.scan(must_answer=False)
        asked: list[str] = []
        ended: set[PaneRef | None] = set()
        for agent in self._agents(top):
            if stop:
                done = await self._stop(agent)
                if not done.ok:
                    raise OrcError(f"{done.text}: nothing was restored")
                ended.add(agent.pane)
                asked.append(agent.name)
            elif agent.state not in _AT_REST:
                await self._fleet.interrupt(agent.key)
                asked.append(agent.name)
        await self._see_rest(top, ended)
        return asked

    async def _see_rest(self, top: Path, ended: Collection[PaneRef | None]) -> None:
        """Wait until all rest; of those that were seen to end, a screen may still be known."""
        deadline = self._clock.monotonic() + REST_WITHIN_S
        while busy := [
            one for one in self._agents(top) if one.state not in _AT_REST and one.pane not in ended
        ]:
            if self._clock.monotonic() >= deadline:
                one = busy[0]
                raise OrcError(
                    f"{one.name} is {one.state} in {clean(str(top), limit=200)} and was not seen to"
                    f" rest: nothing was restored; `orc stop {one.name}` ends it, or give --stop"
                )
            await self._clock.sleep(_LOOK_EVERY_S)
            await self._fleet.scan(must_answer=False)

    def _agents(self, top: Path) -> list[Agent]:
        real = os.path.realpath(top)
        return [
            agent
            for agent in self._fleet.agents()
            if not (agent.is_other or agent.has_ended or agent.name == self._actor)
            and Path(os.path.realpath(agent.cwd)).is_relative_to(real)
        ]


def workers(agents: Iterable[Agent], fleet: Fleet) -> list[Worker]:
    """The agents that are there, with the files that their hooks told of."""
    found = []
    for agent in agents:
        if agent.is_other or agent.has_ended or not agent.cwd:
            continue
        deeds = fleet.deeds(agent.key)
        files = tuple((one.at, one.text) for one in deeds.files) if deeds is not None else None
        prompts = tuple((one.at, one.text) for one in deeds.prompts) if deeds is not None else ()
        found.append(
            Worker(
                agent.name,
                "",
                agent.task,
                agent.last_prompt,
                files,
                folder=agent.cwd,
                prompts=prompts,
            )
        )
    return found


def tree_rooms() -> Path:
    """The folder of what is kept for each work tree."""
    return state_dir() / "trees"


def tree_wing(
    options: CoreOptions, clock: Clock, store: Database | None, fleet: Fleet, actor: str, stop: Stop
) -> Trees:
    """The wing of work trees, put together."""
    return Trees(
        tree_rooms(),
        clock,
        environ=options.environ,
        actor=actor,
        ledger=TreeLedger(store, actor) if store is not None else None,
        occupants=FleetOccupants(fleet, clock, actor, stop),
        read_only=options.read_only,
    )


def merge_wing(options: CoreOptions, clock: Clock, store: Database | None, actor: str) -> Merges:
    """The wing of merges, put together."""
    return Merges(
        state_dir() / "merges",
        clock,
        environ=options.environ,
        actor=actor,
        register=TreeLedger(store, actor) if store is not None else None,
        read_only=options.read_only,
    )
