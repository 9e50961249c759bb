"""Files that belong to the user: read whole, changed in one step, and put back as they were.

Invariant: a dotfile is replaced at once or not at all, keeps its mode, and is written only if it
still holds the bytes that the change was made from. A symlink stays one: its target is written.
What stood there before is kept, and comes back byte for byte where nobody changed it since.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.errors import OrcError
from orc_storage.paths import ensure_private, read_plain, sync_folder

SIZE_MAX_BYTES: Final = 4 * 1024 * 1024
BACKUPS_MAX: Final = 64
_NEW_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Change:
    """One dotfile before and after; None where there is no file.

    `original` is what it would be without us, and is what is kept for the way back.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    original: bytes | None = None

    @property
    def is_needed(self) -> bool:
        return self.before != self.after

    def diff(self) -> str:
        """What the change does, as `diff -u` would show it; "" where nothing changes."""
        old, new = (_lines(data) for data in (self.before, self.after))
        name = str(self.path)
        was = name if self.before is not None else "/dev/null"
        will = name if self.after is not None else "/dev/null"
        return "".join(difflib.unified_diff(old, new, was, will))


def read(path: Path) -> bytes | None:
    """The bytes of a dotfile, through a symlink; None where there is none yet.

    Raises OrcError where something else stands there, or where it cannot be read.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise OrcError(f"{path} is not a plain file: move it away, then install again")
        if found.st_size > SIZE_MAX_BYTES:
            raise OrcError(f"{path} is larger than {SIZE_MAX_BYTES >> 20} MiB: it is left alone")
        return read_plain(path, SIZE_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OrcError(f"{path} cannot be read ({error.strerror}): it is left alone") from error


def text_of(path: Path, data: bytes) -> str:
    """The text of a dotfile; raises OrcError where it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        remedy = "save it as UTF-8, then try again"
        raise OrcError(f"{path} line {line} is not UTF-8: {remedy}; nothing was changed") from error


def apply(change: Change, backups: Path) -> None:
    """Write one change, and keep what stood there; raises OrcError and changes nothing."""
    if not change.is_needed:
        return
    target = Path(os.path.realpath(change.path))
    if read(target) != change.before:
        raise OrcError(f"{change.path} was changed by someone else just now: try again")
    try:
        if change.after is None:
            target.unlink()
            return
        _keep(change, backups)
        _write(target, change.after)
    except PermissionError as error:
        raise OrcError(f"{change.path} cannot be written ({error.strerror})") from error
    except OSError as error:
        raise OrcError(f"{change.path} was not changed: {error.strerror}") from error


def check_writable(path: Path) -> None:
    """Raise OrcError where a person has closed the file to writing, or its folder is none."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except OSError:
        parent = next((one for one in target.parents if one.exists()), target.parent)
        if not parent.is_dir():
            raise OrcError(f"{parent} is in the way of {path}: move it away") from None
        return
    if not mode & 0o222 or not os.access(target, os.W_OK):
        raise OrcError(f"{path} is read-only: run `chmod u+w {target}` if we may change it")


def original_of(path: Path, data: bytes, backups: Path) -> tuple[bool, bytes | None]:
    """Whether these bytes are what we once wrote there, and what stood there before."""
    mark = _mark(path, data)
    kept = backups / mark
    with contextlib.suppress(OSError):
        return True, read_plain(kept, SIZE_MAX_BYTES)
    return (backups / f"{mark}.absent").exists(), None


def _keep(change: Change, backups: Path) -> None:
    """Keep what stood there, under the mark of what stands there now."""
    if change.after is None or change.after == change.original:
        return
    ensure_private(backups)
    mark = _mark(change.path, change.after)
    if change.original is None:
        (backups / f"{mark}.absent").write_bytes(b"")
    else:
        _write(backups / mark, change.original)
    kept = sorted(backups.iterdir(), key=lambda one: one.stat().st_mtime)
    for stale in kept[:-BACKUPS_MAX]:
        stale.unlink(missing_ok=True)


def _mark(path: Path, data: bytes) -> str:
    place = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:8]
    return f"{path.name.lstrip('.')}-{place}-{hashlib.sha256(data).hexdigest()[:16]}"


def _write(target: Path, data: bytes) -> None:
    """Put data in the place of a file, in one step, with the mode and owner that it had."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = target.stat() if target.exists() else None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode) if found else _NEW_MODE)
            if found is not None and found.st_uid != os.geteuid():
                os.fchown(file.fileno(), found.st_uid, found.st_gid)
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode("utf-8", "replace")
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines
