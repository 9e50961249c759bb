"""Hearing of every commit, by this process or another.

Invariant: SQLite's own data_version says that something changed; a ring on the doorbell or a
commit of ours only makes us look sooner. Whoever listens has at most one wake waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Final, Self

from orc_storage.database import Database
from orc_storage.errors import StorageError

POLL_S: Final = 0.25
_RINGS_MAX: Final = 256


class Feed:
    """The change feed of one open store, as an async context manager.

    `trouble` is "" or says why the store cannot be watched; `hears_others` is False where no
    socket could be made, so that others are heard by the poll only.
    """

    def __init__(self, db: Database, *, poll_s: float = POLL_S) -> None:
        self.trouble = ""
        self.hears_others = False
        self._db = db
        self._poll_s = poll_s
        self._ear: socket.socket | None = None
        self._hint = asyncio.Event()
        self._next = asyncio.Event()
        self._turn = 0
        self._is_open = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # OSError covers a socket path that is too long; the poll is enough to be right.
        with contextlib.suppress(OSError, StorageError):
            self._ear = self._db.doorbell.listen()
            self.hears_others = True
        try:
            version = await self._db.data_version()
        except BaseException:
            self._hang_up()
            raise
        self._is_open = True
        self._db.on_commit.add(self._hint.set)
        if self._ear is not None:
            asyncio.get_running_loop().add_reader(self._ear, self._heard)
        self._task = asyncio.create_task(self._watch(version))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_open = False
        self._db.on_commit.discard(self._hint.set)
        self._hang_up()
        self._wake()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def changes(self) -> AsyncIterator[None]:
        """Yield after commits, many at once as one, from the moment the feed was opened on."""
        seen = 0
        while True:
            if seen == self._turn and self._is_open:
                await self._next.wait()
            if not self._is_open:
                return
            seen = self._turn
            yield

    async def _watch(self, version: int) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._hint.wait()
            is_hinted = self._hint.is_set()
            self._hint.clear()
            try:
                # A hop to a thread and back, all day and many times a second, is not free.
                found, trouble = await self._db.data_version(glance=not is_hinted), ""
            except StorageError as error:
                found, trouble = version, str(error)
            if (found, trouble) != (version, self.trouble):
                version, self.trouble = found, trouble
                self._wake()

    def _wake(self) -> None:
        self._turn += 1
        woken, self._next = self._next, asyncio.Event()
        woken.set()

    def _heard(self) -> None:
        with contextlib.suppress(OSError):
            for _ in range(_RINGS_MAX):
                if self._ear is None:
                    return
                self._ear.recv(1)
                self._hint.set()

    def _hang_up(self) -> None:
        if self._ear is not None:
            asyncio.get_running_loop().remove_reader(self._ear)
            self._db.doorbell.hang_up(self._ear)
            self._ear = None
            self.hears_others = False
