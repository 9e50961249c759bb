"""A terminal that goes away: the dashboard ends by itself, quickly, and never spins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bare_terminal import Terminal, shown


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with shown() as terminal:
        yield terminal


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
