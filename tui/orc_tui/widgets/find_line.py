"""The line of `/`: what is typed to filter or to search.

Invariant: it has the focus exactly while it is open, so that no letter is a key meanwhile.
"""

from __future__ import annotations

from textual.widgets import Input

from orc_core.text import cells, fit
from orc_tui.view_models.layout import Place, Shape
from orc_tui.widgets.canvas import Canvas

_SIGN = 2


class FindInput(Input):
    """Takes what is looked for; `docked`, it covers the last line of its screen while it is open.

    Whoever opens it gives it the focus at once: `focus` would come after the next keys.
    """

    DEFAULT_CSS = """
    FindInput {
        background: $orc-row;
        color: $orc-text;
        border: none;
        padding: 0;
        height: 1;
    }
    FindInput.docked { dock: bottom; display: none; }
    FindInput.docked.open { display: block; }
    FindInput > .input--cursor { background: $orc-text; color: $orc-ground; }
    FindInput > .input--placeholder { color: $orc-dim; }
    """

    def __init__(self, placeholder: str, *, docked: bool = False) -> None:
        classes = "docked" if docked else None
        super().__init__(id="find", placeholder=placeholder, compact=True, classes=classes)
        self.cursor_blink = False
        self.can_focus = False

    @property
    def is_open(self) -> bool:
        """Whether it takes what is typed."""
        return self.has_class("open")

    def open(self, text: str) -> None:
        """Be ready for the focus, with what is looked for now."""
        self.value = text
        self.can_focus = True
        self.add_class("open")

    def close(self) -> None:
        """Give the focus back."""
        self.remove_class("open")
        self.screen.set_focus(None)
        self.can_focus = False


class FindLine(FindInput):
    """The same in the place of a footer; the screen places a sign and what is told beside it."""

    def __init__(self) -> None:
        super().__init__("words, state: agent: task:")
        self.sign = Canvas(id="find-sign")
        self.told = Canvas(id="find-told")
        self._told = ("", "dim")

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
