"""Following a folder that other programs write small files into.

Invariant: looking creates nothing: a folder that does not exist is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from watchfiles import awatch

from orc_core.clock import Clock
from orc_storage.files import CANNOT_WATCH

WAIT_FOR_FOLDER_S: Final = 5.0

_DEBOUNCE_MS: Final = 20
_STEP_MS: Final = 5
_ANYWAY_MS: Final = 2000


async def folder_changes(folder: Path, clock: Clock) -> AsyncGenerator[None, None]:
    """Yield when something in a folder changed, and every few seconds anyway, until cancelled.

    Where the kernel gives no watch, or the folder goes, it is looked at by the clock.
    """
    while True:
        yield
        if _is_there(folder):
            with contextlib.suppress(*CANNOT_WATCH):
                async for _ in _changes(folder):
                    yield
                    if not _is_there(folder):
                        break
        await clock.sleep(WAIT_FOR_FOLDER_S)


async def _changes(folder: Path) -> AsyncGenerator[None, None]:
    stop = asyncio.Event()
    changes = awatch(
        folder,
        watch_filter=None,
        debounce=_DEBOUNCE_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=_ANYWAY_MS,
        yield_on_timeout=True,
        recursive=False,
    )
    try:
        async for _ in changes:
            yield
    finally:
        stop.set()


def _is_there(folder: Path) -> bool:
    return folder.is_dir()
