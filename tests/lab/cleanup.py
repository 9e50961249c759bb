"""The end of a stage: whatever it started and that outlived its terminal is ended, by its pid.

Invariant: a process is known by a mark in its environment, which it had from the stage.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

MARK: Final = "ORC_LAB_STAGE"


def end_marked(mark: str) -> None:
    """End, by pid, every process that a stage started and that outlived its terminal."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _marked(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + 2.0
        while _marked(mark) and time.monotonic() < deadline:
            time.sleep(0.05)
    _unmount(mark)


def _marked(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    # The pattern names folders alone: a process that ends meanwhile must not be looked into.
    for path in [folder / "environ" for folder in Path("/proc").glob("[0-9]*")]:
        with contextlib.suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def _unmount(mark: str) -> None:
    """Codex's sandbox may leave mounts below the stage's folder."""
    with contextlib.suppress(OSError):
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in (one for one in mounts if one.startswith(f"{mark}/")):
            subprocess.run(["umount", "-l", place], capture_output=True, timeout=5.0, check=False)
