"""What agents say of themselves: that they are there, what they can do, that they still live.

Invariant: a sign of life is never a document: it writes one row over the one before. What an
agent says of itself decides nothing but whether it is online.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from orc_core.agents.processes import Processes
from orc_core.clock import Clock
from orc_core.errors import UnknownName, UsageError
from orc_core.lifecycle.crew import Crew, base_of
from orc_core.lifecycle.figures import add_up
from orc_core.lifecycle.presence import boot_id, presence
from orc_core.lifecycle.rules import pane_json
from orc_core.model.agent import OTHER, Agent, PaneRef
from orc_core.model.life import Done, Figures, Known, Presence
from orc_core.text import clean
from orc_storage import live
from orc_storage.database import Database
from orc_storage.live import CHANGES_MAX
from orc_storage.records import BeatRow, Json, StateChange

SAYS_MAX = 200
NO_PANE = "agent"
"""What the names of agents begin with that have neither a pane nor a name."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of an agent beside what is seen of it.

    `restarts` and `phase` are the supervisor's, "" where there is none.
    """

    known: Known
    presence: Presence
    beat: BeatRow | None
    phase: str
    reason: str
    restarts: int


class Registrar:
    """Takes down what agents say of themselves."""

    def __init__(
        self,
        db: Database,
        crew: Crew,
        clock: Clock,
        processes: Processes,
        *,
        actor: str,
        environ: Mapping[str, str],
        boot: str | None = None,
    ) -> None:
        self._db = db
        self._crew = crew
        self._clock = clock
        self._processes = processes
        self._actor = actor
        self._environ = environ
        self._boot = boot_id() if boot is None else boot

    async def register(
        self,
        agent: Agent | None,
        *,
        name: str = "",
        capabilities: Sequence[str] = (),
        version: str = "",
        status: str = "",
        taken: Collection[str] = (),
    ) -> Done:
        """Put an agent on the crew, or bring up to date what it says there, with a first beat.

        `agent` is what is seen in its pane, None where it has none. Raises UsageError.
        """
        said: dict[str, Json] = {}
        if capabilities:
            said["capabilities"] = list(capabilities)
        if version:
            said["version"] = version
        known = await self._own(agent.pane if agent is not None else None, name)
        is_new = known is None
        if known is None:
            known = await self._add(agent, said, name, taken)
        elif said:
            known = await self._crew.edit(
                known.name, said, actor=self._actor, cause="orc register", label="register"
            )
        await self.beat(known.name, status=status)
        what = "registered" if is_new else "registered again"
        return Done(known.name, True, f"{known.name} is {what}", pane=known.pane, undoable=is_new)

    async def beat(self, name: str = "", *, status: str = "", progress: str = "") -> Known:
        """Take down a sign of life; without a name of whoever runs this. Raises UnknownName."""
        known = await self._crew.find(name or self._environ.get("ORC_AGENT", ""))
        if known is None:
            if not name:
                raise UnknownName("whose heartbeat is this? Name the agent, or `orc register` it")
            known = await self._crew.get(name)
        row = BeatRow(
            known.name,
            self._clock.now(),
            self._clock.monotonic(),
            self._boot,
            clean(status, limit=SAYS_MAX),
            clean(progress, limit=SAYS_MAX),
        )
        await self._crew.beat(row)
        return known

    async def records(self) -> tuple[Record, ...]:
        """All agents of the crew, each with what it and its supervisor say."""
        beats, standings = await self._crew.beats(), await self._crew.standings()
        found: list[Record] = []
        for known in await self._crew.listing():
            beat = beats.get(known.name.casefold())
            row = standings.get(known.name.casefold())
            there = presence(
                beat, now=self._clock.now(), monotonic_s=self._clock.monotonic(), boot=self._boot
            )
            told = (row.phase, row.reason, row.restarts) if row is not None else ("", "", 0)
            found.append(Record(known, there, beat, *told))
        return tuple(found)

    async def record(self, name: str) -> Record:
        """One agent of the crew; raises UnknownName."""
        known = await self._crew.get(name)
        return next(one for one in await self.records() if one.known.name == known.name)

    async def figures(self, record: Record) -> Figures:
        """What an agent's life adds up to, as far as it was seen."""
        changes = await self.changes(record.known.name, CHANGES_MAX)
        pane = record.known.pane
        facts = self._processes.facts(pane.pid) if pane is not None else None
        now = self._clock.now()
        lives = facts is not None and facts.state != "Z"
        uptime_s = max(0.0, now - facts.started_at) if facts is not None and lives else None
        return add_up(changes, now=now, uptime_s=uptime_s, restarts=record.restarts)

    async def changes(self, name: str, limit: int = 20) -> list[StateChange]:
        """The newest states that an agent was seen in, newest first."""
        return await self._db.read(partial(live.recent, name=name, limit=limit))

    async def _own(self, pane: PaneRef | None, name: str) -> Known | None:
        """Who registers: the agent in this pane, or the one that was told its name."""
        if pane is not None:
            for known in await self._crew.listing():
                if known.pane == pane:
                    if name and name.casefold() != known.name.casefold():
                        raise UsageError(f"{pane.pane_id} is {known.name}, not {name}")
                    return known
        called = name or self._environ.get("ORC_AGENT", "")
        found = await self._crew.find(called) if called else None
        if found is None or found.pane is None or pane is None:
            return found
        if name:
            raise UsageError(f"the name {found.name} is taken: choose another --name")
        return None  # it was started from within the pane of another agent

    async def _add(
        self, agent: Agent | None, said: Mapping[str, Json], name: str, taken: Collection[str]
    ) -> Known:
        fields: dict[str, Json] = {"origin": "registered", **said}
        base = NO_PANE
        if agent is not None:
            is_other = agent.kind == OTHER
            base = base_of(agent.command) if is_other else agent.kind
            name = name or ("" if is_other else agent.name)
            fields |= {
                "kind": "" if is_other else agent.kind,
                "cwd": agent.cwd,
                "server": agent.pane.server,
                "session": agent.session,
                "pane": pane_json(agent.pane),
            }
            taken = [one for one in taken if one.casefold() != agent.name.casefold()]
        return await self._crew.add(
            fields,
            name=name,
            base=base,
            taken=taken,
            actor=self._actor,
            cause="orc register",
            label="register",
        )
