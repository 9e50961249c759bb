"""What a person waits for and what an idle dashboard costs, on a real terminal."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from tests.bench.report import Figure, p50, p95
from tests.bench.terminal import Terminal, dashboard

from orc_core.benchmark.fleet import Fleet, fleet
from orc_core.benchmark.screens import idle_screen, prompt_screen

PANES = 50
SAMPLES = 30
QUIET_S = 30.0
SETTLE_S = 8.0
SEED = 20261120


async def measure(folder: Path) -> list[Figure]:
    """Change-to-screen for the selected and for other panes, then half a minute of quiet."""
    return await asyncio.to_thread(_measure, folder)


def _measure(folder: Path) -> list[Figure]:
    chance = random.Random(SEED)
    with fleet(folder, PANES) as watched:
        started = time.perf_counter()
        with dashboard(folder, watched.socket_path) as terminal:
            first = terminal.wait_for("Agents", started) - started
            terminal.wait_for("claude-1", started)
            time.sleep(SETTLE_S)
            cpu, written = _quiet(terminal)
            memory = terminal.memory_mb()
            selected = _selected(terminal, watched, chance)
            others = _others(terminal, watched, chance)
    return [
        Figure("first paint of the dashboard", "s", first, 0.6),
        _latency("selected pane -> screen, p95", selected, 100.0),
        _latency("any other pane -> screen, p95", others, 300.0),
        Figure(f"idle processor, {PANES} quiet panes", "%", cpu * 100, 3.0),
        Figure(f"idle output, {PANES} quiet panes", "bytes/s", written, None),
        Figure(f"resident memory, {PANES} panes", "MB", memory, 100.0),
    ]


def _quiet(terminal: Terminal) -> tuple[float, float]:
    cpu_s, written = terminal.cpu_s(), terminal.total_bytes
    started = time.perf_counter()
    time.sleep(QUIET_S)
    elapsed = time.perf_counter() - started
    return (terminal.cpu_s() - cpu_s) / elapsed, (terminal.total_bytes - written) / elapsed


def _selected(terminal: Terminal, watched: Fleet, chance: random.Random) -> list[float]:
    """The agent that has waited longest stands on top, and stays selected from here on."""
    pane = watched.panes[0]
    pane.paint(prompt_screen("first"))
    time.sleep(SETTLE_S)
    terminal.type("g")
    samples = []
    for number in range(SAMPLES):
        time.sleep(0.4 + chance.random())
        marker = _marker(number)
        started = time.perf_counter()
        pane.paint(f"\x1b[2;1H{marker}\x1b[K")
        samples.append(terminal.wait_for(marker, started) - started)
    return samples


def _others(terminal: Terminal, watched: Fleet, chance: random.Random) -> list[float]:
    """An agent begins to ask: its row says so. Every agent asks once, then goes on."""
    samples = []
    panes = chance.sample(watched.panes[1:], SAMPLES)
    for number, pane in enumerate(panes):
        time.sleep(0.4 + chance.random())
        marker = _marker(number)
        started = time.perf_counter()
        pane.paint(prompt_screen(marker))
        samples.append(terminal.wait_for(marker, started) - started)
        pane.paint(idle_screen(number))
    return samples


def _marker(number: int) -> str:
    """A word no cell of which is like the one before: only cells that change are written."""
    return "abcdefghijklmnopqrstuvwxyz"[number % 26] * 8 + "ABC"[number % 3] * 4


def _latency(name: str, samples: list[float], aim_ms: float) -> Figure:
    middle = f"p50 {p50(samples) * 1e3:.0f} ms of {len(samples)}"
    return Figure(name, "ms", p95(samples) * 1e3, aim_ms, None, middle)
