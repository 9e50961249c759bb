"""What being watched costs a tmux server and the person who types in it.

Memory is that of the server after many looks through the watcher itself, on a clock that does
not wait. Typing lag is that of a client on a terminal, with the dashboard open and without, in
turns; the floor is the worst run without it, and what sets those apart is the noise.
"""

from __future__ import annotations

import asyncio
import os
import pty
import random
import select
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from tests.bench.report import Figure, p50, percentile
from tests.bench.terminal import dashboard

from orc_core.benchmark.fleet import Fleet, fleet
from orc_core.model.health import LinkState
from orc_core.tmux.server import Address
from orc_core.tmux.watcher import Tick, Watcher

CAPTURING = 20_000
QUIET = 2_000
WARM = 1_000
"""Looks that come first: the server keeps the buffers of a connection once they have grown."""

FEW, MANY = 8, 100
KEYS = 300
ROUNDS = 3
TICK_MS = 0.2
"""Runs that differ by less are the same."""

SETTLE_S = 4.0
SEED = 20261120


class Racing:
    """A clock on which waiting takes no time: what waits is due at once."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        return time.time() + self._ahead_s

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead_s

    async def sleep(self, delay_s: float) -> None:
        self._ahead_s += delay_s
        await asyncio.sleep(0)


async def measure(folder: Path) -> list[Figure]:
    """Growth of the server over capturing and over quiet looks, then the typist's lag."""
    memory = folder / "memory"
    memory.mkdir()
    with fleet(memory, FEW) as watched:
        captured = await _growth(watched, CAPTURING, capturing=True)
        quiet = await _growth(watched, QUIET, capturing=False)
    typing = folder / "typing"
    typing.mkdir()
    return [*captured, *quiet, *await asyncio.to_thread(_typing, typing)]


async def _growth(watched: Fleet, looks: int, *, capturing: bool) -> list[Figure]:
    """Look again and again, with something to capture each time or nothing ever."""
    done = captures = 0
    before_kb = 0
    started = time.perf_counter()
    watcher = Watcher(Address(watched.socket_path), Racing())
    async with aclosing(watcher.ticks()) as ticks:
        async for tick in ticks:
            assert tick.state is LinkState.LIVE and tick.complete, tick.trouble
            done += 1
            if done == WARM:
                before_kb, captures = _resident_kb(watched.server_pid), 0
            captures += _captured(tick)
            if done > WARM and (captures if capturing else done - WARM) >= looks:
                break
            if capturing:
                for pane in watched.panes:
                    pane.paint(f"\x1b[5;1Hlook {done}\x1b[K")
        growth_kb = _resident_kb(watched.server_pid) - before_kb
    what = f"{looks:,} captures" if capturing else f"{looks:,} quiet looks"
    took_s = time.perf_counter() - started
    note = f"{done - WARM:,} looks over one connection, {captures:,} captures, {took_s:.0f} s"
    return [Figure(f"server memory, growth over {what}", "KB", growth_kb, 1024.0, None, note)]


def _captured(tick: Tick) -> int:
    return sum(sighting.lines is not None for sighting in tick.sightings)


def _resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def _typing(folder: Path) -> list[Figure]:
    """Runs with the dashboard between runs without; what sets the latter apart is noise."""
    chance = random.Random(SEED)
    alone, ours = [], []
    with fleet(folder, MANY) as watched:
        alone.append(_lags(watched, chance))
        for _ in range(ROUNDS):
            with dashboard(folder, watched.socket_path) as terminal:
                terminal.wait_for("Agents", 0.0)
                time.sleep(SETTLE_S)
                ours.append(_lags(watched, chance))
            alone.append(_lags(watched, chance))
    return [_lag(name, share, alone, ours) for name, share in (("p50", 0.5), ("p99", 0.99))]


def _lag(name: str, share: float, alone: list[list[float]], ours: list[list[float]]) -> Figure:
    """The middle run with us, against the worst without and as much again as they differ."""
    floors = [percentile(samples, share) * 1e3 for samples in alone]
    lags = [percentile(samples, share) * 1e3 for samples in ours]
    noise = max(floors) - min(floors)
    note = f"without us {min(floors):.2f} to {max(floors):.2f} ms in {len(floors)} runs"
    return Figure(
        f"typing lag, {MANY} panes watched, {name}",
        "ms",
        p50(lags),
        max(floors) + max(noise, TICK_MS),
        max(floors),
        note,
    )


def _lags(watched: Fleet, chance: random.Random) -> list[float]:
    """From a key in an attached terminal until tmux has drawn it; a fifth of the panes repaint."""
    samples = []
    painted = time.perf_counter()
    with _attached(watched) as terminal:
        for number in range(KEYS):
            if time.perf_counter() - painted > 1.0:
                painted = time.perf_counter()
                for pane in chance.sample(watched.panes[1:], MANY // 5):
                    pane.paint(f"\x1b[7;1Hstep {number}\x1b[K")
            time.sleep(0.005 + 0.015 * chance.random())
            key = b"QXZ"[number % 3 : number % 3 + 1]
            started = time.perf_counter()
            os.write(terminal, key)
            _read_until(terminal, key, 5.0)
            samples.append(time.perf_counter() - started)
            if number % 60 == 59:
                os.write(terminal, b"\x15")  # clear the line
                _drain(terminal, 0.1)
    return samples


@contextmanager
def _attached(watched: Fleet) -> Iterator[int]:
    """A user's client on a terminal, looking at the first pane."""
    pid, terminal = pty.fork()
    if pid == 0:
        environ = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        argv = ["tmux", "-u", "-S", watched.socket_path, "attach", "-E", "-t", "=shop0:0"]
        os.execvpe("tmux", argv, environ)
    try:
        _drain(terminal, 1.0)
        yield terminal
    finally:
        os.write(terminal, b"\x02d")
        _drain(terminal, 1.0)
        os.close(terminal)
        os.waitpid(pid, 0)


def _read_until(terminal: int, wanted: bytes, timeout_s: float) -> None:
    deadline = time.perf_counter() + timeout_s
    seen = b""
    while wanted not in seen:
        if not select.select([terminal], [], [], deadline - time.perf_counter())[0]:
            raise TimeoutError(f"{wanted!r} was not drawn in {timeout_s:g} s")
        seen += os.read(terminal, 65536)


def _drain(terminal: int, quiet_s: float) -> None:
    """Read until nothing comes for a while."""
    try:
        while select.select([terminal], [], [], quiet_s)[0] and os.read(terminal, 65536):
            pass
    except OSError:  # the client left
        return
