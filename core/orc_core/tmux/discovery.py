"""The tmux servers of this user: the sockets that somebody listens at.

Invariant: looking starts no server, forks no process and writes nothing. What is not ours is
never connected to, a link is never followed, and a folder is only read again once it changed.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from orc_core.text import clean
from orc_core.tmux.server import SOCKET_PATH_MAX_BYTES, Address, alive, socket_folder

SERVERS_MAX: Final = 32
"""How many servers are found at most: each is one connection and one session in it."""

ENTRIES_MAX: Final = 1024
SETTLE_LOOKS: Final = 3
"""A socket is there before anybody listens at it: a folder that changed is read again so often."""


class Discovery:
    """Finds the servers whose sockets stand in tmux's own folder."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.left_out = 0
        """How many servers were found beyond those that are watched at most."""
        self._folder = socket_folder(environ)
        self._seen = (-1, -1)
        self._settle = 0

    async def look(self, known: Collection[str]) -> tuple[Address, ...]:
        """The servers that came, without those whose socket paths are known."""
        if not self._changed():
            return ()
        fresh = self._fresh(known)
        answers = await asyncio.gather(*map(alive, fresh))
        found = [one for one, answered in zip(fresh, answers, strict=True) if answered]
        room = max(0, SERVERS_MAX - len(known))
        self.left_out = max(0, len(found) - room)
        return tuple(found[:room])

    def _fresh(self, known: Collection[str]) -> list[Address]:
        """The sockets that are not known by this or another path."""
        same = {os.path.realpath(path) for path in known}
        there = sorted(_own_sockets(self._folder))
        return [Address(path) for path in there if os.path.realpath(path) not in same]

    def _changed(self) -> bool:
        """Whether the folder may hold something new; a missing or foreign one holds nothing."""
        try:
            found = os.lstat(self._folder)
        except OSError:
            return False
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return False
        seen = (found.st_ino, found.st_mtime_ns)
        if seen != self._seen:
            self._seen, self._settle = seen, SETTLE_LOOKS
        elif self._settle > 0:
            self._settle -= 1
        else:
            return False
        return True


def _own_sockets(folder: Path) -> Iterator[str]:
    """The sockets in a folder that belong to us, links left aside."""
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, ENTRIES_MAX):
                if len(os.fsencode(entry.path)) <= SOCKET_PATH_MAX_BYTES and _is_ours(entry):
                    yield entry.path
    except OSError:
        return


def _is_ours(entry: os.DirEntry[str]) -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()


def short_names(addresses: Iterable[Address], environ: Mapping[str, str]) -> dict[str, str]:
    """What people call servers, by socket path: `work` in tmux's own folder, else `folder/name`.

    Where two would be called the same, both go by their whole path.
    """
    folder = socket_folder(environ)
    paths = [Path(address.socket_path) for address in addresses]
    short = {
        str(path): clean(path.name if path.parent == folder else f"{path.parent.name}/{path.name}")
        for path in paths
    }
    count = Counter(name.casefold() for name in short.values())
    return {
        path: name if count[name.casefold()] == 1 else clean(path) for path, name in short.items()
    }
