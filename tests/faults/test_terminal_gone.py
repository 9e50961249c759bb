"""A terminal that goes away: the dashboard ends by itself, quickly, and never spins."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
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

    def __init__(self) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environ = {**os.environ, "TERM": "xterm-256color"}
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


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    shown = Terminal()
    while b"keys" not in shown.seen and shown.read(3.0):
        pass
    yield shown
    shown.kill()


def test_an_idle_dashboard_writes_nothing_and_rests(terminal: Terminal) -> None:
    terminal.read(1.0)
    before = terminal.cpu_s()
    assert terminal.read(3.0) == 0
    assert terminal.cpu_s() - before <= 0.09


def test_it_ends_when_its_terminal_closes(terminal: Terminal) -> None:
    os.close(terminal.fd)
    assert terminal.ended(6.0) is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_it_puts_the_terminal_back_when_it_is_told_to_end(
    terminal: Terminal, number: signal.Signals
) -> None:
    os.kill(terminal.pid, number)
    terminal.read(1.0)
    assert terminal.ended(5.0) == 0
    assert b"\x1b[?1049l" in terminal.seen
    assert b"\x1b[?25h" in terminal.seen


STUCK = """
import asyncio, sys, threading
from orc_tui import main

async def run():
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    return 3

sys.exit(asyncio.run(main._ending(run())))
"""


def test_a_thread_that_waits_for_ever_keeps_no_dashboard_from_ending() -> None:
    """So waits whoever asked a tmux or a disk that does not answer."""
    assert subprocess.run([sys.executable, "-c", STUCK], timeout=20.0, check=False).returncode == 3
