"""Where things are kept, and whether it is safe to keep them there.

Invariant: a folder of ours belongs to this user, is not a symlink and is closed to others.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from platformdirs.unix import Unix

from orc_storage.errors import UnsafePath

_APP = "orc-tui"


def state_dir() -> Path:
    """Return the folder of the person's own workspace, by XDG rules on macOS too."""
    return Path(Unix(_APP, appauthor=False).user_state_dir)


def config_dir() -> Path:
    """Return the folder of the person's settings, by XDG rules on macOS too."""
    return Path(Unix(_APP, appauthor=False).user_config_dir)


def runtime_dir() -> Path:
    """Return the folder for sockets: below $XDG_RUNTIME_DIR where that is private, else in /tmp."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    if named.startswith("/") and _fault(Path(named)) == "":
        return Path(named) / _APP
    return Path(tempfile.gettempdir()) / f"{_APP}-{os.geteuid()}"


def ensure_private(folder: Path) -> None:
    """Make `folder` if it is missing, mode 0700.

    Raises UnsafePath if it is a symlink, someone else's, or open to others. An empty folder that
    is merely open is closed: nothing in it can have been shared on purpose.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        # mkdir is subject to the umask, which may have taken our own bits away.
        folder.chmod(0o700)
    fault = _fault(folder)
    if fault == "is open to others" and not any(folder.iterdir()):
        folder.chmod(0o700)
        fault = _fault(folder)
    if fault:
        raise UnsafePath(f"{folder} {fault}: {_remedy(fault, folder)}")


def is_private(folder: Path) -> bool:
    """Whether `folder` is there, ours, no symlink and closed to others."""
    return _fault(folder) == ""


def check_own_file(path: Path) -> os.stat_result | None:
    """Return the facts of a file of ours, None if it is missing.

    Raises UnsafePath if it is a symlink, not a plain file, someone else's, or open to others.
    It is looked at and never opened: closing a second handle would drop SQLite's locks on it.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    fault = _ownership_fault(found)
    if not fault and not stat.S_ISREG(found.st_mode):
        fault = "is not a plain file"
    if fault:
        raise UnsafePath(f"{path} {fault}: {_remedy(fault, path)}")
    return found


def read_plain(path: str | Path, limit: int, *, begin: int = 0) -> bytes:
    """At most `limit` bytes of a plain file, through a symlink; never waits for a writer.

    Raises OSError, also where a pipe, a socket, a folder or a device stands there.
    """
    # Without O_NONBLOCK, opening a pipe waits for its writer; a plain file does not mind it.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        data = b""
        while part := os.pread(fd, limit - len(data), begin + len(data)):
            data += part
        return data
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk, so that a file that was made or renamed stays so."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _fault(folder: Path) -> str:
    try:
        found = folder.lstat()
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if not stat.S_ISLNK(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    return _ownership_fault(found)


def _ownership_fault(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "is a symlink"
    if found.st_uid != os.geteuid():
        return f"belongs to user {found.st_uid}"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return "is open to others"
    return ""


def _remedy(fault: str, path: Path) -> str:
    if fault == "is open to others":
        return f"run `chmod go-rwx {path}`, or name another workspace"
    return "name another workspace"
