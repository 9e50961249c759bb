"""Heads of the journal, noted in a file beside the store.

Invariant: lines are only added, each after the commit it tells of, by one process at a time, and
are on disk when `note` returns. What the store holds is never taken from here: the file only
shows that a tail was cut off or a chain written anew.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_storage.errors import UnsafePath
from orc_storage.paths import check_own_file, read_plain, sync_folder
from orc_storage.records import Anchor

FILE: Final = "audit.anchors"
OLDER: Final = "audit.anchors.1"
BYTES_MAX: Final = 1024 * 1024
"""How large the file grows before it is set aside as `OLDER`, in place of the one before."""

_LINE_MAX: Final = 4096
_WHY_MAX: Final = 500
_HASH_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Noted:
    """What the file says: its anchors, oldest first, and the lines that cannot be read."""

    anchors: tuple[Anchor, ...] = ()
    faults: tuple[str, ...] = ()


def note(folder: Path, seq: int, hash: str, *, at: float) -> bool:
    """Note a head that was committed; False where it is known, or another process is noting one.

    `at` is the time of that entry, seconds since the epoch. Raises OSError and UnsafePath.
    """
    with _locked(folder) as fd:
        if fd is None:
            return False
        last = _last(folder, fd)
        epoch = last.epoch if last is not None else 1
        if last is not None and last.seq >= seq:
            return False
        _append(fd, Anchor(epoch, seq, hash, at))
        if os.fstat(fd).st_size > BYTES_MAX:
            # Whoever notes next begins a new file and goes on from the last line of this one.
            (folder / FILE).rename(folder / OLDER)
            sync_folder(folder)
        return True


def begin_epoch(folder: Path, *, seq: int, hash: str, at: float, why: str) -> bool:
    """Say that from here on another journal counts, such as one of a restored store.

    What was noted before is not asked for any more. False where another process is noting a
    head just now: try again. Raises OSError and UnsafePath.
    """
    with _locked(folder) as fd:
        if fd is None:
            return False
        last = _last(folder, fd)
        epoch = last.epoch + 1 if last is not None else 1
        _append(fd, Anchor(epoch, seq, hash, at, why[:_WHY_MAX]))
        return True


def read(folder: Path) -> Noted:
    """Return all that was noted; empty where nothing ever was. Raises OSError, UnsafePath."""
    anchors: list[Anchor] = []
    faults: list[str] = []
    for name in (OLDER, FILE):
        path = folder / name
        if check_own_file(path) is None:
            continue
        lines = read_plain(path, 2 * BYTES_MAX).split(b"\n")
        # What follows the last line end was torn by a crash and is not a line yet.
        for number, line in enumerate(lines[:-1], start=1):
            anchor = _parsed(line)
            if anchor is None:
                faults.append(f"{name} line {number} is no anchor")
            else:
                anchors.append(anchor)
    return Noted(tuple(anchors), tuple(faults))


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """The open file while nobody else may write it; None where somebody else does."""
    path = folder / FILE
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    is_new = check_own_file(path) is None
    fd = os.open(path, flags, 0o600)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise UnsafePath(f"{path} is not a plain file of yours: move it away")
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        named = check_own_file(path)
        if named is None or (named.st_dev, named.st_ino) != (found.st_dev, found.st_ino):
            # It was set aside between opening and locking.
            yield None
            return
        if is_new:
            sync_folder(folder)
        yield fd
    finally:
        os.close(fd)


def _append(fd: int, anchor: Anchor) -> None:
    _mend(fd)
    line = _line(anchor)
    if os.write(fd, line) != len(line):
        raise OSError(errno.ENOSPC, "the disk is full", FILE)
    os.fsync(fd)


def _mend(fd: int) -> None:
    """Cut off a line that a crash left without its end; nobody was told that it was written."""
    size = os.fstat(fd).st_size
    tail = os.pread(fd, _LINE_MAX, max(0, size - _LINE_MAX))
    torn = len(tail) - (tail.rfind(b"\n") + 1)
    if torn:
        os.ftruncate(fd, size - torn)


def _last(folder: Path, fd: int) -> Anchor | None:
    """The newest anchor, also where the file was just begun anew."""
    size = os.fstat(fd).st_size
    found = _newest(os.pread(fd, _LINE_MAX, max(0, size - _LINE_MAX)))
    if found is not None or (older := check_own_file(folder / OLDER)) is None:
        return found
    begin = max(0, older.st_size - _LINE_MAX)
    return _newest(read_plain(folder / OLDER, _LINE_MAX, begin=begin))


def _newest(tail: bytes) -> Anchor | None:
    for line in reversed(tail.split(b"\n")[:-1]):
        if anchor := _parsed(line):
            return anchor
    return None


def _line(anchor: Anchor) -> bytes:
    fields: dict[str, object] = {
        "epoch": anchor.epoch,
        "seq": anchor.seq,
        "hash": anchor.hash,
        "at": anchor.at,
    }
    if anchor.why:
        fields["why"] = anchor.why
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _parsed(line: bytes) -> Anchor | None:
    try:
        said = json.loads(line)
        epoch, seq, hash = said["epoch"], said["seq"], said["hash"]
        at, why = float(said["at"]), said.get("why", "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    texts = isinstance(hash, str) and isinstance(why, str) and len(hash) == _HASH_LENGTH
    # A bool is an int in Python, and no number here.
    if not texts or type(epoch) is not int or type(seq) is not int or epoch < 1 or seq < 0:
        return None
    return Anchor(epoch, seq, hash, at, why)
