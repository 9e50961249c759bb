"""A watcher on a real tmux server, its ticks gathered while the test goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from clocks import TurnedClock, wait_for
from orc_core.model.agent import PaneRef
from orc_core.model.snapshot import Screen
from orc_core.tmux.server import Address
from orc_core.tmux.watcher import Strategy, Tick, Watcher


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
