"""What a timeline shows and where the operator looks in it, and what could be done there.

Invariant: pure values. An action that cannot be done on a row has a reason, and the footer
offers those that have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from orc_core.model.history import FieldChange, Held, Mark, Moment, Saved
from orc_tui.view_models import marks

Row: TypeAlias = Moment | Saved


class Tab(StrEnum):
    """What the list tells of."""

    ALL = "All"
    THIS = "This"
    CHECKPOINTS = "Checkpoints"
    SINCE = "Since"


class Against(StrEnum):
    """What the revision under the cursor is compared with."""

    BEFORE = "before"
    NOW = "now"
    MARKED = "marked"


@dataclass(frozen=True, slots=True)
class Detail:
    """What stands beside the list: a difference, the documents of a checkpoint, or words."""

    changes: tuple[FieldChange, ...] | None = None
    held: tuple[Held, ...] | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the view shows; `rows` are newest first.

    `subject` says what the tab This is of and `since` when the tab Since begins, 0.0 for
    never. `now` is in seconds since the epoch; `detail` None means not read yet; `scroll` shifts
    it, and `is_whole` gives it the whole view. `query` is the filter as it was typed.
    """

    tab: Tab
    now: float
    rows: tuple[Row, ...] = ()
    cursor: int = 0
    marks: frozenset[str] = frozenset()
    subject: str = ""
    title: str = ""
    since: float = 0.0
    has_more: bool = False
    is_read: bool = False
    against: Against = Against.BEFORE
    detail: Detail | None = None
    scroll: int = 0
    is_whole: bool = False
    query: str = ""
    note: str = ""
    note_style: str = "text"

    @property
    def current(self) -> Row | None:
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def marked(self) -> tuple[Moment, ...]:
        """The marked rows, newest first."""
        return tuple(row for row in self.rows if isinstance(row, Moment) and row.key in self.marks)


def key_of(row: Row) -> str:
    """What tells a row from every other."""
    return row.key if isinstance(row, Moment) else f"c{row.name}"


def checkpoint_of(row: Row | None) -> str:
    """The name of the checkpoint that a row is of, "" for none."""
    if isinstance(row, Saved):
        return row.name
    if row is not None and row.kind == "checkpoint" and row.action != "forget":
        return row.id
    return ""


def mark_of(row: Row | None) -> Mark | None:
    """The revision that a row wrote, None where it wrote none."""
    return Mark(row.kind, row.id, row.rev) if isinstance(row, Moment) and row.rev else None


def markable(rows: Sequence[Row]) -> frozenset[str]:
    """The keys of the rows that can be marked."""
    return frozenset(key_of(row) for row in rows if mark_of(row) is not None)


def marked_span(view: Timeline) -> Sequence[Row]:
    """The rows from the nearest marked one to the cursor; none where nothing is marked."""
    found = marks.bounds([key_of(row) for row in view.rows], view.marks, view.cursor)
    return view.rows[slice(*found)] if found else ()


def reason(action_id: str, view: Timeline) -> str:
    """Why an action cannot be done now; "" where it can."""
    row = view.current
    if action_id in ("rollback", "take-out") and view.marked:
        return ""
    if action_id == "rollback":
        return "" if checkpoint_of(row) else _no_rollback(row)
    if action_id in ("take-out", "mark", "compare") and mark_of(row) is None:
        return "that row is no change of a document"
    if action_id == "name" and not isinstance(row, Saved):
        return "only a checkpoint has a name: ] goes to the tab Checkpoints"
    if action_id == "history" and (not isinstance(row, Moment) or checkpoint_of(row)):
        return "a checkpoint has no timeline of its own"
    return ""


def _no_rollback(row: Row | None) -> str:
    mark = mark_of(row)
    if mark is None or not isinstance(row, Moment):
        return "that row is no change of a document"
    if row.rev == row.now_rev:
        return f"{row.id} stands at revision {row.rev} already: choose an older one"
    return ""


def other_mark(view: Timeline) -> Moment | None:
    """The one marked revision of the same document that the cursor is not on."""
    row = view.current
    if not isinstance(row, Moment) or not row.rev:
        return None
    others = [
        one
        for one in view.marked
        if (one.kind, one.id) == (row.kind, row.id) and one.rev and one.rev != row.rev
    ]
    return others[0] if len(others) == 1 else None


def row_key(kind: str, id: str, rev: int) -> str:
    """How an act of the timeline names a revision, or with 0 something else."""
    return f"{kind}/{id}@{rev}"


def parse_row_key(key: str) -> tuple[str, str, int]:
    """Kind, id and revision of a row of the timeline."""
    document, _, rev = key.rpartition("@")
    kind, _, id = document.partition("/")
    return kind, id, int(rev)
