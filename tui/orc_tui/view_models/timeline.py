"""A document's timeline as lines: its revisions, and what the one under the cursor changed.

Invariant: the newest revision is on top, and every revision names who made it and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orc_core.model.history import FieldChange
from orc_core.text import age, clean, fit
from orc_storage.records import OPERATOR, Revision
from orc_tui.view_models import box
from orc_tui.view_models.conflict_view import clock_time
from orc_tui.view_models.diff import change_lines
from orc_tui.view_models.lines import Line, cut, width_of

TWO_COLUMNS = 100
LIST_WIDTH = 52


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the view shows. `revisions` are newest first; `changes` None means not read yet.

    `now` is seconds since the epoch; `scroll` shifts the difference.
    """

    kind: str
    id: str
    title: str
    revisions: tuple[Revision, ...]
    now: float
    cursor: int = 0
    changes: tuple[FieldChange, ...] | None = None
    scroll: int = 0
    note: str = ""
    note_style: str = "dim"

    @property
    def current(self) -> Revision:
        return self.revisions[self.cursor]


def actor(name: str) -> str:
    """Who did it, as the screen calls them."""
    return "you" if name == OPERATOR else clean(name, limit=60) or "unknown"


def lines(view: Timeline, width: int, height: int) -> list[Line]:
    """The whole view, `width` by `height`."""
    room = max(height - 2, 4)
    if width >= TWO_COLUMNS:
        body = _beside(view, width, room)
    else:
        listed = min(len(view.revisions), max(room // 3, 3))
        head = (("Revisions", "bold"),)
        body = [
            box.rule(head, _count(view), width, "accent"),
            *_rows(view, width, listed),
            box.rule(_diff_head(view), (), width, "border"),
            *_diff(view, width, room - listed - 2),
        ]
    return [_header(view, width), *body, _footer(view, width)]


def last_scroll(view: Timeline, width: int, height: int) -> int:
    """The furthest that the difference can be scrolled."""
    room = max(height - 2, 4)
    if width >= TWO_COLUMNS:
        inner, rows = width - LIST_WIDTH - 3, room - 2
    else:
        inner, rows = width, room - min(len(view.revisions), max(room // 3, 3)) - 2
    return max(len(change_lines(view.changes or (), inner - 1)) - rows, 0)


def _beside(view: Timeline, width: int, room: int) -> list[Line]:
    right = width - LIST_WIDTH - 1
    rows = _rows(view, LIST_WIDTH - 2, room - 2)
    diff = _diff(view, right - 2, room - 2)
    left_box = [
        box.top((("Revisions", "bold"),), _count(view), LIST_WIDTH, "accent"),
        *(box.row(line, LIST_WIDTH, "accent") for line in rows),
        box.bottom((), (), LIST_WIDTH, "accent"),
    ]
    right_box = [
        box.top(_diff_head(view), (), right, "border"),
        *(box.row(line, right, "border") for line in diff),
        box.bottom((), (), right, "border"),
    ]
    return [(*a, (" ", ""), *b) for a, b in zip(left_box, right_box, strict=True)]


def _header(view: Timeline, width: int) -> Line:
    left: Line = (
        (" orc ", "accent bold"),
        (f"  Timeline · {view.kind} {view.id} ", ""),
        (clean(view.title, limit=200), "bold"),
    )
    note: Line = ((f"  {clean(view.note, limit=240)} ", view.note_style),) if view.note else ()
    return box.spread(left, note, width)


def _count(view: Timeline) -> Line:
    return ((f"{len(view.revisions)}, newest first", "dim"),)


def _rows(view: Timeline, width: int, room: int) -> list[Line]:
    total = len(view.revisions)
    start = min(max(view.cursor - room // 2, 0), max(total - room, 0))
    out = [_row(view, index, width) for index in range(start, min(start + room, total))]
    return out + [cut((), width)] * (room - len(out))


def _row(view: Timeline, index: int, width: int) -> Line:
    revision = view.revisions[index]
    here = index == view.cursor
    cause = clean(revision.cause, limit=200)
    if revision.deleted:
        cause = f"deleted: {cause}" if cause else "deleted"
    press = f"press:row-{index}"
    return cut(
        (
            ("›" if here else " ", f"accent bold {press}"),
            (f"{revision.rev:>4}  ", f"bold {press}" if here else press),
            (f"{age(max(view.now - revision.at, 0.0)):>5}  ", f"dim {press}"),
            (fit(actor(revision.actor), 14) + " ", f"{press}"),
            (cause + ("  (now)" if index == 0 else ""), f"dim {press}"),
        ),
        width,
    )


def _diff_head(view: Timeline) -> Line:
    revision = view.current
    before = f" against {revision.parent_rev}" if revision.parent_rev else ", the first"
    when = clock_time(revision.at, view.now)
    return ((f"Revision {revision.rev}", "bold"), (f"{before} · {when}", ""))


def _diff(view: Timeline, width: int, room: int) -> list[Line]:
    if view.changes is None:
        found: Sequence[Line] = [(("reading…", "dim"),)]
    else:
        found = change_lines(view.changes, width - 1)
    start = min(view.scroll, max(len(found) - room, 0))
    out = [cut(((" ", ""), *line), width) for line in found[start : start + room]]
    return out + [cut((), width)] * (room - len(out))


def _footer(view: Timeline, width: int) -> Line:
    end = box.key("Esc", "back ", press="escape")
    pairs = [
        box.key("j k", "any", press="j"),
        ((f"R roll back to {view.current.rev}", "dim press:R"),)
        if view.cursor == 0
        else box.key("R", f"roll back to {view.current.rev}"),
        box.key("J K", "scroll", press="J"),
        box.key("c", "copy"),
        box.key("z", "undo"),
        box.key("Z", "redo"),
    ]
    return box.spread(((" ", ""), *box.keys(pairs, width - width_of(end) - 4)), end, width)
