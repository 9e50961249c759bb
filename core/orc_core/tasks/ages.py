"""Since when a task has its status.

Invariant: the answer comes from the revisions alone, so it is the same in every process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orc_storage import documents
from orc_storage.database import Connection
from orc_storage.errors import Archived, DamagedDocument
from orc_storage.records import Document

STEPS_MAX: Final = 1000
"""How many revisions are looked back through; beyond them, and behind archived and damaged ones,
the age is a lower bound."""


@dataclass(frozen=True, slots=True)
class Age:
    """When a document, as of `rev`, got its status; seconds since the epoch."""

    rev: int
    status: str
    since: float


def ages(
    conn: Connection, tasks: Sequence[Document], known: Mapping[str, Age] | None = None
) -> dict[str, Age]:
    """Return the age of each task's status by id; `known` from an earlier call saves reading."""
    before = known or {}
    return {task.id: _age(conn, task, before.get(task.id)) for task in tasks}


def _age(conn: Connection, task: Document, known: Age | None) -> Age:
    status = str(task.body.get("status", ""))
    if known is not None and known.rev == task.rev:
        return known
    alike: list[int] = []
    for rev, earlier in documents.statuses(
        conn, task.kind, task.id, below=task.rev, limit=STEPS_MAX
    ):
        if earlier != status or rev != task.rev - len(alike) - 1:
            break
        if known is not None and known.rev == rev:
            return Age(task.rev, status, known.since)
        alike.append(rev)
    return Age(task.rev, status, _begun(conn, task, alike))


def _begun(conn: Connection, task: Document, alike: Sequence[int]) -> float:
    """When the oldest of these revisions was written that can be believed."""
    for rev in reversed(alike):
        with contextlib.suppress(Archived, DamagedDocument):
            return documents.revision(conn, task.kind, task.id, rev).at
    return task.updated_at
