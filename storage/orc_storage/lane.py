"""One connection on a thread of its own, by aiosqlite.

Invariant: a whole transaction is one function that runs on that thread, so it is begun and ended
in one place whatever happens to its caller.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiosqlite

from orc_storage.engine import DAMAGED_REMEDY, Connection, Engine, tolerant_text
from orc_storage.errors import OutcomeUnknown, StoreCorrupt, StoreUnavailable

T = TypeVar("T")

_RETRIES: Final = 5
_ASTONISHED: Final = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What work raises where a row is not one of its table, unless it is at fault itself."""
_STEPS_BETWEEN_LOOKS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Opening:
    """All that opening one more connection takes; `identity` is the file's (device, inode).

    `can_change` is False for a store that is only looked at: then not even SQLite's own helper
    files may appear beside it.
    """

    engine: Engine
    path: Path
    identity: tuple[int, int]
    is_wal: bool
    can_change: bool


class _Handle:
    """The connection as it is known on its thread, opened anew when the file asks for it."""

    def __init__(self, opening: Opening, ended: threading.Event, *, is_writer: bool) -> None:
        self._opening = opening
        self._is_writer = is_writer
        self._ended = ended
        self._given_up = threading.Event()
        self._version: tuple[Any, ...] = ()
        self._turn = 0
        self._view = self._look()
        self.conn = self._connect()

    def run(self, work: Callable[[Connection], T], given_up: threading.Event) -> T:
        engine, path = self._opening.engine, self._opening.path
        self._given_up = given_up
        try:
            return self._run_on_view(work)
        except engine.error as error:
            raise engine.translate(error, path) from error
        except _ASTONISHED as error:
            # What the columns of a damaged page hold need not even be of their type.
            if self._is_sound():
                raise
            text = f"{path} is damaged (a row holds what it cannot): {DAMAGED_REMEDY}"
            raise StoreCorrupt(text) from error

    def data_version(self) -> int:
        def ask(conn: Connection) -> Any:
            return conn.execute("PRAGMA data_version").fetchone()[0]

        version = (self.run(ask, threading.Event()), self._view)
        if version != self._version:
            self._version = version
            self._turn += 1
        return self._turn

    def close(self) -> None:
        self.conn.close()

    def _run_on_view(self, work: Callable[[Connection], T]) -> T:
        for _ in range(_RETRIES):
            self._check_there()
            view = self._look()
            if view != self._view:
                self.conn.close()
                self._view = view
                self.conn = self._connect()
            result = self._tolerantly(work)
            self._check_there(is_done=self._is_writer)
            if self._look() == view:
                return result
        raise StoreUnavailable(f"{self._opening.path} is changing too fast to be read: try again")

    def _tolerantly(self, work: Callable[[Connection], T]) -> T:
        """Run `work`; a text that is damaged is no reason for not reading the others.

        Reading all texts so costs three times as much, so it is done where there is a need.
        """
        try:
            return work(self.conn)
        except self._opening.engine.error as error:
            if self._is_writer or not self._opening.engine.is_undecodable(error):
                raise
        self.conn.text_factory = tolerant_text
        try:
            return work(self.conn)
        finally:
            self.conn.text_factory = str

    def _is_sound(self) -> bool:
        try:
            return self.conn.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
        except (self._opening.engine.error, ValueError):
            return False

    def _connect(self) -> Connection:
        opening = self._opening
        mode = "rw" if opening.can_change else self._view[0]
        conn = opening.engine.connect(opening.path, mode=mode)
        if self._is_writer:
            conn.text_factory = tolerant_text  # a transaction is not run a second time
        else:
            conn.execute("PRAGMA query_only = ON")
        # SQLite's interrupt() misses a statement that starts a moment later; this cannot.
        conn.set_progress_handler(self._must_stop, _STEPS_BETWEEN_LOOKS)
        return conn

    def _must_stop(self) -> bool:
        return self._given_up.is_set() or self._ended.is_set()

    def _look(self) -> tuple[Any, ...]:
        """Return how the file must be opened to be looked at, and what would make that wrong.

        Opened for reading, SQLite still makes a log and an index beside a write-ahead store
        that has none. While it has none nobody writes, and the file alone is the whole truth.
        """
        opening = self._opening
        if opening.can_change:
            return ("rw",)
        log = opening.path.with_name(opening.path.name + "-wal")
        try:
            if not opening.is_wal or log.exists():
                return ("ro",)
            found = opening.path.lstat()
        except FileNotFoundError:
            return ("immutable",)
        except OSError as error:
            raise StoreUnavailable(_unseen(opening.path, error)) from error
        return ("immutable", found.st_mtime_ns, found.st_size)

    def _check_there(self, *, is_done: bool = False) -> None:
        """Raise StoreUnavailable where the store is not the file that was opened.

        OutcomeUnknown where that cannot be told of one into which something was written.
        """
        # SQLite goes on writing into a file that was unlinked, and says nothing.
        path = self._opening.path
        try:
            found = path.lstat()
        except FileNotFoundError:
            raise StoreUnavailable(
                f"{path} was removed while it was open: put it back or start orc-tui again"
            ) from None
        except OSError as error:
            told = OutcomeUnknown if is_done else StoreUnavailable
            raise told(_unseen(path, error)) from error
        if (found.st_dev, found.st_ino) != self._opening.identity:
            raise StoreUnavailable(
                f"{path} was replaced while it was open: start orc-tui again to use the new one"
            )


def _unseen(path: Path, error: OSError) -> str:
    return f"{path} cannot be looked at ({error.strerror}): check the disk"


class Lane:
    """A thread with one connection; what it is given runs in order, one at a time."""

    def __init__(self, opening: Opening, *, is_writer: bool) -> None:
        self._opening = opening
        self._handle: _Handle | None = None
        self._ended = threading.Event()

        def connector() -> Any:
            self._handle = _Handle(opening, self._ended, is_writer=is_writer)
            return self._handle

        self._proxy = aiosqlite.Connection(connector, 64)
        # Otherwise a process that dies without closing hangs in its exit, waiting for the thread.
        self._proxy._thread.daemon = True  # noqa: SLF001

    @classmethod
    async def open(cls, opening: Opening, *, is_writer: bool = False) -> Self:
        """Start the thread and open its connection."""
        lane = cls(opening, is_writer=is_writer)
        try:
            await lane._proxy
        except opening.engine.error as error:
            raise opening.engine.translate(error, opening.path) from error
        return lane

    async def run(
        self, work: Callable[[Connection], T], given_up: threading.Event | None = None
    ) -> T:
        """Run `work` on the thread; it goes on there when this caller is cancelled.

        Once `given_up` is set, a statement that takes long fails with StoreUnavailable.
        """
        token = given_up or threading.Event()
        return await self._execute(lambda handle: handle.run(work, token))

    async def data_version(self) -> int:
        """Return a number that grows whenever someone else committed."""
        return await self._execute(lambda handle: handle.data_version())

    def give_up(self) -> None:
        """Make every statement that takes long fail, now and from now on."""
        self._ended.set()

    async def close(self) -> None:
        """Close the connection behind what is queued and end the thread."""
        await self._proxy.close()

    async def _execute(self, work: Callable[[_Handle], T]) -> T:
        # aiosqlite's public calls are one statement each: a transaction would be many hops, with
        # a place between any two where a cancelled caller leaves it open. Its private _execute
        # runs one function on the thread; the version is pinned for that.
        handle = self._handle
        if handle is None:
            raise StoreUnavailable(f"{self._opening.path} is not open")
        try:
            result: T = await self._proxy._execute(work, handle)  # type: ignore[no-untyped-call] # noqa: SLF001
        except ValueError as error:
            if str(error) in ("Connection closed", "no active connection"):
                raise StoreUnavailable(f"{self._opening.path} is closed") from error
            raise
        return result


async def close_all(lanes: list[Lane], *, timeout_s: float) -> None:
    """Close lanes in order, the last one last; one that does not end is left behind."""
    for lane in lanes:
        closing = asyncio.ensure_future(lane.close())
        done, _ = await asyncio.wait({closing}, timeout=timeout_s)
        if done:
            closing.exception()
        else:
            lane.give_up()
            closing.cancel()
