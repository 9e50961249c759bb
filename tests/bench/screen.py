"""What a dashboard costs that is open all day, and how soon it answers a key."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.report import Figure, p50, p95
from tests.bench.terminal import Terminal, dashboard, environ_of, on_terminal

from orc_core.benchmark.fleet import Fleet, fleet
from orc_core.benchmark.screens import working_screen

PANES = 50
SETTLE_S = 8.0
QUIET_S = 61.0
"""A step of the ages is among it."""
BUSY_S = 30.0
ROWS_S = 15.0
ONE_ROW_S = 5.0
KEYS = 60
SWITCHES = 12
DETACHES = 8
PAUSE_S = 0.15
VIEWS = (("5", "Timeline"), ("q", "1 Agents"), ("?", "Keys"), ("q", "1 Agents"))
"""A key and what stands on the view that it opens."""
ZOOMS = (("+", "1 Agents"), ("_", "2 Tasks"))


async def measure(folder: Path) -> list[Figure]:
    """Quiet, keys, away and back, busy; then 500 rows that come from a script."""
    return await asyncio.to_thread(_measure, folder)


def _measure(folder: Path) -> list[Figure]:
    with fleet(folder, PANES) as watched:
        with dashboard(folder, watched.socket_path) as terminal:
            terminal.wait_for("claude-1", 0.0)
            time.sleep(SETTLE_S)
            idle, idle_bytes = _spent(terminal, QUIET_S)
            cursor = [_framed(terminal, "jk"[number % 2]) for number in range(KEYS)]
            switched = _switch(terminal)
            back = [_come_back(terminal, watched, number) for number in range(DETACHES)]
            with _at_work(watched):
                time.sleep(SETTLE_S)
                busy, busy_bytes = _spent(terminal, BUSY_S)
            memory = terminal.memory_mb()
        floor = _left_client(watched, environ_of(folder))
    keyed = _echoed(environ_of(folder))
    return [
        Figure(f"idle processor, {PANES} quiet agents", "%", idle * 100, 1.0),
        Figure(f"idle output, {PANES} quiet agents", "bytes/s", idle_bytes, 20.0),
        Figure(f"busy processor, {PANES} agents at work", "%", busy * 100, 5.0),
        Figure(f"busy output, {PANES} agents at work", "bytes/s", busy_bytes, 10_000.0),
        *_rows(folder),
        _latency("cursor key -> frame, p95", cursor, 10.0, keyed),
        _latency("view switch -> frame, p95", switched, 20.0, keyed),
        _latency("detach -> live, p95", back, 200.0, floor),
        Figure("resident memory after all that", "MB", memory, 100.0),
    ]


def _spent(terminal: Terminal, duration_s: float) -> tuple[float, float]:
    """The share of a processor and the bytes a second."""
    cpu_s, written = terminal.cpu_s(), terminal.total_bytes
    started = time.perf_counter()
    time.sleep(duration_s)
    elapsed = time.perf_counter() - started
    return (terminal.cpu_s() - cpu_s) / elapsed, (terminal.total_bytes - written) / elapsed


@contextmanager
def _at_work(watched: Fleet) -> Iterator[None]:
    """Every agent works: once a second its spinner turns and its transcript scrolls."""
    over = threading.Event()

    def paint() -> None:
        step, started = 0, time.perf_counter()
        while True:
            for number, pane in enumerate(watched.panes):
                due = started + step + number / len(watched.panes)
                if over.wait(max(due - time.perf_counter(), 0.0)):
                    return
                pane.paint(working_screen(number, step))
            step += 1

    painter = threading.Thread(target=paint)
    painter.start()
    try:
        yield
    finally:
        over.set()
        painter.join()


def _framed(terminal: Terminal, key: str) -> float:
    """From a key until the frame that answers it is whole."""
    time.sleep(PAUSE_S)
    started = time.perf_counter()
    terminal.type(key)
    return terminal.frame(started) - started


def _switch(terminal: Terminal) -> list[float]:
    samples = []
    for number in range(SWITCHES * 2):
        for key, text in VIEWS if number % 2 else ZOOMS:
            time.sleep(PAUSE_S)
            started = time.perf_counter()
            terminal.type(key)
            samples.append(terminal.frame(started, text) - started)
    return samples


def _come_back(terminal: Terminal, watched: Fleet, number: int) -> float:
    """Attach, leave again; until the screen stands with what the agent wrote meanwhile."""
    time.sleep(PAUSE_S)
    started = time.perf_counter()
    terminal.type("a")
    terminal.wait_for("comes back to orc", started)
    time.sleep(0.5)
    marker = "abcdefgh"[number] * 12
    for pane in watched.panes:
        pane.paint(f"\x1b[2;1H{marker}\x1b[K")
    time.sleep(1.5)
    started = time.perf_counter()
    terminal.type("\x02d")
    return terminal.frame(started, marker) - started


def _left_client(watched: Fleet, environ: dict[str, str]) -> list[float]:
    """The same without a dashboard: a client that is left ends."""
    samples = []
    for _ in range(DETACHES):
        argv = ["/usr/bin/env", "tmux", "-u", "-S", watched.socket_path, "attach"]
        with on_terminal(argv, environ) as terminal:
            terminal.wait_for("[shop", 0.0)
            time.sleep(PAUSE_S)
            started = time.perf_counter()
            terminal.type("\x02d")
            samples.append(terminal.wait_for("[detached", started) - started)
    return samples


ECHO = """
import os, sys, tty
tty.setraw(0)
os.write(1, b"ready\\x1b[1;1H")
while os.read(0, 1):
    os.write(1, b"x" * 1000 + b"\\x1b[1;1H")
"""


def _echoed(environ: dict[str, str]) -> list[float]:
    """A bare program that answers a key with a kilobyte."""
    with on_terminal([sys.executable, "-c", ECHO], environ) as terminal:
        terminal.wait_for("ready", 0.0)
        return [_framed(terminal, "j") for _ in range(KEYS)]


def _rows(folder: Path) -> list[Figure]:
    """500 rows of which 20 change ten times a second; then one at a time."""
    program = [sys.executable, "-m", "tests.bench.rows"]
    place = str(folder)
    environ = environ_of(folder) | {"PYTHONPATH": str(Path.cwd())}
    with on_terminal([*program, "throw", place, "20", "10"], environ) as terminal:
        terminal.wait_for("claude-1", 0.0)
        time.sleep(1.0)
        floor, _ = _spent(terminal, ROWS_S)
    with on_terminal([*program, "show", place, "20", "10"], environ) as terminal:
        terminal.wait_for("claude-1", 0.0)
        time.sleep(3.0)
        cpu, written = _spent(terminal, ROWS_S)
    with on_terminal([*program, "show", place, "1", "2"], environ) as terminal:
        terminal.wait_for("claude-1", 0.0)
        time.sleep(3.0)
        since = time.perf_counter()
        time.sleep(ONE_ROW_S)
        frames = terminal.frames(since)
    note = f"{written / 1000:.1f} kB/s"
    return [
        Figure("500 rows, 20 change at 10 Hz, processor", "%", cpu * 100, 5.0, floor * 100, note),
        Figure("one row changed, largest frame", "bytes", max(frames), 1000.0),
    ]


def _latency(name: str, samples: list[float], aim_ms: float, floor: list[float]) -> Figure:
    note = f"p50 {p50(samples) * 1e3:.3g} ms of {len(samples)}, floor's p50 {p50(floor) * 1e3:.2g}"
    return Figure(name, "ms", p95(samples) * 1e3, aim_ms, p95(floor) * 1e3, note)
