"""A dashboard over the scene in a pseudo-terminal of its own, without a core behind it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).parent
CHILD = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import scene
from stage import Stage
from orc_tui.hangup import Hangup

class Dashboard(Stage):
    async def on_mount(self):
        Hangup(lambda: self.exit(0)).start()
        await super().on_mount()
        self.show(scene.snapshot())

Dashboard().run()
"""


class Terminal:
    """A dashboard in a pseudo terminal of its own."""

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environ = {**os.environ, "TERM": "xterm-256color", **(more or {})}
            os.execve(sys.executable, [sys.executable, "-c", CHILD], environ)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.seen = b""

    def read(self, wait_s: float) -> int:
        """Read what comes until nothing came for a while; returns how much that was."""
        count = 0
        while select.select([self.fd], [], [], wait_s)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data
            count += len(data)
        return count

    def cpu_s(self) -> float:
        """Processor time the dashboard has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ended(self, deadline_s: float) -> int | None:
        """The exit code, or None where it still runs after the deadline."""
        deadline = time.monotonic() + deadline_s
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            select.select([], [], [], 0.02)
        return None

    def kill(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.fd)


@contextlib.contextmanager
def shown(more: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """A dashboard that has drawn its first screen; `more` is added to its environment."""
    terminal = Terminal(more)
    try:
        while b"keys" not in terminal.seen and terminal.read(3.0):
            pass
        yield terminal
    finally:
        terminal.kill()
