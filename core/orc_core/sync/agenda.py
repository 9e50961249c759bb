"""What one layer has still to be brought in step with, and since when.

Invariant: bounded; what is too much to be kept one by one is kept as a look at everything. A
change is noted once, with the time it was first heard of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from orc_core.sync.layers import Key

PENDING_MAX: Final = 4096


@dataclass(slots=True)
class Wanted:
    """Since when something is wanted (monotonic seconds), and whether a fault is believed."""

    since: float
    believe: bool = False


class Agenda:
    """What is due now, what is being done, and what is held until its time has come."""

    def __init__(self) -> None:
        self.due: dict[Key, Wanted] = {}
        self.working: dict[Key, Wanted] = {}
        self.held: dict[Key, Wanted] = {}

    @property
    def queued(self) -> int:
        """How many documents wait; a look at a whole kind is none."""
        return len({key for part in self._parts() for key in part if key[1]})

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due or being done."""
        return not (self.due or self.working)

    def behind_s(self, now: float) -> float:
        """The age of the oldest thing wanted, in seconds."""
        waiting = [*self.working.values(), *self.due.values()]
        waiting += [one for key, one in self.held.items() if key[1]]
        return max(0.0, now - min((one.since for one in waiting), default=now))

    def want(self, key: Key, since: float, *, believe: bool = False) -> None:
        """Have a document, or a whole kind, brought in step in the next pass."""
        self.held.pop(key, None)
        self.due.setdefault(key, Wanted(since)).believe |= believe
        self.due = _bounded(self.due)

    def hold(self, key: Key, since: float) -> None:
        """Keep a change until it is released."""
        if key not in self.due:
            self.held.setdefault(key, Wanted(since))
            self.held = _bounded(self.held)

    def release(self, kinds: Collection[str], since: float) -> None:
        """Make due what is held of these kinds."""
        for key in [key for key in self.held if key[0] in kinds]:
            self.want(key, since)

    def begin(self) -> frozenset[Key]:
        """Take what is due, to be done now."""
        self.working, self.due = self.due, {}
        return frozenset(self.working)

    def believed(self) -> set[Key]:
        """Which of what is being done has its faults believed."""
        return {key for key, one in self.working.items() if one.believe}

    def end(self) -> None:
        """What was being done is over."""
        self.working = {}

    def clear(self) -> None:
        """Forget everything."""
        self.due, self.working, self.held = {}, {}, {}

    def _parts(self) -> Iterable[dict[Key, Wanted]]:
        return self.working, self.due, self.held


def _bounded(wanted: dict[Key, Wanted]) -> dict[Key, Wanted]:
    if len(wanted) <= PENDING_MAX:
        return wanted
    since = min(one.since for one in wanted.values())
    return {(kind, ""): Wanted(since) for kind, _ in wanted}
