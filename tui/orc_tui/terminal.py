"""The terminal of the dashboard: its keys go into the bounded queue of the app.

Invariant: whoever reads the terminal waits while there is no room for a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

if TYPE_CHECKING:
    from orc_tui.themes import ThemedApp


class TerminalDriver(LinuxDriver):
    """Reads keys and draws on the terminal of this process."""

    def send_message(self, message: Message) -> None:
        """Give the app what was read; called in the thread that reads."""
        if isinstance(message, events.Key | events.Paste):
            app = cast("ThemedApp[object]", self._app)
            app.typeahead.send(message, self._loop, self.exit_event.is_set)
        else:
            super().send_message(message)
