"""One run of the benchmark: a fleet is made, measured by one strategy or by both, and removed.

Invariant: nothing is left behind, whether the run ends, fails or is cancelled. What blocks
(making the panes, ending the server) runs on a thread that is always waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.benchmark import fleet as fleets
from orc_core.benchmark.cycle import Course, run
from orc_core.benchmark.fleet import AGENTS_MAX, Fleet
from orc_core.errors import UsageError

CYCLES: Final = 20
CYCLES_MAX: Final = 1000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What was measured; `sync` is there where both strategies were to be compared."""

    agents: int
    course: Course
    sync: Course | None = None


async def measure(
    agents: int,
    *,
    cycles: int = CYCLES,
    compare: bool = False,
    whole_screens: bool = False,
    progress: Progress = lambda _: None,
    folder: Path | None = None,
) -> Benchmark:
    """Measure cycles over so many agents; `progress` is told what is being done.

    Raises UsageError where a number is out of bounds, and TmuxError where tmux refuses.
    """
    if not 1 <= agents <= AGENTS_MAX:
        raise UsageError(f"--agents is {agents}: give it a number from 1 to {AGENTS_MAX}")
    if not 1 <= cycles <= CYCLES_MAX:
        raise UsageError(f"--cycles is {cycles}: give it a number from 1 to {CYCLES_MAX}")
    progress(f"making {agents} panes")
    async with stage(agents, folder) as fleet:
        progress(f"{cycles} cycles over the control connection")
        course = await run(fleet, "async", cycles, whole_screens=whole_screens)
        sync = None
        if compare:
            progress(f"{cycles} cycles by one process per question")
            sync = await run(fleet, "sync", cycles, whole_screens=whole_screens)
    return Benchmark(agents, course, sync)


@asynccontextmanager
async def stage(agents: int, folder: Path | None = None) -> AsyncIterator[Fleet]:
    """A fleet on a private server, in `folder` or in one of its own."""
    stop = threading.Event()
    stack = ExitStack()

    def make() -> Fleet:
        place = folder if folder is not None else stack.enter_context(fleets.private_folder())
        return stack.enter_context(fleets.fleet(place, agents, sessions=True, stop=stop))

    making = asyncio.ensure_future(asyncio.to_thread(make))
    try:
        yield await asyncio.shield(making)
    finally:
        stop.set()
        await _finished(making)
        await _finished(asyncio.ensure_future(asyncio.to_thread(stack.close)))


async def _finished(task: asyncio.Future[Fleet] | asyncio.Future[None]) -> None:
    """Wait for the end of what must not be left half done, also when we are cancelled again."""
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    task.exception()  # whoever waited for it before has heard of it
