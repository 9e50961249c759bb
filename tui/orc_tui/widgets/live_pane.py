"""Live: the thing under the cursor of the focused list, whole and as it is now.

Invariant: what is read does not move. Whoever scrolls up, searches or presses the key for it
holds the screen as it was; it is followed again from its end, or when something else is shown.
"""

from __future__ import annotations

from dataclasses import replace

from textual import events
from textual.message import Message

from orc_core.model.activity import Activity
from orc_core.model.agent import PANE_DEAD, Agent, Explanation
from orc_core.model.health import Layer
from orc_core.model.snapshot import Screen, Scrollback, Snapshot
from orc_core.model.task import Task
from orc_storage.records import Conflict
from orc_tui.messages import ActivityWanted, ScrollbackWanted
from orc_tui.view_models import agents, frames, live, pane_view
from orc_tui.view_models.ability import Row
from orc_tui.view_models.frames import Frame
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import BLANK, Line, cut, shift, width_of
from orc_tui.view_models.live_content import Content, Told, called, content
from orc_tui.view_models.pane_view import PaneView
from orc_tui.widgets.canvas import Canvas

MINUTE_S = 60.0
_WHEEL = 3
_SHIFT = 8
_SHIFT_MAX = 1000
_EDGES = 9
"""The cells of a frame's lower edge that hold no facts."""
_SCREEN = live.TABS[0]


class LivePane(Canvas):
    """Shows one subject: an agent's screen or reasons, a task, a conflict, a layer."""

    class Clicked(Message):
        """The mouse was pressed in Live, on the name of a tab or ("") elsewhere."""

        def __init__(self, tab: str = "") -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, *, home: str) -> None:
        super().__init__(id="live")
        self.place = Place(0, 0, 0, 0, Shape.LINE)
        self.tab = _SCREEN
        self.view = PaneView()
        self.home = home
        self._subject: Row = None
        self._key = ""
        self._explained: Explanation | None = None
        self._activity: Activity | None = None
        self._asked: tuple[object, ...] = ()
        self._asked_lines: tuple[str, int] = ("", 0)
        self._snapshot = Snapshot(at=0.0)
        self._now = 0.0
        self._focused = False
        self._offset = 0
        self._column = 0

    @property
    def subject(self) -> Row:
        """What Live shows."""
        return self._subject

    # -- what is shown ------------------------------------------------------------------------

    def look_at(self, key: str, subject: Row) -> None:
        """Show another subject, or what became of the same one."""
        if key != self._key:
            self._key, self._offset, self._column, self.view = key, 0, 0, PaneView()
        self._subject = subject

    def explain(self, explanation: Explanation) -> None:
        """Add what the core says to the reasons of an agent."""
        self._explained = explanation

    def recount(self, told: Activity) -> None:
        """Show what the core says that an agent did."""
        self._activity = told
        if self.tab in live.OF_ACTIVITY:
            self.paint(focused=self._focused)

    def take(self, snapshot: Snapshot, now: float) -> None:
        """Take a new snapshot."""
        self._snapshot, self._now = snapshot, now
        if (screen := self._screen()) is not None:
            self.view = pane_view.advance(self.view, screen)

    def lift(self, told: Scrollback, asked: int) -> None:
        """Put the lines above over the screen that is held."""
        self.view = pane_view.lift(self.view, told, asked)
        self._show_match()
        self.paint(focused=self._focused)

    def turn_tab(self, by: int) -> None:
        """Go to another tab."""
        names = live.TABS
        self.show_tab(names[(names.index(self.tab) + by) % len(names)])

    def show_tab(self, name: str) -> None:
        """Go to the named tab."""
        if name != self.tab:
            self.tab, self._offset, self._column = name, 0, 0

    # -- reading ------------------------------------------------------------------------------

    @property
    def screen_in_view(self) -> Screen | None:
        """The screen that is looked at, held or as it is now; None where there is none."""
        agent = self._subject
        if not isinstance(agent, Agent) or self.tab != _SCREEN or agent.is_lost:
            return None
        return self.view.held or self._screen()

    @property
    def is_searching(self) -> bool:
        """Whether something is searched in what is in view."""
        return self.view.search is not None and self.screen_in_view is not None

    def toggle_hold(self) -> bool:
        """Follow or hold the screen; True when it is held now."""
        screen = self.screen_in_view
        if self.view.held is not None or screen is None:
            self.follow()
        else:
            self.view = pane_view.hold(self.view, screen, pinned=True)
        return self.view.held is not None

    def follow(self) -> bool:
        """Follow the end of the screen again; False where it was followed already."""
        was_held, self.view = self.view.held is not None, PaneView()
        return was_held

    def search(self, query: str) -> None:
        """Search in what is in view, and all that lies above it; "" begins a search."""
        screen = self.screen_in_view
        if screen is None:
            return
        self.view = pane_view.look_for(pane_view.hold(self.view, screen), query)
        self._show_match()
        self._want_lines()

    def turn_match(self, by: int) -> None:
        """Go to a match further up (negative) or down."""
        self.view = pane_view.turn(self.view, by)
        self._show_match()

    def end_search(self) -> None:
        """Search no more; what is in view stays in view, unless it is the end."""
        self.view = replace(self.view, search=None)
        self.scroll(0)

    def _show_match(self) -> None:
        rows, room = self._rows(), self._room()
        self.view = pane_view.show_match(self.view, len(rows), room)

    def text(self, lines: int = 0) -> list[str]:
        """The rows of the screen in view as text; with `lines` the last so many of all rows."""
        rows, room = self._rows(), self._room()
        if lines:
            return pane_view.text_lines(rows[-lines:])
        end = len(rows) - self.view.offset
        return pane_view.text_lines(rows[max(end - room, 0) : end])

    def match_text(self) -> str:
        """The row of the match that is looked at; "" where there is none."""
        match = self.view.search.current if self.view.search is not None else None
        return pane_view.text_lines(self._rows()[-match.row :][:1])[0] if match else ""

    def scroll(self, by: int) -> None:
        """Scroll by lines; positive goes down. Going up holds the screen."""
        screen = self.screen_in_view
        if screen is None:
            self._offset += by
            return
        if self.view.held is None:
            if by >= 0:
                return
            self.view = pane_view.hold(self.view, screen)
        self.view = pane_view.scroll(self.view, by, len(self._rows()), self._room())
        self._want_lines()

    def shift(self, by: int) -> None:
        """Shift by steps of eight columns; positive shows what is further right."""
        self._column = min(max(self._column + by * _SHIFT, 0), _SHIFT_MAX)

    def page(self) -> int:
        """The lines of a page."""
        return max(self._room() - 1, 1)

    def _screen(self) -> Screen | None:
        screen = self._snapshot.screen
        return screen if screen is not None and screen.key == self._key else None

    def _rows(self) -> list[pane_view.Row]:
        screen = self.screen_in_view
        if screen is None:
            return []
        agent = self._subject
        dead = isinstance(agent, Agent) and agent.evidence.rule == PANE_DEAD
        return pane_view.rows_of(self.view, screen, dead=dead)

    # -- asking for more ----------------------------------------------------------------------

    def _want_lines(self) -> None:
        """Ask for the lines above, once, when the first that is known comes into view."""
        wanted = (self._key, self.view.wanted)
        near = self.view.search is not None or pane_view.is_near_top(
            self.view, len(self._rows()), self._room()
        )
        if wanted[1] and near and wanted != self._asked_lines:
            self._asked_lines = wanted
            # By way of the screen: what its handlers post here would end there.
            self.screen.post_message(ScrollbackWanted(*wanted))

    def _want_activity(self) -> None:
        """Ask what the agent did, anew when it went on or a minute is over."""
        agent = self._subject
        if not isinstance(agent, Agent) or self.tab not in live.OF_ACTIVITY:
            self._asked = ()
            return
        asked = (agent.key, agent.state, agent.since, agent.last_prompt, self._now // MINUTE_S)
        if asked != self._asked:
            self._asked = asked
            self.screen.post_message(ActivityWanted(agent.key))

    # -- drawing ------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        pad = 4 if self.place.shape is Shape.BOXED else 2
        return max(self.place.width - pad, 1)

    @property
    def _edge(self) -> int:
        """Cells left free at the left: a screen in a ruled layout has all columns."""
        whole = self.place.shape is Shape.RULED and self.tab == _SCREEN
        return 0 if whole and isinstance(self._subject, Agent) else 1

    def _content(self) -> Content:
        told = Told(self._snapshot, self._now, self.home, self._explained, self._activity)
        return content(self._subject, self.tab, told, self._width, boxed=self._boxed)

    def _room(self, head: int | None = None) -> int:
        """The lines below the head."""
        height = frames.inside(self.place)[1]
        if head is None:
            head = 2 if isinstance(self._subject, Agent) and self._boxed else 0
        return max(height - (head + 1 if head else 0), 1)

    @property
    def _boxed(self) -> bool:
        return self.place.shape is Shape.BOXED

    def paint(self, *, focused: bool) -> None:
        """Draw Live."""
        self._focused = focused
        self._want_activity()
        if self.place.shape is Shape.LINE:
            self.draw([self._summary()])
            return
        content = self._content()
        frame = self._frame()
        body = self._body(content)
        if not content.head:
            self.draw(frames.draw(frame, body, self.place))
            return
        head = [self._padded(line, 0) for line in content.head]
        whole = [*head, frames.divider(frame, self.place.width - 2), *body]
        lines = frames.draw(frame, whole, self.place)
        if len(head) + 1 < len(lines) - 1:
            frames.join_sides(lines, len(head) + 1, frame)
        self.draw(lines)

    def _body(self, content: Content) -> list[Line]:
        room = self._room(len(content.head))
        screen = self.screen_in_view
        if screen is not None:
            rows = self._rows()
            first = max(len(rows) - room - self.view.offset, 0)
            lines = pane_view.lines_of(self.view, screen, rows, first, room)
        else:
            self._offset = min(max(self._offset, 0), max(len(content.body) - room, 0))
            lines = list(content.body[self._offset : self._offset + room])
        return [self._padded(line, self._column) for line in lines]

    def _padded(self, line: Line, column: int) -> Line:
        width = self.place.width if self._edge == 0 else self._width
        return ((" " * self._edge, "text"), *cut(shift(line, column), width, ellipsis=""))

    def _frame(self) -> Frame:
        subject = self._subject
        if not isinstance(subject, Agent):
            return Frame("0 Live", self._focused, self._beside())
        state, said = agents.summary(subject, self._now)
        told: Line = ((said, "dim"),)
        mode = self._mode()
        if not self._boxed:
            if self._focused or self.tab != _SCREEN:
                told = live.tabs(self.tab, self._tabs_room())
            if mode and self.view.held is not None:
                told = mode if self._focused else (*mode, (" · ", "dim"), *told)
            return Frame("0 Live", self._focused, self._beside(), told)
        foot: Line = ((f"{state} · ", "text"), *told)
        room = self.place.width - width_of(mode) - _EDGES
        if width_of(foot) > room:
            foot = told if width_of(told) <= room or self.view.held is None else BLANK
        tabs = live.tabs(self.tab, self._tabs_room())
        return Frame("0 Live", self._focused, self._beside(), tabs, foot, mode)

    def _tabs_room(self) -> int:
        """The cells beside the title on the upper edge."""
        edges = 4 if self._boxed else 2
        title = width_of(Frame("0 Live", self._focused, self._beside()).title)
        return self.place.width - edges - title - 3

    def _beside(self) -> Line:
        subject = self._subject
        if isinstance(subject, Agent):
            recorded = live.recorded(dict(self._snapshot.recordings).get(subject.key))
            if self._boxed:
                return ((f" {subject.name}", "text bold"), *recorded)
            return (*live.title(subject, self._now), *recorded)
        if isinstance(subject, Task | Conflict):
            return ((f" {subject.id}", "text bold"),)
        return ((f" {subject.name}", "text bold"),) if isinstance(subject, Layer) else BLANK

    def _mode(self) -> Line:
        """How the screen is looked at; nothing on the other tabs."""
        if self.tab != _SCREEN:
            return BLANK
        search = self.view.search
        if search is not None and search.query:
            return ((f"“{search.query}” ", "limited"), (search.told, "text bold"))
        return ((self.view.mode, "dim" if self.view.held is None else "limited"),)

    def _summary(self) -> Line:
        name = " 0 Live".ljust(14)
        subject = self._subject
        if not isinstance(subject, Agent):
            return cut(((name, "text"), (called(subject), "dim")), self.place.width)
        state, said = agents.summary(subject, self._now)
        line = live.summary(f"{subject.name} · {state}", said, self.place.width - 15)
        return cut(((name, "text"), *line), self.place.width)

    # -- mouse --------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Take the focus, or go to the tab under the mouse."""
        event.stop()
        at_edge = event.y == 0 and bool(self.lines) and isinstance(self._subject, Agent)
        tab = live.tab_at(self.lines[0], event.x) if at_edge else ""
        self.post_message(self.Clicked(tab))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll what is under the wheel."""
        self._wheel(event, _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll what is under the wheel."""
        self._wheel(event, -_WHEEL)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        event.stop()
        self.scroll(by)
        self.paint(focused=self._focused)
