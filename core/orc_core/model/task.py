"""Tasks: the body that people write, and the view that lists show.

Invariant: `blocked` is computed from what a task depends on; it is never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]{0,62}$"
PRIORITY_MAX = 15
TITLE_MAX = 200
TEXT_MAX = 64_000
LIST_MAX = 64
LABEL_MAX = 80

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=LABEL_MAX)]


class Status(StrEnum):
    """Where a task stands."""

    READY = "ready"
    BLOCKED = "blocked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskBody(BaseModel):
    """The body of a task document, as it stands in the store and in its file.

    Unknown fields are kept: another tool may have put them there.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    id: Id
    title: Annotated[str, StringConstraints(min_length=1, max_length=TITLE_MAX)]
    text: Annotated[str, StringConstraints(max_length=TEXT_MAX)] = ""
    status: Annotated[str, Field(pattern="^(ready|running|done|failed|cancelled)$")] = "ready"
    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)] = 5
    needs: Annotated[list[Label], Field(max_length=LIST_MAX)] = []
    labels: Annotated[list[Label], Field(max_length=LIST_MAX)] = []
    depends_on: Annotated[list[Id], Field(max_length=LIST_MAX)] = []
    assignee: Annotated[str, StringConstraints(max_length=120)] = ""
    due: Annotated[str, StringConstraints(max_length=40)] = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One task as lists show it; `blocked_by` names the unfinished tasks it waits for.

    `since` is when it got its status, in seconds since the epoch.
    """

    id: str
    rev: int
    title: str
    text: str
    status: Status
    priority: int
    needs: tuple[str, ...]
    labels: tuple[str, ...]
    depends_on: tuple[str, ...]
    blocked_by: tuple[str, ...]
    assignee: str
    due: str
    since: float
    updated_at: float
    updated_by: str
    fault: str = ""
    """What is wrong with its file, with line and column; "" when nothing is."""
