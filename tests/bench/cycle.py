"""A monitoring cycle over 50 panes: list, capture what changed, classify.

The floor is the same transport in the same run: the same list over one control connection and
the same captures by one process, with the bytes read and thrown away.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.fleet import Fleet, Pane, fleet, idle_screen, prompt_screen
from tests.bench.report import Figure, p50, p95

from orc_core.agents.observer import Observer
from orc_core.agents.rules import load
from orc_core.clock import SystemClock
from orc_core.tmux.control import ControlClient
from orc_core.tmux.panes import capture_commands, list_command
from orc_core.tmux.server import Address, spawn
from orc_core.tmux.watcher import Watcher

PANES = 50
CHANGED = 10
CYCLES = 20
SETTLE_S = 3.0
"""tmux tells activity by the second: a change may be looked at again within it."""
MARK = "bench"


async def measure(folder: Path) -> list[Figure]:
    """Cycles with a fifth of the panes changed, and with none."""
    with fleet(folder, PANES) as watched:
        floor_busy, floor_quiet = await _floor(watched)
        busy, quiet, forks_busy, forks_quiet = await _ours(watched, folder)
    name = f"cycle over {PANES} panes"
    return [
        Figure(
            f"{name}, {CHANGED} changed, p50",
            "ms",
            p50(busy) * 1e3,
            3 * p50(floor_busy) * 1e3,
            p50(floor_busy) * 1e3,
            f"p95 {p95(busy) * 1e3:.3g} ms",
        ),
        Figure(
            f"{name}, none changed, p50",
            "ms",
            p50(quiet) * 1e3,
            3 * p50(floor_quiet) * 1e3,
            p50(floor_quiet) * 1e3,
            f"p95 {p95(quiet) * 1e3:.3g} ms",
        ),
        Figure("processes forked per cycle, changed, most", "", max(forks_busy), 1),
        Figure("processes forked per cycle, quiet, most", "", max(forks_quiet), 0),
    ]


async def _floor(watched: Fleet) -> tuple[list[float], list[float]]:
    """List and capture, and look at nothing."""
    address = Address(watched.socket_path)
    client = await ControlClient.open(address)
    busy, quiet = [], []
    mark = secrets.token_hex(8)
    try:
        for number in range(CYCLES):
            panes = _some(watched.panes, number)
            started = time.perf_counter()
            await client.request(list_command(mark, int(time.time())))
            quiet.append(time.perf_counter() - started)
            commands = [line for pane in panes for line in _capture(mark, pane)]
            await spawn(address, ["source-file", "-"], "\n".join(commands).encode(), 5.0)
            busy.append(time.perf_counter() - started)
    finally:
        await client.close()
    return busy, quiet


async def _ours(
    watched: Fleet, folder: Path
) -> tuple[list[float], list[float], list[int], list[int]]:
    """Real ticks: after each that saw changes come quiet ones."""
    clock = SystemClock()
    watcher = Watcher(Address(watched.socket_path), clock)
    observer = Observer(load(), clock, folder)
    busy: list[float] = []
    quiet: list[float] = []
    forks_busy: list[int] = []
    forks_quiet: list[int] = []
    painted_at = clock.monotonic()
    async for tick in watcher.ticks():
        started = time.perf_counter()
        observer.apply(tick)
        wall_s = tick.wall_s + time.perf_counter() - started
        captured = sum(sighting.lines is not None for sighting in tick.sightings)
        if captured == CHANGED:
            busy.append(wall_s)
            forks_busy.append(tick.forks)
        elif captured == 0 and clock.monotonic() - painted_at > SETTLE_S:
            quiet.append(wall_s)
            forks_quiet.append(tick.forks)
            painted_at = clock.monotonic()
            await asyncio.to_thread(_repaint, _some(watched.panes, len(busy)), len(quiet))
        if len(busy) >= CYCLES and len(quiet) >= CYCLES:
            break
    await watcher.close()
    return busy, quiet, forks_busy, forks_quiet


def _some(panes: Sequence[Pane], number: int) -> list[Pane]:
    start = number * CHANGED % len(panes)
    return list(panes[start : start + CHANGED])


def _repaint(panes: Sequence[Pane], number: int) -> None:
    for pane in panes:
        screen = idle_screen(1000 + number) if number % 2 else prompt_screen(f"step {number}")
        pane.paint(screen)


def _capture(mark: str, pane: Pane) -> tuple[str, str]:
    return capture_commands(mark, pane.pane_id, colour=False)
