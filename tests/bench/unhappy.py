"""How steady the dashboard stays while a tmux server is stopped, slow or gone, and how soon it
is back once the server is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import PIPE

from tests.bench.report import Figure, p50
from tests.bench.terminal import Terminal, dashboard

from orc_core.benchmark.fleet import Fleet, fleet
from orc_core.hub import Core, CoreOptions, open_core
from orc_core.model.agent import State
from orc_core.model.health import LinkState

PANES = 50
KEYS = 40
STOPPED_S = 5.0
PULSE_S = 1.0
PULSES = 4
ROUNDS = 2
SETTLE_S = 3.0
BEAT_S = 0.005
RECOVERY_S = 30.0


IDLER = """
import select, sys, time
latest = 0.0
while True:
    due = time.perf_counter() + float(sys.argv[1])
    ended = select.select([sys.stdin], [], [], float(sys.argv[1]))[0]
    latest = max(latest, time.perf_counter() - due)
    if ended:
        break
print(latest)
"""


async def measure(folder: Path) -> list[Figure]:
    """Frames and beats while a server is unwell, then the ways back."""
    place = folder / "frames"
    place.mkdir()
    frames = await asyncio.to_thread(_frames, place)
    place = folder / "recovery"
    place.mkdir()
    return [*frames, *await _recovery(place)]


def _frames(folder: Path) -> list[Figure]:
    """Keys pressed on a terminal, before and while the server is stopped or stutters."""
    with fleet(folder, PANES) as watched, dashboard(folder, watched.socket_path) as terminal:
        terminal.wait_for("claude-1", 0.0)
        time.sleep(SETTLE_S)
        well = [_react(terminal, number) for number in range(KEYS)]
        os.kill(watched.server_pid, signal.SIGSTOP)
        try:
            stopped = _press(terminal, STOPPED_S)
        finally:
            os.kill(watched.server_pid, signal.SIGCONT)
        slow = []
        for _ in range(PULSES):
            os.kill(watched.server_pid, signal.SIGSTOP)
            try:
                slow += _press(terminal, PULSE_S)
            finally:
                os.kill(watched.server_pid, signal.SIGCONT)
            slow += _press(terminal, PULSE_S)
    floor = max(well) * 1e3
    return [
        Figure(
            f"latest frame while the server is {what}",
            "ms",
            max(samples) * 1e3,
            100.0,
            floor,
            f"p50 {p50(samples) * 1e3:.1f} ms of {len(samples)} keys",
        )
        for what, samples in (("stopped", stopped), ("slow", slow))
    ]


def _press(terminal: Terminal, duration_s: float) -> list[float]:
    until = time.perf_counter() + duration_s
    samples = []
    while time.perf_counter() < until:
        samples.append(_react(terminal, len(samples)))
    return samples


def _react(terminal: Terminal, number: int) -> float:
    """From a cursor key until something is drawn."""
    time.sleep(0.05)
    started = time.perf_counter()
    terminal.type("jk"[number % 2])
    return terminal.wait_for("", started) - started


async def _recovery(folder: Path) -> list[Figure]:
    """A core on a server that stops and goes on, then on one that is killed and made anew."""
    with fleet(folder, PANES) as watched, _idler() as idler:
        async with _core(folder, watched) as (core, beats):
            answered, live = [], []
            for _ in range(ROUNDS):
                os.kill(watched.server_pid, signal.SIGSTOP)
                try:
                    await asyncio.sleep(STOPPED_S)
                    assert core.snapshot.link.state is LinkState.STALE
                finally:
                    os.kill(watched.server_pid, signal.SIGCONT)
                back = time.perf_counter()
                answered.append(await _until(core, back, _answers))
                live.append(await _until(core, back, _is_live))
            agents = len(core.snapshot.agents)
            os.kill(watched.server_pid, signal.SIGKILL)
            await _until(
                core, time.perf_counter(), lambda c: c.snapshot.link.state is LinkState.GONE
            )
            known = len(core.snapshot.agents)
            crashed = [one for one in core.snapshot.agents if one.state is State.CRASHED]
            await asyncio.sleep(SETTLE_S)
            await asyncio.to_thread(_restart, folder, watched)
            back = time.perf_counter()
            anew = await _until(core, back, _is_live)
            latest, floor = max(beats), float(idler.communicate()[0])
        assert (agents, known, crashed) == (PANES, PANES, [])
    return [
        Figure("latest beat of the loop through all of it", "ms", latest * 1e3, 100.0, floor * 1e3),
        Figure("stopped server goes on -> it answers", "s", max(answered), 2.0),
        Figure("stopped server goes on -> live again", "s", max(live), 2.0),
        Figure("killed server made anew -> live again", "s", anew, 2.0),
    ]


@contextmanager
def _idler() -> Iterator[subprocess.Popen[str]]:
    """A process that does nothing but look how late it is woken: the floor of this machine."""
    argv = [sys.executable, "-c", IDLER, str(BEAT_S)]
    with subprocess.Popen(argv, stdin=PIPE, stdout=PIPE, text=True) as process:
        yield process


def _restart(folder: Path, watched: Fleet) -> None:
    """Another server at the same socket, whose first pane has the number of one that was."""
    argv = ["tmux", "-u", "-f", "/dev/null", "-S", watched.socket_path, "new-session", "-d", "cat"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    subprocess.run(argv, env=environ, check=True, timeout=10.0)


def _answers(core: Core) -> bool:
    return core.snapshot.link.state in (LinkState.SYNC, LinkState.LIVE)


def _is_live(core: Core) -> bool:
    return core.snapshot.link.state is LinkState.LIVE


async def _until(core: Core, since: float, true: Callable[[Core], bool]) -> float:
    async with asyncio.timeout(RECOVERY_S):
        async for _ in core.subscribe():
            if true(core):
                break
    return time.perf_counter() - since


@asynccontextmanager
async def _core(folder: Path, watched: Fleet) -> AsyncIterator[tuple[Core, list[float]]]:
    """A core that watches, and how late each beat of its loop came."""
    options = CoreOptions(
        workspace=folder / "workspace",
        socket_paths=(watched.socket_path,),
        home=folder,
        cwd=folder,
        environ={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    beats: list[float] = []

    async def beat() -> None:
        while True:
            due = time.perf_counter() + BEAT_S
            await asyncio.sleep(BEAT_S)
            beats.append(time.perf_counter() - due)

    async with open_core(options) as core:
        await _until(core, time.perf_counter(), _is_live)
        await asyncio.sleep(SETTLE_S)
        heart = asyncio.create_task(beat())
        try:
            yield core, beats
        finally:
            heart.cancel()
