"""What a pass did and what it leaves for later, counted and named."""

from __future__ import annotations

from dataclasses import dataclass, field

from orc_core.sync.layers import Key


@dataclass(slots=True)
class Tally:
    """What was done, counted."""

    imported: int = 0
    exported: int = 0
    merged: int = 0
    conflicts: int = 0


@dataclass(slots=True)
class Later:
    """What a pass leaves for later: second looks, retries, files that were missed."""

    doubtful: set[Key] = field(default_factory=set)
    again: set[Key] = field(default_factory=set)
    missed: bool = False

    def __bool__(self) -> bool:
        return bool(self.doubtful or self.again or self.missed)
