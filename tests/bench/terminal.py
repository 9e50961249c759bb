"""The dashboard on a real pseudo-terminal: what it writes, when, and what it costs."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

WIDTH, HEIGHT = 160, 48
KEPT_CHUNKS = 20_000
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FRAME_END = re.compile(rb"\x1b\[\d+;\d+H\Z")
"""Every frame ends with the cursor put in its place."""


class Terminal:
    """Reads everything a program writes, with the time each piece came."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.total_bytes = 0
        self._descriptor = descriptor
        self._chunks: deque[tuple[float, bytes]] = deque(maxlen=KEPT_CHUNKS)
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size; its program is told."""
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)

    def wait_for(self, text: str, since: float, timeout_s: float = 10.0) -> float:
        """When `text` was first whole in what came after `since`; raises TimeoutError."""
        wanted = text.encode()
        deadline = time.perf_counter() + timeout_s
        with self._arrived:
            while True:
                seen = b""
                for at, chunk in self._chunks:
                    if at >= since:
                        seen = seen[-4096:] + chunk
                        if wanted in seen:
                            return at
                if not self._arrived.wait(deadline - time.perf_counter()):
                    raise TimeoutError(f"{text!r} was not drawn in {timeout_s:g} s")

    def frame(self, since: float, text: str = "", timeout_s: float = 10.0) -> float:
        """When the first frame after `since` was whole, or the one that completes `text`."""
        first = self.wait_for(text, since, timeout_s) if text else since
        deadline = time.perf_counter() + timeout_s
        with self._arrived:
            while True:
                for at, chunk in self._chunks:
                    if at >= first and FRAME_END.search(chunk):
                        return at
                if not self._arrived.wait(deadline - time.perf_counter()):
                    raise TimeoutError(f"no frame was whole in {timeout_s:g} s")

    def frames(self, since: float) -> list[int]:
        """How many bytes each whole frame after `since` had."""
        sizes, size = [], 0
        with self._arrived:
            for at, chunk in self._chunks:
                if at >= since:
                    size += len(chunk)
                    if FRAME_END.search(chunk):
                        sizes.append(size)
                        size = 0
        return sizes

    def cpu_s(self) -> float:
        """Processor seconds used so far by the program and the children it has reaped."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / TICKS_PER_S

    def memory_mb(self) -> float:
        """Resident memory of the program."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise ProcessLookupError(self.pid)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._descriptor, 65536)
            except OSError:
                return
            if not chunk:
                return
            with self._arrived:
                self._chunks.append((time.perf_counter(), chunk))
                self.total_bytes += len(chunk)
                self._arrived.notify_all()


def environ_of(folder: Path) -> dict[str, str]:
    """The world of everything that is started for a measurement: its HOME is `folder`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
    }


@contextmanager
def dashboard(folder: Path, socket_path: str) -> Iterator[Terminal]:
    """Run `orc-tui` on a terminal of its own until the block ends."""
    program = Path(sys.executable).with_name("orc-tui")
    place = str(folder / "workspace")
    argv = [str(program), "--socket-path", socket_path, "--workspace", place]
    with on_terminal(argv, environ_of(folder)) as terminal:
        yield terminal


@contextmanager
def on_terminal(argv: Sequence[str], environ: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program on a terminal of its own until the block ends."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execve(argv[0], argv, environ)
    terminal = Terminal(pid, descriptor)
    terminal.resize(WIDTH, HEIGHT)
    try:
        yield terminal
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        os.close(descriptor)
