"""The workspace and its store, opened: what stands before anything watches or syncs.

Invariant: a damaged store keeps nobody from watching, who goes on without it and knows why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from orc_core import settings, workspace
from orc_core.clock import Clock
from orc_core.config import CoreOptions
from orc_core.settings import Settings
from orc_core.workspace import Workspace
from orc_storage import live
from orc_storage.database import Database
from orc_storage.errors import StoreCorrupt
from orc_storage.records import LiveRow


@dataclass(frozen=True, slots=True)
class Opened:
    """A workspace with its settings; `store` is None where there is none that opens.

    `broken` says what is wrong with it, "" for nothing. `known` are the panes as they were
    written down last.
    """

    place: Workspace
    settings: Settings
    store: Database | None = None
    broken: str = ""
    known: tuple[LiveRow, ...] = ()


@asynccontextmanager
async def opened(
    options: CoreOptions, clock: Clock, *, outlasts: bool, create: bool
) -> AsyncIterator[Opened]:
    """Find the workspace and open its store; a missing one is made where `create` allows it.

    Raises StoreCorrupt for a damaged one, which whoever `outlasts` it does without.
    """
    place = await workspace.find(options.workspace, environ=options.environ, cwd=options.cwd)
    told = settings.load(options.environ, place.folder)
    async with AsyncExitStack() as stack:
        store: Database | None = None
        broken, known = "", list[LiveRow]()
        if place.exists or (create and not options.read_only):
            try:
                store = await Database.open(
                    place.folder, now=clock.now, read_only=options.read_only
                )
                stack.push_async_callback(store.close)
                known = await store.read(live.listing)
            except StoreCorrupt as error:
                if not outlasts:
                    raise
                broken = str(error)  # agents live on without it
        yield Opened(place, told, store, broken, tuple(known))
