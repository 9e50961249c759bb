"""Telling other processes at once that a store changed.

Invariant: a ring is only a hint. Losing one costs time and never truth, so nothing here waits,
retries or raises for a peer that does not listen.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Final

from orc_storage.paths import ensure_private, is_private

_PEERS_MAX: Final = 64
_BIND_ATTEMPTS: Final = 5


class Doorbell:
    """The sockets on which the processes that use one store listen."""

    def __init__(self, runtime: Path, identity: tuple[int, int]) -> None:
        device, inode = identity
        self.folder = runtime / f"feed-{device:x}-{inode:x}"
        self._out: socket.socket | None = None
        self._mine: set[str] = set()
        self._count = 0

    def listen(self) -> socket.socket:
        """Return a socket that this process hears others ring on; close it with `hang_up`.

        Raises UnsafePath, or OSError where no socket can be made (a path that is too long).
        """
        self._count += 1
        name = f"{os.getpid()}-{id(self):x}-{self._count}"
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            ear.setblocking(False)
            self._bind(ear, self.folder / name)
        except BaseException:
            ear.close()
            raise
        self._mine.add(name)
        return ear

    def hang_up(self, ear: socket.socket) -> None:
        """Close a socket that `listen` returned and take its name off the door."""
        path = Path(ear.getsockname())
        ear.close()
        self._mine.discard(path.name)
        with contextlib.suppress(OSError):
            path.unlink()
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def ring(self) -> None:
        """Wake the other listeners; names of the dead are taken off the door."""
        try:
            if not is_private(self.folder.parent):
                return
            names = [path.name for path in self.folder.iterdir()]
        except OSError:
            return
        for name in [n for n in names if n not in self._mine][:_PEERS_MAX]:
            self._ring_one(self.folder / name)

    def close(self) -> None:
        """Give up the sending socket."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def _bind(self, ear: socket.socket, path: Path) -> None:
        for attempt in range(_BIND_ATTEMPTS):
            ensure_private(self.folder.parent)
            ensure_private(self.folder)
            try:
                ear.bind(str(path))
            except FileNotFoundError:
                # The last listener before us took the empty folder with it.
                if attempt + 1 == _BIND_ATTEMPTS:
                    raise
            else:
                return

    def _ring_one(self, path: Path) -> None:
        if self._out is None:
            self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._out.setblocking(False)
        try:
            self._out.sendto(b"!", str(path))
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                path.unlink()
        except OSError:
            # A full queue already wakes its owner; the poll is the net under all else.
            return
