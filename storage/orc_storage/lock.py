"""Advisory locks that elect one process among many.

Invariant: the kernel holds the lock, so it ends with its process; the file is never unlinked,
and what it says of the holder is for people.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Final

from orc_storage.errors import UnsafePath

_HOLDER_BYTES_MAX: Final = 4096
_NOBODY: Final = b"\n"


class FileLock:
    """One flock on one file; nothing here waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def try_acquire(self) -> bool:
        """Take the lock if it is free and say whether it is ours now; raises UnsafePath."""
        if self._fd is not None:
            return True
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            fd = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise UnsafePath(
                f"{self.path} cannot be used as a lock ({error.strerror}): move it away"
            ) from error
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise UnsafePath(f"{self.path} is no plain file and cannot be a lock: move it away")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        pid = os.getpid()
        _write(fd, json.dumps({"pid": pid, "start": start_of(pid)}).encode())
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not ours."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        _write(fd, _NOBODY)
        os.close(fd)

    def beat(self, at: float) -> None:
        """Leave a sign of life at `at`, seconds since the epoch; nothing if it is not ours."""
        if self._fd is not None:
            os.utime(self._fd, (at, at))

    def beaten_at(self) -> float:
        """Return when its holder last gave a sign of life, 0.0 where there is no such file."""
        try:
            return self.path.lstat().st_mtime
        except OSError:
            return 0.0

    def holder(self) -> dict[str, int] | None:
        """Return `pid` and `start` of the living process that holds the lock, None if none does.

        The lock itself is not touched: trying it for a moment would make others miss it.
        """
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            said = json.loads(os.read(fd, _HOLDER_BYTES_MAX))
            pid, start = int(said["pid"]), int(said["start"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        finally:
            os.close(fd)
        return {"pid": pid, "start": start} if lives(pid) and start_of(pid) == start else None


def start_of(pid: int) -> int:
    """Return when a process started, in clock ticks since boot; 0 where that cannot be told."""
    try:
        return int(_told(pid)[19])
    except (OSError, ValueError, IndexError):
        return 0


def lives(pid: int) -> bool:
    """Whether a process with that number runs, whoever it belongs to."""
    if pid <= 0 or _is_over(pid):
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _is_over(pid: int) -> bool:
    """Whether it has ended and only waits for its parent to ask how."""
    try:
        return _told(pid)[0] in ("Z", "X")
    except (OSError, IndexError):
        return False


def _told(pid: int) -> list[str]:
    """What Linux tells of a process, from its state on; raises OSError elsewhere."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    # The command's name stands in parentheses and may hold any of them itself.
    return text.rpartition(")")[2].split()


def _write(fd: int, data: bytes) -> None:
    """Say who holds it; a disk that refuses changes nothing about who does."""
    with contextlib.suppress(OSError):
        # Never cut to nothing: what lies on the disk already has room there when it is full.
        os.pwrite(fd, data, 0)
        os.ftruncate(fd, len(data))
