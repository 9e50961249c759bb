"""Figures of conflicts: what was found, what decided it, what waits and for how long.

Invariant: they are counted from the conflicts that are kept, so an undone decision counts as
open again; a conflict that another took the place of is counted once, as that other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from orc_core.sync.policies import AUTO, Strategy
from orc_storage.records import OPERATOR, WAITING, Conflict, ConflictState

YOU: Final = "you"

MERGED: Final = "merged"
"""The counter of fields that merged by themselves, per day."""

RULED: Final = "ruled"
"""The counter of conflicts that a rule decided, per day."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of all that both sides changed.

    `merged` fields merged by themselves. `by_strategy` and `by_whom` count what was decided:
    whom is `auto`, `you` or an agent. `oldest_s` is how long the oldest waits, 0 for none.
    """

    merged: int = 0
    open: int = 0
    deferred: int = 0
    by_strategy: Mapping[str, int] = field(default_factory=dict)
    by_whom: Mapping[str, int] = field(default_factory=dict)
    oldest_s: float = 0.0
    oldest: str = ""

    @property
    def resolved(self) -> int:
        """How many were decided, by a rule or by somebody."""
        return sum(self.by_whom.values())

    @property
    def detected(self) -> int:
        """How many fields both sides changed."""
        return self.merged + self.open + self.deferred + self.resolved

    @property
    def automatic(self) -> float:
        """The share that took no person, from 0 to 1; 1 where there was nothing."""
        by_rule = self.merged + self.by_whom.get(AUTO, 0)
        return by_rule / self.detected if self.detected else 1.0


def count(conflicts: Iterable[Conflict], *, merged: int, now: float) -> Figures:
    """Count conflicts; `now` is seconds since the epoch."""
    strategies: dict[str, int] = {}
    people: dict[str, int] = {}
    waiting: list[Conflict] = []
    states = dict.fromkeys(ConflictState, 0)
    for conflict in conflicts:
        states[conflict.state] += 1
        if conflict.state in WAITING:
            waiting.append(conflict)
        elif conflict.state is ConflictState.RESOLVED:
            by = conflict.strategy or Strategy.MANUAL.value
            whom = YOU if conflict.decided_by == OPERATOR else conflict.decided_by
            strategies[by] = strategies.get(by, 0) + 1
            people[whom] = people.get(whom, 0) + 1
    if merged:
        strategies[Strategy.MERGE.value] = strategies.get(Strategy.MERGE.value, 0) + merged
    oldest = min(waiting, key=lambda one: one.opened_at, default=None)
    return Figures(
        merged=merged,
        open=states[ConflictState.OPEN],
        deferred=states[ConflictState.DEFERRED],
        by_strategy=dict(sorted(strategies.items())),
        by_whom=dict(sorted(people.items())),
        oldest_s=max(now - oldest.opened_at, 0.0) if oldest else 0.0,
        oldest=oldest.id if oldest else "",
    )
