"""What the store holds, as screens want it: tasks, conflicts and today's merges.

Invariant: a board is read in one transaction, so its parts agree with one another.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orc_core.model.agent import Agent
from orc_core.model.health import Fault
from orc_core.model.task import Status, Task
from orc_core.tasks.graph import view
from orc_storage import conflicts, counters, documents
from orc_storage.database import Connection, Database
from orc_storage.records import Conflict, ConflictState, Document

RESOLVED_SHOWN_S = 15 * 60.0
MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Board:
    """The documents side of a snapshot."""

    documents: tuple[Document, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    merged_today: int = 0

    def tasks(self, faults: Sequence[Fault]) -> tuple[Task, ...]:
        """The tasks, each with what is wrong with its file."""
        texts = {fault.id: fault.text for fault in faults if fault.kind == "task"}
        return tuple(view(self.documents, texts))


def join_tasks(agents: Sequence[Agent], tasks: Sequence[Task]) -> tuple[Agent, ...]:
    """The agents, each with its running task; the one of highest priority if it has several."""
    running: dict[str, Task] = {}
    for task in sorted(tasks, key=lambda task: (-task.priority, task.since, task.id)):
        if task.status is Status.RUNNING and task.assignee:
            running.setdefault(task.assignee.casefold(), task)
    return tuple(
        replace(agent, task=task.id) if (task := running.get(agent.name.casefold())) else agent
        for agent in agents
    )


async def load(store: Database | None, now: float) -> Board:
    """Read the board; without a store it is empty. `now` is seconds since the epoch."""
    if store is None:
        return Board()
    day = time.strftime("%Y-%m-%d", time.localtime(now))

    def read(conn: Connection) -> Board:
        waiting = {ConflictState.OPEN, ConflictState.DEFERRED}
        held = conflicts.listing(conn, states=waiting)
        decided = conflicts.listing(
            conn, states={ConflictState.RESOLVED}, decided_since=now - RESOLVED_SHOWN_S
        )
        return Board(
            documents=tuple(documents.listing(conn, "task")),
            conflicts=(*held, *decided),
            merged_today=counters.value(conn, MERGED, day),
        )

    return await store.read(read)
