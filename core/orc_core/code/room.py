"""The folder that we keep for one work tree: its lenses, its index, its lock, its restore.

Invariant: whoever writes for a work tree holds its lock, so that two of us never restore, or
move its index, at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.code.repository import WorkTree
from orc_core.errors import OrcError
from orc_core.text import clean
from orc_storage.lock import FileLock
from orc_storage.paths import ensure_private

LOCK_WITHIN_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Room:
    """What is kept for one work tree, in a private folder of ours."""

    tree: WorkTree
    folder: Path

    @property
    def raw(self) -> Path:
        """The lens that takes files byte by byte."""
        return self.folder / "raw"

    @property
    def plain(self) -> Path:
        """The lens that sees files as git does."""
        return self.folder / "plain"

    @property
    def index(self) -> Path:
        """What the last checkpoint held, with the facts by which unchanged files are known."""
        return self.folder / "index"

    @property
    def unfinished(self) -> Path:
        """The restore that is under way, if one is."""
        return self.folder / "restore.json"


def room_of(tree: WorkTree, under: Path) -> Room:
    """The room of a work tree; `under` is the folder of all of them."""
    return Room(tree, under / tree.key)


@asynccontextmanager
async def entered(room: Room, clock: Clock) -> AsyncIterator[None]:
    """Hold the lock of a room, made where it is missing; raises OrcError if it cannot be had."""
    for folder in (room.folder.parent, room.folder):
        ensure_private(folder)
    lock = FileLock(room.folder / "lock")
    deadline = clock.monotonic() + LOCK_WITHIN_S
    while not lock.try_acquire():
        if clock.monotonic() >= deadline:
            where = clean(str(room.tree.top), limit=200)
            raise OrcError(f"another orc is at work in {where}: try again when it is done")
        await clock.sleep(_LOOK_EVERY_S)
    try:
        yield
    finally:
        lock.release()
