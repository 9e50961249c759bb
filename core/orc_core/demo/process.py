"""Processes told apart by pid and start time, with the standard library alone.

Invariant: a signal goes only to a process whose start time is the one that was recorded; a
number that was used again is never touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_HAS_PROC: Final = sys.platform == "linux"
_SESSION, _START = 3, 19  # places in /proc/PID/stat, counted from the state letter
_PS_TIMEOUT_S: Final = 1.0


class Mark(NamedTuple):
    """One process: its pid, and the moment it started as the system words it."""

    pid: int
    start: str


def mark_of(pid: int) -> Mark | None:
    """Return the mark of a live process, None where it is gone or a zombie."""
    start = started(pid)
    return None if start is None else Mark(pid, start)


def started(pid: int) -> str | None:
    """Return when a live process started: clock ticks since boot on Linux, a date elsewhere."""
    if _HAS_PROC:
        fields = _stat(pid)
        return None if not fields or fields[0] in "ZX" else fields[_START]
    return _ps("-o", "lstart=", "-p", str(pid)) or None


def is_alive(mark: Mark) -> bool:
    """Tell whether this very process still runs."""
    return started(mark.pid) == mark.start


def sessions_of(leaders: Iterable[int]) -> set[Mark]:
    """Return every live process in the sessions that these pids lead, themselves included.

    Where there is no /proc only the leaders are returned.
    """
    wanted = {pid for pid in leaders if pid > 1}
    found = {mark for pid in wanted if (mark := mark_of(pid))}
    for entry in _PROC.iterdir() if _HAS_PROC else ():
        if not entry.name.isdigit():
            continue
        fields = _stat(int(entry.name))
        if fields and fields[0] not in "ZX" and int(fields[_SESSION]) in wanted:
            found.add(Mark(int(entry.name), fields[_START]))
    return found


def kill(marks: Iterable[Mark]) -> None:
    """Send SIGKILL to those of these processes that still run."""
    for mark in marks:
        if is_alive(mark):
            try:
                os.kill(mark.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def _stat(pid: int) -> list[str]:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    # The name stands in parentheses and may hold blanks and parentheses of its own.
    return text.rpartition(")")[2].split()


def _ps(*argv: str) -> str:
    try:
        done = subprocess.run(
            ["ps", *argv], capture_output=True, text=True, timeout=_PS_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
