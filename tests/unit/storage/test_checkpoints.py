"""Checkpoints as rows: what they refer to, what is kept for them, and how many stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orc_storage import acts, checkpoints, documents, journal
from orc_storage.database import Database, Transaction
from orc_storage.errors import InvalidId, NotFound
from orc_storage.records import Change
from stores import Turned, open_store


@pytest_asyncio.fixture
async def db(tmp_path: Path, clock: Turned) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "ws", clock) as opened:
        yield opened


def put(tx: Transaction, id: str, rev: int, **fields: str) -> None:
    body = {"id": id, **fields}
    documents.put(tx, "task", id, dict(body), rev=rev, actor="a", cause="put")


async def test_it_refers_to_the_revisions_of_the_moment(db: Database) -> None:
    def work(tx: Transaction) -> None:
        put(tx, "T-1", 0, title="one")
        put(tx, "T-1", 1, title="two")
        put(tx, "T-2", 0)
        documents.delete(tx, "task", "T-2", rev=1, actor="a", cause="rm")
        made = checkpoints.create(tx, "before", note="all well", actor="you")
        put(tx, "T-1", 2, title="three")
        put(tx, "T-3", 0)
        (held,) = checkpoints.revisions(tx.conn, made)
        assert (held.id, held.rev, held.body["title"]) == ("T-1", 2, "two")
        assert checkpoints.counts(tx.conn) == {made.number: 1}
        assert made.seq == 4

    await db.write(work)
    found = await db.read(lambda conn: checkpoints.get(conn, "BEFORE"))
    assert found is not None
    assert (found.name, found.note, found.actor, found.automatic) == (
        "before",
        "all well",
        "you",
        False,
    )
    assert await db.read(journal.verify) == []
    entries = await db.read(lambda conn: journal.since(conn, 0))
    assert [(e.kind, e.id, e.action) for e in entries][4] == ("checkpoint", "before", "checkpoint")


async def test_names_are_ids_and_unique_without_regard_to_case(db: Database) -> None:
    def made(name: str) -> object:
        return db.write(lambda tx: checkpoints.create(tx, name, note="", actor="you"))

    await made("Before")  # type: ignore[misc]
    for wrong in ("before", "a b", "-x", "../x"):
        with pytest.raises(InvalidId):
            await made(wrong)  # type: ignore[misc]
    await made("after")  # type: ignore[misc]
    rename = checkpoints.rename
    with pytest.raises(InvalidId, match="already"):
        await db.write(lambda tx: rename(tx, "after", to="BEFORE", note="", actor="you"))
    again = await db.write(lambda tx: rename(tx, "before", to="BEFORE", note="n", actor="you"))
    assert (again.name, again.note) == ("BEFORE", "n")
    with pytest.raises(NotFound, match="orc checkpoint list"):
        await db.write(lambda tx: checkpoints.remove(tx, "nothing", actor="you"))


async def test_automatic_ones_are_bounded_and_named_ones_stay(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "AUTOMATIC_MAX", 3)

    def work(tx: Transaction) -> list[str]:
        put(tx, "T-1", 0)
        checkpoints.create(tx, "auto-2", note="", actor="you")
        for _ in range(3):
            checkpoints.create(tx, note="", actor="you", automatic=True)
        checkpoints.rename(tx, "auto-3", to="kept", note="", actor="you")
        for _ in range(4):
            checkpoints.create(tx, note="", actor="you", automatic=True)
        return [one.name for one in checkpoints.listing(tx.conn)]

    assert await db.write(work) == ["auto-8", "auto-7", "auto-6", "kept", "auto-2"]
    numbers = await db.read(checkpoints.counts)
    assert len(numbers) == 5


async def test_what_can_be_gone_back_to_is_pinned(db: Database) -> None:
    def work(tx: Transaction) -> None:
        for rev in range(5):
            put(tx, "T-1", rev)
        put(tx, "T-2", 0)
        checkpoints.create(tx, "c", note="", actor="you")
        put(tx, "T-1", 5)
        acts.record(tx, actor="x", label="", changes=(Change("task", "T-1", 2, 3),))
        first = acts.record(tx, actor="y", label="", changes=(Change("task", "T-1", 1, 2),))
        acts.mark(tx, first.seq, "undone")
        other = acts.record(tx, actor="z", label="", changes=())
        acts.mark(tx, other.seq, "undone", turned=(Change("task", "T-1", 4, 6),))
        acts.record(tx, actor="y", label="", changes=(Change("task", "T-2", 0, 1),))

    await db.write(work)
    assert await db.read(checkpoints.pinned) == {
        *(("task", "T-1", rev) for rev in (2, 3, 4, 5, 6)),
        ("task", "T-2", 1),
    }
    await db.write(lambda tx: checkpoints.remove(tx, "C", actor="you"))
    assert ("task", "T-1", 5) not in await db.read(checkpoints.pinned)


async def test_an_undo_list_is_told_in_the_order_of_its_turns(db: Database) -> None:
    def work(tx: Transaction) -> list[tuple[str, str]]:
        made = [acts.record(tx, actor="x", label=f"{n}", changes=()) for n in range(4)]
        acts.mark(tx, made[3].seq, "undone")
        acts.mark(tx, made[2].seq, "undone")
        acts.record(tx, actor="y", label="other", changes=())
        return [(act.label, act.state) for act in acts.listing(tx.conn, "x")]

    assert await db.write(work) == [
        ("2", "undone"),
        ("3", "undone"),
        ("1", "done"),
        ("0", "done"),
    ]
