"""The line of `/`: a sign and what is typed after it, in the place of the footer.

Invariant: it has the focus exactly while it is open, so that no letter is a key meanwhile.
"""

from __future__ import annotations

from textual.widgets import Input

from orc_core.text import cells, fit
from orc_tui.view_models.layout import Place, Shape
from orc_tui.widgets.canvas import Canvas

_SIGN = 2


class FindLine(Input):
    """Takes a filter; the screen places its sign and what is told of it beside it."""

    def __init__(self) -> None:
        super().__init__(id="find", placeholder="words, state: agent: task:", compact=True)
        self.cursor_blink = False
        self.can_focus = False
        self.is_open = False
        self.sign = Canvas(id="find-sign")
        self.told = Canvas(id="find-told")
        self._told = ("", "dim")

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

    def tell(self, text: str, ink: str) -> None:
        """Say something at the right end: what is wrong, or how many rows are left."""
        self._told = (text, ink)

    def paint(self) -> None:
        """Draw the sign, and what is told."""
        self.sign.draw([((" /", "accent bold"),)])
        text, ink = self._told
        self.told.draw([((f" {fit(text, max(self.told.size.width - 2, 0))} ", ink),)])

    def places(self, width: int, height: int) -> dict[str, Place]:
        """The last line of the screen; what is told gets two thirds of it at most."""
        told = min(cells(self._told[0]) + 2, width * 2 // 3) if self._told[0] else 0
        found = {
            "find-sign": Place(0, height - 1, _SIGN, 1, Shape.LINE),
            "find": Place(_SIGN, height - 1, width - _SIGN - told, 1, Shape.LINE),
        }
        if told:
            found["find-told"] = Place(width - told, height - 1, told, 1, Shape.LINE)
        return found
