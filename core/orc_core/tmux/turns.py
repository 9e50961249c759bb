"""Coming to a tmux server and leaving it: one of us at a time, in all our processes.

Invariant: the user's server survives it. tmux 3.3a tells every control client that a session
came or went and that a client left, also one that is still introducing itself, and dies of that
with all agents. So no two of ours come or go at once. Nothing is created for it: what is locked
is the folder in which the socket stands.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from orc_core.tmux.server import Address

_TRY_EVERY_S: Final = 0.005


@asynccontextmanager
async def turn(address: Address, *, within_s: float) -> AsyncIterator[bool]:
    """Keep the others of us from coming and going; False where it is not our turn in time.

    Where a folder cannot be locked at all nobody is kept waiting.
    """
    try:
        handle = _folder(address.socket_path)
    except OSError:
        yield True
        return
    try:
        yield await _locked(handle, within_s)
    finally:
        os.close(handle)


def _folder(socket_path: str) -> int:
    folder = Path(os.path.realpath(socket_path)).parent
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


async def _locked(handle: int, within_s: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if loop.time() >= deadline:
                return False
        except OSError:
            return True
        else:
            return True
        await asyncio.sleep(_TRY_EVERY_S)
