"""A store on one connection and no thread, for tests of very many steps.

The transactions are those of a store in earnest, in a real file with the real schema; what is
left away is waiting: for threads, for other writers, for the disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from orc_storage import engine as engines
from orc_storage import schema
from orc_storage.database import Connection, Database, Transaction
from orc_storage.engine import STORE_FILE

T = TypeVar("T")


class DirectStore(Database):
    """A new, empty store in `folder`; time stands still."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / STORE_FILE
        self.path.write_bytes(_empty())
        self._conn = engines.pick().connect(self.path, mode="rw")
        self._conn.execute("PRAGMA synchronous = OFF")

    async def write(self, work: Callable[[Transaction], T], *, timeout_s: float = 10.0) -> T:
        """Run `work` in a transaction: all of it, or nothing where it raises."""
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            result = work(Transaction(self._conn, 1_800_000_000.0))
        except BaseException:
            self._conn.execute("ROLLBACK")
            raise
        self._conn.execute("COMMIT")
        return result

    async def read(self, work: Callable[[Connection], T], *, timeout_s: float = 10.0) -> T:
        """Run `work` on what is committed."""
        return work(self._conn)

    async def close(self) -> None:
        """Let go of the file."""
        self._conn.close()


@cache
def _empty() -> bytes:
    """The file of a store that was made and migrated and holds nothing."""
    with tempfile.TemporaryDirectory() as name:
        engine, folder = engines.pick(), Path(name) / "w"
        path = schema.prepare(engine, folder, read_only=False).path
        conn = engine.connect(path, mode="rw")
        schema.migrate(engine, conn, path)
        conn.close()
        return path.read_bytes()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run what never waits to its end, without a loop."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise AssertionError("it waited for something")
