"""Files of a work tree, read and replaced one by one.

Invariant: a file is replaced or removed in one step, and never through a symlink: whatever lies
above it is opened as a folder, from the top of the tree down. Nothing named `.git` is touched.
All of it blocks on the disk.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from orc_core.errors import GitError
from orc_core.model.code import Held, shown

PLAIN: Final = 0o100644
PROGRAM: Final = 0o100755
LINK: Final = 0o120000
SUBMODULE: Final = 0o160000
NOT_OURS: Final = Held(0, "")
"""Something that is no file and no symlink."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ABSENT: Final = (FileNotFoundError, NotADirectoryError)
_CHUNK: Final = 1024 * 1024


def is_safe(path: bytes) -> bool:
    """Whether a name out of a repository may be written to: it stays inside and out of `.git`."""
    parts = path.split(b"/")
    # Some file systems ignore case, trailing dots and blanks, or know a short form.
    closed = {part.rstrip(b". ").lower() for part in parts}
    return bool(path) and not closed & {b"", b".", b"..", b".git", b"git~1"}


def object_name(data: bytes, hash_name: str) -> str:
    """How git names a content."""
    return hashlib.new(
        hash_name, b"blob %d\0" % len(data) + data, usedforsecurity=False
    ).hexdigest()


class Files:
    """The files below one folder; use as a context."""

    def __init__(self, top: Path, hash_name: str) -> None:
        self._top = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._hash_name = hash_name

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._top)

    def held(self, path: bytes) -> Held | None:
        """What a file is now; None where there is none, a folder counts as none."""
        try:
            with self._above(path) as (folder, name):
                facts = os.lstat(name, dir_fd=folder)
                if stat.S_ISLNK(facts.st_mode):
                    data = os.readlink(name, dir_fd=folder)
                    return Held(LINK, object_name(data, self._hash_name))
                if stat.S_ISDIR(facts.st_mode):
                    return None
                if not stat.S_ISREG(facts.st_mode):
                    return NOT_OURS
                mode = PROGRAM if facts.st_mode & stat.S_IXUSR else PLAIN
                return Held(mode, self._hash(folder, name, facts.st_size))
        except _ABSENT:
            return None

    def _hash(self, folder: int, name: bytes, size: int) -> str:
        told = hashlib.new(self._hash_name, b"blob %d\0" % size, usedforsecurity=False)
        descriptor = os.open(name, _FILE, dir_fd=folder)
        try:
            while chunk := os.read(descriptor, _CHUNK):
                told.update(chunk)
        finally:
            os.close(descriptor)
        return told.hexdigest()

    def obstacle(self, path: bytes) -> bytes | None:
        """What is in the way of a file: a file where a folder is needed, or the other way round.

        None where nothing is; an empty folder is not in the way.
        """
        parts = path.split(b"/")
        for count in range(1, len(parts)):
            above = b"/".join(parts[:count])
            facts = self._facts(above)
            if facts is None:
                return None
            if not stat.S_ISDIR(facts.st_mode):
                return above
        facts = self._facts(path)
        if facts is not None and stat.S_ISDIR(facts.st_mode):
            with self._above(path) as (folder, name):
                descriptor = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    inside = sorted(os.listdir(descriptor))  # noqa: PTH208
                finally:
                    os.close(descriptor)
            return path + b"/" + os.fsencode(inside[0]) if inside else None
        return None

    def _facts(self, path: bytes) -> os.stat_result | None:
        try:
            with self._above(path) as (folder, name):
                return os.lstat(name, dir_fd=folder)
        except _ABSENT:
            return None

    def replace(self, path: bytes, staged: Path, mode: int) -> None:
        """Put a staged file or symlink in the place of what is there; folders are made."""
        with self._above(path, make=True) as (folder, name):
            if mode != LINK:
                staged.chmod(self._bits(folder, name, mode))
            with suppress(FileNotFoundError, NotADirectoryError):
                os.rmdir(name, dir_fd=folder)  # an empty folder gives way
            os.rename(staged, name, dst_dir_fd=folder)
            os.fsync(folder)

    def remove(self, path: bytes) -> None:
        """Remove a file, and the folders above it that are empty then."""
        with suppress(*_ABSENT), self._above(path) as (folder, name):
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        above = path.rpartition(b"/")[0]
        while above:
            try:
                with self._above(above) as (folder, name):
                    os.rmdir(name, dir_fd=folder)
            except OSError:
                return  # it holds something
            above = above.rpartition(b"/")[0]

    @contextmanager
    def _above(self, path: bytes, *, make: bool = False) -> Iterator[tuple[int, bytes]]:
        """The folder of a file as a descriptor, and its name in there."""
        if not is_safe(path):
            raise GitError(f"{shown(path)} is no name of a file in a work tree: it is not touched")
        *folders, name = path.split(b"/")
        folder = os.dup(self._top)
        try:
            for part in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=folder)
                below = _open_folder(part, folder)
                os.close(folder)
                folder = below
            yield folder, name
        finally:
            os.close(folder)

    def _bits(self, folder: int, name: bytes, mode: int) -> int:
        """The permissions of a file that replaces another: those of that one, but for x."""
        try:
            facts = os.lstat(name, dir_fd=folder)
            bits = stat.S_IMODE(facts.st_mode) if stat.S_ISREG(facts.st_mode) else 0
        except _ABSENT:
            bits = 0
        if not bits:
            umask = os.umask(0o022)
            os.umask(umask)
            bits = 0o666 & ~umask
        return bits | (bits & 0o444) >> 2 if mode == PROGRAM else bits & ~0o111


def _open_folder(name: bytes, above: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise NotADirectoryError(*error.args) from None
        raise
