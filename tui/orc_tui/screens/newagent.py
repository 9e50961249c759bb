"""A new agent: its command, where it runs and what it is called.

Invariant: the command is split into words as a shell would, and no shell ever sees it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from orc_tui.screens.form import Form
from orc_tui.screens.line import LineArea
from orc_tui.view_models.live import short_path


@dataclass(frozen=True, slots=True)
class WantedAgent:
    """The agent that is wanted; `name` is "" where one is to be found for it."""

    argv: tuple[str, ...]
    folder: str
    name: str


class NewAgent(Form[WantedAgent]):
    """Asks for a command, a folder and a name; gives them back, or None."""

    def __init__(self, folder: str, home: str) -> None:
        self._home = home
        self._command = LineArea(many=False, id="command")
        self._place = LineArea(short_path(folder, home), many=False, id="folder")
        self._called = LineArea(many=False, id="name")
        super().__init__(
            "New agent",
            "start it",
            (
                ("command, e.g. claude", self._command),
                ("folder", self._place),
                ("name, or nothing for the next free one", self._called),
            ),
        )

    def filled(self) -> WantedAgent | None:
        try:
            argv = tuple(shlex.split(self._command.text))
        except ValueError as error:
            self.complain(self._command, f"the command has an open quote or escape ({error})")
            return None
        if not argv:
            self.complain(self._command, "type the command that starts the agent")
            return None
        folder = self._place.text.strip()
        if folder == "~" or folder.startswith("~/"):
            folder = self._home + folder[1:]
        if not Path(folder).is_absolute():
            self.complain(self._place, "the folder begins with / or ~")
            return None
        return WantedAgent(argv, folder, self._called.text.strip())
