"""The line mode of `orc-tui`: what changes, one line each, for screen readers and logs.

Invariant: it writes lines and nothing else, at most one burst per PACE_S. Whatever happens in
between is told as it stands at the end of it, so a reader that is slow never makes a queue.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

from orc_core.errors import OrcError
from orc_core.model.health import LinkState
from orc_core.model.snapshot import Snapshot
from orc_core.outlet import Outlet
from orc_storage.errors import StorageError
from orc_tui.view_models.plain import changes, standing

if TYPE_CHECKING:
    from orc_core.hub import Core

PACE_S: Final = 1.0
"""Changes within this time are told together, each of them once."""

SETTLE_S: Final = 2.0
"""So long tmux may take to answer before it is told how things stand."""

ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""The signals that end it well."""


async def until_ended(work: Callable[[Outlet], Coroutine[None, None, int]]) -> int:
    """Run until it ends, or a signal or the end of the reader ends it; returns the exit code."""
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in ENDING:
        # They only ask: a second one must not cut the cleaning up short.
        loop.add_signal_handler(number, ending.set)
    async with Outlet() as outlet:
        running = asyncio.create_task(work(outlet))
        asked = [asyncio.create_task(event.wait()) for event in (ending, outlet.gone)]
        await asyncio.wait([running, *asked], return_when=asyncio.FIRST_COMPLETED)
        for task in (running, *asked):
            task.cancel()
        await asyncio.wait([running, *asked])
    try:
        return 0 if running.cancelled() else running.result()
    except BrokenPipeError:
        return 0
    except (OrcError, StorageError) as error:
        sys.stderr.write(f"orc-tui: {error}\n")
        return 1


async def follow(opened: Callable[[], AbstractAsyncContextManager[Core]], outlet: Outlet) -> int:
    """Tell how things stand, then what changes, until cancelled."""
    async with opened() as core:
        newest = core.snapshot
        heard = asyncio.Event()

        async def hear() -> None:
            nonlocal newest
            async for delta in core.subscribe():
                newest = delta.snapshot
                heard.set()

        async def tell() -> None:
            told = await _settled(heard, lambda: newest)
            await _write(outlet, standing(told))
            while True:
                await heard.wait()
                heard.clear()
                before, told = told, newest
                if lines := changes(before, told):
                    await _write(outlet, lines)
                    await asyncio.sleep(PACE_S)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(hear())
                group.create_task(tell())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
    return 0


async def _settled(heard: asyncio.Event, newest: Callable[[], Snapshot]) -> Snapshot:
    """The first snapshot in which tmux has answered, or the one after SETTLE_S."""
    try:
        async with asyncio.timeout(SETTLE_S):
            while newest().link.state is LinkState.STARTING:
                heard.clear()
                await heard.wait()
    except TimeoutError:
        pass
    return newest()


async def _write(outlet: Outlet, lines: Sequence[str]) -> None:
    for line in lines:
        await outlet.write(line)
