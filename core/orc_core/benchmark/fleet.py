"""A private tmux server with many quiet panes, painted from outside through their terminals.

Invariant: only the server made here is touched, it sees a HOME of its own, and it is gone when
the block ends. Where this process is killed, a guard ends the server and removes its folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.benchmark.screens import HEIGHT, WIDTH, idle_screen
from orc_core.errors import TmuxError, TmuxTimeout
from orc_core.text import clean
from orc_core.tmux.server import SOCKET_PATH_MAX_BYTES, tmux_binary

AGENTS_MAX: Final = 1000
WINDOWS_PER_SESSION: Final = 20
PREFIX: Final = "orc-bench-"
SOCKET: Final = "s"
PROGRAM: Final = "claude"

_STEP: Final = 100
"""Panes asked for at once; between two steps one may be told to stop."""
_TIMEOUT_S: Final = 60.0
_END_S: Final = 5.0
_POLL_S: Final = 0.01

# It reads one line, which means that all went well, or the end, which our death means, too.
_GUARD: Final = 'read -r _ && exit; "$1" -N -S "$0/s" kill-server; exec rm -rf -- "$0"'
_DONE: Final = b"done\n"


@dataclass(frozen=True, slots=True)
class Pane:
    """One pane: its number, its terminal, and its program's pid."""

    pane_id: str
    tty: Path
    pid: int

    def paint(self, screen: str) -> None:
        """Draw as the pane's own program would."""
        terminal = os.open(self.tty, os.O_WRONLY | os.O_NOCTTY)
        try:
            os.write(terminal, screen.replace("\n", "\r\n").encode())
        finally:
            os.close(terminal)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The server, its panes and the HOME that they have."""

    socket_path: str
    home: Path
    panes: tuple[Pane, ...]
    server_pid: int


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for one server, removed at the end; its path is short enough for a socket."""
    parent = Path(tempfile.gettempdir()).resolve()
    if len(os.fsencode(parent)) + len(f"/{PREFIX}xxxxxxxx/{SOCKET}") > SOCKET_PATH_MAX_BYTES:
        parent = Path("/tmp")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fleet(
    folder: Path, count: int, *, sessions: bool = False, stop: threading.Event | None = None
) -> Iterator[Fleet]:
    """Make `count` panes whose program is called `claude` and does nothing.

    With `sessions` every second one keeps a session file, as Claude Code does. Where `stop` is
    set while they are made, TmuxError is raised; so it is where tmux is missing or refuses.
    """
    program = folder / PROGRAM
    program.symlink_to(shutil.which("cat") or "/bin/cat")
    guard = _Guard(folder)
    try:
        server_pid = _make(folder, program, count, stop or threading.Event())
        panes = _panes(folder)
        if sessions:
            _write_sessions(folder, panes[::2])
        for number, pane in enumerate(panes):
            pane.paint(idle_screen(number))
        yield Fleet(str(folder / SOCKET), folder, panes, server_pid)
    finally:
        with contextlib.suppress(TmuxError):
            _tmux(folder, ["kill-server"])
        guard.dismiss(done=_is_over(folder))


class _Guard:
    """A small shell that ends the server when this process cannot any more."""

    def __init__(self, folder: Path) -> None:
        read_end, self._write_end = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, str(folder), tmux_binary()],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            os.close(self._write_end)
            raise
        finally:
            os.close(read_end)

    def dismiss(self, *, done: bool) -> None:
        """Let the guard go; where not all is `done`, it does its work first."""
        with contextlib.suppress(OSError):
            os.write(self._write_end, _DONE if done else b"")
        os.close(self._write_end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_TIMEOUT_S)


def _is_over(folder: Path) -> bool:
    """Wait for the end of the server, which answers `kill-server` before it ends."""
    for _ in range(int(_END_S / _POLL_S)):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            if probe.connect_ex(str(folder / SOCKET)) != 0:
                return True
        time.sleep(_POLL_S)
    return False


def _make(folder: Path, program: Path, count: int, stop: threading.Event) -> int:
    """Start the server with its panes and return its pid."""
    size = f"-x {WIDTH} -y {HEIGHT}"
    start = ["new-session", "-d", "-s", "shop0", *size.split(), str(program), "-u"]
    _tmux(folder, start, may_start=True)
    lines = [
        f"new-window -d -t shop{number // WINDOWS_PER_SESSION}: '{program}' -u"
        if number % WINDOWS_PER_SESSION
        else f"new-session -d -s shop{number // WINDOWS_PER_SESSION} {size} '{program}' -u"
        for number in range(1, count)
    ]
    for first in range(0, len(lines), _STEP):
        if stop.is_set():
            raise TmuxError("told to stop while the panes were made")
        _tmux(folder, ["source-file", "-"], "\n".join(lines[first : first + _STEP]))
    return int(_tmux(folder, ["display-message", "-p", "#{pid}"]))


def _panes(folder: Path) -> tuple[Pane, ...]:
    listed = _tmux(folder, ["list-panes", "-a", "-F", "#{pane_id} #{pane_tty} #{pane_pid}"])
    panes = [line.split() for line in listed.splitlines()]
    panes.sort(key=lambda words: int(words[0].lstrip("%")))
    return tuple(Pane(pane_id, Path(tty), int(pid)) for pane_id, tty, pid in panes)


def _write_sessions(home: Path, panes: Sequence[Pane]) -> None:
    folder = home / ".claude" / "sessions"
    folder.mkdir(parents=True)
    for pane in panes:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pane.pid}/stat").read_text()
            start = stat.rpartition(")")[2].split()[19]
            body = {"pid": pane.pid, "procStart": start, "status": "busy", "sessionId": "bench"}
            (folder / f"{pane.pid}.json").write_text(json.dumps(body))


def _tmux(folder: Path, argv: Sequence[str], script: str = "", *, may_start: bool = False) -> str:
    """Run tmux on the private socket; only `may_start` may start the server."""
    begin = ("-f", os.devnull) if may_start else ("-N",)
    environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
    environ |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"}
    try:
        done = subprocess.run(
            [tmux_binary(), "-u", *begin, "-S", str(folder / SOCKET), *argv],
            input=script,
            env=environ,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TmuxTimeout(f"the benchmark's tmux did not answer in {_TIMEOUT_S:g} s") from None
    if done.returncode:
        words = clean(done.stderr, limit=300).strip()
        raise TmuxError(f"tmux refused to make the fleet of the benchmark: {words}")
    return done.stdout
