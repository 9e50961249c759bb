"""Heads noted outside the store: what they show, and that noting them stops nobody."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from pathlib import Path

import pytest

from orc_storage import anchors, journal
from orc_storage.anchors import FILE, OLDER
from orc_storage.database import ANCHOR_EVERY, Database, Transaction
from orc_storage.errors import UnsafePath

HASH = "a" * 64


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir(mode=0o700)
    return folder


def test_a_head_is_noted_once(place: Path) -> None:
    assert anchors.read(place) == anchors.Noted()
    assert anchors.note(place, 3, HASH, at=10.0)
    assert not anchors.note(place, 3, HASH, at=11.0)
    assert not anchors.note(place, 2, HASH, at=11.0)
    assert anchors.note(place, 5, HASH, at=12.0)
    assert [(a.epoch, a.seq, a.at) for a in anchors.read(place).anchors] == [
        (1, 3, 10.0),
        (1, 5, 12.0),
    ]
    assert stat.S_IMODE((place / FILE).stat().st_mode) == 0o600


def test_a_store_that_was_replaced_begins_a_new_epoch(place: Path) -> None:
    anchors.note(place, 9, HASH, at=1.0)
    assert anchors.begin_epoch(place, seq=4, hash="b" * 64, at=2.0, why="restored\nüber 😀")
    assert not anchors.note(place, 4, "b" * 64, at=3.0)
    assert anchors.note(place, 5, HASH, at=3.0)
    assert [(a.epoch, a.seq, a.why) for a in anchors.read(place).anchors] == [
        (1, 9, ""),
        (2, 4, "restored\nüber 😀"),
        (2, 5, ""),
    ]


def test_a_line_that_a_crash_tore_is_no_line(place: Path) -> None:
    anchors.note(place, 1, HASH, at=1.0)
    with (place / FILE).open("ab") as file:
        file.write(b'{"epoch": 1, "seq": 2')
    assert [a.seq for a in anchors.read(place).anchors] == [1]
    assert anchors.note(place, 3, HASH, at=2.0)
    assert [a.seq for a in anchors.read(place).anchors] == [1, 3]
    assert anchors.read(place).faults == ()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no JSON",
        "[1]",
        "3",
        json.dumps({"epoch": 1, "seq": "2", "hash": HASH, "at": 1.0}),
        json.dumps({"epoch": True, "seq": 2, "hash": HASH, "at": 1.0}),
        json.dumps({"epoch": 1, "seq": 2, "hash": "short", "at": 1.0}),
        json.dumps({"epoch": 1, "seq": 2, "hash": HASH, "at": None}),
        json.dumps({"epoch": 0, "seq": 2, "hash": HASH, "at": 1.0}),
    ],
)
def test_a_line_that_is_no_anchor_is_named(place: Path, line: str) -> None:
    anchors.note(place, 1, HASH, at=1.0)
    with (place / FILE).open("a") as file:
        file.write(line + "\n")
    assert anchors.read(place).faults == (f"{FILE} line 2 is no anchor",)
    # Whoever notes next goes on from the last line that can be read.
    assert anchors.note(place, 2, HASH, at=1.0)
    assert [a.seq for a in anchors.read(place).anchors] == [1, 2]


def test_who_finds_another_noting_leaves_it_to_that_one(place: Path) -> None:
    anchors.note(place, 1, HASH, at=1.0)
    fd = os.open(place / FILE, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert not anchors.note(place, 2, HASH, at=1.0)
        assert not anchors.begin_epoch(place, seq=0, hash=HASH, at=1.0, why="x")
    finally:
        os.close(fd)
    assert anchors.note(place, 2, HASH, at=1.0)


def test_a_file_that_grew_large_is_set_aside_and_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "BYTES_MAX", 1000)
    anchors.note(place, 1, HASH, at=1.0)
    anchors.begin_epoch(place, seq=1, hash=HASH, at=1.0, why="restored")
    for seq in range(2, 200):
        assert anchors.note(place, seq, HASH, at=1.0)
        assert not anchors.note(place, seq, HASH, at=1.0)
    assert (place / OLDER).stat().st_size + (place / FILE).stat().st_size < 2500
    kept = anchors.read(place).anchors
    assert [a.seq for a in kept] == list(range(200 - len(kept), 200))
    assert {a.epoch for a in kept} == {2}


def test_a_file_of_another_nature_is_refused(place: Path) -> None:
    os.mkfifo(place / FILE, 0o600)
    with pytest.raises(UnsafePath):
        anchors.note(place, 1, HASH, at=1.0)
    with pytest.raises(UnsafePath):
        anchors.read(place)
    (place / FILE).unlink()
    (place / FILE).symlink_to(place / "elsewhere")
    with pytest.raises(UnsafePath):
        anchors.note(place, 1, HASH, at=1.0)
    assert not (place / "elsewhere").exists()


# By the store


def say(tx: Transaction) -> None:
    journal.append(tx, actor="a", action="b")


async def test_a_store_that_wrote_notes_its_head_as_it_closes(db: Database) -> None:
    await db.write(say)
    await db.write(say)
    seq, hash = await db.read(journal.head)
    assert not (db.folder / FILE).exists()
    await db.close()
    (anchor,) = anchors.read(db.folder).anchors
    assert (anchor.seq, anchor.hash, anchor.at) == (seq, hash, 1_790_000_000.0)


async def test_a_store_that_only_looked_notes_nothing(db: Database) -> None:
    await db.read(journal.head)
    await db.write(lambda tx: None)
    await db.close()
    assert not (db.folder / FILE).exists()


async def test_a_long_day_is_noted_on_the_way(db: Database) -> None:
    for _ in range(ANCHOR_EVERY):
        await db.write(say)
    running = db._anchoring
    assert running is not None
    await running
    (anchor,) = anchors.read(db.folder).anchors
    assert anchor.seq == ANCHOR_EVERY


async def test_an_anchor_that_cannot_be_noted_stops_no_work(db: Database) -> None:
    (db.folder / FILE).mkdir()
    await db.write(say)
    await db.close()
    async with await Database.open(db.folder) as again:
        assert await again.read(journal.head) != (0, journal.GENESIS)
