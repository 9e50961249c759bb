"""The result of a conflict as lines: the value, or the text with its parts in their place.

Invariant: what is shown as decided is what will be written; the rest shows every way to decide it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.text import cells, clean, fit
from orc_storage.records import Conflict, Json
from orc_tui.view_models import box
from orc_tui.view_models.conflict_parts import (
    KEY_OF,
    SIDES,
    Decision,
    SideName,
    Taken,
    brief_name,
    part_key,
    part_name,
    result_text,
    side_text,
    take_key,
)
from orc_tui.view_models.diff import marked_lines, underlined
from orc_tui.view_models.lines import Line, cut

CONTEXT_LINES = (10_000, 16, 8, 4, 2)
"""How many lines of a text are shown before and after a part of it: the first that has room."""

GUTTER: Final = 10
"""Cells before a line of the result: its sign and what was taken."""
TELLING_LINES: Final = 3
TELLING_HEAD: Final = 16
"""Characters that are left before the first word that differs, where not all has room."""


def lines(view: Decision, inner: int, room: int = 0) -> tuple[str, list[Line]]:
    """Name what will be written, and show it, `inner` cells wide.

    Of a text as much is shown around its parts as `room` lines hold, and a few lines at least.
    """
    conflict = view.current
    path = part_name(conflict, view.conflicts) if conflict.path else ""
    what = f"{conflict.doc} {path}".strip()
    rows: list[Line] = []
    if spots := hunk_spots(view):
        what = f"{conflict.doc} text"
        for context in CONTEXT_LINES:
            rows = _in_place(view, spots, inner, context)
            if len(rows) <= room:
                break
    elif (taken := view.taken.get(conflict.id)) is None:
        rows = _open_rows(conflict, view.cursor, inner, "bold")
    else:
        rows = _decided_rows(conflict, taken, view.cursor, inner)
    return what, rows


def _open_rows(conflict: Conflict, index: int, inner: int, ink: str) -> list[Line]:
    """What could be taken, with the key of each; a click on a line takes it."""
    rows: list[Line] = []
    names = min(max(cells(brief_name(conflict, name)) for name in SIDES) + 3, inner // 3)
    for name in SIDES:
        label = fit(f"{KEY_OF[name]} {brief_name(conflict, name)}:", names) + " "
        sign = " ◆ open   " if name == "left" else " " * GUTTER
        words = telling(conflict, name, "", inner - GUTTER - cells(label))
        line = cut(((sign, "waiting"), (label, ink), *words), inner)
        rows.append(box.pressing(line, take_key(index, name)))
    return rows


def _decided_rows(conflict: Conflict, taken: Taken, index: int, inner: int) -> list[Line]:
    """What will be written; a click goes to the part."""
    took = "edited" if taken.take == "value" else brief_name(conflict, taken.take)
    written = result_text(conflict, taken)
    shown = box.wrap(written, inner - GUTTER) if written else ["(no lines)"]
    ink = "text" if written else "dim"
    rows: list[Line] = []
    for at, part in enumerate(shown):
        sign = f" ✓ {fit(took, 6)} " if at == 0 else " " * GUTTER
        line = cut(((sign, "done"), (part, ink)), inner)
        rows.append(box.pressing(line, part_key(index)))
    return rows


def hunk_spots(view: Decision) -> list[tuple[int, Conflict]]:
    """Where the parts of the text stand in it, from 0; none where they cannot be placed."""
    if view.current.path.rpartition("#")[0] != "text" or not view.current.line:
        return []
    lines = view.text.split("\n")
    spots: list[tuple[int, Conflict]] = []
    growth = 0
    parts = [one for one in view.conflicts if one.line and one.path.startswith("text#")]
    for one in sorted(parts, key=lambda one: one.line):
        at = one.line - 1 + growth
        ours = _lines(one.right.value, one.right.present)
        if lines[at : at + len(ours)] != ours:
            return []
        spots.append((at, one))
        growth += len(ours) - len(_lines(one.base, one.base_present))
    return spots


def _in_place(
    view: Decision, spots: Sequence[tuple[int, Conflict]], width: int, context: int
) -> list[Line]:
    """The text as it will be written: parts in their place, `context` lines around each."""
    text = view.text.split("\n")
    rows: list[Line] = []
    at = 0
    for start, one in spots:
        rows += _around(text[at:start], context, is_start=not at)
        taken = view.taken.get(one.id)
        index = view.conflicts.index(one)
        if taken is None:
            ink = "accent bold" if one is view.current else "bold"
            rows += _open_rows(one, index, width, ink)
        else:
            rows += _decided_rows(one, taken, index, width)
        at = start + len(_lines(one.right.value, one.right.present))
    return [*rows, *_around(text[at:], context, is_start=not at, is_end=True)]


def _around(
    lines: Sequence[str], context: int, *, is_start: bool, is_end: bool = False
) -> list[Line]:
    """The lines between two parts; of many only those next to the parts."""
    between = [((" " * GUTTER, ""), (clean(line), "dim")) for line in lines]
    head, tail = (0 if is_start else context), (0 if is_end else context)
    hidden = len(between) - head - tail
    if hidden <= 1:
        return list(between)
    gap: Line = ((" " * GUTTER, ""), (f"…  {hidden} more lines", "dim"))
    return [*between[:head], gap, *between[len(between) - tail :]]


def _lines(value: Json, present: bool) -> list[str]:
    return str(value).split("\n") if present else []


def telling(conflict: Conflict, name: SideName, ink: str, width: int) -> Line:
    """A side in one line, its words underlined that the base has not, or of the base the left.

    Lines that tell nothing are left away; where it does not fit, it begins with what differs.
    """
    text = side_text(conflict, name)
    other = side_text(conflict, "left" if name == "base" else "base")
    lines = marked_lines(text, other)
    if not conflict.line:
        lines = [line for line in lines if line[0]][:TELLING_LINES] or lines[:1]
    pieces: list[tuple[str, bool]] = []
    for _, line in lines:
        pieces += [(" ⏎ ", False), *line] if pieces else line
    whole = sum(cells(piece) for piece, _ in pieces)
    first, differs = pieces[0] if pieces else ("", True)
    if whole > width and not differs and len(pieces) > 1:
        pieces[0] = (f"…{first[-TELLING_HEAD:]}" if len(first) > TELLING_HEAD else first, False)
    return underlined(tuple(pieces), ink)
