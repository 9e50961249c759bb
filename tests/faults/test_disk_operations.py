"""Each operation of the disk fails once: the write under way fails, and nothing else does."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from chores import FAULT_STRIDE
from disks import Disk, DiskEngine
from orc_storage import documents, journal, schema
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import OutcomeUnknown
from orc_storage.records import Json
from orc_storage.writer import commit_batch

STORE = Path("/disk/store.db")
IDS = ("T-1", "T-2")
SIZES = (10, 900, 6000, 40, 3000, 10, 9000, 10, 10, 700)
FAULTS = {"EIO": apsw.IOError, "ENOSPC": apsw.FullError, "BUSY": apsw.BusyError}


def revs(conn: Connection) -> dict[str, int]:
    return {one.id: one.rev for one in documents.listing(conn, "task")}


def write_all(conn: Connection) -> Iterator[bool]:
    """Write the same batches until each is in; tell of each try whether all was acknowledged."""
    for number, size in enumerate(SIZES):
        tries = 0
        while left := [id for id in IDS if revs(conn).get(id, 0) == number]:
            tries += 1
            assert tries < 5, "one fault, and it keeps failing"
            before = revs(conn)
            works = [put(id, number, size) for id in left]
            try:
                outcomes, _ = commit_batch(conn, works, 1.0)
            except OutcomeUnknown:
                yield False
                assert not conn.in_transaction
                assert revs(conn) == before | dict.fromkeys(left, number + 1)
                continue
            except apsw.Error:
                yield False
                # What was refused is not there: whoever repeats it does not do it twice.
                assert not conn.in_transaction
                assert revs(conn) == before
                continue
            done = [id for id, one in zip(left, outcomes, strict=True) if one.error is None]
            assert revs(conn) == before | dict.fromkeys(done, number + 1)
            yield done == left


def put(id: str, rev: int, size: int) -> Callable[[Transaction], Any]:
    body: dict[str, Json] = {"id": id, "text": "x" * size}
    return partial(documents.put, kind="task", id=id, body=body, rev=rev, actor="a", cause="c")


def fail_at(number: int, fault: type[apsw.Error], journal_mode: str) -> int:
    """Run with a fault at one operation; return how many operations there were."""
    disk = Disk()
    engine = DiskEngine(disk, journal=journal_mode)
    conn = engine.connect(STORE)
    schema.migrate(engine, conn, STORE)
    begin = disk.operations

    def fail(what: str) -> None:
        if disk.operations - begin == number:
            raise fault(what)

    disk.fault = fail
    tries = list(write_all(conn))
    count = disk.operations - begin
    assert tries.count(False) <= 1
    assert journal.verify(conn) == []
    disk.fault = lambda _: None
    conn.close()
    again = engine.connect(STORE)
    assert again.execute("PRAGMA integrity_check(5)").fetchall() == [("ok",)]
    assert journal.verify(again) == []
    assert revs(again) == dict.fromkeys(IDS, len(SIZES))
    again.close()
    return count


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_at_any_operation_fails_one_write(fault: str, journal_mode: str) -> None:
    count = fail_at(0, FAULTS[fault], journal_mode)
    assert count > 40
    for number in range(random.randint(1, FAULT_STRIDE), count + 1, FAULT_STRIDE):
        fail_at(number, FAULTS[fault], journal_mode)
