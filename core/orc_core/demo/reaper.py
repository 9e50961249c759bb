"""The clean-up of a demo, as a small process that outlives the dashboard for a moment.

Invariant: it removes one folder only, which it was given, which is ours, which is no symlink
and which holds our marker; it kills only processes that the marker or that folder's own tmux
server names. It waits for the end of a pipe whose other end lives in the dashboard alone, so
that a death of any kind starts it, and it ends when its job is done.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from orc_core.demo.process import Mark, is_alive, kill, sessions_of

PREFIX: Final = "orc-demo-"
MARKER: Final = "demo.json"
SOCKET: Final = "tmux"
_GONE: Final = ".gone"
_TMUX_TIMEOUT_S: Final = 0.8
_GRACE_S: Final = 0.8
_POLL_S: Final = 0.02
_MARKER_MAX_BYTES: Final = 64_000


class Marker(NamedTuple):
    """What a demo folder says of itself: whose it is, who cleans up, and what it started."""

    owner: Mark
    reaper: Mark | None = None
    processes: tuple[Mark, ...] = ()


def write_marker(folder: Path, marker: Marker) -> None:
    """Write the marker of a demo folder; readers see the old one or the new one, whole."""
    body = {
        "owner": marker.owner,
        "reaper": marker.reaper,
        "processes": marker.processes,
    }
    fresh = folder / f"{MARKER}.new"
    fresh.write_text(json.dumps(body))
    fresh.replace(folder / MARKER)


def read_marker(folder: Path) -> Marker | None:
    """Return the marker of a folder that is ours to remove, None of any other."""
    try:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            return None
        with os.fdopen(os.open(folder / MARKER, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            body = json.loads(file.read(_MARKER_MAX_BYTES))
        reaper = body["reaper"]
        return Marker(
            owner=_mark(body["owner"]),
            reaper=None if reaper is None else _mark(reaper),
            processes=tuple(_mark(each) for each in body["processes"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def reap(folder: Path) -> bool:
    """End the server and the processes of a demo and remove its folder, within 4 s.

    Return whether nothing is left. A folder without our marker is left alone.
    """
    marker = read_marker(folder)
    if marker is None or not folder.name.startswith(PREFIX):
        return not os.path.lexists(folder)
    # Nothing can be bound at the old path from here on, not even by a tmux that starts late.
    folder = _step_aside(folder)
    leaders = {mark.pid for mark in marker.processes if is_alive(mark)} | _ask_server(folder)
    marks = sessions_of(leaders)
    _tmux(folder, "kill-server")
    if not _wait(lambda: not any(map(is_alive, marks))):
        kill(marks)
        _wait(lambda: not any(map(is_alive, marks)))
    return _wait(lambda: _removed(folder))


def remove_stale(parent: Path) -> None:
    """Reap the demos below `parent` whose dashboard and whose reaper are both gone."""
    for folder in parent.glob(f"{PREFIX}*"):
        marker = read_marker(folder)
        if marker is None or is_alive(marker.owner):
            continue
        if marker.reaper is None or not is_alive(marker.reaper):
            reap(folder)


def main() -> int:
    """Wait for the end of standard input, then reap the folder named by the argument."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    return 0 if reap(Path(sys.argv[1])) else 1


def _mark(pair: list[object]) -> Mark:
    pid, start = pair
    return Mark(int(str(pid)), str(start))


def _step_aside(folder: Path) -> Path:
    if folder.name.endswith(_GONE):
        return folder
    try:
        return folder.rename(folder.with_name(folder.name + _GONE))
    except OSError:
        return folder


def _ask_server(folder: Path) -> set[int]:
    answer = _tmux(folder, "list-panes", "-a", "-F", "#{pid} #{pane_pid}")
    return {int(word) for word in answer.split() if word.isdigit()}


def _tmux(folder: Path, *argv: str) -> str:
    command = ["tmux", "-N", "-S", str(folder / SOCKET), *argv]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TMUX_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)


def _wait(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + _GRACE_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True


if __name__ == "__main__":
    sys.exit(main())
