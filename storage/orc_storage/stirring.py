"""That something in a folder changed, without what: for whoever looks at all of it then.

Invariant: nothing is woken by a folder in which nothing happens but at the agreed pace. What
happens while somebody looks is told afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection
from pathlib import Path
from typing import Final

from watchfiles import awatch

from orc_storage import inotify
from orc_storage.inotify import Inotify

_STEP_MS: Final = 50
"""Where the kernel is not asked directly, a thread looks this often."""

_EVENTS: Final = (
    inotify.MODIFY
    | inotify.CLOSE_WRITE
    | inotify.MOVED_FROM
    | inotify.MOVED_TO
    | inotify.CREATE
    | inotify.DELETE
    | inotify.DELETE_SELF
    | inotify.MOVE_SELF
)


async def stirrings(
    folders: Collection[Path], *, settle_s: float, anyway_s: float
) -> AsyncGenerator[None, None]:
    """Yield when something changed, `settle_s` later, and every `anyway_s` anyway.

    Goes on until cancelled. Raises one of `files.CANNOT_WATCH` where there is no watch to be had.
    """
    kernel = Inotify()
    try:
        if kernel.open() and all(kernel.add(folder, _EVENTS) >= 0 for folder in folders):
            async with contextlib.aclosing(_told(kernel, settle_s, anyway_s)) as told:
                async for _ in told:
                    yield
    finally:
        kernel.close()
    async for _ in awatch(
        *folders,
        watch_filter=None,
        recursive=False,
        debounce=round(settle_s * 1e3),
        step=_STEP_MS,
        rust_timeout=round(anyway_s * 1e3),
        yield_on_timeout=True,
    ):
        yield


async def _told(kernel: Inotify, settle_s: float, anyway_s: float) -> AsyncGenerator[None, None]:
    loop, stirred = asyncio.get_running_loop(), asyncio.Event()

    def hear() -> None:
        if any(True for _ in kernel.read()):
            stirred.set()

    loop.add_reader(kernel.fd, hear)
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(anyway_s):
                    await stirred.wait()
                    await asyncio.sleep(settle_s)
            stirred.clear()
            yield
    finally:
        loop.remove_reader(kernel.fd)
