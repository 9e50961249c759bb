"""The reader of the spool: hostile files, and pruning that leaves to others what they need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.scripts import FILES_KEPT, FILES_MAX
from orc_core.agents.hooks.spool import AGE_MAX_S, Spool
from orc_storage.lock import FileLock
from spooling import placed

NOW = 1_800_000_000.0
HEAD = b"orc-hook 1\nclaude\n\n/tmp/s,1,0\n%1\n\n\n\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return placed(tmp_path)


def put(places: Places, name: str, data: bytes = HEAD, at: float = NOW) -> Path:
    path = places.spool / name
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def test_what_is_not_of_our_form_is_passed_over_and_counted(places: Places, tmp_path: Path) -> None:
    put(places, "1-1-1")
    put(places, "2-1-1", b"orc-hook 2" + HEAD[10:])
    put(places, "3-1-1", b"orc-hook 1\n")
    put(places, "4-1-1", b"")
    (places.spool / "5-1-1").mkdir()
    (places.spool / "6-1-1").symlink_to(tmp_path / "1-1-1")
    os.mkfifo(places.spool / "7-1-1")
    put(places, "notes.txt")
    put(places, ".8-1-1")
    spool = Spool(places.spool)
    assert [one.name for one in spool.read_new()] == ["1-1-1"]
    assert spool.passed_over == 6


@pytest.mark.parametrize(
    ("tmux", "pane", "found"),
    [
        (b"/tmp/s,1,0", b"%1", ("/tmp/s", "%1")),
        (b"/tmp/a,b,1,0", b"%22", ("/tmp/a,b", "%22")),
        (b"/tmp/s,1,0", b"", ("", "")),
        (b"/tmp/s,1,0", b"%1;kill", ("", "")),
        (b"nonsense", b"%1", ("", "%1")),
        (b"/tmp/\0s,1,0", b"%1", ("", "%1")),
        (b"\xff,1,0", b"%1", ("\udcff", "%1")),
    ],
)
def test_a_place_is_believed_only_in_its_form(
    places: Places, tmux: bytes, pane: bytes, found: tuple[str, str]
) -> None:
    put(places, "1-1-1", HEAD.replace(b"/tmp/s,1,0", tmux).replace(b"%1", pane))
    (one,) = Spool(places.spool).read_new()
    assert (one.socket, one.pane) == found


def test_a_spool_that_others_may_write_is_not_read(places: Places) -> None:
    put(places, "1-1-1")
    places.spool.chmod(0o777)
    assert Spool(places.spool).read_new() == []
    assert Spool(places.spool).prune(NOW) == 0


def test_old_files_go_and_the_newest_of_each_pane_stay(places: Places) -> None:
    put(places, "1-1-1", at=NOW - AGE_MAX_S - 1)
    put(places, ".draft", at=NOW - 61)
    put(places, ".young", at=NOW - 5)
    put(places, "status-1-1", at=NOW - AGE_MAX_S - 1)
    waits = put(places, "2-1-7", at=NOW - AGE_MAX_S + 60)
    for number in range(FILES_MAX):
        put(places, f"{3 + number}-1-2", at=NOW - 1000 + number / 10)
    spool = Spool(places.spool)
    spool.prune(NOW)
    names = {one.name for one in places.spool.iterdir()}
    assert waits.name in names
    assert {"1-1-1", ".draft", "status-1-1"}.isdisjoint(names)
    assert ".young" in names
    assert f"{3 + FILES_MAX - 1}-1-2" in names
    assert len(names) <= FILES_KEPT + 2
    assert spool.prune(NOW) == 0


def test_one_process_prunes_at_a_time(places: Places) -> None:
    put(places, "1-1-1", at=0.0)
    other = FileLock(places.spool.parent / "prune.lock")
    assert other.try_acquire()
    assert Spool(places.spool).prune(NOW) == 0
    other.release()
    assert Spool(places.spool).prune(NOW) == 1


def test_a_flood_is_read_as_far_as_the_bound_goes(places: Places) -> None:
    for number in range(3 * FILES_MAX):
        put(places, f"{number}-1-1")
    spool = Spool(places.spool)
    assert len(spool.read_new()) == FILES_MAX
    assert spool.passed_over == 2 * FILES_MAX
