"""Tasks as lists show them, and the limits of what people write.

Invariant: `blocked` is computed from what a task depends on; it is never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PRIORITY_MAX = 15
TITLE_MAX = 200
TEXT_MAX = 64_000
LIST_MAX = 64
LABEL_MAX = 80


class Status(StrEnum):
    """Where a task stands."""

    READY = "ready"
    BLOCKED = "blocked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


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
    pending: bool = False
    """Whether a change of it waits for the store."""
