"""Which terminals were written to since we last looked, from the kernel, without tmux.

Invariant: a mark is a hint and never the truth: a watch can be missing, and writes through
`/dev/tty` go unseen. Looking never blocks and costs about a microsecond.

This speaks to inotify itself: through watchfiles a look that finds nothing blocks for a
millisecond or needs a thread that polls, and each new terminal builds all watches anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable, Iterable
from typing import Final, cast

_MODIFY: Final = 0x2
_MOVED_FROM: Final = 0x40
_MOVED_TO: Final = 0x80
_CREATE: Final = 0x100
_DELETE: Final = 0x200
ENTRIES: Final = _MODIFY | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
"""What happens to the files of a folder, where that is what is watched."""

_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000
_EVENT: Final = struct.Struct("iIII")
_READ_BYTES: Final = 64 * 1024
_READS_MAX: Final = 64


class TerminalMarks:
    """A set of watched terminals; `available` is False where the system has no inotify.

    With `ENTRIES` what is watched are folders.
    """

    def __init__(self, events: int = _MODIFY) -> None:
        self._events = events
        self._watches: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._add: Callable[[int, bytes, int], int] | None = None
        self.fd = -1

    def open(self) -> None:
        """Begin; where there is no inotify, `available` stays False."""
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            fd = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        except (AttributeError, OSError):
            return
        if fd < 0:
            return
        self.fd = fd
        self._add = cast("Callable[[int, bytes, int], int]", libc.inotify_add_watch)
        self._remove = cast("Callable[[int, int], int]", libc.inotify_rm_watch)

    @property
    def available(self) -> bool:
        return self.fd >= 0

    def watch(self, paths: Iterable[str]) -> None:
        """Watch exactly these terminals from now on; those that cannot be are left out."""
        if self._add is None:
            return
        wanted = set(paths)
        for path in self._watches.keys() - wanted:
            number = self._watches.pop(path)
            self._paths.pop(number, None)
            self._remove(self.fd, number)
        for path in wanted - self._watches.keys():
            number = self._add(self.fd, os.fsencode(path), self._events)
            if number >= 0:
                self._watches[path] = number
                self._paths[number] = path

    def watches(self, path: str) -> bool:
        """Whether this one is watched: it is there, and the kernel had room."""
        return path in self._watches

    def drain(self) -> set[str]:
        """The terminals written to since the last call; all of them when the queue ran over."""
        marked: set[str] = set()
        if not self.available:
            return marked
        for _ in range(_READS_MAX):
            try:
                data = os.read(self.fd, _READ_BYTES)
            except (BlockingIOError, InterruptedError):
                return marked
            offset = 0
            while offset < len(data):
                number, mask, _cookie, length = _EVENT.unpack_from(data, offset)
                offset += _EVENT.size + length
                if mask & _OVERFLOW:
                    marked |= self._watches.keys()
                elif mask & _IGNORED:
                    # The terminal is gone and its number will come again: it is watched anew then.
                    path = self._paths.pop(number, None)
                    if path is not None and self._watches.get(path) == number:
                        del self._watches[path]
                elif number in self._paths:
                    marked.add(self._paths[number])
        return marked

    def close(self) -> None:
        if self.available:
            with contextlib.suppress(OSError):
                os.close(self.fd)
            self.fd = -1
            self._add = None
