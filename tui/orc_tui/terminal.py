"""The terminal of the dashboard: its keys go into the bounded queue of the app.

Invariant: whoever reads the terminal waits while there is no room for a key, and nothing that is
written waits for the terminal in the app's loop. How long it takes to leave is told to the pace.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, Any, Final, cast

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

if TYPE_CHECKING:
    from orc_tui.themes import ThemedApp

WRITES_MAX: Final = 20
"""So many writes may be on their way; Textual's writer would block the loop at 30."""
HELD_MAX: Final = 256 * 1024
"""So many characters are held back behind them at most; more is dropped, a frame never."""


class TerminalDriver(LinuxDriver):
    """Reads keys and draws on the terminal of this process."""

    def __init__(self, app: ThemedApp[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._themed = app
        self._given = 0
        self._gone = 0
        self._held = ""
        if self._file is not None:
            self._file = cast("TextIOWrapper", Outflow(self._file, self._tell))

    def send_message(self, message: Message) -> None:
        """Give the app what was read; called in the thread that reads."""
        if isinstance(message, events.Key | events.Paste):
            self._themed.typeahead.send(message, self._loop, self.exit_event.is_set)
        else:
            super().send_message(message)

    def write(self, data: str) -> None:
        """Write to the terminal, behind what is on its way; this never waits."""
        if self._given - self._gone < WRITES_MAX:
            self._given += 1
            self._themed.pace.written()
            super().write(data)
        elif len(self._held) + len(data) <= HELD_MAX:
            self._held += data

    def stop_application_mode(self) -> None:
        """Give the terminal back; what was held back goes first."""
        self._go_on()
        super().stop_application_mode()

    def close(self) -> None:
        """Let the thread that writes end, after all that is left."""
        self._gone = self._given
        self._go_on()
        super().close()

    def _tell(self, count: int, took_s: float) -> None:
        """Called in the thread that writes."""
        self._loop.call_soon_threadsafe(self._left, count, took_s)

    def _left(self, count: int, took_s: float) -> None:
        self._gone = max(self._gone, count)
        if self._gone >= self._given:
            self._themed.frame_left(took_s)
        self._go_on()

    def _go_on(self) -> None:
        held, self._held = self._held, ""
        if held:
            self.write(held)


class Outflow:
    """A stream that measures how long what is written to it takes to leave."""

    def __init__(self, stream: IO[str], tell: Callable[[int, float], None]) -> None:
        self._stream = stream
        self._tell = tell
        self._count = 0
        self._took_s = 0.0

    def write(self, text: str) -> int:
        """Write, however long that takes."""
        began = time.monotonic()
        written = self._stream.write(text)
        self._took_s += time.monotonic() - began
        self._count += 1
        return written

    def flush(self) -> None:
        """Have all of it leave, and tell how many writes that were, from the first one on."""
        began = time.monotonic()
        self._stream.flush()
        took_s, self._took_s = self._took_s + time.monotonic() - began, 0.0
        self._tell(self._count, took_s)

    def fileno(self) -> int:
        return self._stream.fileno()


def complete(*streams: object) -> None:
    """Give Textual's stand-ins for stdout and stderr the encoding that every stream has.

    libtmux reads it when it is imported, which is at the first agent that is started.
    """
    for stream in streams:
        if stream is not None and not hasattr(stream, "encoding"):
            vars(stream)["encoding"] = "utf-8"
