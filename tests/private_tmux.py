"""Real tmux servers for one test.

Invariant: a test touches only tmux servers that it started itself, on a socket in a folder of
its own, and ends them by their own pid.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

from orc_core.tmux.server import Address


class PrivateTmux:
    """A real tmux server on a socket of its own; made by the `tmux` fixture."""

    def __init__(self, folder: Path, socket_path: Path | None = None) -> None:
        self.folder = folder
        self.socket_path = str(socket_path or folder / "s")
        self.address = Address(self.socket_path)
        self.pids: list[int] = []
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "SHELL": "/bin/sh",
        }

    def run(self, *argv: str, check: bool = True) -> str:
        """Run one tmux command and return what it printed, without the last newline."""
        done = subprocess.run(
            ["tmux", "-N", "-u", "-f", "/dev/null", "-S", self.socket_path, *argv],
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            timeout=10.0,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"tmux {argv}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def start(self, command: str = "exec cat", *, name: str = "main", size: str = "100x30") -> str:
        """Start the server with one session and return the id of its pane."""
        width, height = size.split("x")
        argv = ["tmux", "-u", "-f", "/dev/null", "-S", self.socket_path]
        argv += ["new-session", "-d", "-s", name, "-x", width, "-y", height]
        argv += ["-P", "-F", "#{pane_id} #{pid}", command]
        done = subprocess.run(
            argv,
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=10.0,
            check=True,
        )
        pane_id, pid = done.stdout.split()
        self.pids.append(int(pid))
        return pane_id

    def window(self, command: str = "exec cat", *, session: str = "main", name: str = "w") -> str:
        """Open one more window in the background and return the id of its pane."""
        argv = ("new-window", "-d", "-t", f"={session}:", "-n", name, "-P", "-F", "#{pane_id}")
        return self.run(*argv, command)

    @property
    def pid(self) -> int:
        return self.pids[-1]

    def tty(self, pane_id: str) -> str:
        return self.run("display-message", "-p", "-t", pane_id, "#{pane_tty}")

    def write(self, pane_id: str, text: str | bytes) -> None:
        """Write to the terminal of a pane, as its program would."""
        data = text.encode() if isinstance(text, str) else text
        with Path(self.tty(pane_id)).open("wb", buffering=0) as tty:
            tty.write(data)

    def screen(self, pane_id: str) -> str:
        return self.run("capture-pane", "-p", "-t", pane_id).rstrip()

    def sessions(self) -> list[str]:
        listed = self.run("list-sessions", "-F", "#{session_name}", check=False)
        return listed.splitlines()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server itself."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End every server that was started here, whatever state it is in."""
        for pid in self.pids:
            _end(pid)


class Sockets:
    """A folder as `$TMUX_TMPDIR` names it, and the servers that were started in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / f"tmux-{os.getuid()}"
        self.folder.mkdir(mode=0o700)
        self.made: list[PrivateTmux] = []
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(root), "TMUX_TMPDIR": str(root)}

    def server(self, name: str, command: str = "exec cat", **given: str) -> PrivateTmux:
        """A server on the socket of this name, started with one session."""
        made = self.unstarted(name)
        made.start(command, **given)
        return made

    def unstarted(self, name: str) -> PrivateTmux:
        home = self.root / name
        home.mkdir()
        self.made.append(PrivateTmux(home, self.folder / name))
        return self.made[-1]


def _end(pid: int) -> None:
    """End a tmux server and wait until it is gone; its number may be someone else's by now."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if b"(tmux" in Path(f"/proc/{pid}/stat").read_bytes():
            signal.pidfd_send_signal(process, signal.SIGKILL)
            over = select.poll()
            over.register(process, select.POLLIN)
            assert over.poll(5000), f"tmux server {pid} does not end"
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended by itself
    finally:
        os.close(process)


def see_demos_go(folder: Path, within_s: float = 20.0) -> None:
    """Wait until the demos in `folder` are cleared away, whose dashboard was ended with its tmux.

    Whoever removes the folder before takes from their reaper what it goes by.
    """
    never, deadline = threading.Event(), time.monotonic() + within_s
    while list(folder.glob("orc-demo-*")) and time.monotonic() < deadline:
        never.wait(0.05)
