"""The timeline: what happened in the workspace, around one thing, or since then.

Invariant: looking changes nothing. What changes something leaves as an act, is previewed first,
and names the rows that it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input
from textual.worker import WorkType

from orc_core.errors import OrcError
from orc_core.history.query import faults, parse
from orc_core.model.history import Mark, Moment, Query, Saved
from orc_storage.errors import StorageError
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.help import HelpScreen
from orc_tui.screens.keyed import KeyedScreen
from orc_tui.screens.reading import Reading, Story
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import story as views
from orc_tui.view_models import timeline as drawing
from orc_tui.view_models.ability import elsewhere
from orc_tui.view_models.marks import all_or_none
from orc_tui.view_models.story import Against, Detail, Row, Tab, Timeline
from orc_tui.widgets.find_line import FindInput

MORE_AT: Final = 20
"""So many rows before the end the next page is read."""
LOOK_S: Final = 1.0
"""How often it is looked whether something happened."""
_FAR: Final = 1_000_000


class TimelineView(KeyedScreen[str], inherit_bindings=False):
    """Shows the timeline; gives back the pane to go to, "" for the one before."""

    CSS_PATH = "timeline.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"tab-{n}", f"tab({n})", show=False) for n in range(len(Tab))
    ]

    def __init__(
        self,
        story: Story,
        *,
        now: Callable[[], float],
        tab: Tab = Tab.ALL,
        of: Query | None = None,
        subject: str = "",
        title: str = "",
        since: float = 0.0,
        at_older: bool = False,
    ) -> None:
        """Open on a tab; `of` and `subject` are what This tells of.

        With `at_older` the cursor begins on the first row that can be gone back to.
        """
        super().__init__()
        self._reading = Reading(story, of or Query())
        self._now = now
        self._at_older = at_older
        self._sheet = Sheet()
        self._find = FindInput("words, since:2h actor: kind: task:", docked=True)
        self._view = Timeline(tab, now(), subject=subject, title=title, since=since)
        self._local = self._actions()

    def compose(self) -> ComposeResult:
        yield self._sheet
        yield self._find

    def on_mount(self) -> None:
        self.bind_keys()
        for number in range(200):
            self._bindings.bind(f"row-{number}", f"row({number})", show=False)
        self.set_interval(LOOK_S, self._look)
        self._read_anew()

    def on_resize(self) -> None:
        self._draw()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The revisions that are marked, newest first."""
        return tuple(mark for row in self._view.marked if (mark := views.mark_of(row)) is not None)

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint under the cursor, "" for none."""
        return views.checkpoint_of(self._view.current)

    @property
    def who(self) -> str:
        """Who did what the row under the cursor tells."""
        return self._view.current.actor if self._view.current is not None else ""

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._view.current

    def note(self, text: str) -> None:
        """Show one line about something that was just done."""
        self._change(note=text, note_style="text")

    def show_of(self, of: Query, subject: str, title: str) -> None:
        """Tell of another thing on the tab This."""
        self._reading.of = of
        self._view = replace(self._view, subject=subject, title=title)
        self._turn_to(Tab.THIS)

    def unmark(self) -> None:
        """Take all marks away, after what they were for was done."""
        self._change(marks=frozenset())

    def _work(self, work: WorkType[None], group: str) -> None:
        """Do it in the place of what the group does; what is replaced in time never begins."""
        self.run_worker(work, exclusive=True, group=group)

    def look_again(self) -> None:
        """Read what happened by now; the cursor stays on its row."""
        self._work(partial(self._read, keep=True), "rows")

    # -- keys ---------------------------------------------------------------------------------

    def _actions(self) -> dict[str, Callable[[], None]]:
        moves = {"down": 1, "up": -1, "first": -_FAR, "last": _FAR}
        acts: dict[str, Callable[[], None]] = {
            name: lambda by=by: self._move(by)  # type: ignore[misc]
            for name, by in moves.items()
        }
        return acts | {
            "half-down": lambda: self._move(max(self._page() // 2, 1)),
            "half-up": lambda: self._move(-max(self._page() // 2, 1)),
            "page-down": lambda: self._move(self._page()),
            "page-up": lambda: self._move(-self._page()),
            "live-down": lambda: self._scroll(1),
            "live-up": lambda: self._scroll(-1),
            "next-tab": lambda: self._turn(1),
            "previous-tab": lambda: self._turn(-1),
            "next-pane": lambda: self._turn(1),
            "previous-pane": lambda: self._turn(-1),
            "timeline": lambda: self._turn_to(Tab.ALL),
            "open": self._whole,
            "zoom": self._whole,
            "unzoom": lambda: self._change(is_whole=False),
            "mark": self._mark,
            "mark-range": self._mark_range,
            "mark-all": self._mark_all,
            "compare": self._compare,
            "filter": self._open_find,
            "why": self._why,
            "help": self._help,
            "back": self._close_layer,
            "view-before": self._close,
            "quit": self._close_layer,
            **{f"pane-{key}": partial(self._leave, key) for key in "01234"},
        }

    def action_press(self, key: str) -> None:
        """Do what a key of the registry does here."""
        self._view = replace(self._view, note="", note_style="text")
        action = self.keyboard.action_for(key, keymap.TIMELINE)
        if action is None:
            self.note(elsewhere(key, keymap.TIMELINE, self.keyboard))
        elif why_not := views.reason(action.id, self._view):
            self.note(why_not)
        elif (local := self._local.get(action.id)) is not None:
            local()
        else:
            self._draw()
            self.post_message(Act(action.id, keymap.TIMELINE, self._row_key()))

    def action_row(self, offset: int) -> None:
        """Put the cursor on a row that was clicked, counted from the first one in view."""
        self._go(min(offset, len(self._view.rows) - 1))

    def action_tab(self, number: int) -> None:
        """Turn to a tab that was clicked."""
        self._turn_to(list(Tab)[number])

    def _row_key(self) -> str:
        row = self._view.current
        if isinstance(row, Saved):
            return views.row_key("checkpoint", row.name, 0)
        return views.row_key(row.kind, row.id, row.rev) if row is not None else ""

    def _page(self) -> int:
        return max(drawing.listed_rows(self._view, *self.size) - 1, 1)

    def _move(self, by: int) -> None:
        if self._view.is_whole and abs(by) != _FAR:
            self._scroll(by)
        elif self._view.rows:
            self._go(min(max(self._view.cursor + by, 0), len(self._view.rows) - 1))

    def _scroll(self, by: int) -> None:
        last = drawing.last_scroll(self._view, *self.size)
        self._change(scroll=min(max(self._view.scroll + by, 0), last))

    def _turn(self, by: int) -> None:
        tabs = list(Tab)
        self._turn_to(tabs[(tabs.index(self._view.tab) + by) % len(tabs)])

    def _turn_to(self, tab: Tab) -> None:
        if tab is not self._view.tab:
            self._view = replace(self._view, tab=tab, marks=frozenset(), is_whole=False)
        self._read_anew()

    def _whole(self) -> None:
        if self._view.current is not None:
            self._change(is_whole=not self._view.is_whole, scroll=0)

    def _mark(self) -> None:
        row = self._view.current
        if row is not None:
            self._change(marks=self._view.marks ^ {views.key_of(row)})
            self._move(1)

    def _mark_range(self) -> None:
        """Mark everything between the nearest mark above or below and the cursor."""
        if span := views.marked_span(self._view):
            self._change(marks=self._view.marks | views.markable(span))
        else:
            self.note("mark one end first: space marks")

    def _mark_all(self) -> None:
        self._change(marks=all_or_none(self._view.marks, views.markable(self._view.rows)))

    def _compare(self) -> None:
        order = [Against.BEFORE, Against.NOW]
        if views.other_mark(self._view) is not None:
            order.append(Against.MARKED)
        at = order.index(self._view.against) if self._view.against in order else 0
        self._view = replace(self._view, against=order[(at + 1) % len(order)])
        self._go(self._view.cursor)

    def _why(self) -> None:
        row = self._view.current
        if isinstance(row, Moment):
            entry = "a state that was seen" if row.is_state else f"journal entry {row.seq}"
            self.note(f"{entry}: {row.text}" if row.text else entry)
        elif row is not None:
            self.note(f"made at journal entry {row.seq}: {row.note}")

    def _help(self) -> None:
        self.app.push_screen(HelpScreen(keymap.TIMELINE, self.keyboard))

    def _leave(self, key: str) -> None:
        panes = (keymap.LIVE, keymap.AGENTS, keymap.TASKS, keymap.CONFLICTS, keymap.SYNC)
        self.dismiss(panes[int(key)])

    def _close(self) -> None:
        self.dismiss("")

    def _close_layer(self) -> None:
        """Undo exactly one layer: the line of `/`, the filter, marks, the whole diff, the view."""
        if self._find.is_open:
            self._close_find(keep=False)
        elif self._view.is_whole:
            self._change(is_whole=False, scroll=0)
        elif self._view.marks:
            self._change(marks=frozenset())
        elif self._view.query:
            self._set_filter("")
        else:
            self._close()

    # -- the filter ---------------------------------------------------------------------------

    def _open_find(self) -> None:
        self._find.open(self._view.query)
        self.set_focus(self._find)  # at once: what is typed next is no key

    def _close_find(self, *, keep: bool) -> None:
        self._find.close()
        if not keep:
            self._set_filter("")

    @on(Input.Submitted)
    def _find_this(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_find(keep=True)
        self._set_filter(event.value)

    def _set_filter(self, text: str) -> None:
        try:
            self._reading.filter = parse(text, self._now())
        except OrcError as error:
            self._change(note=str(error), note_style="error")
            return
        query, wrong = text.strip(), " · ".join(faults(text))
        self._view = replace(self._view, query=query, marks=frozenset(), note=wrong)
        self._read_anew()

    # -- reading ------------------------------------------------------------------------------

    def _read_anew(self) -> None:
        self._view = replace(
            self._view, rows=(), cursor=0, scroll=0, detail=None, is_read=False, has_more=False
        )
        self._draw()
        self._work(partial(self._read, keep=False), "rows")

    async def _look(self) -> None:
        """See whether something happened, and only then read again."""
        if not self.is_current or not self._view.is_read:
            return
        try:
            is_newer = await self._reading.is_newer()
        except (TimeoutError, OrcError, StorageError):
            return  # the header of the main view tells of a store in trouble
        if is_newer:
            self.look_again()

    async def _read(self, *, keep: bool) -> None:
        """Read the newest rows; a newer question cancels this."""
        before = self._view.current
        try:
            rows = await self._reading.rows(self._view, keep=keep)
        except (TimeoutError, OrcError, StorageError) as error:
            self._change(note=str(error), note_style="error", is_read=True)
            return
        key = views.key_of(before) if keep and before is not None else ""
        cursor = next((i for i, row in enumerate(rows) if views.key_of(row) == key), None)
        if cursor is None:
            cursor = min(self._view.cursor if keep else self._start(rows), max(len(rows) - 1, 0))
        more = self._reading.has_more
        self._view = replace(self._view, rows=rows, is_read=True, has_more=more, now=self._now())
        self._go(cursor, keep_scroll=keep)

    def _start(self, rows: Sequence[Row]) -> int:
        """Where the cursor begins: on the newest row, or on the first to go back to."""
        if not self._at_older:
            return 0
        self._at_older = False
        for index in range(len(rows)):
            if not views.reason("rollback", replace(self._view, rows=tuple(rows), cursor=index)):
                return index
        self._view = replace(self._view, note="there is no older revision to go back to")
        return 0

    async def _read_more(self) -> None:
        """Read the page after the last row."""
        try:
            rows = await self._reading.more(self._view)
        except (TimeoutError, OrcError, StorageError) as error:
            self._change(note=str(error), note_style="error")
            return
        self._change(rows=rows, has_more=self._reading.has_more)

    def _go(self, cursor: int, *, keep_scroll: bool = False) -> None:
        scroll = self._view.scroll if keep_scroll else 0
        self._view = replace(self._view, cursor=cursor, scroll=scroll)
        found = self._reading.known(self._view)
        is_known = found is not None
        if found is None and keep_scroll:
            found = self._view.detail  # what stands there stays until the new one is read
        self._view = replace(self._view, detail=found)
        self._draw()
        if self._view.current is not None and not is_known:
            self._work(self._read_detail, "detail")
        if self._reading.has_more and cursor >= len(self._view.rows) - MORE_AT:
            self._work(self._read_more, "more")

    async def _read_detail(self) -> None:
        """Read what stands beside the list; a newer cursor cancels this."""
        try:
            found = await self._reading.detail(self._view)
        except (TimeoutError, OrcError, StorageError) as error:
            found = Detail(text=str(error))
        self._change(detail=found)

    # -- drawing ------------------------------------------------------------------------------

    def _change(self, **changes: object) -> None:
        self._view = replace(self._view, **changes)  # type: ignore[arg-type]
        self._draw()

    def _draw(self) -> None:
        if self.is_attached and self.size.width:
            width, height = self.size
            self._sheet.show(drawing.lines(self._view, width, height, self.keyboard))
