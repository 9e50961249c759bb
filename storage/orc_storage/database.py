"""The store: one writer and a few readers.

Invariant: a write is acknowledged after its COMMIT and never before. A connection is never
handed out: whole transactions come in as functions and run where their connection lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self, TypeVar

from orc_storage import anchors, backups, journal, replacing, schema
from orc_storage import engine as engines
from orc_storage.backups import Backup, Reason
from orc_storage.doorbell import Doorbell
from orc_storage.engine import Connection, Engine, Transaction
from orc_storage.errors import StorageError, StoreUnavailable
from orc_storage.lane import Lane, Opening, close_all
from orc_storage.paths import runtime_dir
from orc_storage.writer import Writer

__all__ = ["Connection", "Database", "Transaction"]

T = TypeVar("T")
_Files = tuple[tuple[int, int, int], ...]

READERS: Final = 2
CLOSE_TIMEOUT_S: Final = 15.0
ANCHOR_EVERY: Final = 64
"""After how many commits of ours the journal's head is noted outside the store."""
SETTLED_S: Final = 1.0
"""How old a file's time has to be before an unchanged one proves that nothing was written: a
kernel keeps it in steps."""
GLANCE_MAX_S: Final = 2.0
"""A log is written before it is synced and counts: a slow disk may be at that for seconds."""
_SYNCHRONOUS: Final = ("OFF", "NORMAL", "FULL", "EXTRA")


class Database:
    """An open store. `on_commit` holds what is called, on the loop, after a commit of ours."""

    def __init__(self, opening: Opening, runtime: Path) -> None:
        self.path = opening.path
        self.folder = opening.path.parent
        self.read_only = not opening.can_change
        self.doorbell = Doorbell(runtime, opening.identity)
        self.on_commit: set[Callable[[], None]] = set()
        self._opening = opening
        self._writer: Writer | None = None
        self._writing: Lane | None = None
        self._lanes: list[Lane] = []
        self._idle: asyncio.Queue[Lane] = asyncio.Queue(READERS)
        self._poll: Lane | None = None
        self._poll_gate = asyncio.Lock()
        self._glance: tuple[_Files, int, float] | None = None
        """What the files looked like before the data_version was asked for, that, and when."""
        self._commits = 0
        self._anchoring: asyncio.Task[None] | None = None
        self._facts: dict[str, str] = {}
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        now: Callable[[], float] = time.time,
        read_only: bool = False,
        engine: Engine | None = None,
        runtime: Path | None = None,
    ) -> Self:
        """Open the store in `folder`, making it there if it is missing.

        With `read_only` nothing is made or changed. `engine` and `runtime` (the folder for
        sockets) are found when left out. Raises UnsafePath, StoreCorrupt, StoreUnavailable.
        """
        opening = await asyncio.to_thread(
            _prepare, engine or engines.pick(), folder, read_only=read_only
        )
        db = cls(opening, runtime or runtime_dir())
        try:
            await db._start(now)
        except BaseException:
            await db.close()
            raise
        return db

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def write(self, work: Callable[[Transaction], T], *, timeout_s: float = 10.0) -> T:
        """Run `work` in a transaction and return its result once that is on disk.

        What `work` raises undoes its own writes and reaches only this caller. A caller that is
        cancelled stops waiting; the write goes on. Raises StoreUnavailable.
        """
        return await self._writable().write(work, timeout_s=timeout_s)

    async def write_each(
        self, works: Sequence[Callable[[Transaction], T]], *, timeout_s: float = 10.0
    ) -> list[T | Exception]:
        """Run all of `works` as `write` does, in one commit where they are few (256 at most).

        Return what each returned, or what was raised in it: that undoes its own writes alone.
        Raises StoreUnavailable where nothing can be written at all.
        """
        return await self._writable().write_each(works, timeout_s=timeout_s)

    async def read(self, work: Callable[[Connection], T], *, timeout_s: float = 10.0) -> T:
        """Run `work` on one consistent view of the store; raises StoreUnavailable."""
        if self._closing is not None:
            raise StoreUnavailable(f"{self.path} is closed")
        try:
            async with asyncio.timeout(timeout_s):
                lane = await self._idle.get()
        except TimeoutError:
            raise StoreUnavailable(
                f"{self.path}: every reader was busy for {timeout_s:g} s, try again"
            ) from None
        given_up = threading.Event()
        reading = asyncio.ensure_future(lane.run(lambda conn: _in_one_view(conn, work), given_up))
        reading.add_done_callback(lambda _: self._give_back(lane, reading))
        try:
            done, _ = await asyncio.wait({reading}, timeout=timeout_s)
        except asyncio.CancelledError:
            given_up.set()
            raise
        if not done:
            given_up.set()
            raise StoreUnavailable(f"{self.path} was not read within {timeout_s:g} s: try again")
        return reading.result()

    async def backup(self, reason: Reason, *, at: float, timeout_s: float = 300.0) -> Backup:
        """Copy the store into `backups/` beside it while others go on reading and writing.

        `at` is seconds since the epoch. Raises StoreCorrupt, StoreUnavailable.
        """
        given_up = threading.Event()
        folder = self.folder / backups.FOLDER
        # A connection that may only query refuses VACUUM INTO as well, though it writes elsewhere.
        lane = await Lane.open(self._opening, is_writer=True)
        try:
            async with asyncio.timeout(timeout_s):
                return await lane.run(
                    lambda conn: backups.snapshot(conn, folder, at=at, reason=reason), given_up
                )
        except TimeoutError:
            raise StoreUnavailable(f"{self.path}: no backup within {timeout_s:g} s") from None
        except OSError as error:
            raise StoreUnavailable(
                f"{folder}: no backup can be made ({error.strerror}): check the free space"
            ) from error
        finally:
            given_up.set()
            await close_all([lane], timeout_s=CLOSE_TIMEOUT_S)

    async def data_version(self, *, glance: bool = False) -> int:
        """Return a number that grows whenever anybody committed since it was last asked for.

        With `glance` a number no older than GLANCE_MAX_S does while the files look the same.
        """
        async with self._poll_gate:
            if self._closing is not None:
                raise StoreUnavailable(f"{self.path} is closed")
            if self._poll is None:
                self._poll = await Lane.open(self._opening)
                self._lanes.insert(0, self._poll)
            files, now_s = _seen(self.path), time.monotonic()
            if glance and self._glance is not None:
                known, version, at_s = self._glance
                if files == known and now_s - at_s < GLANCE_MAX_S:
                    return version
            version = await self._poll.data_version()
            self._glance = (files, version, now_s) if files is not None else None
            return version

    async def close(self) -> None:
        """Finish the writes that wait, then close; a second call waits for the first."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._shut())
        # A caller that is cancelled must not leave a store half closed.
        await asyncio.shield(self._closing)

    async def shrink(self, *, timeout_s: float = 60.0) -> None:
        """Give the disk back what the store does not use, a little at a time between writes.

        A store of an older orc-tui is rebuilt once for that, which keeps writers waiting. Raises
        StoreUnavailable.
        """
        if self._writing is None or self._closing is not None:
            raise StoreUnavailable(f"{self.path} is closed, or was opened read-only")
        try:
            async with asyncio.timeout(timeout_s):
                while await self._writing.run(schema.give_back):
                    pass
        except TimeoutError:
            raise StoreUnavailable(
                f"{self.path} was not made smaller within {timeout_s:g} s: try again"
            ) from None

    def facts(self) -> dict[str, str]:
        """Return library, version, journal_mode, synchronous and schema, for people."""
        return dict(self._facts)

    async def _start(self, now: Callable[[], float]) -> None:
        engine, path = self._opening.engine, self.path
        if not self.read_only:
            # Opened first and closed last, so that it alone checkpoints the log.
            lane = await Lane.open(self._opening, is_writer=True)
            self._lanes.append(lane)
            await lane.run(lambda conn: schema.migrate(engine, conn, path))
            self._writing = lane
            self._writer = Writer(lane, self._opening, now, self._tell)
        for _ in range(READERS):
            lane = await Lane.open(self._opening)
            self._lanes.insert(0, lane)
            self._idle.put_nowait(lane)
        self._facts = await self._lanes[0].run(self._read_facts)

    def _writable(self) -> Writer:
        if self.read_only:
            raise StoreUnavailable(f"{self.path} was opened read-only: nothing can be changed")
        if self._writer is None or self._closing is not None:
            raise StoreUnavailable(f"{self.path} is closed")
        return self._writer

    def _read_facts(self, conn: Connection) -> dict[str, str]:
        schema.check_current(conn, self.path)
        engine = self._opening.engine
        level = int(conn.execute("PRAGMA synchronous").fetchone()[0])
        return {
            "library": engine.library.partition(".")[0],
            "version": ".".join(map(str, engine.version)),
            "journal_mode": "wal" if self._opening.is_wal else "delete",
            "synchronous": _SYNCHRONOUS[level],
            "schema": str(conn.execute("PRAGMA user_version").fetchone()[0]),
        }

    def _give_back(self, lane: Lane, reading: asyncio.Future[T]) -> None:
        # Looking at it marks it as seen, also where nobody waits any more.
        if not reading.cancelled():
            reading.exception()
        self._idle.put_nowait(lane)

    def _tell(self) -> None:
        for listener in list(self.on_commit):
            listener()
        self.doorbell.ring()
        self._commits += 1
        if self._commits >= ANCHOR_EVERY and self._anchoring is None:
            self._anchoring = asyncio.create_task(self._anchor())
            self._anchoring.add_done_callback(self._anchored)

    async def _anchor(self) -> None:
        """Note the head outside the store; that it cannot be noted stops no work."""
        self._commits = 0
        with contextlib.suppress(StorageError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                for entry in await self._lanes[0].run(lambda conn: journal.page(conn, limit=1)):
                    await asyncio.to_thread(
                        anchors.note, self.folder, entry.seq, entry.hash, at=entry.at
                    )

    def _anchored(self, _: asyncio.Task[None]) -> None:
        self._anchoring = None

    async def _shut(self) -> None:
        if self._writer is not None:
            await self._writer.stop()
        if self._anchoring is not None:
            await self._anchoring
        if self._commits:
            await self._anchor()
        await close_all(self._lanes, timeout_s=CLOSE_TIMEOUT_S)
        self.doorbell.close()


def _prepare(engine: Engine, folder: Path, *, read_only: bool) -> Opening:
    replacing.settle(folder, read_only=read_only)
    return schema.prepare(engine, folder, read_only=read_only)


def _in_one_view(conn: Connection, work: Callable[[Connection], T]) -> T:
    conn.execute("BEGIN")
    try:
        return work(conn)
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")


def _seen(path: Path) -> _Files | None:
    """What any commit changes of the files of a store; None where that cannot be relied on yet."""
    found = []
    for name in (path, path.with_name(f"{path.name}-wal")):
        try:
            stat = name.stat()
        except FileNotFoundError:
            if name is path:
                return None
            continue
        except OSError:
            return None
        if abs(time.time() - stat.st_mtime) < SETTLED_S:
            return None
        found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)
