"""A dashboard as a simulated process: the parts of the program that act on a workspace.

Invariant: everything here is the program itself; only what it stands on is the world's.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from orc_core.breaker import Phase
from orc_core.history.actions import History
from orc_core.leadership import Leadership
from orc_core.pending import Pending
from orc_core.settings import LayerSettings, Settings
from orc_core.sync.choices import Choices
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.policies import Policy
from orc_core.sync.rules import govern
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import documents
from orc_storage.errors import StorageError
from orc_storage.records import OPERATOR, Document
from simulated_workspace import BOARD, BoardLayer, Files, Store, World
from virtual_time import Process

RULES = govern({KIND: TaskRules()}, Policy())


@dataclass
class Desk:
    """One dashboard: it follows or leads, and keeps what its store does not take."""

    process: Process
    world: World
    main: asyncio.Task[None] | None = None
    held: tuple[Document, ...] = ()

    def make(self) -> None:
        """Open everything; called inside the process."""
        world = self.world
        self.store = Store(world)
        self.sync = synchronizer(world, self.store)
        self.leadership = leadership(world, OPERATOR)
        self.pending = Pending(self.store, world, lambda: self.held, lambda: None)
        self.tasks = Tasks(self.store)
        self.conflicts = Conflicts(self.store, world, RULES)
        self.history = History(self.store, rules=RULES)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.leadership.run(self.sync))
            group.create_task(self.pending.run())

    async def look(self) -> None:
        """Read what lists show; without a store, what was read last stands."""
        with contextlib.suppress(StorageError):
            found = await self.store.read(lambda conn: documents.listing(conn, KIND))
            self.held = tuple(found)

    @property
    def is_up(self) -> bool:
        return self.process.is_alive and self.main is not None and not self.main.done()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left to do for who leads."""
        followers = self.sync._followers
        return self.sync._is_quiet and all(
            one._running is not None
            and one.breaker.phase is Phase.CLOSED
            and not one.standing.is_offline
            and not one.standing.failed
            for one in followers
        )


def synchronizer(world: World, store: Store) -> Synchronizer:
    """A synchronizer of the file layer and, where there is one, the board."""
    layers: list[Any] = [FileLayer(Files(world))]
    if world.has_board:
        layers.append(BoardLayer(world))
    settings = Settings(layers={BOARD: LayerSettings(on=True)})
    return Synchronizer(store, layers, world, rules=RULES, choices=Choices(store, settings))


def leadership(world: World, actor: str) -> Leadership:
    """One process's part in leading."""
    return Leadership(
        world.folder / "none",
        world,
        actor=actor,
        read_only=False,
        changed=lambda: None,
        trouble=lambda text: None,
        beside=tuple,
    )
