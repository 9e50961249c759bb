"""A real store in a private folder, on a clock that the test turns."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from orc_storage.database import Database


class Turned(Protocol):
    """A clock that stands still until it is turned."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    async def sleep(self, delay_s: float) -> None: ...

    @property
    def sleepers(self) -> int: ...

    def turn(self, seconds: float) -> None: ...


@asynccontextmanager
async def open_store(folder: Path, clock: Turned) -> AsyncIterator[Database]:
    """Open the store of a workspace; its sockets lie where their paths are short enough."""
    with tempfile.TemporaryDirectory(prefix="orc-") as runtime:
        opened = await Database.open(folder, now=clock.now, runtime=Path(runtime))
        async with opened as db:
            yield db
