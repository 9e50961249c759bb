"""A process without a screen that watches and leads a workspace, and how it is found and ended.

Invariant: at most one runs for a workspace, and only the process that holds its lock is ever
signalled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import OrcError
from orc_storage.lock import FileLock, lives
from orc_storage.paths import ensure_private

LOCK_NAME: Final = "monitor.lock"
LOG_NAME: Final = "monitor.log"
LOG_MAX_BYTES: Final = 1024 * 1024
START_TIMEOUT_S: Final = 10.0
STOP_TIMEOUT_S: Final = 10.0
LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A monitor that lives; `beaten_at` is its last sign of life, seconds since the epoch."""

    pid: int
    beaten_at: float


def lock(folder: Path) -> FileLock:
    """The lock that the monitor of the workspace in `folder` holds while it is ready."""
    return FileLock(folder / LOCK_NAME)


def find(folder: Path) -> Running | None:
    """Return the monitor of a workspace, None where none runs."""
    held = lock(folder)
    holder = held.holder()
    return None if holder is None else Running(holder["pid"], held.beaten_at())


async def start(
    folder: Path, argv: Sequence[str], environ: Mapping[str, str], clock: Clock
) -> Running:
    """Start `argv` in the background and return when it is ready.

    What it prints goes to `monitor.log` in the workspace. Raises OrcError, with the last line of
    that log, where it ends or does not get ready in time.
    """
    ensure_private(folder)
    log = folder / LOG_NAME
    pid = await asyncio.to_thread(start_apart, log, argv, environ)
    deadline = clock.monotonic() + START_TIMEOUT_S
    while True:
        running = find(folder)
        if running is not None:
            return running
        if not lives(pid):
            raise OrcError(f"the monitor ended at once: {last_line(log)}")
        if clock.monotonic() > deadline:
            raise OrcError(
                f"the monitor, process {pid}, is not ready after {START_TIMEOUT_S:g} s: see {log}"
            )
        await clock.sleep(LOOK_S)


async def stop(folder: Path, clock: Clock) -> Running | None:
    """End the monitor and return when it is gone; None where none ran.

    Raises OrcError where it does not end in time; it is never killed by force.
    """
    running = find(folder)
    if running is None:
        return None
    _signal(folder, running)
    deadline = clock.monotonic() + STOP_TIMEOUT_S
    while lives(running.pid):
        if clock.monotonic() > deadline:
            raise OrcError(
                f"the monitor, process {running.pid}, did not end in {STOP_TIMEOUT_S:g} s: "
                f"see {folder / LOG_NAME}"
            )
        await clock.sleep(LOOK_S)
    return running


def start_apart(log: Path, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Start a program as nobody's child, by a shell that ends at once; return its process id.

    What it says goes to `log`.
    """
    mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    fd = os.open(log, mode, 0o600)
    try:
        if os.fstat(fd).st_size > LOG_MAX_BYTES:
            os.ftruncate(fd, 0)
        done = subprocess.run(
            ["/bin/sh", "-c", '"$@" </dev/null >&2 & echo $!', "sh", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=fd,
            env=dict(environ),
            cwd="/",
            start_new_session=True,
            timeout=START_TIMEOUT_S,
            check=True,
        )
        return int(done.stdout)
    finally:
        os.close(fd)


def _signal(folder: Path, running: Running) -> None:
    """Ask that very process to end: its number may belong to another by now."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):
            os.kill(running.pid, signal.SIGTERM)
            return
        fd = os.pidfd_open(running.pid)
        try:
            found = find(folder)
            if found is not None and found.pid == running.pid:
                signal.pidfd_send_signal(fd, signal.SIGTERM)
        finally:
            os.close(fd)


def last_line(log: Path) -> str:
    """The last thing that a log says."""
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return "it said nothing"
