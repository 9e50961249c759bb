"""What the store holds, as screens want it: tasks, conflicts and today's merges.

Invariant: a board is read in one transaction, so its parts agree with one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orc_core.history import encounters
from orc_core.later.plans import SHOWN_S
from orc_core.model.agent import Agent
from orc_core.model.health import STORE, Fault, Layer, LayerState
from orc_core.model.task import Status, Task
from orc_core.sync.settlement import day_of
from orc_core.sync.statistics import MERGED, RULED
from orc_core.tasks.ages import Age, ages
from orc_core.tasks.graph import Views
from orc_core.text import clean
from orc_storage import conflicts, counters, documents, laters, salvage
from orc_storage.database import Connection, Database
from orc_storage.errors import StorageError, StoreCorrupt
from orc_storage.laters import Later, What
from orc_storage.records import WAITING, Conflict, ConflictState, Document, Finding

RESOLVED_SHOWN_S = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Board:
    """The documents side of a snapshot."""

    documents: tuple[Document, ...] = ()
    ages: Mapping[str, Age] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    laters: tuple[Later, ...] = ()
    """What is put off, and what was carried out lately."""
    put_off: Mapping[str, float] = field(default_factory=dict)
    """Until when encounters in code are deferred, by their ids."""
    merged_today: int = 0
    ruled_today: int = 0
    trouble: str = ""
    """Why the store cannot be read as a whole: then this is what could be read of it."""
    damaged: tuple[Finding, ...] = ()
    """What the store cannot tell any more; a document of it stands in as it was last."""

    def tasks(self, faults: Sequence[Fault], views: Views | None = None) -> tuple[Task, ...]:
        """The tasks, each with what is wrong with its file, however its name is spelled.

        `views` saves making those anew that are as they were.
        """
        every = self.documents if faults else ()
        spelled = {document.id.casefold(): document.id for document in every}
        texts = {
            spelled.get(fault.id.casefold(), fault.id): fault.text
            for fault in faults
            if fault.kind == "task"
        }
        since = {id: age.since for id, age in self.ages.items()}
        return (views or Views()).view(self.documents, texts, since)


def join_tasks(agents: Sequence[Agent], tasks: Sequence[Task]) -> tuple[Agent, ...]:
    """The agents, each with the task it runs, else the one it failed, the most urgent first."""
    own_tasks: dict[str, Task] = {}
    for status in (Status.RUNNING, Status.FAILED):
        for task in sorted(tasks, key=lambda task: (-task.priority, task.since, task.id)):
            if task.status is status and task.assignee:
                own_tasks.setdefault(task.assignee.casefold(), task)
    joined = []
    for agent in agents:
        own = own_tasks.get(agent.name.casefold())
        joined.append(agent if own is None else replace(agent, task=own.id))
    return tuple(joined)


def join_laters(agents: Sequence[Agent], planned: Sequence[Later], now: float) -> tuple[Agent, ...]:
    """The agents, each with until when it is muted and when a line is to be typed to it."""
    muted: dict[str, float] = {}
    lines: dict[str, float] = {}
    for one in planned:
        of = muted if one.what is What.MUTE else lines
        if one.is_open and (one.what is What.LINE or one.at > now):
            of.setdefault(one.agent.casefold(), one.at)
    if not muted and not lines:
        return tuple(agents)
    joined = []
    for agent in agents:
        name = agent.name.casefold()
        until, at = muted.get(name, 0.0), lines.get(name, 0.0)
        if until or at:
            agent = replace(agent, muted_until=until, line_at=at)
        joined.append(agent)
    return tuple(joined)


async def load(store: Database | None, now: float, before: Board) -> Board:
    """Read the board; without a store it is empty. `now` is seconds since the epoch.

    Where pages of the store are damaged, the board says so, and has what can still be read.

    `before` is the last board: what it knows of old revisions is not read again.
    """
    if store is None:
        return Board()
    day = day_of(now)
    lost = {one.id for one in before.damaged if one.kind == "task"}
    known = {one.id: one for one in before.documents if one.id not in lost}

    def read(conn: Connection) -> Board:
        damaged: list[Finding] = []
        held = conflicts.listing(conn, states=WAITING, damaged=damaged)
        decided = conflicts.listing(
            conn, states={ConflictState.RESOLVED}, decided_since=now - RESOLVED_SHOWN_S
        )
        tasks = documents.listing(conn, "task", known=known, damaged=damaged)
        lost = [one for one in damaged if one.kind == "task"]
        tasks += [salvage.stand_in(conn, one.kind, one.id, one.rev) for one in lost]
        tasks.sort(key=lambda one: one.id.casefold())
        return Board(
            documents=tuple(tasks),
            ages=ages(conn, tasks, before.ages),
            conflicts=(*held, *decided),
            laters=tuple(laters.listing(conn, ended_since=now - SHOWN_S)),
            put_off=encounters.put_off(conn, now),
            merged_today=counters.value(conn, MERGED, day),
            ruled_today=counters.value(conn, RULED, day),
            damaged=tuple(damaged),
        )

    try:
        return await store.read(read)
    except StoreCorrupt as error:
        before = replace(before, trouble=str(error))
        try:
            return await store.read(lambda conn: _rescue(conn, before))
        except StorageError:
            return before


def _rescue(conn: Connection, before: Board) -> Board:
    """Read the tasks one by one; all else stands as it was read last."""
    damaged: list[Finding] = []
    known = {one.id: one for one in before.documents}
    tasks = salvage.listing(conn, "task", known, damaged)
    return replace(before, documents=tuple(tasks), damaged=tuple(damaged))


def with_damage(
    layers: Sequence[Layer], damaged: Sequence[Finding], at: float
) -> tuple[Layer, ...]:
    """The layers; that of the store names what is damaged. `at` is seconds since the epoch."""
    if not damaged:
        return tuple(layers)
    store = next((one for one in layers if one.name == STORE), None)
    store = store or Layer(STORE, LayerState.UNKNOWN, "", 0.0, 0, 0)
    told = {(fault.kind, fault.id.casefold()) for fault in store.faults}
    fresh = {(one.kind, one.id.casefold()): one for one in damaged}
    more = tuple(
        Fault(STORE, one.kind, clean(one.id, limit=80), _said(one), at)
        for name, one in fresh.items()
        if name not in told
    )
    state = LayerState.DEGRADED if store.state is LayerState.OK else store.state
    store = replace(store, state=state, faults=(*store.faults, *more))
    return (*(one for one in layers if one.name != STORE), store)


def _said(one: Finding) -> str:
    return clean(one.text.removeprefix(f"{one.kind} {one.id} "), limit=400)
