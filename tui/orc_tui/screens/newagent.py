"""A new agent: its command, where it runs and what it is called.

Invariant: the command is split into words as a shell would, and no shell ever sees it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from orc_tui.screens.line import LineArea
from orc_tui.view_models.live import short_path


@dataclass(frozen=True, slots=True)
class WantedAgent:
    """The agent that is wanted; `name` is "" where one is to be found for it."""

    argv: tuple[str, ...]
    folder: str
    name: str


class NewAgent(ModalScreen[WantedAgent | None]):
    """Asks for a command, a folder and a name; gives them back, or None."""

    CSS_PATH = "newagent.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]

    def __init__(self, folder: str, home: str) -> None:
        super().__init__()
        self._home = home
        self._command = LineArea(many=False, id="command")
        self._place = LineArea(short_path(folder, home), many=False, id="folder")
        self._called = LineArea(many=False, id="name")
        self._fault = Static("", classes="fault", markup=False)

    def compose(self) -> ComposeResult:
        frame = Vertical(
            Static("command, e.g. claude", classes="label", markup=False),
            self._command,
            Static("folder", classes="label", markup=False),
            self._place,
            Static("name, or nothing for the next free one", classes="label", markup=False),
            self._called,
            self._fault,
            classes="frame",
        )
        frame.border_title = Content("New agent")
        frame.border_subtitle = Content("Enter start it  Tab next field  Esc cancel")
        yield frame

    def on_mount(self) -> None:
        self._command.focus()

    def on_line_area_submitted(self) -> None:
        """Give the agent back where all of it passes; say what is wrong where it does not."""
        try:
            argv = tuple(shlex.split(self._command.text))
        except ValueError as error:
            self._complain(self._command, f"the command has an open quote or escape ({error})")
            return
        if not argv:
            self._complain(self._command, "type the command that starts the agent")
            return
        folder = self._place.text.strip()
        if folder == "~" or folder.startswith("~/"):
            folder = self._home + folder[1:]
        if not Path(folder).is_absolute():
            self._complain(self._place, "the folder begins with / or ~")
            return
        self.dismiss(WantedAgent(argv, folder, self._called.text.strip()))

    def _complain(self, field: LineArea, fault: str) -> None:
        field.focus()
        self._fault.update(f"▲ {fault}")

    def action_cancel(self) -> None:
        self.dismiss(None)
