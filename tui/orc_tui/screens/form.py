"""A form: a few lines to fill in over the list, each under what it asks for.

Invariant: what does not pass is said under the lines, with the cursor in the one that it is of;
nothing is given back before all passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from orc_tui.painted import PaintedModal
from orc_tui.screens.line import LineArea

Filled = TypeVar("Filled")


class Form(PaintedModal[Filled | None], Generic[Filled]):
    """Asks for lines, (label, line); `filled` reads them. Gives back what it made, or None."""

    CSS_PATH = "form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]

    def __init__(self, title: str, enter: str, lines: Sequence[tuple[str, LineArea]]) -> None:
        super().__init__()
        self._heading = title
        self._enter = enter
        self._lines = tuple(lines)
        self._fault = Static("", classes="fault", markup=False)

    def filled(self) -> Filled | None:
        """What the lines say; None where `complain` was told what is wrong with them."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        parts: list[Widget] = []
        for label, line in self._lines:
            parts += [Static(label, classes="label", markup=False), line]
        frame = Vertical(*parts, self._fault, classes="frame")
        frame.border_title = Content(self._heading)
        frame.border_subtitle = Content(f"Enter {self._enter}  Tab next field  Esc cancel")
        yield frame

    def on_mount(self) -> None:
        self._lines[0][1].focus()

    def on_line_area_submitted(self) -> None:
        """Give back what was filled in, where it passes."""
        made = self.filled()
        if made is not None:
            self.dismiss(made)

    def complain(self, line: LineArea, fault: object) -> None:
        """Say what is wrong with a line, and go there."""
        line.focus()
        self._fault.update(f"▲ {fault}")

    def action_cancel(self) -> None:
        self.dismiss(None)
