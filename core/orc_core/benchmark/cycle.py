"""Cycles over a fleet: list the panes, capture what changed, classify; and their floor.

Invariant: the floor is the same transport in the same run: the same list over one control
connection and the same captures by one process, with the bytes read and thrown away. The two
take turns, so that whatever else runs on the machine slows down both.

A cycle comes once a second, as it does in the dashboard: what was painted in one second is
looked at in the next, so that no pane is captured twice. Where nothing changes there is no
reason to wait: the clock is set forward by a second instead.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from orc_core.agents.observer import Observer
from orc_core.agents.rules import load
from orc_core.benchmark.fleet import Fleet, Pane
from orc_core.benchmark.screens import idle_screen, prompt_screen, working_screen
from orc_core.benchmark.usage import Heartbeat, Meter, Used, children
from orc_core.errors import TmuxError
from orc_core.tmux.captures import CAPTURES_MAX
from orc_core.tmux.control import ControlClient
from orc_core.tmux.link import Strategy
from orc_core.tmux.panes import capture_commands, list_commands
from orc_core.tmux.server import Address, spawn
from orc_core.tmux.ticks import Tick, portions
from orc_core.tmux.watcher import Sighting, Watcher

CHANGED_SHARE: Final = 0.2
_AFTER_SECOND_S: Final = 0.08
_FLOOR_DEADLINE_S: Final = 10.0
_SETTLE_LOOKS: Final = 30

_painted = count(1)
"""No two screens are the same, so that each is news."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a cycle costs; times in seconds unless the name says otherwise.

    `cpu_ms` is ours, `client_cpu_ms` that of the tmux clients we run, `server_cpu_ms` that of
    the server. `floor_s` is the median of the floor and `ratio` how often it fits into ours.
    """

    p50_s: float
    p95_s: float
    floor_s: float
    ratio: float
    forks: int
    cpu_ms: float
    client_cpu_ms: float
    server_cpu_ms: float
    cycles: int


@dataclass(frozen=True, slots=True)
class Course:
    """One strategy over one fleet: cycles with a share of the panes changed, and with none.

    `changed` is a few lines of each screen that changed, as agents at work do it, and `whole`
    all of its lines, of which none was seen before, where that was to be measured.
    `first_s` is how long it took to see and classify every pane for the first time, and
    `stretch_s` for how long at most the loop stood still meanwhile.
    """

    strategy: Strategy
    changed: Cost
    quiet: Cost
    first_s: float
    stretch_s: float
    whole: Cost | None = None
    changed_share: float = CHANGED_SHARE


class SteppedClock:
    """The machine's clock, which can be set forward."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        return time.time() + self._ahead_s

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead_s

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)

    def step(self, seconds: float) -> None:
        self._ahead_s += seconds


@dataclass(slots=True)
class _Samples:
    walls_s: list[float] = field(default_factory=list)
    floors_s: list[float] = field(default_factory=list)
    forks: list[int] = field(default_factory=list)
    costs: list[Used] = field(default_factory=list)

    def cost(self) -> Cost:
        p50_s, floor_s = statistics.median(self.walls_s), statistics.median(self.floors_s)
        ordered = sorted(self.walls_s)
        return Cost(
            p50_s=p50_s,
            p95_s=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
            floor_s=floor_s,
            ratio=p50_s / floor_s,
            forks=max(self.forks),
            cpu_ms=statistics.fmean(one.own_s for one in self.costs) * 1e3,
            client_cpu_ms=statistics.fmean(one.clients_s for one in self.costs) * 1e3,
            server_cpu_ms=statistics.fmean(one.server_s for one in self.costs) * 1e3,
            cycles=len(self.walls_s),
        )


async def run(
    fleet: Fleet, strategy: Strategy, cycles: int, *, whole_screens: bool = False
) -> Course:
    """Measure `cycles` cycles of each kind over a fleet that nobody else paints."""
    async with _stage(fleet, strategy) as stage:
        async with Heartbeat() as heart:
            first_s = await stage.meet()
        quiet = await stage.quiet(cycles)
        whole = await stage.changed(cycles, stage.paint_whole) if whole_screens else None
        stage.paint_lines(fleet.panes)
        changed = await stage.changed(cycles, stage.paint_lines)
        return Course(strategy, changed, quiet, first_s, heart.longest_s, whole)


@asynccontextmanager
async def _stage(fleet: Fleet, strategy: Strategy) -> AsyncIterator[_Stage]:
    client = await ControlClient.open(Address(fleet.socket_path))
    stage = _Stage(fleet, strategy, client)
    try:
        yield stage
    finally:
        await stage.watcher.close()
        await client.close()


class _Stage:
    """A watcher and an observer over the fleet, and the bare connection of the floor."""

    def __init__(self, fleet: Fleet, strategy: Strategy, client: ControlClient) -> None:
        self._fleet = fleet
        self._address = Address(fleet.socket_path)
        self._clock = SteppedClock()
        self.watcher = Watcher(self._address, self._clock, strategy=strategy)
        self._observer = Observer(load(), self._clock, fleet.home)
        self._client = client
        self._others = children()
        self._mark = secrets.token_hex(8)
        self._steps: dict[str, int] = {}
        """How far the agent in each pane came with its work."""

    async def meet(self) -> float:
        """See every pane for the first time."""
        seen: set[str] = set()
        began = time.perf_counter()
        for _ in range(_SETTLE_LOOKS):
            async for tick in self._look():
                seen |= {one.info.pane.pane_id for one in tick.fresh if one.lines is not None}
            if len(seen) == len(self._fleet.panes):
                return time.perf_counter() - began
        raise TmuxError(f"{len(seen)} of {len(self._fleet.panes)} panes of the benchmark were seen")

    async def quiet(self, cycles: int) -> Cost:
        """Cycles in which nothing changed."""
        await self._settle()
        samples = _Samples()
        since = int(time.time()) - 1
        for number in range(cycles):
            self._clock.step(1.0)
            if number % 2:
                samples.floors_s.append(await self._floor(since, []))
            captured = await self._cycle(samples)
            if not number % 2:
                samples.floors_s.append(await self._floor(since, []))
            if captured:
                raise TmuxError("a pane of the benchmark changed that should have been quiet")
        return samples.cost()

    async def changed(self, cycles: int, paint: Callable[[Sequence[Pane]], None]) -> Cost:
        """Cycles in which a fifth of the panes was painted since the last one."""
        await self._settle()
        samples = _Samples()
        for number in range(cycles):
            since = int(time.time())
            panes = self._some(number)
            await asyncio.to_thread(paint, panes)
            await _next_second()
            if number % 2:
                samples.floors_s.append(await self._floor(since, panes))
            captured = await self._cycle(samples)
            if not number % 2:
                samples.floors_s.append(await self._floor(since, panes))
            if captured != len(panes):
                raise TmuxError(f"{captured} panes were captured where {len(panes)} changed")
        return samples.cost()

    async def _look(self) -> AsyncGenerator[Tick, None]:
        """One look, taken in as the dashboard does it: a share at a time."""
        async with aclosing(self.watcher.look_in_parts()) as told:
            async for tick in told:
                for part in portions(tick):
                    self._observer.apply(part)
                    yield part
                    await asyncio.sleep(0)

    async def _cycle(self, samples: _Samples) -> int:
        """One cycle; the number of panes whose screen it found changed."""
        meter = Meter(self._fleet.server_pid, children() - self._others)
        forks = captured = 0
        meter.start()
        began = time.perf_counter()
        while True:
            async for tick in self._look():
                forks, captured = forks + tick.forks, captured + _captured(tick.fresh)
            if not self.watcher.backlog:
                break
        samples.walls_s.append(time.perf_counter() - began)
        samples.costs.append(meter.stop())
        samples.forks.append(forks)
        return captured

    async def _floor(self, since: int, panes: Sequence[Pane]) -> float:
        """The same questions; nobody looks at the answers."""
        began = time.perf_counter()
        lists = list_commands(self._mark, since)
        await self._client.requests(lists, timeout_s=_FLOOR_DEADLINE_S)
        for first in range(0, len(panes), CAPTURES_MAX):
            script = [
                line
                for pane in panes[first : first + CAPTURES_MAX]
                for line in capture_commands(self._mark, pane.pane_id, colour=False)
            ]
            data = "".join(f"{line}\n" for line in script).encode()
            await spawn(self._address, ["source-file", "-"], data, _FLOOR_DEADLINE_S)
        return time.perf_counter() - began

    async def _settle(self) -> None:
        """Look until nothing is new: the second of the last change is over then."""
        for _ in range(_SETTLE_LOOKS):
            await _next_second()
            if not any([tick.fresh async for tick in self._look()]):
                return

    def _some(self, number: int) -> list[Pane]:
        panes = self._fleet.panes
        count = max(1, round(CHANGED_SHARE * len(panes)))
        start = number * count % len(panes)
        return [panes[(start + step) % len(panes)] for step in range(count)]

    def paint_lines(self, panes: Sequence[Pane]) -> None:
        """A few lines more of what an agent at work writes."""
        for pane in panes:
            self._steps[pane.pane_id] = step = self._steps.get(pane.pane_id, -1) + 1
            pane.paint(working_screen(int(pane.pane_id[1:]), step))

    def paint_whole(self, panes: Sequence[Pane]) -> None:
        """Another screen, of which no line was ever seen."""
        for pane in panes:
            number = next(_painted)
            asks = number % 2
            pane.paint(prompt_screen(f"step {number}") if asks else idle_screen(10_000 + number))


def _captured(news: Sequence[Sighting]) -> int:
    return sum(one.lines is not None for one in news)


async def _next_second() -> None:
    """Wait until the next full second is over by a little: tmux tells activity by the second."""
    await asyncio.sleep(1.0 - time.time() % 1.0 + _AFTER_SECOND_S)
