"""Following a folder that other programs write small files into.

Invariant: looking creates nothing: a folder that does not exist is waited for.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_storage.files import CANNOT_WATCH
from orc_storage.stirring import stirrings

WAIT_FOR_FOLDER_S: Final = 5.0

_SETTLE_S: Final = 0.005
_ANYWAY_S: Final = 2.0


async def folder_changes(folder: Path, clock: Clock) -> AsyncGenerator[None, None]:
    """Yield when something in a folder changed, and every few seconds anyway, until cancelled.

    Where the kernel gives no watch, or the folder goes, it is looked at by the clock.
    """
    while True:
        yield
        if _is_there(folder):
            changes = stirrings([folder], settle_s=_SETTLE_S, anyway_s=_ANYWAY_S)
            with contextlib.suppress(*CANNOT_WATCH):
                async with contextlib.aclosing(changes):
                    async for _ in changes:
                        yield
                        if not _is_there(folder):
                            break
        await clock.sleep(WAIT_FOR_FOLDER_S)


def _is_there(folder: Path) -> bool:
    return folder.is_dir()
