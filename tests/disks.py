"""A disk in memory that can lose its power or fail at any operation, as a file system of SQLite.

Invariant: what was synced survives; of what was not, any 512-byte sector may be lost, and a name
that was removed may be back. Nothing here waits or draws a number that its seed does not give.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw

from orc_storage.engine import Connection, Cursor, Engine, Value

SECTOR = 512
_POWERSAFE_OVERWRITE = 0x1000
_names = itertools.count()


@dataclass
class _File:
    """A file as programs see it, as it is on the platter, and what lies between the two."""

    durable: bytes = b""
    content: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes] | int] = field(default_factory=list)
    is_durable: bool = False

    def write(self, data: bytes, offset: int) -> None:
        if len(self.content) < offset:
            self.content.extend(bytes(offset - len(self.content)))
        self.content[offset : offset + len(data)] = data
        self.pending.append((offset, bytes(data)))

    def truncate(self, size: int) -> None:
        del self.content[size:]
        self.pending.append(size)

    def sync(self) -> None:
        self.durable, self.is_durable = bytes(self.content), True
        self.pending.clear()

    def after_loss(self, chance: random.Random, kept: float) -> _File:
        """What a power loss leaves: of each thing not synced, a part."""
        data = bytearray(self.durable)
        for one in self.pending:
            if isinstance(one, int):
                if chance.random() < kept:
                    del data[one:]
                continue
            offset, written = one
            for start in range(0, len(written), SECTOR):
                if chance.random() < kept:
                    at, part = offset + start, written[start : start + SECTOR]
                    if len(data) < at:
                        data.extend(bytes(at - len(data)))
                    data[at : at + len(part)] = part
        return _File(bytes(data), data, is_durable=True)


class Disk(apsw.VFS):
    """A file system of one process; `fault` is asked before each operation and may raise."""

    def __init__(self) -> None:
        self.name = f"disk-{next(_names)}"
        self.files: dict[str, _File] = {}
        self.removed: dict[str, _File] = {}
        self.operations = 0
        self.fault: Callable[[str], None] = lambda _: None
        self.lies = False
        """Whether a sync is acknowledged and not done, as some disks do."""
        super().__init__(self.name, "")

    def step(self, what: str) -> None:
        """Count one operation that changes something, and fail there if that is wanted."""
        self.operations += 1
        self.fault(what)

    def lose_power(self, chance: random.Random) -> Disk:
        """Return the disk that is found when the power is back."""
        after = Disk()
        kept = chance.choice((0.0, 0.5, 0.9, 1.0))
        for path, file in self.files.items():
            if file.is_durable or chance.random() < kept:
                after.files[path] = file.after_loss(chance, kept)
        for path, file in self.removed.items():
            if path not in after.files and chance.random() < kept:
                after.files[path] = file.after_loss(chance, kept)
        return after

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        if path not in self.files:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(path)
            self.step("create")
            self.files[path] = _File()
        flags[1] = flags[0]
        return _Handle(self, self.files[path])

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802
        self.step("delete")
        file = self.files.pop(name, None)
        if file is not None and not syncdir and file.is_durable:
            self.removed[name] = file
        else:
            self.removed.pop(name, None)

    def xAccess(self, name: str, flags: int) -> bool:  # noqa: N802
        return name in self.files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name


class _Handle:
    """One open file; there is one connection, so nobody else locks it."""

    def __init__(self, disk: Disk, file: _File) -> None:
        self._disk, self._file = disk, file

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._file.content[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.step("write")
        self._file.write(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.step("truncate")
        self._file.truncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.step("sync")
        if not self._disk.lies:
            self._file.sync()

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._file.content)

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return _POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802
        pass


class _Rows:
    def __init__(self, cursor: apsw.Cursor, conn: apsw.Connection) -> None:
        self._cursor = cursor
        self.rowcount = conn.changes()

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)


class _Connection:
    """A connection of that library with the few calls that the storage floor makes."""

    def __init__(self, conn: apsw.Connection) -> None:
        self._conn = conn

    @property
    def in_transaction(self) -> bool:
        return self._conn.in_transaction

    @property
    def total_changes(self) -> int:
        return self._conn.total_changes()

    def execute(self, sql: str, params: Sequence[Value] = (), /) -> Cursor:
        return _Rows(self._conn.execute(sql, tuple(params)), self._conn)

    def executemany(self, sql: str, params: Iterable[Sequence[Value]], /) -> Cursor:
        return _Rows(self._conn.executemany(sql, map(tuple, params)), self._conn)

    def set_progress_handler(self, handler: Callable[[], bool], steps: int, /) -> None:
        self._conn.set_progress_handler(handler, steps)

    def close(self) -> None:
        self._conn.close()


class DiskEngine(Engine):
    """SQLite on such a disk; `synchronous` is weakened only to see that the tests notice."""

    def __init__(self, disk: Disk, *, journal: str = "WAL", synchronous: str = "EXTRA") -> None:
        self.library = "apsw"
        self.version = tuple(map(int, apsw.sqlite_lib_version().split(".")))
        self.error = apsw.Error
        self._module = SimpleNamespace(complete_statement=apsw.complete)
        self._disk, self._journal, self._synchronous = disk, journal, synchronous

    def connect(self, path: Path, *, mode: str = "rwc") -> Connection:
        """Open `path` on the disk; a log without shared memory needs it alone."""
        conn = apsw.Connection(str(path), vfs=self._disk.name)
        for pragma in (
            f"locking_mode = {'EXCLUSIVE' if self._journal == 'WAL' else 'NORMAL'}",
            f"journal_mode = {self._journal}",
            f"synchronous = {self._synchronous}",
            "trusted_schema = OFF",
            "foreign_keys = ON",
            "recursive_triggers = ON",
            "wal_autocheckpoint = 20",
        ):
            conn.execute(f"PRAGMA {pragma}").fetchall()
        return _Connection(conn)
