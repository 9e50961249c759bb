"""A clock that is turned by hand, and waiting for a condition in real time.

Invariant: a test never sleeps for a while that it hopes is long enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

_STEP_S = 0.01


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
