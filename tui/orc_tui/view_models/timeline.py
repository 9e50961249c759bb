"""The timeline as lines: what happened, newest first, and what the row under the cursor did.

Invariant: every row names who did what to which thing, and when; a row that was written here is
told from what was only seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.model.history import Held, Moment, Saved
from orc_core.text import age, clean, fit
from orc_storage.records import OPERATOR
from orc_tui.keyboard import DEFAULT, Keyboard, binding_key, label
from orc_tui.keymap import Action
from orc_tui.view_models import box
from orc_tui.view_models.conflict_view import clock_time
from orc_tui.view_models.diff import change_lines
from orc_tui.view_models.lines import Line, cut, width_of
from orc_tui.view_models.story import (
    Against,
    Row,
    Tab,
    Timeline,
    checkpoint_of,
    key_of,
    other_mark,
    reason,
)

TWO_COLUMNS: Final = 100
LIST_WIDTHS: Final = ((140, 84), (120, 66), (TWO_COLUMNS, 56))
"""From which width of the view on the list is how wide."""


def actor(name: str) -> str:
    """Who did it, as the screen calls them."""
    return "you" if name == OPERATOR else clean(name, limit=60) or "unknown"


def lines(view: Timeline, width: int, height: int, keyboard: Keyboard = DEFAULT) -> list[Line]:
    """The whole view, `width` by `height`."""
    room = max(height - 2, 4)
    if view.is_whole:
        rule = box.rule(_detail_head(view), _place_of(view), width, "accent")
        body = [rule, *_detail(view, width, room - 1)]
    elif width >= TWO_COLUMNS:
        body = _beside(view, width, room)
    else:
        listed = listed_rows(view, width, height)
        body = [
            box.rule(_list_head(view), _count(view), width, "accent"),
            *_rows(view, width, listed),
            box.rule(_detail_head(view), (), width, "border"),
            *_detail(view, width, room - listed - 2),
        ]
    return [_header(view, width), *body, _footer(view, width, keyboard)]


def listed_rows(view: Timeline, width: int, height: int) -> int:
    """How many rows of the list are in view."""
    room = max(height - 2, 4)
    if view.is_whole:
        return 0
    if width >= TWO_COLUMNS:
        return room - 2
    return max(room // 2 - 1, 1)


def first_row(view: Timeline, room: int) -> int:
    """The number of the first row in view: the cursor stays in the middle."""
    return min(max(view.cursor - room // 2, 0), max(len(view.rows) - room, 0))


def last_scroll(view: Timeline, width: int, height: int) -> int:
    """The furthest that the detail can be scrolled."""
    room = max(height - 2, 4)
    if view.is_whole:
        inner, rows = width, room - 1
    elif width >= TWO_COLUMNS:
        inner, rows = width - list_width(width) - 3, room - 2
    else:
        inner, rows = width, room - listed_rows(view, width, height) - 2
    return max(len(_detail_lines(view, inner - 1)) - rows, 0)


def list_width(width: int) -> int:
    """How much of a wide view the list takes."""
    return next(list_ for wide, list_ in LIST_WIDTHS if width >= wide)


def _beside(view: Timeline, width: int, room: int) -> list[Line]:
    left = list_width(width)
    right = width - left - 1
    rows = _rows(view, left - 2, room - 2)
    detail = _detail(view, right - 2, room - 2)
    left_box = [
        box.top(_list_head(view), _count(view), left, "accent"),
        *(box.row(line, left, "accent") for line in rows),
        box.bottom((), (), left, "accent"),
    ]
    right_box = [
        box.top(_detail_head(view), (), right, "border"),
        *(box.row(line, right, "border") for line in detail),
        box.bottom((), (), right, "border"),
    ]
    return [(*a, (" ", ""), *b) for a, b in zip(left_box, right_box, strict=True)]


def _header(view: Timeline, width: int) -> Line:
    tabs: list[tuple[str, str]] = []
    for number, tab in enumerate(Tab):
        here = tab is view.tab
        word = f"[{tab}]" if here else f" {tab} "
        tabs.append((word, f"{'bold' if here else 'dim'} press:tab-{number}"))
    of = f"  {view.subject} " if view.subject and view.tab is Tab.THIS else ""
    left: Line = (
        (" orc ", "accent bold"),
        ("  Timeline", ""),
        (clean(of, limit=100), ""),
        (clean(view.title, limit=200) if of else "", "bold"),
    )
    return box.spread(left, (("  ", ""), *tabs, (" ", "")), width)


def _list_head(view: Timeline) -> Line:
    names = {Tab.THIS: view.subject or "This", Tab.SINCE: f"Since {_since(view)}"}
    head: Line = (("5 ", "bold"), (clean(names.get(view.tab, view.tab), limit=80), "bold"))
    return (*head, (f"  /{clean(view.query, limit=80)}", "limited")) if view.query else head


def _since(view: Timeline) -> str:
    return clock_time(view.since, view.now) or "you came"


def _count(view: Timeline) -> Line:
    if not view.rows:
        return ()
    total = f"{len(view.rows)}+" if view.has_more else str(len(view.rows))
    marked = f"{len(view.marks)} marked of " if view.marks else ""
    return ((f"{marked}{total}, newest first", "dim"),)


def _rows(view: Timeline, width: int, room: int) -> list[Line]:
    if not view.rows:
        out = [cut(((f" {text}", "dim"),), width) for text in box.wrap(_empty(view), width - 2)]
    else:
        start = first_row(view, room)
        out = [_row(view, i, width) for i in range(start, min(start + room, len(view.rows)))]
    return out[:room] + [cut((), width)] * (room - len(out))


def _empty(view: Timeline) -> str:
    if not view.is_read:
        return "reading…"
    if view.query:
        return "nothing matches: Esc shows all"
    if view.tab is Tab.CHECKPOINTS:
        return "no checkpoints: N makes one, and R on it brings everything back"
    if view.tab is Tab.THIS and not view.subject:
        return "H on a task, a conflict or an agent shows its own timeline here"
    return f"nothing happened since {_since(view)}" if view.tab is Tab.SINCE else "nothing yet"


def _row(view: Timeline, index: int, width: int) -> Line:
    row = view.rows[index]
    here = index == view.cursor
    marked = key_of(row) in view.marks
    press = f"press:row-{index}"
    head: Line = (
        ("›" if here else " ", f"accent bold {press}"),
        ("+" if marked else " ", f"accent bold {press}"),
        (f"{age(max(view.now - row.at, 0.0)):>5}  ", f"dim {press}"),
        (fit(actor(row.actor), 11) + " ", f"bold {press}" if here else press),
    )
    return cut((*head, *_told(view, row, width, press)), width)


def _told(view: Timeline, row: Row, width: int, press: str) -> Line:
    if isinstance(row, Saved):
        kind = "auto" if row.is_automatic else "named"
        return (
            (f"{fit(row.name, 18)} ", f"accent {press}"),
            (f"{row.documents:>4} docs  {kind:<5}  ", f"dim {press}"),
            (clean(row.note, limit=200), press),
        )
    if row.is_state:
        return ((f"{fit(row.action, 10)} ", f"dim {press}"), (row.text, f"dim {press}"))
    what: Line = ((f"{fit(row.action, 10)} ", press),)
    of = f"@{row.rev}" if row.rev else ""
    if view.tab is not Tab.THIS or view.subject != f"{row.kind} {row.id}" or not row.rev:
        of = f"{row.id}{of}"
    is_now = "now · " if row.rev and row.rev == row.now_rev else ""
    room = 5 if of.startswith("@") else 12
    told: Line = ((is_now, press), (row.text, f"dim {press}"))
    return (*what, (f"{fit(of, room)} ", f"accent {press}"), *told)


def _place_of(view: Timeline) -> Line:
    return ((f"{view.cursor + 1} of {len(view.rows)}", "dim"),) if view.rows else ()


def _detail_head(view: Timeline) -> Line:
    row = view.current
    if row is None:
        return ()
    when = clock_time(row.at, view.now)
    if name := checkpoint_of(row):
        return ((f"Checkpoint {name}", "bold"), (f" against now · {when}", ""))
    if not isinstance(row, Moment) or not row.rev:
        return (
            ((clean(f"{row.action} {row.id}", limit=100), "bold"), (f" · {when}", ""))
            if (isinstance(row, Moment))
            else ()
        )
    against = f" against {row.rev - 1}" if row.rev > 1 else ", the first"
    if view.against is Against.NOW:
        against = f" against {row.now_rev}, now"
    elif view.against is Against.MARKED and (other := other_mark(view)) is not None:
        against = f" against {other.rev}, marked"
    return ((f"{row.id} revision {row.rev}", "bold"), (f"{against} · {when}", ""))


def _detail(view: Timeline, width: int, room: int) -> list[Line]:
    found = _detail_lines(view, width - 1)
    start = min(view.scroll, max(len(found) - room, 0))
    out = [cut(((" ", ""), *line), width) for line in found[start : start + room]]
    return out + [cut((), width)] * (room - len(out))


def _detail_lines(view: Timeline, width: int) -> Sequence[Line]:
    if view.current is None:
        return ()
    detail = view.detail
    if detail is None:
        return ((("reading…", "dim"),),)
    out: list[Line] = (
        [((text, ""),) for text in box.wrap(detail.text, width)] if detail.text else []
    )
    if detail.held is not None:
        out += _held_lines(detail.held)
    if detail.changes is not None:
        out += change_lines(detail.changes, width)
    return out


def _held_lines(held: Sequence[Held]) -> list[Line]:
    differs = [one for one in held if one.differs]
    same = len(held) - len(differs)
    out: list[Line] = [((f"{same} of {len(held)} documents are as they were", "dim"),)]
    for one in differs:
        if not one.rev:
            now, style = "made later", "dim"
        elif not one.now_rev:
            now, style = f"{one.rev}, deleted since", "error"
        else:
            now, style = f"{one.rev}, now {one.now_rev}", "text"
        out.append(((f"{one.kind} ", "dim"), (f"{fit(one.id, 14)} ", "accent"), (now, style)))
    return out


def _footer(view: Timeline, width: int, keyboard: Keyboard) -> Line:
    if view.note:
        return cut(((f" {clean(view.note, limit=400)}", f"{view.note_style} bold"),), width)
    end: Line = ()
    for id, word in (("back", "back  "), ("help", "keys ")):
        if key := keyboard.key_of(id):
            end += box.key(label(key), word, press=binding_key(key))
    pairs = []
    for id in SHOWN:
        key = keyboard.key_of(id)
        if key and not reason(id, view):
            word = _word(keyboard.action(id), view)
            pairs.append(box.key(label(key), word, press=binding_key(key)))
    shown = box.keys(pairs, width - width_of(end) - 4)
    return box.spread(((" ", ""), *shown), end, width)


SHOWN: Final = (
    "rollback",
    "take-out",
    "undo",
    "name",
    "checkpoint",
    "mark",
    "compare",
    "filter",
    "history",
)
"""The actions that the footer names, the most needed first; what has no room is left away."""


def _word(action: Action, view: Timeline) -> str:
    """The word of a key here: what it would do to what."""
    row, marked = view.current, len(view.marked)
    if action.id == "rollback":
        if marked:
            return f"revert {marked} marked"
        name = checkpoint_of(row)
        return (
            f"restore {name}"
            if name
            else f"back to {row.rev}"
            if (isinstance(row, Moment))
            else action.word
        )
    if action.id == "take-out" and marked:
        return f"take out {marked} marked"
    return action.word
