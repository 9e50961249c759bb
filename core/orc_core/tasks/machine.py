"""The machine of task states.

Invariant: a status changes along these arrows or not at all, whoever asks. `blocked` is
computed from what a task depends on, so nobody can ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orc_core.errors import IllegalMove
from orc_core.model.task import Status

MOVES: Final[Mapping[Status, frozenset[Status]]] = {
    Status.READY: frozenset({Status.RUNNING, Status.DONE, Status.FAILED, Status.CANCELLED}),
    Status.BLOCKED: frozenset(),
    Status.RUNNING: frozenset({Status.READY, Status.DONE, Status.FAILED, Status.CANCELLED}),
    Status.FAILED: frozenset({Status.READY, Status.CANCELLED}),
    Status.DONE: frozenset({Status.READY}),
    Status.CANCELLED: frozenset({Status.READY}),
}


def legal(start: Status, end: Status) -> bool:
    """Whether a task may go from `start` to `end`; staying is always legal."""
    if start is end:
        return start is not Status.BLOCKED
    return end in MOVES[start]


def move(id: str, start: str, end: str) -> Status:
    """Return the status that task `id` gets; raise IllegalMove where there is no such arrow."""
    if end not in tuple(Status):
        known = ", ".join(status for status in Status if status is not Status.BLOCKED)
        raise IllegalMove(f"{id}: {end!r} is no status; use one of {known}")
    before, after = Status(start), Status(end)
    if legal(before, after):
        return after
    if after is Status.BLOCKED:
        raise IllegalMove(f"{id}: blocked follows from depends_on; edit that instead")
    arrows = ", ".join(sorted(MOVES[before]))
    raise IllegalMove(f"{id} is {before} and cannot become {after}; from there: {arrows}")
