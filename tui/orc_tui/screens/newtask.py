"""A new task: its title and how urgent it is.

Invariant: a task without a title is never made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from orc_tui.screens.edit import FIELDS
from orc_tui.screens.line import LineArea


@dataclass(frozen=True, slots=True)
class Wanted:
    """The task that is wanted."""

    title: str
    priority: int


class NewTask(ModalScreen[Wanted | None]):
    """Asks for a title and a priority; gives back both, or None."""

    CSS_PATH = "newtask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]

    def __init__(self, priority: int = 5) -> None:
        super().__init__()
        self._title = LineArea(many=False, id="title")
        self._priority = LineArea(str(priority), many=False, id="priority")
        self._fault = Static("", classes="fault", markup=False)

    def compose(self) -> ComposeResult:
        frame = Vertical(
            Static("title", classes="label", markup=False),
            self._title,
            Static("priority, 0 to 15, higher comes first", classes="label", markup=False),
            self._priority,
            self._fault,
            classes="frame",
        )
        frame.border_title = Content("New task")
        frame.border_subtitle = Content("Enter make it  Tab next field  Esc cancel")
        yield frame

    def on_mount(self) -> None:
        self._title.focus()

    def on_line_area_submitted(self) -> None:
        """Give the task back where it passes; say what is wrong with it where it does not."""
        try:
            title = FIELDS["title"].read(self._title.text)
        except ValueError as error:
            self._title.focus()
            self._fault.update(f"▲ {error}")
            return
        try:
            priority = FIELDS["priority"].read(self._priority.text)
        except ValueError as error:
            self._priority.focus()
            self._fault.update(f"▲ {error}")
            return
        if isinstance(title, str) and isinstance(priority, int):
            self.dismiss(Wanted(title, priority))

    def action_cancel(self) -> None:
        self.dismiss(None)
