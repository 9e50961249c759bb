"""The line of `/`: a sign and what is typed after it, in the place of the footer.

Invariant: it has the focus exactly while it is open, so that no letter is a key meanwhile.
"""

from __future__ import annotations

from textual.widgets import Input

from orc_tui.view_models.layout import Place, Shape
from orc_tui.widgets.canvas import Canvas

_SIGN = 2


class FindLine(Input):
    """Takes a filter; the app draws and places its sign beside it."""

    def __init__(self) -> None:
        super().__init__(id="find", placeholder="words, state: agent: task:", compact=True)
        self.cursor_blink = False
        self.can_focus = False
        self.is_open = False
        self.sign = Canvas(id="find-sign")

    def open(self, text: str) -> None:
        """Take the focus, with what is filtered for now."""
        self.is_open = True
        self.value = text
        self.can_focus = True

    def close(self) -> None:
        """Give the focus back."""
        self.is_open = False
        self.screen.set_focus(None)
        self.can_focus = False

    def paint(self) -> None:
        """Draw the sign."""
        self.sign.draw([((" /", "accent bold"),)])

    @staticmethod
    def places(width: int, height: int) -> dict[str, Place]:
        """The last line of the screen, for both."""
        return {
            "find-sign": Place(0, height - 1, _SIGN, 1, Shape.LINE),
            "find": Place(_SIGN, height - 1, width - _SIGN, 1, Shape.LINE),
        }
