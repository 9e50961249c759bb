"""The power goes at any operation of the disk: nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from chores import LOSSES
from disks import Disk, DiskEngine
from orc_storage import documents, journal, schema
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import OutcomeUnknown
from orc_storage.records import Json
from orc_storage.writer import commit_batch

STORE = Path("/disk/store.db")
IDS = ("T-1", "T-2", "T-3")


class PowerLost(apsw.IOError):
    """Nothing on that disk does anything any more."""


@dataclass
class Promised:
    """What was acknowledged, and what was under way when the power went."""

    revs: dict[str, int] = field(default_factory=dict)
    under_way: dict[str, int] = field(default_factory=dict)


def put(id: str, rev: int, size: int) -> Callable[[Transaction], Any]:
    body: dict[str, Json] = {"id": id, "n": rev + 1, "text": "x" * size}
    return partial(documents.put, kind="task", id=id, body=body, rev=rev, actor="a", cause="c")


def open_store(engine: DiskEngine) -> Connection:
    conn = engine.connect(STORE)
    if conn.execute("PRAGMA user_version").fetchone() == (0,):
        schema.migrate(engine, conn, STORE)
    return conn


def write_until_it_fails(conn: Connection, promised: Promised, chance: random.Random) -> None:
    while True:
        batch = {id: chance.choice((10, 900, 6000)) for id in IDS if chance.random() < 0.6} or {
            "T-1": 10
        }
        works = [put(id, promised.revs.get(id, 0), size) for id, size in batch.items()]
        promised.under_way = {id: promised.revs.get(id, 0) + 1 for id in batch}
        outcomes, _ = commit_batch(conn, works, 1.0)
        assert all(outcome.error is None for outcome in outcomes)
        promised.revs |= promised.under_way
        promised.under_way = {}


def check(conn: Connection, promised: Promised) -> list[str]:
    """What the store holds is what was acknowledged, with the batch under way or without it."""
    found = [str(text) for (text,) in conn.execute("PRAGMA integrity_check(5)")]
    problems = [] if found == ["ok"] else found
    problems += journal.verify(conn)
    revs = {one.id: one.rev for one in documents.listing(conn, "task")}
    if revs not in (promised.revs, promised.revs | promised.under_way):
        problems.append(f"promised {promised}, found {revs}")
    for id in revs:
        past = documents.history(conn, "task", id)
        if [one.body["n"] for one in past] != list(range(1, len(past) + 1)):
            problems.append(f"{id}: {[one.body['n'] for one in past]}")
    return problems


def lose_power(
    seed: int, *, journal_mode: str, synchronous: str = "EXTRA", lies: bool = False
) -> list[str]:
    """Write, lose the power at some operation, look at what is left; return what is wrong."""
    chance = random.Random(seed)
    disk, promised = Disk(), Promised()
    with_log = partial(DiskEngine, journal=journal_mode, synchronous=synchronous)
    conn = open_store(with_log(disk))
    # A store is made elsewhere and linked to its place: no journal of its making is beside it.
    disk.removed.clear()
    disk.lies = lies
    for _ in range(2):
        last = disk.operations + chance.randint(1, 120)

        def cut(what: str, disk: Disk = disk, last: int = last) -> None:
            if disk.operations >= last:
                raise PowerLost(what)

        disk.fault = cut
        with pytest.raises((apsw.Error, PowerLost, OutcomeUnknown)):
            write_until_it_fails(conn, promised, chance)
        after = disk.lose_power(chance)
        disk.fault = lambda _: None
        conn.close()
        disk = after
        try:
            conn = open_store(with_log(disk))
            problems = check(conn, promised)
        except Exception as error:  # whatever it is, it could not be read as it was promised
            return [repr(error)]
        if problems:
            return problems
        promised.revs = {one.id: one.rev for one in documents.listing(conn, "task")}
        promised.under_way = {}
    return []


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
def test_nothing_acknowledged_is_lost(journal_mode: str) -> None:
    begin = random.randrange(2**32)
    for seed in range(begin, begin + LOSSES):
        assert lose_power(seed, journal_mode=journal_mode) == [], f"seed {seed}"


@pytest.mark.parametrize(
    ("journal_mode", "synchronous", "lies"),
    [
        ("WAL", "NORMAL", False),
        ("WAL", "OFF", False),
        ("WAL", "EXTRA", True),
        ("DELETE", "FULL", False),
    ],
)
def test_a_weaker_promise_would_show(journal_mode: str, synchronous: str, lies: bool) -> None:
    bad = [
        seed
        for seed in range(60)
        if lose_power(seed, journal_mode=journal_mode, synchronous=synchronous, lies=lies)
    ]
    assert bad
