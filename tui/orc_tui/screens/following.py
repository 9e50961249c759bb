"""What the cursor of the main view stands on: Live follows it, and the app is told.

Invariant: an agent that is done is seen when the cursor stood on it for as long as one looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

from orc_core.model.agent import Agent, State
from orc_tui import keymap
from orc_tui.messages import Seen, Selected, WhyWanted

if TYPE_CHECKING:
    from orc_tui.screens.main import MainScreen


class Following:
    """Follows the cursor of one main screen; `look_s` is how long one looks."""

    def __init__(self, screen: MainScreen, look_s: float) -> None:
        self._screen = screen
        self._look_s = look_s
        self._chosen = ""
        self._look: Timer | None = None

    def follow(self) -> None:
        """Let Live follow, and tell the app when the cursor stands on something else."""
        screen = self._screen
        key, row = screen.row_key, screen.row
        screen.live.look_at(key, row)
        chosen = f"{screen.source} {key}"
        if chosen != self._chosen:
            self._chosen = chosen
            screen.post_message(Selected(screen.source, key))
            self.want_why()
            self.look_away()
        done = isinstance(row, Agent) and row.state is State.DONE
        if done and self._look is None:
            self._look = screen.set_timer(self._look_s, self._saw)

    def look_away(self) -> None:
        """Nobody looks at the row any more."""
        if self._look is not None:
            self._look.stop()
            self._look = None

    def want_why(self) -> None:
        """Ask for the reasons of the selected agent when the tab Why shows them."""
        screen = self._screen
        if screen.live.tab == "Why" and screen.source == keymap.AGENTS and screen.row_key:
            screen.post_message(WhyWanted(screen.row_key))

    def _saw(self) -> None:
        self._look = None
        row = self._screen.row
        if isinstance(row, Agent) and row.state is State.DONE:
            self._screen.post_message(Seen(row.key))
