"""A disk that is full, a store that is locked, pages that are damaged: told, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from orc_storage import documents, engine, journal
from orc_storage.database import Database, Transaction
from orc_storage.engine import Engine, pick
from orc_storage.errors import StoreCorrupt, StoreUnavailable
from orc_storage.files import Mirror
from orc_storage.records import Document
from scarcity import files_no_larger_than


@pytest_asyncio.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "w", runtime=tmp_path / "r") as opened:
        yield opened


async def put(db: Database, rev: int, size: int = 10, id: str = "T-1") -> Document:
    body: dict[str, documents.Json] = {"id": id, "text": "x" * size}
    return await db.write(
        partial(documents.put, kind="task", id=id, body=body, rev=rev, actor="a", cause="b")
    )


def largest(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.iterdir() if path.is_file())


async def test_a_full_disk_fails_the_write_and_keeps_what_was_acknowledged(db: Database) -> None:
    for rev in range(5):
        await put(db, rev)
    with files_no_larger_than(largest(db.folder) + 100_000):
        rev = 5
        with pytest.raises(StoreUnavailable, match="disk"):
            while rev < 100:
                await put(db, rev, size=5000)
                rev += 1
        # Everybody in the group is told, and what was there can still be read.
        results = await asyncio.gather(
            *(put(db, 0, 50_000, f"T-{n}") for n in range(2, 6)), return_exceptions=True
        )
        assert {type(result) for result in results} == {StoreUnavailable}
        assert len(await db.read(lambda conn: documents.history(conn, "task", "T-1"))) == rev
    assert rev > 5
    # Once there is room again the same open store goes on.
    assert (await put(db, rev)).rev == rev + 1
    assert await db.read(journal.verify) == []


async def test_a_store_that_cannot_be_made_for_want_of_space_leaves_nothing(
    tmp_path: Path,
) -> None:
    with files_no_larger_than(9000), pytest.raises(StoreUnavailable, match="disk"):
        await Database.open(tmp_path / "w", runtime=tmp_path / "r")
    assert names(tmp_path / "w") == []


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_mirrored_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "w" / "files")
    mirror.prepare()
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    with files_no_larger_than(1000), pytest.raises(StoreUnavailable, match="cannot be written"):
        mirror.write("task", "T-1", b"x" * 5000, expect_sha256=first.sha256)
    assert mirror.scan("task") == [first]
    assert names(tmp_path / "w" / "tmp") == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)


@pytest.mark.usefixtures("impatient")
async def test_a_locked_store_is_told_and_recovers(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "w", runtime=tmp_path / "r") as db:
        await put(db, 0)
        other = pick().connect(db.path, mode="rw")
        other.execute("BEGIN IMMEDIATE")
        try:
            results = await asyncio.gather(put(db, 1), put(db, 1), return_exceptions=True)
            for result in results:
                assert isinstance(result, StoreUnavailable)
                assert "is locked by another process" in str(result)
            # Readers are not kept out by a writer, nor is a second one by the first's failure.
            assert await db.read(lambda conn: documents.get(conn, "task", "T-1")) is not None
        finally:
            other.execute("ROLLBACK")
            other.close()
        assert (await put(db, 1)).rev == 2


@pytest.mark.usefixtures("impatient")
async def test_a_rollback_store_whose_reader_stands_in_the_way_recovers(tmp_path: Path) -> None:
    async with await Database.open(
        tmp_path / "w", runtime=tmp_path / "r", engine=Unfixed("sqlite3")
    ) as db:
        await put(db, 0)
        reader = Unfixed("sqlite3").connect(db.path, mode="ro")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM document").fetchone()
        with pytest.raises(StoreUnavailable, match="is locked by another process"):
            await put(db, 1)
        reader.execute("ROLLBACK")
        reader.close()
        assert (await put(db, 1)).rev == 2
        assert await db.read(journal.verify) == []


class Unfixed(Engine):
    is_wal_safe = False


@pytest.mark.parametrize("page", [1, 2, 3, 5, 8])
async def test_a_damaged_page_is_told_and_never_replaced(tmp_path: Path, page: int) -> None:
    folder = tmp_path / "w"
    async with await Database.open(folder, runtime=tmp_path / "r") as db:
        await put(db, 0)
    damage(folder / "store.db", page)
    before = (folder / "store.db").read_bytes()
    with pytest.raises((StoreCorrupt, Found)):
        async with await Database.open(folder, read_only=True, runtime=tmp_path / "r") as db:
            await db.read(documents_and_journal)
            problems = await db.read(lambda c: c.execute("PRAGMA quick_check(5)").fetchall())
            raise Found(problems) if problems != [("ok",)] else AssertionError("nobody noticed")
    assert (folder / "store.db").read_bytes() == before


class Found(Exception):
    """The check found what no query stumbled over."""


def documents_and_journal(conn: engine.Connection) -> None:
    documents.listing(conn, "task", with_deleted=True)
    documents.history(conn, "task", "T-1")
    journal.verify(conn)


def damage(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096 + (100 if page == 1 else 0))
        file.write(b"\xa5" * 2000)


async def test_a_store_cut_short_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    async with await Database.open(folder, runtime=tmp_path / "r") as db:
        await put(db, 0)
    with (folder / "store.db").open("r+b") as file:
        file.truncate(3 * 4096)
    with pytest.raises(StoreCorrupt, match=r"is damaged.*orc backup list"):
        async with await Database.open(folder, runtime=tmp_path / "r") as db:
            await db.read(documents_and_journal)


async def test_a_clock_that_jumps_back_breaks_nothing(tmp_path: Path) -> None:
    times = iter([1000.0, 5000.0, 10.0, -3600.0, 10.0])
    async with await Database.open(
        tmp_path / "w", runtime=tmp_path / "r", now=lambda: next(times)
    ) as db:
        for rev in range(4):
            await put(db, rev)

        def entries(tx: Transaction) -> list[float]:
            return [entry.at for entry in journal.since(tx.conn, 0)]

        assert await db.write(entries) == [1000.0, 5000.0, 10.0, -3600.0]
        assert await db.read(journal.verify) == []
