"""Which SQLite is used, how a connection is opened, and what its errors mean.

Invariant: no driver error leaves this floor, and a store in write-ahead mode is never opened by
an SQLite that can corrupt it (3.7.0 to 3.51.2 without the fix).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import quote

from orc_storage.errors import StorageError, StoreCorrupt, StoreUnavailable

Value: TypeAlias = "int | float | str | bytes | None"
Row: TypeAlias = "tuple[Any, ...]"

BUSY_TIMEOUT_MS: Final = 5000
LOG_BYTES_KEPT: Final = 8 * 1024 * 1024
"""How much of a write-ahead log stays on disk once it was moved into the store."""
STORE_FILE: Final = "store.db"
DAMAGED_REMEDY: Final = (
    "`orc backup list` has its copies, `orc backup restore latest --replace` puts one in its place"
    " and keeps the damaged files; without a copy, move it away to start anew"
)

# The header of a store says from its first byte on which journal it uses, so that an SQLite
# that must not touch a write-ahead store can tell without touching it.
APPLICATION_WAL: Final = 0x4F524357
APPLICATION_ROLLBACK: Final = 0x4F524352


class Cursor(Protocol):
    """What a statement returns: rows as plain tuples."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """The little of a database connection that the modules of this floor use."""

    @property
    def in_transaction(self) -> bool: ...

    @property
    def total_changes(self) -> int: ...

    def execute(self, sql: str, params: Sequence[Value] = (), /) -> Cursor: ...

    def executemany(self, sql: str, params: Iterable[Sequence[Value]], /) -> Cursor: ...

    text_factory: Any

    def set_progress_handler(self, handler: Callable[[], bool], steps: int, /) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Transaction:
    """A write in progress; `at` is its time, seconds since the epoch."""

    conn: Connection
    at: float


class Engine:
    """One SQLite library: `pysqlite3` with a fixed SQLite, or the one inside Python."""

    def __init__(self, library: str) -> None:
        self.library = library
        self._module: Any = importlib.import_module(library)
        self.version: tuple[int, ...] = self._module.sqlite_version_info
        self.error: type[Exception] = self._module.Error

    @property
    def is_wal_safe(self) -> bool:
        """Whether this SQLite has the fix for write-ahead stores that two processes use."""
        return is_wal_safe(self.version)

    def connect(self, path: Path, *, mode: str) -> Connection:
        """Open `path`; `mode` is rw, rwc, ro, or `immutable` for a file that nobody writes.

        Transactions are begun and ended by hand. Raises this engine's own errors.
        """
        query = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
        conn: Any = self._module.connect(
            f"file:{quote(str(path))}?{query}", uri=True, isolation_level=None, timeout=0
        )
        try:
            for pragma in (
                f"busy_timeout = {BUSY_TIMEOUT_MS}",
                "trusted_schema = OFF",
                "foreign_keys = ON",
                # Without it, INSERT OR REPLACE would slip past the triggers that refuse DELETE.
                "recursive_triggers = ON",
                "cell_size_check = ON",
                "fullfsync = ON",
                # FULL, and where there is no log the removal of a journal is put on disk too: one
                # that a power loss brought back would take the last commit with it.
                "synchronous = EXTRA",
                f"journal_size_limit = {LOG_BYTES_KEPT}",
            ):
                conn.execute(f"PRAGMA {pragma}")
        except UnicodeDecodeError as error:
            conn.close()
            raise self._unreadable() from error
        except BaseException:
            conn.close()
            raise
        opened: Connection = conn
        return opened

    def _unreadable(self) -> Exception:
        """What the driver would raise of a damaged schema if it could decode its own message."""
        error: Exception = self._module.DatabaseError("its schema cannot be read")
        error.sqlite_errorcode = _CORRUPT_CODE  # type: ignore[attr-defined]
        return error

    def is_undecodable(self, error: Exception) -> bool:
        """Whether a text was read that is not UTF-8 any more."""
        return isinstance(error, self._module.OperationalError) and "decode to UTF-8" in str(error)

    def statements(self, script: str) -> Iterator[str]:
        """Cut a script into its statements; a trigger is one."""
        statement = ""
        for line in script.splitlines(keepends=True):
            statement += line
            if self._module.complete_statement(statement):
                yield statement
                statement = ""

    def translate(self, error: Exception, path: Path) -> StorageError:
        """Return the storage error that tells a person what `error` means for `path`."""
        primary = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
        if is_corrupt(error):
            return StoreCorrupt(f"{path} is damaged ({error}): {DAMAGED_REMEDY}")
        if primary in _UNAVAILABLE:
            return StoreUnavailable(f"{path} {_UNAVAILABLE[primary].format(error=error)}")
        return StorageError(f"{path}: {error}")


def is_corrupt(error: Exception) -> bool:
    """Whether an error of the driver says that a page is damaged."""
    return ((getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF) in _CORRUPT


def tolerant_text(data: bytes) -> str:
    """Return a text of the store, also where a byte of it is damaged."""
    return str(data, "utf-8", "replace")


def pick() -> Engine:
    """Return the engine to use: a fixed SQLite where one is installed."""
    try:
        return Engine("pysqlite3.dbapi2")
    except ImportError:
        return Engine("sqlite3")


def is_wal_safe(version: tuple[int, ...]) -> bool:
    """Whether an SQLite of this version cannot corrupt a write-ahead store."""
    return (
        version >= (3, 51, 3)
        or (3, 50, 7) <= version < (3, 51, 0)
        or (3, 44, 6) <= version < (3, 45, 0)
    )


_CORRUPT_CODE: Final = 11
_CORRUPT: Final = {_CORRUPT_CODE, 26}
_UNAVAILABLE: Final = {
    3: "may not be used ({error}): check who owns it",
    5: "is locked by another process ({error}): see who holds it with `fuser`, then try again",
    6: "is locked by another connection ({error}): try again",
    7: "could not be used, memory is short ({error}): close something and try again",
    8: "is read-only ({error}): make the folder and the file writable",
    9: "took too long and was interrupted ({error}): try again",
    10: "could not be read or written ({error}): check the disk and its free space",
    13: "could not be written, the disk is full ({error}): free some space and try again",
    14: "cannot be opened ({error}): check that the folder is there and writable",
    22: "is too large for this system ({error})",
}
