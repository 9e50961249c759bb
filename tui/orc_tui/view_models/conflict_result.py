"""The result of a conflict as lines: the value, or the text with its parts in their place.

Invariant: what is shown as decided is what will be written; the rest shows every way to decide it.
"""

from __future__ import annotations

from collections.abc import Sequence

from orc_core.text import clean, fit
from orc_storage.records import Conflict, Json
from orc_tui.view_models import box
from orc_tui.view_models.conflict_parts import (
    KEY_OF,
    SIDES,
    Decision,
    SideName,
    brief_name,
    part_name,
    result_text,
    side_text,
)
from orc_tui.view_models.diff import marked_lines
from orc_tui.view_models.lines import Line

CONTEXT_LINES = (10_000, 16, 8, 4, 2)
"""How many lines of a text are shown before and after a part of it: the first that has room."""


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
        rows = _open_rows(conflict)
    else:
        for index, part in enumerate(box.wrap(result_text(conflict, taken), inner - 11)):
            rows.append(((" ✓ " if index == 0 else "   ", "done"), (f"       {part}", "text")))
    return what, rows


def _open_rows(conflict: Conflict) -> list[Line]:
    """What could be taken, with the key of each."""
    rows: list[Line] = []
    for name in SIDES:
        label = f"{KEY_OF[name]} {brief_name(conflict, name)}: "
        sign = " ◆ open   " if name == "left" else "          "
        telling = (_telling(conflict, name), "")
        rows.append(((sign, "waiting"), (label, f"bold press:{KEY_OF[name]}"), telling))
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
        here = "accent bold" if one is view.current else "bold"
        if taken is None:
            for name in SIDES:
                label = f"{KEY_OF[name]} {brief_name(one, name)}: "
                sign = " ◆ open   " if name == "left" else "          "
                value = side_text(one, name).replace("\n", " ⏎ ")
                rows.append(((sign, "waiting"), (label, here), (value, "")))
        else:
            took = "edited" if taken.take == "value" else brief_name(one, taken.take)
            sign = f" ✓ {fit(took, 6)} "
            written = result_text(one, taken)
            for index, part in enumerate(box.wrap(written, width - 10) if written else []):
                rows.append(((sign if index == 0 else " " * 10, "done"), (part, "text")))
            if not written:
                rows.append(((sign, "done"), ("(no lines)", "dim")))
        at = start + len(_lines(one.right.value, one.right.present))
    return [*rows, *_around(text[at:], context, is_start=not at, is_end=True)]


def _around(
    lines: Sequence[str], context: int, *, is_start: bool, is_end: bool = False
) -> list[Line]:
    """The lines between two parts; of many only those next to the parts."""
    between = [((" " * 10, ""), (clean(line), "dim")) for line in lines]
    head, tail = (0 if is_start else context), (0 if is_end else context)
    hidden = len(between) - head - tail
    if hidden <= 1:
        return list(between)
    gap: Line = ((" " * 10, ""), (f"…  {hidden} more lines", "dim"))
    return [*between[:head], gap, *between[len(between) - tail :]]


def _lines(value: Json, present: bool) -> list[str]:
    return str(value).split("\n") if present else []


def _telling(conflict: Conflict, name: SideName) -> str:
    """The first line of a side that tells it from the base, or of the base from the left."""
    text = side_text(conflict, name)
    other = side_text(conflict, "left" if name == "base" else "base")
    lines = marked_lines(text, other)
    first = next((pieces for differs, pieces in lines if differs), lines[0][1])
    return "".join(piece for piece, _ in first)
