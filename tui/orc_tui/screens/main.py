"""The main view: header, lists, Live and footer."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from orc_core.model.snapshot import Delta
from orc_tui import keymap
from orc_tui.messages import Act


class MainScreen(Screen[None], inherit_bindings=False):
    """Draws a snapshot and turns keys into acts."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings()]

    def __init__(self) -> None:
        super().__init__(id="main")
        self.pane = keymap.AGENTS

    def show(self, delta: Delta) -> None:
        """Draw what changed."""

    def action_press(self, key: str) -> None:
        """Run what a key does in the focused pane."""
        action = keymap.action_for(key, self.pane)
        if action is not None:
            self.post_message(Act(action.id, self.pane, ""))
