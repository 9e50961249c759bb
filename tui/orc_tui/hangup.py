"""Notices at once that the terminal is gone, without asking again and again.

Invariant: a dashboard whose terminal died ends; it never spins on a dead one.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

FORCE_S: Final = 3.0
"""After this long a shutdown that hangs on the dead terminal is cut short."""

ENDING: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)
"""The signals that end the dashboard, which gives the terminal back first."""

EXIT_HANGUP: Final = 128 + signal.SIGHUP


class Hangup:
    """Calls back once, on the loop, when standard input hung up or the process should end."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._poll: select.epoll | None = None
        self._ended = False

    def start(self) -> None:
        """Watch; needs a running loop and does nothing where input is no terminal."""
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self._gone)
        if sys.__stdin__ is None or not hasattr(select, "epoll"):
            return
        terminal = sys.__stdin__.fileno()
        if not os.isatty(terminal):
            return
        # With no event asked for, epoll still reports a hang-up, and only that: no key wakes it.
        self._poll = select.epoll()
        self._poll.register(terminal, 0)
        loop.add_reader(self._poll.fileno(), self._gone)

    def stop(self) -> None:
        """Watch no longer."""
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.remove_signal_handler(number)
        if self._poll is not None:
            loop.remove_reader(self._poll.fileno())
            self._poll.close()
            self._poll = None

    def _gone(self) -> None:
        if self._ended:
            return
        self._ended = True
        if self._poll is not None:
            asyncio.get_running_loop().remove_reader(self._poll.fileno())
        # Textual's writer waits for a terminal that takes nothing any more.
        force = threading.Timer(FORCE_S, os._exit, (EXIT_HANGUP,))
        force.daemon = True
        force.start()
        self._end()
