"""Operations on the files of one folder, counted, of which one fails or is the last ever.

Invariant: what goes through `os`, `io` and the exchange of two names is counted, and only below
the folder. What SQLite does to its files has a disk of its own for that, in `disks`; here its
statements are counted where a `CountedEngine` is used.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import io
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from orc_storage import exchange
from orc_storage.engine import Connection, Engine, pick

_NAMED: Final = (
    "open",
    "rename",
    "replace",
    "link",
    "unlink",
    "remove",
    "mkdir",
    "rmdir",
    "chmod",
    "scandir",
    "listdir",
    "lstat",
    "stat",
)
_BY_FD: Final = ("write", "fsync", "ftruncate", "pread", "pwrite", "sendfile")

_CHANGES: Final = {"write", "pwrite", "ftruncate", "sendfile"}
_NAMES: Final = {"rename", "replace", "link", "swap"}
_NEEDS_SPACE: Final = {
    "open",
    "rename",
    "replace",
    "link",
    "mkdir",
    "write",
    "pwrite",
    "sendfile",
    "swap",
}


class Stumbling:
    """Counts; `at` is the number of the operation that fails, 0 for none.

    `lasts` makes all later ones fail too that need space. `before` is called before each one.
    `hasty` names what got its name before it was on disk; `unsynced` the folders whose names are
    not on disk yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = os.path.realpath(folder)
        self.count = 0
        self.at = 0
        self.code = errno.EIO
        self.lasts = False
        self.before: Callable[[str], None] = lambda _: None
        self.steps: list[str] = []
        self.hasty: list[str] = []
        self.unsynced: set[str] = set()
        self._dirty: set[str] = set()
        self._looking = threading.local()

    def step(self, what: str, path: str) -> bool:
        """Count an operation; whether it has to fail."""
        if getattr(self._looking, "now", False):
            return False
        self.count += 1
        self.steps.append(f"{what} {path.removeprefix(self.folder)}")
        self._looking.now = True
        try:
            self.before(what)
            # A full disk opens what is there already.
            needs_space = what in _NEEDS_SPACE and not (what == "open" and Path(path).exists())
        finally:
            self._looking.now = False
        if self.at and self.count > self.at:
            return self.lasts and needs_space
        return bool(self.at) and self.count == self.at

    def done(self, what: str, path: str, to: str = "") -> None:
        """Note what an operation that went well means for what a power loss would leave."""
        if getattr(self._looking, "now", False):
            return
        if what in _CHANGES:
            self._dirty.add(path)
        elif what == "fsync":
            self._dirty.discard(path)
            self.unsynced.discard(path)
        elif what in _NAMES:
            if path in self._dirty:
                self.hasty.append(f"{what} {path}")
            self.unsynced.add(to.rpartition("/")[0])

    def fail(self, path: str) -> OSError:
        """Return the error of an operation that fails."""
        return OSError(self.code, os.strerror(self.code), path)

    def is_ours(self, path: str) -> bool:
        """Whether something lies in the folder."""
        return path.startswith(self.folder + os.sep) or path == self.folder


class CountedEngine(Engine):
    """The engine in use; each statement that its connections run is a step as well."""

    def __init__(self, watch: Stumbling) -> None:
        super().__init__(pick().library)
        self._watch = watch

    def connect(self, path: Path, *, mode: str) -> Connection:
        return _Counted(super().connect(path, mode=mode), self._watch)


class _Counted:
    def __init__(self, conn: Connection, watch: Stumbling) -> None:
        self._conn, self._watch = conn, watch

    def execute(self, sql: str, *params: Any) -> Any:
        self._watch.step("sql", sql[:40])
        return self._conn.execute(sql, *params)

    def executemany(self, sql: str, *params: Any) -> Any:
        self._watch.step("sql", sql[:40])
        return self._conn.executemany(sql, *params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)


@contextmanager
def stumbling(folder: Path) -> Iterator[Stumbling]:
    """Watch all operations below a folder while the block runs."""
    watch = Stumbling(folder)
    with contextlib.ExitStack() as patches:
        for name in _NAMED:
            patches.enter_context(patch.object(os, name, _named(watch, name)))
        for name in _BY_FD:
            patches.enter_context(patch.object(os, name, _by_fd(watch, name)))
        opened = _named(watch, "open", of=io)
        patches.enter_context(patch.object(io, "open", opened))
        patches.enter_context(patch.object(shutil, "open", opened, create=True))
        patches.enter_context(patch.object(os, "fdopen", _fdopen(watch)))
        patches.enter_context(patch.object(exchange, "_SWAP", _swap(watch)))
        yield watch


def _named(watch: Stumbling, name: str, of: Any = os) -> Callable[..., Any]:
    real = getattr(of, name)

    def call(path: Any = ".", *args: Any, **more: Any) -> Any:
        found = _absolute(path, more.get("dir_fd"))
        if watch.is_ours(found) and watch.step(name, found):
            raise watch.fail(found)
        result = real(path, *args, **more)
        if name in _NAMES and watch.is_ours(found):
            watch.done(name, found, os.fsdecode(args[0]))
        return result

    return call


def _absolute(path: Any, dir_fd: int | None) -> str:
    if isinstance(path, int):
        return _path_of(path)
    text = os.fsdecode(path)
    return f"{_path_of(dir_fd)}/{text}" if dir_fd is not None else text


def _by_fd(watch: Stumbling, name: str) -> Callable[..., Any]:
    real = getattr(os, name)

    def call(fd: int, *args: Any, **more: Any) -> Any:
        found = _path_of(fd)
        if watch.is_ours(found) and watch.step(name, found):
            if name == "write" and watch.code == errno.ENOSPC:
                # A disk that is full takes what still fits.
                return real(fd, args[0][: len(args[0]) // 2])
            raise watch.fail(found)
        if watch.is_ours(found):
            watch.done(name, found)
        return real(fd, *args, **more)

    return call


def _fdopen(watch: Stumbling) -> Callable[..., Any]:
    real = os.fdopen

    def call(fd: int, mode: str = "r", *args: Any, **more: Any) -> Any:
        found = _path_of(fd)
        if "w" not in mode or not watch.is_ours(found):
            return real(fd, mode, *args, **more)
        raw = io.BufferedWriter(_Raw(fd, "w", watch, found))
        return raw if "b" in mode else io.TextIOWrapper(raw, **more)

    return call


class _Raw(io.FileIO):
    def __init__(self, fd: int, mode: str, watch: Stumbling, path: str) -> None:
        super().__init__(fd, mode)
        self._watch, self._path = watch, path

    def write(self, data: Any) -> int:
        if self._watch.step("write", self._path):
            super().write(bytes(data)[: len(data) // 2])
            raise self._watch.fail(self._path)
        self._watch.done("write", self._path)
        return super().write(data) or 0


def _swap(watch: Stumbling) -> Callable[[bytes, bytes], int]:
    real = exchange._SWAP
    assert real is not None, "this system cannot exchange two names"

    def call(left: bytes, right: bytes) -> int:
        found = os.fsdecode(right)
        if watch.is_ours(found) and watch.step("swap", found):
            ctypes.set_errno(watch.code)
            return -1
        watch.done("swap", os.fsdecode(left), found)
        return real(left, right)

    return call


def _path_of(fd: int) -> str:
    if sys.platform == "darwin":
        return os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    try:
        return str(Path(f"/proc/self/fd/{fd}").readlink())
    except OSError:
        return ""
