"""Lines of styled cells in which a click on a key does what the key does.

Invariant: what is shown is never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import events

from orc_core.text import cells
from orc_tui.view_models.lines import Line
from orc_tui.widgets.canvas import Canvas

PRESS: Final = "press:"
"""The word of an ink that names the key a click presses."""


class Sheet(Canvas):
    """What a dialog or a view draws on; its lines say where a click counts."""

    def show(self, lines: Sequence[Line], *, width: int = 0) -> None:
        """Show other lines; with a width the sheet takes just the cells they need."""
        if width:
            self.styles.width = width
            self.styles.height = len(lines)
        self.draw(list(lines))

    def on_click(self, event: events.Click) -> None:
        """Press the key that the cell under the mouse names."""
        if event.y < len(self.lines) and (key := pressed(self.lines[event.y], event.x)):
            event.stop()
            self.app.simulate_key(key)


def pressed(line: Line, x: int) -> str:
    """The key that a click on cell `x` of a line presses, "" for none."""
    at = 0
    for text, ink in line:
        at += cells(text)
        if x < at:
            words = ink.split() if isinstance(ink, str) else ()
            return next((w.removeprefix(PRESS) for w in words if w.startswith(PRESS)), "")
    return ""
