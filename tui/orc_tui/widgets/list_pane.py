"""A list: rows that keep their place, a cursor that keeps its row.

Invariant: the cursor is on a key, never on a number; rows change places only when the screen
says that the operator's hands are off.
"""

from __future__ import annotations

import re

from textual import events
from textual.message import Message

from orc_core import filters
from orc_core.filters import Filter
from orc_core.model.snapshot import Snapshot
from orc_tui.view_models import frames, glyphs, marks
from orc_tui.view_models.ability import Row
from orc_tui.view_models.frames import Frame
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import BLANK, Line, cut, ends, marked_up, wrap
from orc_tui.view_models.lists import FOLD, Entry, ListModel, filtered, folded, in_order
from orc_tui.view_models.order import Order, headed, told
from orc_tui.view_models.roll import Roll, hold
from orc_tui.widgets.canvas import Canvas

_WHEEL = 3


class ListPane(Canvas):
    """One list in a box, under a rule, or as one line."""

    class Clicked(Message):
        """The mouse was pressed in a list; `key` is "" beside the rows."""

        def __init__(self, pane: str, key: str, times: int) -> None:
            super().__init__()
            self.pane = pane
            self.key = key
            self.times = times

    class Scrolled(Message):
        """The wheel moved the list, and perhaps its cursor with it."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, model: ListModel) -> None:
        super().__init__(id=model.pane)
        if model.pane == "sync":
            self.signs = glyphs.ASCII_LAYERS
        self.model = model
        self.roll = Roll()
        self.query_text = ""
        self.place = Place(0, 0, 0, 0, Shape.LINE)
        self.marks: frozenset[str] = frozenset()
        self.is_unsorted = False
        """Whether the rows stand in another order than they should."""
        self.order = Order()
        self.is_folded = False
        self._fold = ""
        self._query = Filter()
        self._found: re.Pattern[str] | None = None
        self._anew = True
        self._all: list[Entry] = []
        self._entries: dict[str, Entry] = {}
        self._snapshot = Snapshot(at=0.0)
        self._only_needs = False
        self._now = 0.0
        self._focused = False
        self._marked = False
        self._since = ""

    @property
    def row(self) -> Row:
        """What the cursor is on; None in an empty list."""
        entry = self._entries.get(self.roll.cursor)
        return entry.item if entry else None

    @property
    def marked(self) -> dict[str, Row]:
        """The marked rows by their keys, in the order of the list, hidden ones, too."""
        return {entry.key: entry.item for entry in self._all if entry.key in self.marks}

    @property
    def marks_hidden(self) -> int:
        """How many of them the filter hides."""
        return len(self.marks - self._entries.keys())

    def mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on to the next."""
        if self.row is not None:
            self.marks = marks.toggled(self.marks, self.roll.cursor)
            self.roll.move(1)

    def mark_range(self) -> bool:
        """Mark from the nearest mark to the cursor; False where nothing is marked."""
        keys = self.roll.keys
        found = marks.bounds(keys, self.marks, self.roll.index) if keys else None
        if found is not None:
            self.marks |= set(keys[slice(*found)]) - {FOLD}
        return found is not None

    def mark_all(self) -> None:
        """Mark all rows that are shown; where they are, none."""
        self.marks = marks.all_or_none(self.marks, set(self.roll.keys) - {FOLD})

    @property
    def rows(self) -> dict[str, Row]:
        """The rows that are shown, by their keys."""
        return {key: self._entries[key].item for key in self.roll.keys}

    def needing(self) -> list[str]:
        """The keys of the rows that need the operator, in the order of the list."""
        return [key for key in self.roll.keys if self._entries[key].needs_you]

    def wanted_height(self, *, boxed: bool) -> int:
        """How many lines the list would like inside its frame."""
        if not self.roll.keys:
            return 1
        return len(self.roll.keys) + (1 if boxed and self.model.has_heading else 0)

    @property
    def _with_heading(self) -> bool:
        return self.model.has_heading and self.place.shape is Shape.BOXED

    def set_filter(self, text: str) -> None:
        """Show only what matches."""
        self.query_text = text
        self._anew = True

    def fold(self, is_folded: bool) -> None:
        """Fold the agents that do nothing into one line, or unfold them."""
        self.is_folded = is_folded
        self._anew = True

    def set_order(self, order: Order) -> None:
        """Sort otherwise from now on."""
        self.order = order
        self._anew = True

    @property
    def told(self) -> tuple[str, str]:
        """What there is to say of the filter, and its ink: what is wrong, or how many it leaves."""
        if self._query.faults:
            return self._query.faults[0], "error"
        return f"{len(self.roll.keys)} of {len(self._all)}", "dim"

    def _read_filter(self, now: float) -> None:
        # Read each time, as `since:2h` is of now.
        text = self.query_text
        self._query = filters.parse(text, self.model.fields, now) if text else Filter()
        words = self._query.words
        self._found = re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None

    def take(self, snapshot: Snapshot, now: float, *, sort: bool, only_needs: bool) -> None:
        """Take the rows of a snapshot; without `sort` those that are known keep their places."""
        self._anew |= only_needs != self._only_needs
        self._snapshot, self._now, self._only_needs = snapshot, now, only_needs
        self._all = self.model.entries(snapshot, now)
        if self.marks:
            self.marks &= {entry.key for entry in self._all}
        self._read_filter(now)
        entries = filtered(self._all, self._query, only_needs=only_needs)
        entries = in_order(entries, self.model.pane, self.order)
        self._fold = ""
        if self.is_folded and not self._query:
            entries, self._fold = folded(entries)
        self._entries = {entry.key: entry for entry in entries}
        wanted = list(self._entries)
        keys = wanted if sort or self._anew else hold(self.roll.keys, wanted)
        self._anew = False
        self.roll.settle(keys, self._room())
        self.is_unsorted = keys != wanted

    def settle(self, place: Place) -> None:
        """Take a place on the screen."""
        self.place = place
        self.roll.settle(self.roll.keys, self._room())

    def _room(self) -> int:
        if self.place.shape is Shape.LINE:
            return self.roll.height
        height = frames.inside(self.place)[1]
        return height - (1 if self._with_heading else 0)

    def paint(self, *, focused: bool, marked: bool = False, since: str = "") -> None:
        """Draw the list; `marked` shows the cursor in a list that Live follows."""
        self._focused, self._marked, self._since = focused, marked, since
        if self.place.shape is Shape.LINE:
            self.draw([self._summary()])
        else:
            self.draw(frames.draw(self._frame(), self._body(), self.place))

    def _summary(self) -> Line:
        width = self.place.width
        name = f" {self.model.name}".ljust(14)
        line: Line = ((name, "text"), *self.model.summary(self._snapshot, width - 15))
        return cut(line, width)

    def _frame(self) -> Frame:
        shown, listed = len(self.roll.visible), len(self.roll.keys)
        right = self.model.title(self._snapshot, shown, listed)
        by = told(self.model.pane, self.order)
        if not by and listed == len(self._all) and self.model.own_order:
            right = f"{right} · {self.model.own_order}"
        beside: Line = BLANK
        if count := marks.told(len(self.marks), self.marks_hidden):
            beside = ((f" {count}", "text bold"),)
        if self.query_text:
            beside += ((f" /{self.query_text}", "limited"),)
        elif self._only_needs:
            beside += ((" ! only what needs you", "limited"),)
        if by:
            beside += ((f" {by}", "dim"),)
        if beside:
            pass
        elif self.place.shape is Shape.RULED and self.model.pane == "agents":
            count = f"{shown} of {listed}" if shown < listed else str(listed)
            beside, right = ((f" {count}", "dim"),) if listed else BLANK, ""
        said = self._since or right
        return Frame(self.model.name, self._focused, beside, ((said, "dim"),) if said else BLANK)

    def _body(self) -> list[Line]:
        width, _ = frames.inside(self.place)
        if not self.roll.keys:
            return self._nothing(width)
        shown = [self._entries[key] for key in self.roll.visible]
        boxed = self.place.shape is Shape.BOXED
        drawn = self.model.draw(list(self._entries.values()), shown, width, self._now, boxed=boxed)
        head: list[Line] = []
        if drawn.heading is not None and self._with_heading:
            head = [headed(drawn.heading, self.model.pane, self.order)]
        lines = iter(drawn.rows)
        folded_away = cut(((f"{glyphs.OTHER} {self._fold}", "dim"),), width - 1)
        return head + [
            self._row(entry.key, folded_away if entry.key == FOLD else next(lines), width)
            for entry in shown
        ]

    def _row(self, key: str, line: Line, width: int) -> Line:
        line = marked_up(line, self._found) if self._found else line
        is_marked = key in self.marks
        if key != self.roll.cursor or not (self._focused or self._marked):
            return ((marks.MARK, "text bold") if is_marked else (" ", "text"), *line)
        sign = marks.BOTH if is_marked else glyphs.CURSOR
        if not self._focused:
            return ((sign, "dim"), *line)
        whole = cut(((sign, "accent bold"), *line), width)
        return tuple((text, f"{ink} @") for text, ink in whole)

    def _nothing(self, width: int) -> list[Line]:
        if self._query or self._entries or self._has_any():
            text = "nothing matches: Esc shows all"
        else:
            text = self.model.empty(self._snapshot)
        return [ends(((f" {row}", "dim"),), BLANK, width) for row in wrap(text, max(width - 2, 1))]

    def _has_any(self) -> bool:
        return bool(self._all)

    def key_at(self, y: int) -> str:
        """The row on a line of the widget; "" where there is none."""
        first = 1 + (1 if self._with_heading else 0)
        visible = self.roll.visible
        inside = self.place.shape is not Shape.LINE and first <= y < first + len(visible)
        return visible[y - first] if inside else ""

    def on_click(self, event: events.Click) -> None:
        """Select what was clicked."""
        event.stop()
        self.post_message(self.Clicked(self.model.pane, self.key_at(event.y), event.chain))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll what is under the wheel."""
        self._wheel(event, _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll what is under the wheel."""
        self._wheel(event, -_WHEEL)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        event.stop()
        self.roll.scroll(by)
        self.paint(focused=self._focused, marked=self._marked, since=self._since)
        self.post_message(self.Scrolled(self.model.pane))
