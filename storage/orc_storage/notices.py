"""What changed in a few folders of one root, as the kernel tells it.

Invariant: what somebody finished is told at once; what is only begun (a file made, half written,
or moved away for the next one) is told once it had time to be finished, and always in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from pathlib import Path
from typing import Final

from orc_storage import inotify
from orc_storage.inotify import Inotify

BEGUN_S: Final = 0.05
"""How long what was begun may take: editors move a file away, make it anew and write it."""
BEGUN_MAX: Final = 1024

_FINISHED: Final = inotify.CLOSE_WRITE | inotify.MOVED_TO
_BEGUN: Final = inotify.MODIFY | inotify.CREATE | inotify.MOVED_FROM | inotify.DELETE
_GONE: Final = inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.IGNORED
_FOLDER: Final = inotify.ONLY_FOLDERS | inotify.NO_SYMLINKS


class Notices:
    """Follows `folders`, each right below `root`; they may come and go."""

    def __init__(self, root: Path, folders: Collection[Path]) -> None:
        self._root = root
        self._all = frozenset(folders)
        self._kernel = Inotify()
        self._numbers: dict[int, Path] = {}
        self._begun: dict[Path, asyncio.TimerHandle] = {}
        self._due: set[Path] = set()
        self._news = asyncio.Event()
        self._is_gone = False

    def open(self) -> bool:
        """Begin to watch; False where the system cannot. Raises FileNotFoundError."""
        if not self._root.is_dir():
            raise FileNotFoundError(str(self._root))
        if not self._kernel.open():
            return False
        if self._watch(self._root, _GONE) and all(map(self._watch_if_there, self._all)):
            return True
        self._kernel.close()
        return False

    async def changes(self, stop: asyncio.Event) -> AsyncGenerator[set[Path], None]:
        """Yield the paths of what changed until `stop` is set; a folder stands for all in it.

        Raises FileNotFoundError once the root is gone.
        """
        loop = asyncio.get_running_loop()
        stopping = asyncio.ensure_future(stop.wait())
        stopping.add_done_callback(lambda _: self._news.set())
        loop.add_reader(self._kernel.fd, self._hear)
        try:
            while not stop.is_set():
                await self._news.wait()
                self._news.clear()
                due, self._due = self._due, set()
                if due:
                    yield due
                if self._is_gone:
                    raise FileNotFoundError(str(self._root))
        finally:
            loop.remove_reader(self._kernel.fd)
            self._kernel.close()
            stopping.cancel()
            self._forget_begun()

    def _watch(self, folder: Path, more: int = 0) -> bool:
        number = self._kernel.add(folder, _FINISHED | _BEGUN | _FOLDER | more)
        if number >= 0:
            self._numbers[number] = folder
        return number >= 0

    def _watch_if_there(self, folder: Path) -> bool:
        return self._watch(folder) or not folder.is_dir()

    def _hear(self) -> None:
        for notice in self._kernel.read():
            folder = self._numbers.get(notice.number)
            if notice.mask & inotify.OVERFLOW:
                self._tell(*self._all)
            elif folder == self._root:
                self._hear_of_root(notice.mask, self._root / notice.name)
            elif notice.mask & inotify.IGNORED:
                self._numbers.pop(notice.number, None)
            elif folder is not None and notice.mask & _FINISHED:
                self._tell(folder / notice.name)
            elif folder is not None:
                self._begin(folder / notice.name)

    def _hear_of_root(self, mask: int, path: Path) -> None:
        if mask & _GONE:
            self._is_gone = True
            self._news.set()
        elif path in self._all:
            self._watch_if_there(path)
            self._tell(path)

    def _begin(self, path: Path) -> None:
        if path in self._begun:
            return
        if len(self._begun) >= BEGUN_MAX:
            self._forget_begun()
            self._tell(*self._all)
            return
        loop = asyncio.get_running_loop()
        self._begun[path] = loop.call_later(BEGUN_S, self._tell, path)

    def _tell(self, *paths: Path) -> None:
        for path in paths:
            if timer := self._begun.pop(path, None):
                timer.cancel()
        self._due.update(paths)
        self._news.set()

    def _forget_begun(self) -> None:
        for timer in self._begun.values():
            timer.cancel()
        self._begun.clear()
