"""The conflict view as lines: both sides, their base, and what will be written.

Invariant: nothing counts as decided unless a person chose it, and every width offers all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.text import clean, fit
from orc_tui.view_models import box, conflict_result
from orc_tui.view_models.conflict_parts import (
    DECIDE_ROWS_MAX,
    KEY_OF,
    SIDES,
    THREE_COLUMNS,
    TWO_COLUMNS,
    Decision,
    SideName,
    Take,
    Taken,
    base_origin,
    brief_name,
    clock_time,
    groups,
    origin,
    part_key,
    part_name,
    result_text,
    side_name,
    side_text,
    take_key,
    who,
)
from orc_tui.view_models.conflicts import short
from orc_tui.view_models.diff import marked_lines, wrapped
from orc_tui.view_models.lines import Line, cut, width_of

__all__ = [
    "SIDES",
    "THREE_COLUMNS",
    "TWO_COLUMNS",
    "Decision",
    "SideName",
    "Take",
    "Taken",
    "base_origin",
    "brief_name",
    "clock_time",
    "groups",
    "last_scroll",
    "lines",
    "origin",
    "part_key",
    "part_name",
    "parts_height",
    "result_text",
    "side_name",
    "side_text",
    "take_key",
    "who",
]

PART_CELLS: Final = 12
STATE_CELLS: Final = 16
HOW_READ: Final = "words that differ are underlined · nothing is written before Enter"


def lines(view: Decision, width: int, height: int) -> list[Line]:
    """The whole view, `width` by `height`: header, parts, sides, result and footer."""
    parts = _decide(view, width)
    sides = _sides(view, width)
    room = max(height - len(parts) - 2, 1)
    body = [*sides, *_result(view, width, room - len(sides))]
    start = min(view.scroll, max(len(body) - room, 0))
    shown = body[start : start + room]
    blank = [cut((), width)] * (room - len(shown))
    return [_header(view, width), *parts, *shown, *blank, _footer(view, width)]


def last_scroll(view: Decision, width: int, height: int) -> int:
    """The furthest that sides and result can be scrolled."""
    sides = len(_sides(view, width))
    room = max(height - len(_decide(view, width)) - 2, 1)
    return max(sides + len(_result(view, width, room - sides)) - room, 0)


def parts_height(view: Decision, width: int) -> int:
    """How many lines from the top belong to the header and the list of parts."""
    return 1 + len(_decide(view, width))


def _header(view: Decision, width: int) -> Line:
    left: Line = (
        (" orc ", "accent bold"),
        (f"  Conflict {view.current.id} · ", ""),
        (clean(view.title, limit=200), "bold"),
    )
    of = f"conflict {view.number} of {view.total}" if view.total > 1 else ""
    left_over = f"{view.left_over} of {len(view.conflicts)} left"
    right = " · ".join(part for part in (left_over, of) if part)
    return box.spread(left, ((f"  {right} ", "waiting" if view.left_over else "done"),), width)


def _panel(
    view_width: int,
    lines: Sequence[Line],
    width: int,
    head: Line,
    right: Line,
    foot: Line = (),
) -> list[Line]:
    """A box, or a rule with the lines under it where the screen is narrow."""
    if view_width < TWO_COLUMNS:
        return [box.rule(head, right, width, "border"), *(cut(line, width) for line in lines)]
    return [
        box.top(head, right, width, "border"),
        *(box.row(line, width, "border") for line in lines),
        box.bottom((), foot, width, "border"),
    ]


def _decide(view: Decision, width: int) -> list[Line]:
    inner = width - 2 if width >= TWO_COLUMNS else width
    total = len(view.conflicts)
    start = min(max(view.cursor - DECIDE_ROWS_MAX + 1, 0), max(total - DECIDE_ROWS_MAX, 0))
    rows = [
        _part(view, index, inner) for index in range(start, min(start + DECIDE_ROWS_MAX, total))
    ]
    note: Line = ((clean(view.note, limit=240), "waiting"),) if view.note else ()
    right = note or ((clean(view.current.why, limit=120), "dim"),) if view.current.why else note
    return _panel(width, rows, width, (("Decide", "bold"),), right)


def _part(view: Decision, index: int, width: int) -> Line:
    conflict = view.conflicts[index]
    taken = view.taken.get(conflict.id)
    here = index == view.cursor
    path = part_name(conflict, view.conflicts)
    if taken is None:
        sign, style, state = "◆", "waiting", "not decided"
        value = conflict_result.telling(conflict, "base", "dim", width)
    else:
        sign, style = "✓", "done"
        edited = taken.take == "value"
        state = "edited" if edited else f"took {brief_name(conflict, taken.take)}"
        value = ((result_text(conflict, taken).split("\n")[0], "dim"),)
    names = max(len(part_name(one, view.conflicts)) for one in view.conflicts)
    line: Line = (
        ("›" if here else " ", "accent bold"),
        (f"{sign} ", style),
        (f"{fit(path, min(max(names, PART_CELLS), width // 4))} ", "bold" if here else ""),
        (
            f"{fit(state, STATE_CELLS if width < TWO_COLUMNS else 24)} ",
            style if taken is None else "",
        ),
        *value,
    )
    return box.pressing(cut(line, width), part_key(index))


def _sides(view: Decision, width: int) -> list[Line]:
    if width >= THREE_COLUMNS:
        column = (width - 2) // 3
        widths = (column, width - 2 - 2 * column, column)
        return _beside(
            [_side(view, name, size, width) for name, size in zip(SIDES, widths, strict=True)]
        )
    if width >= TWO_COLUMNS:
        half = (width - 1) // 2
        pair = _beside(
            [_side(view, "left", half, width), _side(view, "right", width - 1 - half, width)]
        )
        return [*pair, *(_side(view, "base", width, width) if view.base_shown else [])]
    return [line for name in SIDES for line in _side(view, name, width, width)]


def _beside(panels: Sequence[list[Line]]) -> list[Line]:
    """Boxes of one height side by side, one blank apart."""
    height = max(len(panel) for panel in panels)
    for panel in panels:
        size = width_of(panel[0])
        fill = box.row((), size, "border")
        panel[-1:-1] = [fill] * (height - len(panel))
    out: list[Line] = []
    for row in zip(*panels, strict=True):
        line: list[tuple[str, str]] = []
        for index, part in enumerate(row):
            line.extend(((" ", ""), *part) if index else part)
        out.append(tuple(line))
    return out


def _side(view: Decision, name: SideName, width: int, view_width: int) -> list[Line]:
    conflict = view.current
    boxes = view_width >= TWO_COLUMNS
    inner = width - 2 if boxes else width
    key = KEY_OF[name]
    looks = "accent reverse bold" if view.side == name else "bold"
    head: Line = ((f"{key}  {side_name(conflict, name)}", f"{looks} press:{key}"),)
    about = base_origin(conflict, view.now)
    if name != "base":
        about = origin(conflict.left if name == "left" else conflict.right, view.now)
    text = side_text(conflict, name)
    base = side_text(conflict, "base")
    rows: list[Line] = []
    for differs, pieces in marked_lines(text, text if name == "base" else base):
        style = "text" if differs else ""
        sign = ("  ~ " if differs else "    ", "waiting")
        rows.extend((sign, *part) for part in wrapped(pieces, inner - 5, style))
    if boxes:
        panel = _panel(view_width, [((f"  {about}", "dim"),), (), *rows, ()], width, head, ())
    else:
        panel = _panel(view_width, rows, width, head, ((about, "dim"),))
    return [box.pressing(line, key) for line in panel]


def _result(view: Decision, width: int, room: int) -> list[Line]:
    inner = width - 2 if width >= TWO_COLUMNS else width
    what, rows = conflict_result.lines(view, inner, room - 2)
    right: Line = ((f"{what}, as it will be written", "dim"),)
    head: Line = (("Result", "bold"),)
    foot: Line = ((HOW_READ, "dim"),)
    return _panel(width, [cut(row, inner) for row in rows], width, head, right, foot)


def _footer(view: Decision, width: int) -> Line:
    conflict = view.current
    left_over = view.left_over
    end_text = f"write ({left_over} left)" if left_over else "write"
    end: Line = (
        *box.key("Enter", end_text, press="enter"),
        ("  ", ""),
        *box.key("Esc", "back ", press="escape"),
    )
    pairs = [
        box.key("o", fit(short(conflict.left), 14).rstrip()),
        box.key("t", fit(short(conflict.right), 14).rstrip()),
        box.key("b", "both") if conflict.line else (("b both", "dim press:b"),),
        box.key("B", "base"),
        box.key("e", "edit"),
        box.key("u", "clear"),
        box.key(".", "next open", press="full_stop"),
        box.key("j k", "any", press="j"),
        *(box.key(*one) for one in view.acts),
    ]
    if TWO_COLUMNS <= width < THREE_COLUMNS:
        pairs.insert(4, box.key("p", "base shown" if view.base_shown else "see base"))
    shown = box.keys(pairs, width - width_of(end) - 4)
    return box.spread(((" ", ""), *shown), end, width)
