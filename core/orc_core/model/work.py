"""Work as it is handed out: who may take a task, the lease it is held by, what became of it.

Invariant: whoever holds no token of a lease can say nothing about the work that it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ANY: Final = "any"
"""The kind of agent that work is for which any agent may take."""

EXPRESS: Final = 12
"""From this priority on work goes first and may have others step aside for it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who takes work: its name, the kind of agent it is ("" where not known), what it can do."""

    name: str
    kind: str = ""
    capabilities: frozenset[str] = frozenset()

    def can(self, needs: tuple[str, ...]) -> bool:
        """Whether it has every capability that is needed; case does not count."""
        return {need.casefold() for need in needs} <= {one.casefold() for one in self.capabilities}


@dataclass(frozen=True, slots=True)
class Leased:
    """A task that a holder has; `attempt` counts from 1, `fence` grows with every lease.

    `checkpoint` is what whoever stepped aside from it left for the next one, `yield_to` the task
    that should be done first, "" for neither.
    """

    token: str
    task: str
    title: str
    text: str
    priority: int
    holder: str
    attempt: int
    fence: int
    checkpoint: str = ""
    yield_to: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A task in the queue; `stage` is ready, leased, done or dead.

    `at` is when it came to that stage, `due_at` before which nobody gets it, both in seconds
    since the epoch.
    """

    task: str
    topic: str
    stage: str
    priority: int
    attempts: int
    holder: str
    progress: str
    at: float
    due_at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a task that was handed in, and the next one, None where there is none."""

    done: Queued
    next: Leased | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a task, as a group hears of it: `outcome` is done or failed.

    `token` says that the group heard it; `at` is when the task ended, seconds since the epoch.
    """

    token: str
    task: str
    outcome: str
    holder: str
    attempts: int
    note: str
    at: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """How many instances of an agent run and how many are wanted, with why that is another number.

    `busy` of them hold a task, `waiting` tasks could be taken by one more. `automatic` is
    whether the leader acts on it.
    """

    agent: str
    runs: int
    busy: int
    waiting: int
    wanted: int
    why: str
    automatic: bool

    @property
    def text(self) -> str:
        """One line for people: `planner: 3 wanted, 1 run (12 wait, 1 of 1 busy)`."""
        return f"{self.agent}: {self.wanted} wanted, {self.runs} run ({self.why})"


class Life(StrEnum):
    """Whether whoever holds work still lives, as far as is known."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"
