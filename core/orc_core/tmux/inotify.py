"""Which terminals were written to since we last looked, from the kernel, without tmux.

Invariant: a mark is a hint and never the truth: a watch can be missing, and writes through
`/dev/tty` go unseen. Looking never blocks and costs about a microsecond.

It goes by inotify itself: through watchfiles a look that finds nothing blocks for a
millisecond or needs a thread that polls, and each new terminal builds all watches anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from orc_storage import inotify
from orc_storage.inotify import Inotify

ENTRIES: Final = (
    inotify.MODIFY | inotify.MOVED_FROM | inotify.MOVED_TO | inotify.CREATE | inotify.DELETE
)
"""What happens to the files of a folder, where that is what is watched."""


class TerminalMarks:
    """A set of watched terminals; `available` is False where the system has no inotify.

    With `ENTRIES` what is watched are folders.
    """

    def __init__(self, events: int = inotify.MODIFY) -> None:
        self._events = events
        self._watches: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._kernel = Inotify()

    @property
    def fd(self) -> int:
        """What becomes readable when something was written, -1 where nothing is watched."""
        return self._kernel.fd

    def open(self) -> None:
        """Begin; where there is no inotify, `available` stays False."""
        self._kernel.open()

    @property
    def available(self) -> bool:
        return self.fd >= 0

    def watch(self, paths: Iterable[str]) -> None:
        """Watch exactly these terminals from now on; those that cannot be are left out."""
        if not self.available:
            return
        wanted = set(paths)
        for path in self._watches.keys() - wanted:
            number = self._watches.pop(path)
            self._paths.pop(number, None)
            self._kernel.remove(number)
        for path in wanted - self._watches.keys():
            number = self._kernel.add(path, self._events)
            if number >= 0:
                self._watches[path] = number
                self._paths[number] = path

    def watches(self, path: str) -> bool:
        """Whether this one is watched: it is there, and the kernel had room."""
        return path in self._watches

    def drain(self) -> set[str]:
        """The terminals written to since the last call; all of them when the queue ran over."""
        marked: set[str] = set()
        for notice in self._kernel.read():
            if notice.mask & inotify.OVERFLOW:
                marked |= self._watches.keys()
            elif notice.mask & inotify.IGNORED:
                # The terminal is gone and its number will come again: it is watched anew then.
                path = self._paths.pop(notice.number, None)
                if path is not None and self._watches.get(path) == notice.number:
                    del self._watches[path]
            elif notice.number in self._paths:
                marked.add(self._paths[notice.number])
        return marked

    def close(self) -> None:
        """Let go of all of them."""
        self._kernel.close()
