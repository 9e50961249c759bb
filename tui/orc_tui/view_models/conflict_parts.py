"""The conflicts of a document as they are decided: sides, parts, choices, what will be written.

Invariant: nothing counts as decided unless a person chose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from orc_core.text import clean
from orc_storage.records import OPERATOR, WAITING, Clash, Conflict, Json, Side
from orc_tui.view_models.conflicts import short
from orc_tui.view_models.diff import value_text
from orc_tui.view_models.tasks import person

THREE_COLUMNS = 140
TWO_COLUMNS = 100
DECIDE_ROWS_MAX = 6

SideName: TypeAlias = Literal["left", "base", "right"]
Take: TypeAlias = Literal["left", "right", "both", "swapped", "base", "value"]
SIDES: tuple[SideName, ...] = ("left", "base", "right")
KEY_OF: dict[str, str] = {"left": "o", "base": "B", "right": "t"}


def part_key(index: int) -> str:
    """The key that a click on a part presses: the cursor goes there."""
    return f"part-{index}"


def take_key(index: int, name: str) -> str:
    """The key that a click on a side of a part presses: it is taken."""
    return f"take-{index}-{name}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a person chose for one conflict; `value` counts only for `take` = value."""

    take: Take
    value: Json = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the view shows: the conflicts of one document and what is chosen so far.

    `cursor` is the conflict under the cursor, `side` the side; `number` of `total` counts
    documents in conflict from 1; `now` is seconds since the epoch. `text` is the document's own,
    as the store has it, for lines to be shown in their place.
    """

    conflicts: tuple[Conflict, ...]
    title: str
    number: int
    total: int
    now: float
    taken: Mapping[str, Taken] = field(default_factory=dict)
    cursor: int = 0
    side: SideName = "left"
    base_shown: bool = False
    scroll: int = 0
    note: str = ""
    text: str = ""
    acts: tuple[tuple[str, str], ...] = (("L", "later"), ("w", "why"), ("z", "undo"))

    @property
    def current(self) -> Conflict:
        return self.conflicts[self.cursor]

    @property
    def left_over(self) -> int:
        """How many conflicts are not decided yet."""
        return sum(conflict.id not in self.taken for conflict in self.conflicts)


def groups(conflicts: Sequence[Conflict]) -> tuple[tuple[Conflict, ...], ...]:
    """What waits for a decision, by document, the oldest first."""
    waiting = [c for c in conflicts if c.state in WAITING]
    by_document: dict[tuple[str, str], list[Conflict]] = {}
    for conflict in sorted(waiting, key=lambda c: (c.opened_at, c.id)):
        by_document.setdefault((conflict.doc_kind, conflict.doc), []).append(conflict)
    return tuple(_in_order(group) for group in by_document.values())


def _in_order(group: Sequence[Conflict]) -> tuple[Conflict, ...]:
    """Single values as they were opened, then lines as they stand in their text."""
    return tuple(sorted(group, key=lambda c: (c.line > 0, c.path.rpartition("#")[0], c.line)))


def who(side: Side) -> str:
    """The name of a side: who wrote it, or that nobody knows."""
    if side.writer == OPERATOR:
        return "you"
    return clean(side.writer, limit=60) or f"{side.layer}, writer unknown"


def origin(side: Side, now: float) -> str:
    """Where a side's value came from: layer, time and cause."""
    parts = [side.layer, clock_time(side.at, now), clean(side.cause, limit=120)]
    return " · ".join(part for part in parts if part)


def base_origin(conflict: Conflict, now: float) -> str:
    """Where the base comes from: its revision, when and by whom that was written."""
    if not conflict.base_rev:
        return clean(conflict.base_by, limit=120) or "never agreed on"
    by = person(conflict.base_by) if conflict.base_by else ""
    parts = [f"revision {conflict.base_rev}", clock_time(conflict.base_at, now), by]
    return " · ".join(part for part in parts if part)


def clock_time(at: float, now: float) -> str:
    """A moment in local time, with its date when that is not today; "" for never."""
    if at <= 0:
        return ""
    moment = datetime.fromtimestamp(at).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return moment.strftime("%H:%M" if moment.date() == today else "%d %b %H:%M")


def side_text(conflict: Conflict, name: SideName) -> str:
    """The value of a side as people read it."""
    if name == "base":
        if conflict.line and not conflict.base_present:
            return "(no lines)"
        return value_text(conflict.base, conflict.base_present)
    side = conflict.left if name == "left" else conflict.right
    if conflict.line and not side.present:
        return "(no lines)"
    if not side.present and conflict.kind is Clash.EDIT_DELETE:
        return "(deleted)"
    return value_text(side.value, side.present)


def side_name(conflict: Conflict, name: str) -> str:
    """What a side is called."""
    if name in ("both", "swapped"):
        return "both" if name == "both" else "both, t first"
    if name == "left":
        return who(conflict.left)
    return who(conflict.right) if name == "right" else "base"


def brief_name(conflict: Conflict, name: str) -> str:
    """What a side is called where there is little room."""
    side = {"left": conflict.left, "right": conflict.right}.get(name)
    return side_name(conflict, name) if side is None else clean(short(side), limit=60)


def result_text(conflict: Conflict, taken: Taken) -> str:
    """The value as it will be written."""
    if taken.take == "value":
        return value_text(taken.value)
    if taken.take == "both" or taken.take == "swapped":
        sides = (conflict.left, conflict.right)[:: 1 if taken.take == "both" else -1]
        return "\n".join(str(side.value) for side in sides if side.present)
    side = {"left": conflict.left, "right": conflict.right}.get(taken.take)
    if conflict.line and not (conflict.base_present if side is None else side.present):
        return ""
    return side_text(conflict, taken.take)


def part_name(conflict: Conflict, beside: Sequence[Conflict]) -> str:
    """What a part is called: its field, of lines of a text `text 2/3`, or the whole document."""
    if not conflict.line:
        return clean(conflict.path, limit=80) or "the whole document"
    field = conflict.path.rpartition("#")[0]
    lines = [one for one in beside if one.line and one.path.rpartition("#")[0] == field]
    at = sorted(lines, key=lambda one: one.line).index(conflict) + 1
    return f"{clean(field, limit=80)} {at}/{len(lines)}"
