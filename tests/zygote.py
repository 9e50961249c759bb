"""Processes that are forked from one that has imported everything, so that many can be killed.

Invariant: a forked process runs one program of `mortals` and tells of each step on a pipe or
socket of its own; whatever it leaves behind, its parent reaps it, and ends with the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

DEADLINE_S: Final = 60.0
_MESSAGE_MAX: Final = 65536
_ERROR: Final = "!"

Program = Callable[..., None]


class Forked:
    """One process: the lines it says are the steps that it acknowledged."""

    def __init__(self, zygote: Zygote, pid: int, talk: socket.socket) -> None:
        self.pid = pid
        self.lines: list[str] = []
        self.is_over = False
        self._zygote = zygote
        self._talk = talk
        self._rest = b""

    def tell(self, line: str) -> None:
        """Send a line to its standard input."""
        self._talk.sendall(line.encode() + b"\n")

    def next(self) -> str:
        """Return the next line that it says; fails when it ended, or says nothing for long."""
        known = len(self.lines)
        self.wait_for(known + 1)
        assert len(self.lines) > known, "it ended without a word"
        return self.lines[known]

    def wait_for(self, count: int) -> None:
        """Wait until it said that many lines, or ended."""
        limit = time.monotonic() + DEADLINE_S
        while len(self.lines) < count and not self.is_over:
            assert time.monotonic() < limit, f"{len(self.lines)} of {count} lines"
            self._read(limit - time.monotonic())

    def live_for(self, seconds: float) -> None:
        """Let it go on for a while, or until it ends."""
        limit = time.monotonic() + seconds
        while not self.is_over and (rest := limit - time.monotonic()) > 0:
            self._read(rest)

    def kill(self) -> list[str]:
        """Kill it as `kill -9` does, and return all that it said."""
        self._zygote.ask("kill", self.pid)
        return self._end()

    def join(self) -> list[str]:
        """Wait until it has ended by itself, and return all that it said."""
        self.wait_for(sys.maxsize)
        assert self._zygote.ask("wait", self.pid) == 0
        return self._end()

    def _end(self) -> list[str]:
        # What it said before it died and was not read yet counts as well.
        self.wait_for(sys.maxsize)
        self._talk.close()
        return self.lines

    def _read(self, timeout_s: float) -> None:
        if not select.select([self._talk], [], [], timeout_s)[0]:
            return
        try:
            data = self._talk.recv(_MESSAGE_MAX)
        except ConnectionResetError:
            data = b""
        self.is_over = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            said = line.decode()
            assert not said.startswith(_ERROR), json.loads(said.removeprefix(_ERROR))
            self.lines.append(said)


class Zygote:
    """The process that the others are forked from."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(DEADLINE_S)
        with theirs:
            here = Path(__file__).parent
            self._process = subprocess.Popen(
                [sys.executable, str(here / "mortals.py"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._process.wait(DEADLINE_S)

    def fork(self, program: str, *args: Any) -> Forked:
        """Start a program of `mortals`; paths are passed on as text."""
        ours, theirs = socket.socketpair()
        with theirs:
            said = json.dumps(["fork", program, *args], default=str).encode()
            socket.send_fds(self._socket, [said], [theirs.fileno()])
        return Forked(self, self._answer(), ours)

    def ask(self, what: str, pid: int) -> int:
        """Have a forked process killed, or waited for; return its exit status."""
        self._socket.send(json.dumps([what, pid]).encode())
        return self._answer()

    def _answer(self) -> int:
        data = self._socket.recv(_MESSAGE_MAX)
        assert data, "the zygote is gone"
        return int(data)


def say(*words: object) -> None:
    """Tell of a step, in one piece; what was said is out even when we are killed right after."""
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


def serve(fd: int, programs: dict[str, Program]) -> None:
    """Fork, kill and reap as it is asked for, until the tests are gone."""
    children: set[int] = set()
    with socket.socket(fileno=fd) as tests:
        while True:
            data, fds, _, _ = socket.recv_fds(tests, _MESSAGE_MAX, 1)
            if not data:
                break
            what, name, *args = json.loads(data)
            if what == "fork":
                pid = os.fork()
                if pid == 0:
                    tests.close()
                    _live(fds[0], programs[name], args)
                os.close(fds[0])
                children.add(pid)
                answer = pid
            else:
                answer = _end(name, with_force=what == "kill")
                children.discard(name)
            tests.send(str(answer).encode())
    for pid in children:
        _end(pid, with_force=True)


def _end(pid: int, *, with_force: bool) -> int:
    if with_force:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _live(fd: int, program: Program, args: list[Any]) -> None:
    """Run a program in the forked process; does not return."""
    status = 1
    try:
        os.dup2(fd, 0)
        os.dup2(fd, 1)
        os.close(fd)
        program(*args)
        status = 0
    except BaseException:
        say(_ERROR + json.dumps(traceback.format_exc()))
    finally:
        os._exit(status)
