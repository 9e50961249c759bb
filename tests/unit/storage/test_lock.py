"""Locks: one holder at a time, and none that outlives its process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orc_storage.errors import UnsafePath
from orc_storage.lock import FileLock, lives, start_of

HOLD = """
import sys
from pathlib import Path
from orc_storage.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.try_acquire(), flush=True)
sys.stdin.read()
"""


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "leader.lock"
    first, second = FileLock(path), FileLock(path)
    assert first.holder() is None
    assert first.try_acquire()
    assert first.try_acquire()
    assert not second.try_acquire()
    assert (first.held, second.held) == (True, False)
    assert second.holder() == {"pid": os.getpid(), "start": start_of(os.getpid())}
    second.release()
    first.release()
    assert second.holder() is None
    assert second.try_acquire()
    second.release()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_asking_who_holds_it_never_takes_it(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "l"), FileLock(tmp_path / "l")
    for _ in range(100):
        assert second.holder() is None
        assert first.try_acquire()
        second.holder()
        first.release()


def test_one_that_ended_and_was_not_asked_how_does_not_live(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not lives(child.pid)
    assert lives(os.getpid())


def test_signs_of_life_are_left_by_the_holder_alone(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "l"), FileLock(tmp_path / "l")
    assert first.beaten_at() == 0.0
    assert first.try_acquire()
    first.beat(1000.0)
    second.beat(2000.0)
    assert second.beaten_at() == 1000.0
    first.release()


def test_a_lock_ends_with_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "leader.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        mine = FileLock(path)
        assert not mine.try_acquire()
        assert mine.holder() == {"pid": process.pid, "start": start_of(process.pid)}
        process.kill()
        process.wait(10)
        assert mine.holder() is None
        assert mine.try_acquire()
        mine.release()
    assert path.exists()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage",
        b"[]",
        b"{}",
        b'{"pid": 0, "start": 0}',
        b'{"pid": 1, "start": -5}',
        b"\xff",
        b'{"pid": 99999999999999999999, "start": 0}',
    ],
)
def test_nonsense_in_the_file_names_no_holder(tmp_path: Path, said: bytes) -> None:
    (tmp_path / "l").write_bytes(said)
    assert FileLock(tmp_path / "l").holder() is None
    assert FileLock(tmp_path / "missing").holder() is None


def test_a_lock_that_is_a_symlink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to(tmp_path / "target")
    with pytest.raises(UnsafePath, match="cannot be used as a lock"):
        FileLock(tmp_path / "l").try_acquire()
    assert not (tmp_path / "target").exists()


def test_a_lock_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "l")
    with pytest.raises(UnsafePath, match="is no plain file and cannot be a lock: move it away"):
        FileLock(tmp_path / "l").try_acquire()
