"""Live: the thing under the cursor of the focused list, whole and as it is now.

Invariant: changing between follow and hold moves nothing; a held screen stays as it was until
it is followed again or another agent is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from orc_core.model.activity import Activity
from orc_core.model.agent import PANE_DEAD, Agent, Explanation
from orc_core.model.health import Layer
from orc_core.model.snapshot import Screen, Snapshot
from orc_core.model.task import Task
from orc_storage.records import Conflict
from orc_tui.messages import ActivityWanted
from orc_tui.view_models import activity, agents, frames, live, why
from orc_tui.view_models.ability import Row
from orc_tui.view_models.conflicts import place
from orc_tui.view_models.frames import Frame
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import BLANK, Line, cut, shift, width_of
from orc_tui.widgets.canvas import Canvas

MINUTE_S = 60.0
_WHEEL = 3
_SHIFT = 8
_SHIFT_MAX = 1000
_EDGES = 9
"""The cells of a frame's lower edge that hold no facts."""


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in Live; `tail` keeps the bottom in view, as a screen wants it."""

    head: Sequence[Line]
    body: Sequence[Line]
    tail: bool = False


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
        self.tab = live.TABS[0]
        self.held: Screen | None = None
        self.home = home
        self._subject: Row = None
        self._key = ""
        self._explained: Explanation | None = None
        self._activity: Activity | None = None
        self._asked: tuple[object, ...] = ()
        self._snapshot = Snapshot(at=0.0)
        self._now = 0.0
        self._focused = False
        self._offset = 0
        self._column = 0

    @property
    def subject(self) -> Row:
        """What Live shows."""
        return self._subject

    def look_at(self, key: str, subject: Row) -> None:
        """Show another subject, or what became of the same one."""
        if key != self._key:
            self._key, self._offset, self._column, self.held = key, 0, 0, None
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

    def turn_tab(self, by: int) -> None:
        """Go to another tab."""
        names = live.TABS
        self.show_tab(names[(names.index(self.tab) + by) % len(names)])

    def show_tab(self, name: str) -> None:
        """Go to the named tab."""
        if name != self.tab:
            self.tab, self._offset, self._column = name, 0, 0

    def toggle_hold(self) -> bool:
        """Follow or hold the screen; True when it is held now."""
        self.held = None if self.held else self._screen()
        return self.held is not None

    def scroll(self, by: int) -> None:
        """Scroll by lines; positive goes down."""
        tail = self._content().tail
        self._offset += -by if tail else by

    def shift(self, by: int) -> None:
        """Shift by steps of eight columns; positive shows what is further right."""
        self._column = min(max(self._column + by * _SHIFT, 0), _SHIFT_MAX)

    def page(self) -> int:
        """The lines of a page."""
        return max(self._room(self._content()) - 1, 1)

    def _screen(self) -> Screen | None:
        screen = self._snapshot.screen
        return screen if screen is not None and screen.key == self._key else None

    @property
    def _width(self) -> int:
        pad = 4 if self.place.shape is Shape.BOXED else 2
        return max(self.place.width - pad, 1)

    @property
    def _edge(self) -> int:
        """Cells left free at the left: a screen in a ruled layout has all columns."""
        whole = self.place.shape is Shape.RULED and self.tab == "Screen"
        return 0 if whole and isinstance(self._subject, Agent) else 1

    def _content(self) -> Content:
        subject, now, width = self._subject, self._now, self._width
        if isinstance(subject, Agent):
            return self._agent(subject)
        if isinstance(subject, Task):
            return Content((), live.task_lines(subject, self._snapshot.tasks, now, width))
        if isinstance(subject, Conflict):
            return Content((), live.conflict_lines(subject, now, width))
        if isinstance(subject, Layer):
            return Content((), live.layer_lines(subject, now, width))
        if not self._snapshot.agents:
            return Content((), live.empty_fleet(self._snapshot, width))
        return Content((), ())

    def _agent(self, agent: Agent) -> Content:
        task = next((one for one in self._snapshot.tasks if one.id == agent.task), None)
        head: Sequence[Line] = ()
        if self.place.shape is Shape.BOXED:
            head = live.agent_head(agent, task, self._now, self._width, self.home)
        if self.tab == "Why":
            return Content(head, self._why(agent))
        now, width = self._now, self._width
        if self.tab == "History":
            told = activity.history_lines(agent, self._activity, now, width, self.home)
            return Content(head, told)
        if self.tab == "Figures":
            return Content(head, activity.figure_lines(agent, self._activity, width))
        if agent.is_lost:
            lines = live.missing_lines(agent, self._now, self._width, self.home)
            return Content(head, lines)
        screen = self.held or self._screen()
        if screen is None:
            return Content(head, live.reading(agent))
        dead = agent.evidence.rule == PANE_DEAD
        return Content(head, live.screen_lines(screen, dead=dead), tail=True)

    def _why(self, agent: Agent) -> list[Line]:
        lines = why.own_lines(agent, self._now)
        if self._explained is not None and self._explained.agent.key == agent.key:
            lines += [BLANK, *why.explained_lines(self._explained, self._now)]
        return lines

    def _room(self, content: Content) -> int:
        height = frames.inside(self.place)[1]
        return max(height - (len(content.head) + 1 if content.head else 0), 1)

    def paint(self, *, focused: bool) -> None:
        """Draw Live."""
        self._focused = focused
        self._want_activity()
        if self.place.shape is Shape.LINE:
            self.draw([self._summary()])
            return
        content = self._content()
        frame = self._frame()
        body = self._visible(content)
        if not content.head:
            self.draw(frames.draw(frame, body, self.place))
            return
        head = [self._padded(line) for line in content.head]
        whole = [*head, frames.divider(frame, self.place.width - 2), *body]
        lines = frames.draw(frame, whole, self.place)
        if len(head) + 1 < len(lines) - 1:
            frames.join_sides(lines, len(head) + 1, frame)
        self.draw(lines)

    def _want_activity(self) -> None:
        """Ask what the agent did, anew when it went on or a minute is over."""
        agent = self._subject
        if not isinstance(agent, Agent) or self.tab not in live.OF_ACTIVITY:
            self._asked = ()
            return
        asked = (agent.key, agent.state, agent.since, agent.last_prompt, self._now // MINUTE_S)
        if asked != self._asked:
            self._asked = asked
            # By way of the screen: what its handlers post here would end there.
            self.screen.post_message(ActivityWanted(agent.key))

    def _visible(self, content: Content) -> list[Line]:
        room = self._room(content)
        spare = max(len(content.body) - room, 0)
        self._offset = min(max(self._offset, 0), spare)
        first = spare - self._offset if content.tail else self._offset
        return [self._padded(line) for line in content.body[first : first + room]]

    def _padded(self, line: Line) -> Line:
        width = self.place.width if self._edge == 0 else self._width
        return ((" " * self._edge, "text"), *cut(shift(line, self._column), width, ellipsis=""))

    def _frame(self) -> Frame:
        subject = self._subject
        boxed = self.place.shape is Shape.BOXED
        if not isinstance(subject, Agent):
            return Frame("0 Live", self._focused, self._beside())
        state, said = agents.summary(subject, self._now)
        told: Line = ((said, "dim"),)
        if not boxed:
            mode = self._mode()
            if self._focused or self.tab != "Screen":
                told = live.tabs(self.tab)
            extra: Line = ((f"{mode} · ", "limited"),) if mode != "following" else BLANK
            return Frame("0 Live", self._focused, self._beside(), (*extra, *told))
        mode_ink = "dim" if self._mode() == "following" else "limited"
        mode_line: Line = ((self._mode(), mode_ink),) if self.tab == "Screen" else BLANK
        foot: Line = ((f"{state} · ", "text"), *told)
        if width_of(foot) + width_of(mode_line) + _EDGES > self.place.width:
            foot = told  # the state stands in the head, too
        return Frame("0 Live", self._focused, self._beside(), live.tabs(self.tab), foot, mode_line)

    def _beside(self) -> Line:
        subject = self._subject
        if isinstance(subject, Agent):
            if self.place.shape is Shape.BOXED:
                return ((f" {subject.name}", "text bold"),)
            return live.title(subject, self._now)
        if isinstance(subject, Task | Conflict):
            return ((f" {subject.id}", "text bold"),)
        return ((f" {subject.name}", "text bold"),) if isinstance(subject, Layer) else BLANK

    def _mode(self) -> str:
        if self.tab != "Screen":
            return "following"
        if self.held:
            return "holding"
        return f"up {self._offset}" if self._offset else "following"

    def _summary(self) -> Line:
        name = " 0 Live".ljust(14)
        subject = self._subject
        if not isinstance(subject, Agent):
            return cut(((name, "text"), (_called(subject), "dim")), self.place.width)
        state, said = agents.summary(subject, self._now)
        line = live.summary(f"{subject.name} · {state}", said, self.place.width - 15)
        return cut(((name, "text"), *line), self.place.width)

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


def _called(subject: Row) -> str:
    """What Live shows, on one line, where a list has its rows."""
    if isinstance(subject, Task):
        return f"{subject.id} {subject.title}"
    if isinstance(subject, Conflict):
        return f"{subject.id} {place(subject)}"
    return subject.name if isinstance(subject, Layer) else ""
