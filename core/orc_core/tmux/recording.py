"""Recording one pane: its screen captured whenever it was written to, as an asciicast.

Invariant: nothing is put on the pane and nothing is set in tmux; secrets are hidden before a
byte is written; the file is valid after each write, and never larger than its cap.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import OrcError, TmuxError, TmuxGone, TmuxTimeout
from orc_core.model.agent import PaneRef
from orc_core.model.snapshot import Screen
from orc_core.text import age
from orc_core.tmux.asciicast import (
    ENDED,
    MARKER,
    OUTPUT,
    PAUSED,
    RESIZE,
    Drawer,
    Event,
    Header,
    event_line,
    header_line,
)
from orc_core.tmux.inotify import TerminalMarks
from orc_core.tmux.link import Link
from orc_core.tmux.panes import Shot
from orc_core.tmux.redaction import Redactor
from orc_core.tmux.screen import parse_lines
from orc_core.tmux.server import Address
from orc_storage.lock import lives, start_of

FRAME_S: Final = 0.1
"""So long lies between two looks at least: what came and went within it is not seen."""
LOOK_S: Final = 1.0
"""So often it is looked without a sign: some writes give none."""
WHOLE_EVERY_S: Final = 30.0
"""So often a whole screen is drawn instead of a change, for whoever seeks."""
SILENT_S: Final = 60.0
"""A server that does not answer for so long ends the recording."""
RESERVE_BYTES: Final = 400
"""Kept free for the line that says why it ended."""
MISSES_MAX: Final = 2


class Full(OrcError):
    """The file has reached its cap."""


class CastFile:
    """The file of one recording, locked as long as it is written."""

    def __init__(self, path: Path, header: Header, max_bytes: int) -> None:
        """Make the file, 0600 and new; raises OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self.path = path
        self.size = 0
        self._max_bytes = max_bytes
        self._fd = os.open(path, flags, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self._write(header_line(header).encode())

    def add(self, event: Event, *, last: bool = False) -> None:
        """Add one line; raises Full where it would be too long, OSError."""
        data = event_line(event).encode("utf-8", "replace")
        room = self._max_bytes - (0 if last else RESERVE_BYTES)
        if self.size + len(data) > room:
            raise Full(f"it reached {self._max_bytes // 1_000_000} MB")
        self._write(data)

    def close(self) -> None:
        os.close(self._fd)

    def _write(self, data: bytes) -> None:
        """Write a whole line or nothing: a full disk leaves none that is cut short."""
        try:
            written = os.write(self._fd, data)
        except OSError:
            written = 0
        if written != len(data):
            os.ftruncate(self._fd, self.size)
            raise OSError(f"{self.path}: the disk takes no more")
        self.size += len(data)


@dataclass(frozen=True, slots=True)
class Target:
    """The pane that is recorded and what its agent is called; `tty` is its terminal."""

    address: Address
    pane: PaneRef
    name: str
    tty: str


class Recorder:
    """Records one pane until it is stopped, the pane is gone, or the file is full."""

    def __init__(
        self, target: Target, path: Path, redactor: Redactor, max_bytes: int, clock: Clock
    ) -> None:
        self._target = target
        self._path = path
        self._redactor = redactor
        self._max_bytes = max_bytes
        self._clock = clock
        self._link = Link(target.address, clock, "sync")
        self._marks = TerminalMarks()
        self._drawer = Drawer()
        self._file: CastFile | None = None
        self._size = (0, 0)
        self._began = 0.0
        self._paused_s = 0.0
        self._paused_at: float | None = None
        self._pausing = False
        self._whole_at = float("-inf")
        self._wake = asyncio.Event()
        self._stopped = ""

    def stop(self, why: str = "it was stopped") -> None:
        """End it after one more look."""
        self._stopped = self._stopped or why
        self._wake.set()

    def pause(self, on: bool) -> None:
        """Record nothing from now on, or go on; the time between does not count."""
        self._pausing = on
        self._wake.set()

    async def run(self) -> str:
        """Record; returns why it ended. Raises TmuxError where nothing could be captured at all.

        Raises OSError where the file cannot be made.
        """
        shot = await self._capture()
        if shot is None:
            raise TmuxError(f"the pane {self._target.pane.key} is gone")
        self._began = self._clock.monotonic()
        self._file = CastFile(self._path, self._header(shot), self._max_bytes)
        self._watch()
        try:
            self._show(shot)
            why = await self._follow()
        except Full as error:
            why = str(error)
        finally:
            self._unwatch()
        self._end(why)
        return why

    def _header(self, shot: Shot) -> Header:
        target, pid = self._target, os.getpid()
        at = self._clock.now()
        self._size = (shot.width, shot.height)
        key = target.pane.key
        return Header(shot.width, shot.height, at, target.name, key, pid, start_of(pid))

    async def _follow(self) -> str:
        misses = 0
        answered = self._clock.monotonic()
        while True:
            await self._rest()
            self._turn()
            gone = not lives(self._target.pane.pid)
            if self._paused_at is None or self._stopped or gone:
                try:
                    shot = await self._capture()
                except TmuxTimeout:
                    if self._clock.monotonic() - answered > SILENT_S:
                        return "its tmux server does not answer"
                    continue
                except TmuxGone:
                    return "its tmux server is gone"
                answered = self._clock.monotonic()
                misses = misses + 1 if shot is None else 0
                if shot is not None and self._paused_at is None:
                    self._show(shot)
            if self._stopped:
                return self._stopped
            if misses >= MISSES_MAX or (gone and misses):
                return "its pane is gone"
            if gone:
                return "its program ended"

    async def _rest(self) -> None:
        """Wait until the pane is written to, somebody calls, or a second is over."""
        await self._clock.sleep(FRAME_S)
        if self._target.tty in self._marks.drain() or self._wake.is_set():
            self._wake.clear()
            return
        nap = asyncio.ensure_future(self._clock.sleep(LOOK_S - FRAME_S))
        call = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({nap, call}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            call.cancel()
        self._wake.clear()

    def _watch(self) -> None:
        self._marks.open()
        if self._marks.available:
            self._marks.watch([self._target.tty])
            asyncio.get_running_loop().add_reader(self._marks.fd, self._written)

    def _written(self) -> None:
        self._marks.drain()
        self._wake.set()

    def _unwatch(self) -> None:
        if self._marks.available:
            asyncio.get_running_loop().remove_reader(self._marks.fd)
        self._marks.close()

    def _turn(self) -> None:
        """Pause or go on, where somebody asked for it."""
        now = self._clock.monotonic()
        if self._pausing and self._paused_at is None:
            self._add(MARKER, PAUSED)
            self._paused_at = now
        elif not self._pausing and self._paused_at is not None:
            lasted = now - self._paused_at
            self._paused_s += lasted
            self._paused_at = None
            self._whole_at = float("-inf")
            self._add(MARKER, f"resumed, {age(lasted)} later")

    async def _capture(self) -> Shot | None:
        """The pane as it is; None where it is not there."""
        taken: list[Shot] = []
        await self._link.captures([(self._target.pane.pane_id, True)], taken.extend)
        return taken[-1] if taken else None

    def _show(self, shot: Shot) -> None:
        """Write what changed of the screen, with its secrets hidden."""
        rows, _ = self._redactor.hide(parse_lines(shot.raw), shot.width)
        screen = Screen("", shot.width, shot.height, (), shot.cursor, 0.0)
        now = self._clock.monotonic()
        if (shot.width, shot.height) != self._size:
            self._size = (shot.width, shot.height)
            self._add(RESIZE, f"{shot.width}x{shot.height}")
        due = now - self._whole_at >= WHOLE_EVERY_S
        drawn = self._drawer.draw(screen, rows)
        if drawn and due:
            self._whole_at = now
            drawn = self._drawer.draw(screen, rows, whole=True)
        if drawn:
            self._add(OUTPUT, drawn)

    def _add(self, code: str, data: str, *, last: bool = False) -> None:
        assert self._file is not None  # noqa: S101
        until = self._paused_at if self._paused_at is not None else self._clock.monotonic()
        at = max(until - self._began - self._paused_s, 0.0)
        self._file.add(Event(at, code, data), last=last)

    def _end(self, why: str) -> None:
        assert self._file is not None  # noqa: S101
        self._add(MARKER, f"{ENDED}{why}"[:200], last=True)
        self._file.close()


def is_written(path: Path) -> bool:
    """Whether a recorder has the file; asked of the kernel, so true of living ones alone."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
