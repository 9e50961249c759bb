"""The conflict view as lines: both sides, their base, and what will be written.

Invariant: nothing counts as decided unless a person chose it, and every width offers all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from orc_core.text import clean, fit
from orc_storage.records import OPERATOR, Clash, Conflict, ConflictState, Json, Side
from orc_tui.view_models import box
from orc_tui.view_models.conflicts import short
from orc_tui.view_models.diff import marked_lines, value_text, wrapped
from orc_tui.view_models.lines import Line, cut, width_of
from orc_tui.view_models.tasks import person

THREE_COLUMNS = 140
TWO_COLUMNS = 100
DECIDE_ROWS_MAX = 6

SideName: TypeAlias = Literal["left", "base", "right"]
Take: TypeAlias = Literal["left", "right", "both", "base", "value"]
SIDES: tuple[SideName, ...] = ("left", "base", "right")
KEY_OF: dict[str, str] = {"left": "o", "base": "B", "right": "t"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a person chose for one conflict; `value` counts only for `take` = value."""

    take: Take
    value: Json = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the view shows: the conflicts of one document and what is chosen so far.

    `cursor` is the conflict under the cursor, `side` the side; `number` of `total` counts
    documents in conflict from 1; `now` is seconds since the epoch.
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

    @property
    def current(self) -> Conflict:
        return self.conflicts[self.cursor]

    @property
    def left_over(self) -> int:
        """How many conflicts are not decided yet."""
        return sum(conflict.id not in self.taken for conflict in self.conflicts)


def groups(conflicts: Sequence[Conflict]) -> tuple[tuple[Conflict, ...], ...]:
    """What waits for a decision, by document, the oldest first."""
    waiting = [c for c in conflicts if c.state in (ConflictState.OPEN, ConflictState.DEFERRED)]
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
        return "never agreed on"
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
        return value_text(conflict.base, conflict.base_present)
    side = conflict.left if name == "left" else conflict.right
    if not side.present and conflict.kind is Clash.EDIT_DELETE:
        return "(deleted)"
    return value_text(side.value, side.present)


def side_name(conflict: Conflict, name: str) -> str:
    """What a side is called."""
    if name in ("left", "both"):
        return who(conflict.left) if name == "left" else "both"
    return who(conflict.right) if name == "right" else "base"


def result_text(conflict: Conflict, taken: Taken) -> str:
    """The value as it will be written."""
    if taken.take == "value":
        return value_text(taken.value)
    if taken.take == "both":
        sides = (conflict.left, conflict.right)
        return "\n".join(str(side.value) for side in sides if side.present)
    return side_text(conflict, taken.take)


def part_name(conflict: Conflict, beside: Sequence[Conflict]) -> str:
    """What a part is called: its field, of lines of a text `text 2/3`, or the whole document."""
    if not conflict.line:
        return clean(conflict.path, limit=80) or "the whole document"
    field = conflict.path.rpartition("#")[0]
    lines = [one for one in beside if one.line and one.path.rpartition("#")[0] == field]
    at = sorted(lines, key=lambda one: one.line).index(conflict) + 1
    return f"{clean(field, limit=80)} {at}/{len(lines)}"


def lines(view: Decision, width: int, height: int) -> list[Line]:
    """The whole view, `width` by `height`: header, parts, sides, result and footer."""
    parts = _decide(view, width)
    sides = _sides(view, width)
    body = [*sides, *_result(view, width)]
    room = max(height - len(parts) - 2, 1)
    start = min(view.scroll, max(len(body) - room, 0))
    shown = body[start : start + room]
    blank = [cut((), width)] * (room - len(shown))
    return [_header(view, width), *parts, *shown, *blank, _footer(view, width)]


def last_scroll(view: Decision, width: int, height: int) -> int:
    """The furthest that sides and result can be scrolled."""
    body = len(_sides(view, width)) + len(_result(view, width))
    return max(body - max(height - len(_decide(view, width)) - 2, 1), 0)


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
    view_width: int, lines: Sequence[Line], width: int, head: Line, right: Line
) -> list[Line]:
    """A box, or a rule with the lines under it where the screen is narrow."""
    if view_width < TWO_COLUMNS:
        return [box.rule(head, right, width, "border"), *(cut(line, width) for line in lines)]
    return [
        box.top(head, right, width, "border"),
        *(box.row(line, width, "border") for line in lines),
        box.bottom((), (), width, "border"),
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
        value = f"{conflict.kind.value}"
    else:
        sign, style = "✓", "done"
        edited = taken.take == "value"
        state = "edited" if edited else f"took {side_name(conflict, taken.take)}"
        value = result_text(conflict, taken).split("\n")[0]
    return cut(
        (
            ("›" if here else " ", "accent bold"),
            (f"{sign} ", style),
            (f"{path:<12} ", "bold" if here else ""),
            (f"{state:<24} ", style if taken is None else ""),
            (value, "dim"),
        ),
        width,
    )


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
    if not boxes:
        return _panel(view_width, rows, width, head, ((about, "dim"),))
    return _panel(view_width, [((f"  {about}", "dim"),), (), *rows, ()], width, head, ())


def _result(view: Decision, width: int) -> list[Line]:
    conflict = view.current
    inner = width - 2 if width >= TWO_COLUMNS else width
    taken = view.taken.get(conflict.id)
    rows: list[Line] = []
    if taken is None:
        for name in SIDES:
            label = f"{KEY_OF[name]} {side_name(conflict, name)}: "
            value = _telling(conflict, name)
            sign = " ◆ open   " if name == "left" else "          "
            rows.append(((sign, "waiting"), (label, f"bold press:{KEY_OF[name]}"), (value, "")))
    else:
        for index, part in enumerate(box.wrap(result_text(conflict, taken), inner - 11)):
            rows.append(((" ✓ " if index == 0 else "   ", "done"), (f"       {part}", "text")))
    path = part_name(conflict, view.conflicts) if conflict.path else ""
    right: Line = ((f"{conflict.doc} {path}".strip() + ", as it will be written", "dim"),)
    return _panel(width, [cut(row, inner) for row in rows], width, (("Result", "bold"),), right)


def _telling(conflict: Conflict, name: SideName) -> str:
    """The first line of a side that tells it from the base, or of the base from the left."""
    text = side_text(conflict, name)
    other = side_text(conflict, "left" if name == "base" else "base")
    lines = marked_lines(text, other)
    first = next((pieces for differs, pieces in lines if differs), lines[0][1])
    return "".join(piece for piece, _ in first)


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
        box.key("L", "later"),
        box.key("w", "why"),
        box.key("z", "undo"),
    ]
    if TWO_COLUMNS <= width < THREE_COLUMNS:
        pairs.insert(4, box.key("p", "base shown" if view.base_shown else "see base"))
    shown = box.keys(pairs, width - width_of(end) - 4)
    return box.spread(((" ", ""), *shown), end, width)
