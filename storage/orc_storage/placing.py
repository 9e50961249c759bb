"""Putting bytes in the place of files, several files at once.

Invariant: a file is replaced whole, over the bytes that were read and nothing else, and its new
bytes are on disk before they have its name. What is wrong with one file stays with that file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_storage import drafts
from orc_storage.errors import FileMoved, StoreUnavailable
from orc_storage.exchange import swap
from orc_storage.mirrored import SIZE_MAX_BYTES
from orc_storage.paths import sync_folder

AT_ONCE: Final = 8
"""Files that wait for the disk together: it puts them there in one go."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a pipe that someone puts there right now must not make us wait for its writer.
_THERE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class MirrorFile:
    """One file as it was read; `mtime` is seconds since the epoch.

    `data` is cut off beyond SIZE_MAX_BYTES, which `parse` then refuses. `trouble` says why a
    file that is there could not be read; its data is empty then.
    """

    kind: str
    id: str
    path: Path
    data: bytes
    sha256: str
    mtime: float
    trouble: str = ""


@dataclass(slots=True)
class Placing:
    """Bytes on their way to `path`, by way of `draft`, a name on the same file system.

    They go over those whose hash is `expect_sha256`; None means no file may be there. `became`
    is the file once it is written, or why it is not.
    """

    kind: str
    id: str
    path: Path
    data: bytes
    expect_sha256: str | None
    draft: Path
    became: MirrorFile | Exception | None = None

    @property
    def part(self) -> Path:
        """The draft's name until it is whole and on disk."""
        return self.draft.with_name(self.draft.name + drafts.PART)


def place(placings: Sequence[Placing], discard: Callable[[Path], None]) -> None:
    """Write all of them and say of each what became of it.

    `discard` takes a draft away that may hold bytes nobody has seen. Raises nothing.
    """

    def write(one: Placing) -> None:
        try:
            _draft(one)
            _put(one)
        finally:
            one.part.unlink(missing_ok=True)
            discard(one.draft)

    count = min(AT_ONCE, len(placings))
    if count > 1:
        with ThreadPoolExecutor(count, "place") as threads:
            for number in range(count):
                threads.submit(_each, placings[number::count], write)
    else:
        _each(placings, write)
    _sync_folders(placings)
    _each(placings, _look)


def read(kind: str, id: str, path: Path) -> MirrorFile | None:
    """Return a plain file, None where something else stands there; raises OSError."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return None
    fd = os.open(path, _THERE)
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            return None
        data = _read_all(fd, facts.st_size)
    finally:
        os.close(fd)
    return MirrorFile(kind, id, path, data, hashlib.sha256(data).hexdigest(), facts.st_mtime)


def find(kind: str, id: str, path: Path) -> MirrorFile | None:
    """Return one file; None if there is none, or what is there is not ours."""
    try:
        return read(kind, id, path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return MirrorFile(kind, id, path, b"", "", 0.0, f"cannot be read: {error.strerror}")


def compare(kind: str, id: str, path: Path, expect_sha256: str | None) -> MirrorFile | None:
    """Return what stands at `path`; raises FileMoved unless it is what was read."""
    found = find(kind, id, path)
    sha256 = None if found is None else found.sha256
    if sha256 != expect_sha256:
        what = "is gone" if found is None else "was changed"
        raise FileMoved(f"{path} {what} since it was read: read it again")
    return found


def digest(path: Path) -> str:
    """Return the hash of a plain file's bytes, "" of anything else; raises OSError."""
    found = read("", "", path)
    return "" if found is None else found.sha256


def link_new(draft: Path, path: Path) -> None:
    """Give a draft its name where nothing has it; raises FileMoved."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise FileMoved(f"{path} is there already: read it first") from None


@contextlib.contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Raise StoreUnavailable, which names the file, where the disk refuses."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"{path} cannot be written ({error.strerror}): check the folder and its free space"
    )


def _each(placings: Sequence[Placing], step: Callable[[Placing], None]) -> None:
    """Take one step with all that nothing became of yet."""
    for one in placings:
        if one.became is None:
            try:
                with disk_trouble(one.path):
                    step(one)
            except Exception as error:  # whatever it is, it is the matter of one file
                one.became = error


def _draft(one: Placing) -> None:
    """Have the bytes whole and on disk under the draft's name."""
    fd = os.open(one.part, _NEW, 0o600)
    try:
        rest = memoryview(one.data)
        while rest:
            written = os.write(fd, rest)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = rest[written:]
        os.fsync(fd)
    finally:
        os.close(fd)
    one.part.rename(one.draft)


def _put(one: Placing) -> None:
    before = compare(one.kind, one.id, one.path, one.expect_sha256)
    if before is None:
        link_new(one.draft, one.path)
    elif before.data == one.data:
        one.became = before
    else:
        _replace(one.draft, one.path, before.sha256)
    # What is under its name now was read, or is the file itself: nobody misses it.
    one.draft.unlink(missing_ok=True)


def _replace(draft: Path, path: Path, expect_sha256: str) -> None:
    try:
        if not swap(draft, path):
            draft.rename(path)
            return
    except FileNotFoundError:
        raise FileMoved(f"{path} is gone since it was read: read it again") from None
    # `draft` is now what stood at `path`. If that is not what was read, it goes back.
    if digest(draft) != expect_sha256:
        swap(draft, path)
        raise FileMoved(f"{path} was saved while it was being written: read it again")


def _sync_folders(placings: Sequence[Placing]) -> None:
    """Put the new names on disk, once for all files of a folder."""
    written = [one for one in placings if one.became is None]
    for folder in {one.path.parent for one in written}:
        try:
            sync_folder(folder)
        except OSError as error:
            for one in written:
                if one.path.parent == folder:
                    one.became = _refused(one.path, error)


def _look(one: Placing) -> None:
    found = read(one.kind, one.id, one.path)
    if found is None or found.data != one.data:
        raise FileMoved(f"{one.path} was changed right after it was written: read it again")
    one.became = found


def _read_all(fd: int, size: int) -> bytes:
    """All of a file but what goes beyond the limit; it may grow while it is read."""
    data = b""
    while len(data) <= SIZE_MAX_BYTES:
        more = os.read(fd, min(max(size + 1 - len(data), 4096), SIZE_MAX_BYTES + 1 - len(data)))
        if not more:
            break
        data += more
    return data
