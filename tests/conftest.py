"""Shared fixtures: a private tmux server, a clock that is turned by hand, waiting for a condition.

Invariant: a test touches only tmux servers that it started itself, on a socket in a folder of
its own, and ends them by their own pid.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from orc_core.model.agent import PaneRef
from orc_core.model.snapshot import Screen
from orc_core.tmux.server import Address
from orc_core.tmux.watcher import Strategy, Tick, Watcher

_STEP_S = 0.01


@pytest.fixture(autouse=True)
def same_everywhere() -> Iterator[None]:
    """Times of day in UTC, and none of the settings of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_COLOR", "ORC_THEME", "ORC_ASCII", "COLORTERM"):
            patch.delenv(name, raising=False)
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


class TurnedClock:
    """A clock that stands still until it is turned; sleepers wake when their time has come."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    @property
    def sleepers(self) -> int:
        """How many wait for the clock to be turned."""
        return sum(not future.done() for _, future in self._sleepers)

    async def sleep(self, delay_s: float) -> None:
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._monotonic + delay_s, future)
        self._sleepers.append(entry)
        try:
            await future
        finally:
            self._sleepers.remove(entry)

    def turn(self, seconds: float) -> None:
        """Let time pass, for wall and monotonic time alike."""
        self._now += seconds
        self._monotonic += seconds
        for due, future in self._sleepers:
            if due <= self._monotonic and not future.done():
                future.set_result(None)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a person or NTP does."""
        self._now += seconds


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


async def wait_for(condition: Callable[[], object], deadline_s: float = 5.0) -> None:
    """Let the loop run until the condition holds; fail when the deadline passes first."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    while not condition():
        if loop.time() > deadline:
            pytest.fail(f"not true within {deadline_s:g} s: {condition}", pytrace=True)
        step = loop.create_future()
        loop.call_later(_STEP_S, step.set_result, None)
        await step


class PrivateTmux:
    """A real tmux server on a socket of its own; made by the `tmux` fixture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket_path = str(folder / "s")
        self.address = Address(self.socket_path)
        self.pids: list[int] = []
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "SHELL": "/bin/sh",
        }

    def run(self, *argv: str, check: bool = True) -> str:
        """Run one tmux command and return what it printed, without the last newline."""
        done = subprocess.run(
            ["tmux", "-N", "-u", "-f", "/dev/null", "-S", self.socket_path, *argv],
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            timeout=10.0,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"tmux {argv}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def start(self, command: str = "exec cat", *, name: str = "main", size: str = "100x30") -> str:
        """Start the server with one session and return the id of its pane."""
        width, height = size.split("x")
        argv = ["tmux", "-u", "-f", "/dev/null", "-S", self.socket_path]
        argv += ["new-session", "-d", "-s", name, "-x", width, "-y", height]
        argv += ["-P", "-F", "#{pane_id} #{pid}", command]
        done = subprocess.run(
            argv,
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=10.0,
            check=True,
        )
        pane_id, pid = done.stdout.split()
        self.pids.append(int(pid))
        return pane_id

    def window(self, command: str = "exec cat", *, session: str = "main", name: str = "w") -> str:
        """Open one more window in the background and return the id of its pane."""
        argv = ("new-window", "-d", "-t", f"={session}:", "-n", name, "-P", "-F", "#{pane_id}")
        return self.run(*argv, command)

    @property
    def pid(self) -> int:
        return self.pids[-1]

    def tty(self, pane_id: str) -> str:
        return self.run("display-message", "-p", "-t", pane_id, "#{pane_tty}")

    def write(self, pane_id: str, text: str | bytes) -> None:
        """Write to the terminal of a pane, as its program would."""
        data = text.encode() if isinstance(text, str) else text
        with Path(self.tty(pane_id)).open("wb", buffering=0) as tty:
            tty.write(data)

    def screen(self, pane_id: str) -> str:
        return self.run("capture-pane", "-p", "-t", pane_id).rstrip()

    def sessions(self) -> list[str]:
        listed = self.run("list-sessions", "-F", "#{session_name}", check=False)
        return listed.splitlines()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server itself."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End every server that was started here, whatever state it is in."""
        for pid in self.pids:
            if _is_tmux(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                    os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 5.0
        while any(map(_is_tmux, self.pids)) and time.monotonic() < deadline:
            os.sched_yield()


def _is_tmux(pid: int) -> bool:
    """Whether a pid is (still) a tmux server that runs; its number may be someone else's by now."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        argv = ["ps", "-o", "stat=,comm=", "-p", str(pid)]
        shown = subprocess.run(argv, capture_output=True, text=True, timeout=5.0, check=False)
        return "tmux" in shown.stdout and not shown.stdout.startswith("Z")
    return False


@pytest.fixture
def tmux() -> Iterator[PrivateTmux]:
    """A private tmux server, not started yet: call `tmux.start()`."""
    # A socket's path may be 103 bytes long, which tmp_path can exceed.
    folder = Path(tempfile.mkdtemp(prefix="orc-", dir="/tmp"))
    server = PrivateTmux(folder)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Watch:
    """A watcher whose ticks are gathered while the test goes on; made by `watching`."""

    def __init__(self, watcher: Watcher, clock: TurnedClock) -> None:
        self.watcher = watcher
        self.clock = clock
        self.ticks: list[Tick] = []
        self.lines: dict[str, tuple[str, ...]] = {}
        self.screens: dict[str, Screen] = {}
        self.gone: list[PaneRef] = []

    @property
    def last(self) -> Tick:
        return self.ticks[-1]

    async def gather(self) -> None:
        async with aclosing(self.watcher.ticks()) as ticks:
            async for tick in ticks:
                self.ticks.append(tick)
                self.gone += tick.gone
                for sighting in tick.sightings:
                    pane_id = sighting.info.pane.pane_id
                    if sighting.lines is not None:
                        self.lines[pane_id] = sighting.lines
                    if sighting.screen is not None:
                        self.screens[pane_id] = sighting.screen

    async def turn(self, times: int = 1, *, deadline_s: float = 8.0) -> Tick:
        """Turn the clock by a second and wait for the tick that it brings."""
        for _ in range(times):
            await wait_for(lambda: self.clock.sleepers, deadline_s)
            seen = len(self.ticks)
            self.clock.turn(1.0)
            await wait_for(lambda: len(self.ticks) > seen, deadline_s)  # noqa: B023
        return self.last

    async def turn_until(self, condition: Callable[[], object], deadline_s: float = 8.0) -> Tick:
        """Turn the clock until the condition holds."""
        end = asyncio.get_running_loop().time() + deadline_s
        while not condition():
            if asyncio.get_running_loop().time() > end:
                pytest.fail(f"not true within {deadline_s:g} s: {condition}")
            await self.turn()
        return self.last


@asynccontextmanager
async def watching(
    address: Address,
    clock: TurnedClock,
    *,
    strategy: Strategy = "async",
    skip_ttys: Callable[[], set[str]] = set,
) -> AsyncIterator[Watch]:
    """Watch a server, with the first tick seen."""
    watch = Watch(Watcher(address, clock, skip_ttys=skip_ttys, strategy=strategy), clock)
    task = asyncio.ensure_future(watch.gather())
    try:
        await wait_for(lambda: watch.ticks or task.done(), 8.0)
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
