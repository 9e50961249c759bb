"""Changing how the dashboard looks.

Invariant: nothing of the workspace is touched.
"""

from __future__ import annotations

from typing import Final

from orc_tui.messages import Act
from orc_tui.screens.looks import ThemeMenu
from orc_tui.verbs.verb import Verb

NOTES: Final = {
    "dark": "the default",
    "light": "for a bright room",
    "contrast": "white on black, strong colours",
    "ansi-dark": "your terminal's own colours, on a dark ground",
    "ansi-light": "your terminal's own colours, on a light ground",
}
OWN: Final = "your own"


class Looking(Verb):
    """The verbs of themes."""

    async def theme(self, act: Act) -> None:
        """Choose a theme while seeing it."""
        if self.app.is_colourless:
            self.tell("NO_COLOR is set: every theme looks the same")
            return
        shelf = self.app.look.shelf
        notes = [NOTES.get(name, OWN) for name in shelf.names]
        chosen = await self.ask(ThemeMenu(shelf.names, self.app.worn, notes))
        if chosen is not None:
            self.tell(self._told(chosen), severity="waiting" if shelf.faults else "")

    def _told(self, chosen: str) -> str:
        """What is worn now, and which file of a theme cannot be used."""
        faults = self.app.look.shelf.faults
        return f"theme {chosen}; {next(iter(faults.values()))}" if faults else f"theme {chosen}"
