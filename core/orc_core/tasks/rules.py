"""What a task's body must keep before it is written, wherever it comes from.

Invariant: nothing reaches the store that TaskBody refuses, that the machine has no arrow for,
or that makes a task wait for itself.
"""

from __future__ import annotations

from typing import Final

from orc_core.errors import UsageError
from orc_core.model.bodies import read_as
from orc_core.model.task import LABEL_MAX, LIST_MAX, PRIORITY_MAX, TEXT_MAX, TITLE_MAX
from orc_core.model.task_body import TaskBody
from orc_core.tasks.graph import arrows, find_cycle
from orc_core.tasks.machine import move
from orc_storage import documents
from orc_storage.database import Connection
from orc_storage.records import Body

KIND: Final = "task"

_WORDS: Final = f"a list of up to {LIST_MAX} words of 1 to {LABEL_MAX} characters"
REMEDIES: Final = {
    "id": "letters, digits and hyphens, at most 63, no hyphen first",
    "title": f"a line of 1 to {TITLE_MAX} characters",
    "text": f"at most {TEXT_MAX:,} characters",
    "status": "one of ready, running, done, failed, cancelled; blocked follows from depends_on",
    "priority": f"a whole number from 0 to {PRIORITY_MAX}",
    "needs": _WORDS,
    "labels": _WORDS,
    "depends_on": f"a list of up to {LIST_MAX} task ids such as T-14",
    "assignee": "at most 120 characters",
    "due": "at most 40 characters",
}
"""What each field takes, for people."""


class TaskRules:
    """The rules of tasks, for whoever writes one."""

    def check(self, conn: Connection, before: Body | None, after: Body) -> None:
        """Raise UsageError or IllegalMove unless `after` may follow `before`."""
        task = read_body(after)
        if before is not None:
            move(task.id, str(before.get("status", "ready")), task.status)
        if task.depends_on:
            edges = arrows(document.body for document in documents.listing(conn, KIND))
            edges[task.id] = tuple(task.depends_on)
            if cycle := find_cycle(edges, task.id):
                raise UsageError(
                    f"{task.id}: depends_on makes a circle, {' -> '.join(cycle)}: take one out"
                )


def read_body(body: Body) -> TaskBody:
    """Read a body as a task; raises UsageError naming the field and what it takes."""
    return read_as(TaskBody, body, REMEDIES)
