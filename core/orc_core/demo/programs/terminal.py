"""A raw terminal: keys in, changed lines out.

Invariant: it wakes for a key, a resize, a signal to end, or the moment it was asked to; it
writes only lines that differ from what stands there, and it puts the terminal back.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType
from typing import Final

from orc_core.demo.programs.face import Frame
from orc_core.demo.programs.keys import Decoder, Key, Paste

_ESCAPE_S: Final = 0.05
_CHUNK_BYTES: Final = 65_536
_ENTER: Final = "\x1b[?2004h\x1b[?7l\x1b[?25l\x1b[H\x1b[2J"  # paste marks, no wrap, no cursor
_LEAVE: Final = "\x1b[?2004l\x1b[?7h\x1b[?25h"


class HungUp(Exception):
    """The terminal is gone, or somebody asked the program to end."""


class Terminal:
    """The program's own terminal, in raw mode while `raw` is open."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._shown: tuple[str, ...] = ()
        self._size = (0, 0)
        self._title = ""
        self._ending = False
        self._wake_read, self._wake_write = os.pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)

    @contextlib.contextmanager
    def raw(self) -> Iterator[Terminal]:
        """Read keys as they come and put the terminal back afterwards."""
        before = termios.tcgetattr(0)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGWINCH, self._noticed)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_end)
        tty.setraw(0)
        try:
            self._write(_ENTER)
            yield self
        finally:
            with contextlib.suppress(OSError, termios.error):
                self._write(_LEAVE)
                termios.tcsetattr(0, termios.TCSADRAIN, before)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows as they are now."""
        size = shutil.get_terminal_size()
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(1)
        return max(size.columns, 20), max(size.lines, 4)

    def wait(self, timeout_s: float | None) -> list[Key | Paste]:
        """Wait for keys, a resize or the deadline; raise HungUp when it is time to end."""
        if self._ending:
            raise HungUp
        ready, _, _ = select.select([0, self._wake_read], [], [], timeout_s)
        if self._wake_read in ready:
            os.read(self._wake_read, _CHUNK_BYTES)
        if self._ending:
            raise HungUp
        if 0 not in ready:
            return []
        events = self._decoder.feed(self._read())
        if self._decoder.pending and not select.select([0], [], [], _ESCAPE_S)[0]:
            events += self._decoder.flush()
        return events

    def show(self, frame: Frame, title: str = "") -> None:
        """Bring the screen to this frame, and the title where there is one."""
        size = self.size
        out: list[str] = []
        if size != self._size:
            out.append("\x1b[H\x1b[2J")
            self._shown, self._size = (), size
        for row in range(max(len(frame.lines), len(self._shown))):
            line = frame.lines[row] if row < len(frame.lines) else ""
            if row >= len(self._shown) or line != self._shown[row]:
                out.append(f"\x1b[{row + 1};1H\x1b[K{line}")
        if frame.cursor is None:
            out.append("\x1b[?25l")
        else:
            out.append(f"\x1b[{frame.cursor[1] + 1};{frame.cursor[0] + 1}H\x1b[?25h")
        if title != self._title:
            out.append(f"\x1b]0;{title}\x07")
            self._title = title
        self._shown = frame.lines
        self._write("".join(out))

    def leave_below(self) -> None:
        """Put the cursor under what is shown, for whoever writes next."""
        self._write(f"\x1b[{min(len(self._shown) + 1, self._size[1])};1H")

    def _read(self) -> bytes:
        try:
            data = os.read(0, _CHUNK_BYTES)
        except OSError:
            data = b""
        if not data:
            raise HungUp
        return data

    def _write(self, text: str) -> None:
        data = text.encode(errors="replace")
        while data:
            data = data[os.write(1, data) :]

    def _noticed(self, _number: int, _frame: FrameType | None) -> None:
        """Let the wake-up pipe end the wait; the next frame takes the new size."""

    def _asked_to_end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True


def is_terminal() -> bool:
    """Tell whether keys can be read and a screen drawn."""
    return sys.stdin.isatty() and sys.stdout.isatty()
