"""The keys of the focused pane, and `/` to find one by its name or by what it does.

Invariant: each Esc undoes exactly one layer: the line of `/`, what was found, the help.
"""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from orc_tui import keymap
from orc_tui.keyboard import DEFAULT, Keyboard
from orc_tui.painted import PaintedModal
from orc_tui.view_models import frames, help
from orc_tui.view_models.frames import Frame
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import Line
from orc_tui.widgets.board import Board
from orc_tui.widgets.canvas import Canvas
from orc_tui.widgets.find_line import FindInput

_WIDTH = 76


class HelpScreen(PaintedModal[None], inherit_bindings=False):
    """Scrolls through the keys; Esc, q or ? closes it."""

    BINDINGS = [  # noqa: RUF012 (Textual declares it without ClassVar)
        Binding("escape,q", "back", show=False),
        Binding("question_mark,f1", "dismiss", show=False),
        Binding("slash", "find", show=False),
        Binding("j,down,J", "scroll(1)", show=False),
        Binding("k,up,K", "scroll(-1)", show=False),
        Binding("ctrl+d,pagedown", "scroll(10)", show=False),
        Binding("ctrl+u,pageup", "scroll(-10)", show=False),
        Binding("g,home", "scroll(-1000)", show=False),
        Binding("G,end", "scroll(1000)", show=False),
    ]
    DEFAULT_CSS = "HelpScreen { background: transparent; }"
    AUTO_FOCUS = ""

    def __init__(self, pane: str, keyboard: Keyboard = DEFAULT) -> None:
        super().__init__()
        self._pane, self._keyboard = pane, keyboard
        self._wanted = ""
        self._rows = len(help.lines(pane, keyboard))
        self._top = 0
        self._canvas = Canvas(id="help")
        self._find = FindInput("a key, or words of what it does")

    def compose(self) -> ComposeResult:
        with Board():
            yield self._canvas
            yield self._find

    def on_resize(self, event: events.Resize) -> None:
        """Stand in the middle of the screen."""
        self._paint()

    def on_mount(self) -> None:
        """Draw the keys."""
        self._paint()

    def _paint(self) -> None:
        lines = help.lines(self._pane, self._keyboard, self._wanted)
        width = min(_WIDTH, self.size.width)
        # The frame stays as large as it is with all keys, whatever is found.
        height = min(self._rows + 2, self.size.height - self._find.is_open)
        room = height - 2
        self._top = min(max(self._top, 0), max(len(lines) - room, 0))
        left, top = (self.size.width - width) // 2, (self.size.height - height) // 2
        place = Place(left, top, width, height, Shape.BOXED)
        places = {"help": place}
        if self._find.is_open:
            places["find"] = Place(left, top + height, width, 1, Shape.LINE)
        self.query_one(Board).settle(places)
        scroll = "j k scroll  " if len(lines) > room else ""
        foot: Line = ((f"{scroll}/ find  Esc back", "dim"),)
        name = f"Keys of {keymap.PANE_NAMES.get(self._pane, self._pane)}"
        found = f"  /{self._wanted}" if self._wanted and not self._find.is_open else ""
        frame = Frame(f"{name}{found}", True, foot_right=foot)
        self._canvas.draw(frames.draw(frame, lines[self._top : self._top + room], place))

    def action_scroll(self, by: int) -> None:
        """Scroll by some lines."""
        self._top += by
        self._paint()

    def action_find(self) -> None:
        """Open the line in which a key is looked for."""
        self._find.open(self._wanted)
        self._paint()
        self.set_focus(self._find)  # at once: what is typed next is no key

    @on(Input.Changed)
    def _find_as_typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._find.is_open:
            self._wanted, self._top = event.value, 0
            self._paint()

    @on(Input.Submitted)
    def _find_this(self, event: Input.Submitted) -> None:
        event.stop()
        self._find.close()
        self._paint()

    def action_back(self) -> None:
        """Undo one layer."""
        if not (self._find.is_open or self._wanted):
            self.dismiss()
            return
        if self._find.is_open:
            self._find.close()
        self._wanted, self._top = "", 0
        self._paint()

    async def action_dismiss(self, result: None = None) -> None:
        """Close."""
        self.dismiss()
