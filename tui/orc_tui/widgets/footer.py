"""The footer: keys of the focused pane, or for some seconds what was just done.

Invariant: one line, one timer that runs only while a message stands there.
"""

from __future__ import annotations

from typing import Final, cast

from textual import events
from textual.message import Message
from textual.timer import Timer

from orc_tui.themes import ThemedApp
from orc_tui.view_models.footer import Footer, told
from orc_tui.widgets.canvas import Canvas

MESSAGE_S: Final = 6.0


class FooterBar(Canvas):
    """Draws a footer, and takes clicks on its words as keys."""

    class Pressed(Message):
        """A word of the footer was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._keys = Footer((), ())
        self._message: tuple[str, bool, str] | None = None
        self._timer: Timer | None = None
        self._width = 0

    def show_keys(self, keys: Footer, width: int) -> None:
        """Take the keys to show."""
        self._keys, self._width = keys, width
        self._paint()

    def say(self, text: str, *, undoable: bool = False, severity: str = "") -> None:
        """Show a message for some seconds."""
        self._message = (text, undoable, severity)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(MESSAGE_S, self.hush)
        self._paint()

    def hush(self) -> None:
        """Show the keys again."""
        if self._message is None:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._message = None
        self._paint()

    def _paint(self) -> None:
        shown = self._keys
        if self._message is not None:
            text, undoable, severity = self._message
            keyboard = cast("ThemedApp[object]", self.app).keyboard
            key = keyboard.key_of("undo") if undoable else ""
            shown = told(text, self._width, undo_key=key, severity=severity)
        self.draw([shown.line])

    def on_click(self, event: events.Click) -> None:
        """Press the key of the word under the mouse."""
        event.stop()
        key = "" if self._message is not None else self._keys.key_at(event.x)
        if key:
            self.post_message(self.Pressed(key))
