"""Going back: differences, plans and reports.

Invariant: nothing goes back without a plan that was shown first, and a plan names what it
does not touch.
"""

from __future__ import annotations

from dataclasses import dataclass

from orc_storage.records import Json


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One path that differs between two bodies; a side that lacks it has `*_present` False."""

    path: str
    before: Json
    after: Json
    before_present: bool = True
    after_present: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking one document back to a revision would do.

    `from_rev` is the revision it was planned on; applying it on another one fails. `returns`,
    `stays` and `lost` are lines for people: what comes back, what stays, what cannot be taken
    back.
    """

    kind: str
    id: str
    from_rev: int
    to_rev: int
    diff: tuple[FieldChange, ...]
    returns: tuple[str, ...]
    stays: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What an act did, in one line, and the way back: undo, or redo after an undo.

    Which key or command that is, each front end says for itself.
    """

    text: str
    undoable: bool
    rev: int = 0
    redoable: bool = False
