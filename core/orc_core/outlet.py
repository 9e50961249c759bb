"""Standard output as an endless stream of lines.

Invariant: a reader that is slow keeps only the stream waiting, and one that went away is noticed
at once, also while there is nothing to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import select
import stat
import sys
from types import TracebackType
from typing import Final, Self

_PORTION: Final = 512
"""What POSIX lets be written in one go where a pipe says that it has room."""


class Outlet:
    """Writes lines while it is entered; `gone` is set once nobody reads them any more."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self._fd = _descriptor()
        self._loop = asyncio.get_running_loop()
        self._listens = False

    async def __aenter__(self) -> Self:
        # A terminal is left out: what is typed into it is no hang-up.
        if self._fd is not None and _is_pipe(self._fd):
            self._loop.add_reader(self._fd, self._look)
            self._listens = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._deafen()

    async def write(self, line: str) -> None:
        """Write one line; raises BrokenPipeError where nobody reads it."""
        if self._fd is None:
            sys.stdout.write(line + "\n")
            return
        data = memoryview((line + "\n").encode())
        while data:
            await self._room(self._fd)
            data = data[os.write(self._fd, data[:_PORTION]) :]

    async def _room(self, fd: int) -> None:
        free = self._loop.create_future()
        try:
            self._loop.add_writer(fd, _settle, free)
        except PermissionError:
            # A plain file always has room.
            return
        try:
            await free
        finally:
            self._loop.remove_writer(fd)

    def _look(self) -> None:
        if self._fd is None:
            return
        poll = select.poll()
        poll.register(self._fd, 0)
        if poll.poll(0):
            self.gone.set()
        self._deafen()

    def _deafen(self) -> None:
        if self._listens and self._fd is not None:
            self._listens = False
            self._loop.remove_reader(self._fd)


def _settle(free: asyncio.Future[None]) -> None:
    if not free.done():
        free.set_result(None)


def _descriptor() -> int | None:
    with contextlib.suppress(io.UnsupportedOperation, OSError, ValueError):
        sys.stdout.flush()
        return sys.stdout.fileno()
    return None


def _is_pipe(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
