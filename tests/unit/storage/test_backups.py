"""Copies of the store: made while it is used, checked by restoring, brought back whole."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from orc_storage import backups, documents, engine, journal, recovery, replacing
from orc_storage.backups import Backup, Reason
from orc_storage.database import Database
from orc_storage.engine import Transaction
from orc_storage.errors import NotFound, StoreCorrupt
from stores import Turned, open_store

DAY = backups.DAY_S


async def put(db: Database, id: str, title: str, *, rev: int = 0) -> None:
    body: dict[str, documents.Json] = {"id": id, "title": title}

    def work(tx: Transaction) -> None:
        documents.put(tx, "task", id, body, rev=rev, actor="operator", cause="test")

    await db.write(work)


async def make(folder: Path, clock: Turned, *titles: str, reason: Reason = Reason.MANUAL) -> Backup:
    async with open_store(folder, clock) as db:
        for number, title in enumerate(titles, start=1):
            await put(db, f"T-{number}", title)
        return await db.backup(reason, at=clock.now())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


async def test_a_copy_holds_what_was_committed_and_is_sound(folder: Path, clock: Turned) -> None:
    backup = await make(folder, clock, "Cart", "Mail")
    found = recovery.rehearse(engine.pick(), backup)
    assert found.problems == ()
    assert [document.body["title"] for document in found.documents] == ["Cart", "Mail"]
    assert found.entries == 2
    assert backup.path.stat().st_mode & 0o777 == 0o600
    assert {path.suffix for path in backup.path.parent.iterdir()} == {".db", ".sha256"}


async def test_a_copy_under_a_writing_load_is_one_moment(folder: Path, clock: Turned) -> None:
    async with open_store(folder, clock) as db:
        await put(db, "T-1", "0")
        await put(db, "T-2", "0")

        async def keep_writing() -> None:
            for number in range(1, 200):
                title = str(number)

                def work(tx: Transaction, title: str = title, rev: int = number) -> None:
                    for id in ("T-1", "T-2"):
                        body: dict[str, documents.Json] = {"id": id, "title": title}
                        documents.put(tx, "task", id, body, rev=rev, actor="a", cause="c")

                await db.write(work)

        writing = asyncio.create_task(keep_writing())
        made = [await db.backup(Reason.MANUAL, at=clock.now()) for _ in range(3)]
        await writing
    for backup in made:
        found = recovery.rehearse(engine.pick(), backup)
        assert found.problems == ()
        one, two = found.documents
        assert one.body["title"] == two.body["title"]


async def test_a_flipped_byte_is_told(folder: Path, clock: Turned) -> None:
    backup = await make(folder, clock, "Cart")
    data = bytearray(backup.path.read_bytes())
    data[data.index(b"Cart")] ^= 1
    backup.path.write_bytes(bytes(data))
    assert "SHA-256" in recovery.rehearse(engine.pick(), backup).problems[0]


async def test_a_copy_that_was_forged_with_its_checksum_is_told(
    folder: Path, clock: Turned
) -> None:
    backup = await make(folder, clock, "Cart")
    data = bytearray(backup.path.read_bytes())
    data[data.rindex(b"Cart") : data.rindex(b"Cart") + 4] = b"Curt"
    backup.path.write_bytes(bytes(data))
    backups._write_checksum(backup.path, _sha256(bytes(data)))
    assert recovery.rehearse(engine.pick(), backup).problems


async def test_names_are_found_by_a_part_that_no_other_has(folder: Path, clock: Turned) -> None:
    first = await make(folder, clock, "Cart")
    clock.turn(DAY)
    second = await make(folder, clock)
    at = folder / backups.FOLDER
    assert backups.find(at, "latest").name == second.name
    assert backups.find(at, first.name).name == first.name
    assert backups.find(at, first.name.split("-")[2]).name == first.name
    with pytest.raises(NotFound, match="2 backups"):
        backups.find(at, "store-v")
    with pytest.raises(NotFound, match="no backup"):
        backups.find(at, "2031")
    assert [backup.name for backup in backups.listing(at)] == [second.name, first.name]


async def test_old_daily_copies_go_and_those_of_a_person_stay(folder: Path, clock: Turned) -> None:
    asked_for = await make(folder, clock, "Cart", reason=Reason.MANUAL)
    old = await make(folder, clock, reason=Reason.DAILY)
    clock.turn(20 * DAY)
    kept = await make(folder, clock, reason=Reason.DAILY)
    clock.turn(11 * DAY)
    newest = await make(folder, clock, reason=Reason.DAILY)
    at = folder / backups.FOLDER
    (at / "notes.db").write_text("not ours")
    removed = backups.prune(at, now=clock.now(), keep_days=30)
    assert [backup.name for backup in removed] == [old.name]
    assert [one.name for one in backups.listing(at)] == [newest.name, kept.name, asked_for.name]
    assert not old.path.with_suffix(".sha256").exists()
    assert (at / "notes.db").exists()


async def test_the_newest_copy_stays_whatever_its_age(folder: Path, clock: Turned) -> None:
    only = await make(folder, clock, "Cart", reason=Reason.DAILY)
    assert backups.prune(only.path.parent, now=clock.now() + 400 * DAY, keep_days=1) == []
    assert only.path.exists()


async def test_a_damaged_store_is_replaced_and_kept(folder: Path, clock: Turned) -> None:
    backup = await make(folder, clock, "Cart", "Mail")
    (folder / engine.STORE_FILE).write_bytes(b"junk" * 5000)
    (folder / f"{engine.STORE_FILE}-wal").write_bytes(b"old log")
    done = recovery.replace_store(engine.pick(), folder, backup, at=clock.now())
    async with open_store(folder, clock) as db:
        assert await db.read(journal.verify) == []
        held = await db.read(lambda conn: documents.listing(conn, "task"))
        entries = await db.read(lambda conn: journal.since(conn, 0))
    assert [document.body["title"] for document in held] == ["Cart", "Mail"]
    assert entries[-1].action == "restore-store"
    assert entries[-1].detail["backup"] == backup.name
    assert (done.quarantine / engine.STORE_FILE).read_bytes() == b"junk" * 5000
    assert (done.quarantine / f"{engine.STORE_FILE}-wal").read_bytes() == b"old log"


async def test_a_copy_that_is_not_sound_replaces_nothing(folder: Path, clock: Turned) -> None:
    backup = await make(folder, clock, "Cart")
    good = backup.path.read_bytes()
    backup.path.write_bytes(b"junk" * 5000)
    before = (folder / engine.STORE_FILE).read_bytes()
    with pytest.raises(StoreCorrupt, match="SHA-256"):
        recovery.replace_store(engine.pick(), folder, backup, at=clock.now())
    backups._write_checksum(backup.path, _sha256(b"junk" * 5000))
    with pytest.raises(StoreCorrupt):
        recovery.replace_store(engine.pick(), folder, backup, at=clock.now())
    data = bytearray(good)
    data[data.rindex(b"Cart") : data.rindex(b"Cart") + 4] = b"Curt"
    backup.path.write_bytes(bytes(data))
    backups._write_checksum(backup.path, _sha256(bytes(data)))
    with pytest.raises(StoreCorrupt, match="is not sound"):
        recovery.replace_store(engine.pick(), folder, backup, at=clock.now())
    assert (folder / engine.STORE_FILE).read_bytes() == before
    assert not (folder / replacing.QUARANTINE).exists()
    assert not list(folder.glob(".*"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
