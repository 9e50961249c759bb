"""The keys of the focused pane, as the registry has them.

Invariant: what stands here is what the bindings do; there is no second list.
"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding

from orc_core.text import fit
from orc_tui import keymap
from orc_tui.keyboard import DEFAULT, Keyboard, label
from orc_tui.painted import PaintedModal
from orc_tui.view_models import frames
from orc_tui.view_models.frames import Frame
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import Line
from orc_tui.widgets.board import Board
from orc_tui.widgets.canvas import Canvas

_KEYS = 16
_WIDTH = 76


def help_lines(pane: str, keyboard: Keyboard = DEFAULT) -> list[Line]:
    """What the keys of a pane do, first those that belong to it alone."""
    own = [one for one in keyboard.of_pane(pane) if keymap.EVERYWHERE not in one.panes]
    rest = [one for one in keyboard.of_pane(pane) if keymap.EVERYWHERE in one.panes]
    lines: list[Line] = []
    for name, actions in ((keymap.PANE_NAMES.get(pane, pane), own), ("Everywhere", rest)):
        if not actions:
            continue
        if lines:
            lines.append(())
        lines.append(((f" {name}", "text bold"),))
        lines += [_line(action) for action in actions]
    return lines


def _line(action: keymap.Action) -> Line:
    keys = " ".join(label(key) for key in action.keys) or f": {action.id}"
    return ((f"   {fit(keys, _KEYS)}", "accent"), (action.help, "text"))


class HelpScreen(PaintedModal[None], inherit_bindings=False):
    """Scrolls through the keys; Esc, q or ? closes it."""

    BINDINGS = [  # noqa: RUF012 (Textual declares it without ClassVar)
        Binding("escape,q,question_mark,f1", "dismiss", show=False),
        Binding("j,down,J", "scroll(1)", show=False),
        Binding("k,up,K", "scroll(-1)", show=False),
        Binding("ctrl+d,pagedown", "scroll(10)", show=False),
        Binding("ctrl+u,pageup", "scroll(-10)", show=False),
        Binding("g,home", "scroll(-1000)", show=False),
        Binding("G,end", "scroll(1000)", show=False),
    ]
    DEFAULT_CSS = "HelpScreen { background: transparent; }"

    def __init__(self, pane: str, keyboard: Keyboard = DEFAULT) -> None:
        super().__init__()
        self._lines = help_lines(pane, keyboard)
        self._name = keymap.PANE_NAMES.get(pane, pane)
        self._top = 0
        self._canvas = Canvas(id="help")

    def compose(self) -> ComposeResult:
        with Board():
            yield self._canvas

    def on_resize(self, event: events.Resize) -> None:
        """Stand in the middle of the screen."""
        self._paint()

    def on_mount(self) -> None:
        """Draw the keys."""
        self._paint()

    def _paint(self) -> None:
        width = min(_WIDTH, self.size.width)
        height = min(len(self._lines) + 2, self.size.height)
        room = height - 2
        self._top = min(max(self._top, 0), max(len(self._lines) - room, 0))
        left, top = (self.size.width - width) // 2, (self.size.height - height) // 2
        place = Place(left, top, width, height, Shape.BOXED)
        self.query_one(Board).settle({"help": place})
        more = len(self._lines) > room
        foot: Line = (("j k scroll  " if more else "", "dim"), ("Esc back", "dim"))
        frame = Frame(f"Keys of {self._name}", True, foot_right=foot)
        self._canvas.draw(frames.draw(frame, self._lines[self._top : self._top + room], place))

    def action_scroll(self, by: int) -> None:
        """Scroll by some lines."""
        self._top += by
        self._paint()

    async def action_dismiss(self, result: None = None) -> None:
        """Close."""
        self.dismiss()
