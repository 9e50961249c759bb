"""The kernel's own word that something changed, on Linux.

Invariant: a notice is a hint and never the truth: a watch can be missing, and notices can run
over, which is one of them. Reading never blocks.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, cast

MODIFY: Final = 0x2
CLOSE_WRITE: Final = 0x8
MOVED_FROM: Final = 0x40
MOVED_TO: Final = 0x80
CREATE: Final = 0x100
DELETE: Final = 0x200
DELETE_SELF: Final = 0x400
MOVE_SELF: Final = 0x800
OVERFLOW: Final = 0x4000
IGNORED: Final = 0x8000
ONLY_FOLDERS: Final = 0x1000000
NO_SYMLINKS: Final = 0x2000000

_EVENT: Final = struct.Struct("iIII")
_READ_BYTES: Final = 64 * 1024
_READS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, as bits, under which watch, and to which name in a folder."""

    number: int
    mask: int
    name: str


class Inotify:
    """A set of watches; `fd` can be waited for, and is -1 where the system gives none."""

    def __init__(self) -> None:
        self.fd = -1
        self._add: Callable[[int, bytes, int], int] | None = None
        self._remove: Callable[[int, int], int] | None = None

    def open(self) -> bool:
        """Begin; False where there is no inotify, or no room for one more."""
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            fd = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        except (AttributeError, OSError):
            return False
        if fd < 0:
            return False
        self.fd = fd
        self._add = cast("Callable[[int, bytes, int], int]", libc.inotify_add_watch)
        self._remove = cast("Callable[[int, int], int]", libc.inotify_rm_watch)
        return True

    def add(self, path: str | os.PathLike[str], events: int) -> int:
        """Watch a path and return the number of the watch, below 0 where it cannot be."""
        return -1 if self._add is None else self._add(self.fd, os.fsencode(path), events)

    def remove(self, number: int) -> None:
        """Watch something no more."""
        if self._remove is not None:
            self._remove(self.fd, number)

    def read(self) -> Iterator[Notice]:
        """Yield what came since the last call, as far as is read in one go."""
        for _ in range(_READS_MAX if self.fd >= 0 else 0):
            try:
                data = os.read(self.fd, _READ_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            offset = 0
            while offset < len(data):
                number, mask, _cookie, length = _EVENT.unpack_from(data, offset)
                offset += _EVENT.size
                name = os.fsdecode(data[offset : offset + length].rstrip(b"\0"))
                offset += length
                yield Notice(number, mask, name)

    def close(self) -> None:
        """Let go of all watches."""
        if self.fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self.fd)
            self.fd = -1
            self._add = None
            self._remove = None
