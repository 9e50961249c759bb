"""A workspace with its store, its files and everything that acts on them, on a turned clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orc_core.history.actions import History
from orc_core.model.task import Task
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.synchronizer import Synchronizer, SyncReport
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import bases, documents
from orc_storage.database import Database
from orc_storage.files import Mirror
from orc_storage.records import OPERATOR, Base, Conflict, ConflictState, Json, Revision
from stores import Turned, open_store

WAITING = (ConflictState.OPEN, ConflictState.DEFERRED)
RULES = {KIND: TaskRules()}


@dataclass
class Workspace:
    """What a test acts on; files are written plainly, as an editor or an agent does."""

    folder: Path
    clock: Turned
    db: Database
    told: int = 0
    mirror: Mirror = field(init=False)
    tasks: Tasks = field(init=False)
    conflicts: Conflicts = field(init=False)
    history: History = field(init=False)
    synchronizer: Synchronizer = field(init=False)

    def __post_init__(self) -> None:
        self.mirror = Mirror(self.folder / "files")
        self.tasks = Tasks(self.db)
        self.conflicts = Conflicts(self.db, self.clock, RULES)
        self.history = History(self.db)
        self.synchronizer = Synchronizer(
            self.db, [FileLayer(self.mirror)], self.clock, self._tell, rules=RULES
        )

    def _tell(self) -> None:
        self.told += 1

    async def add(self, title: str = "Cart", **fields: Json) -> Task:
        return await self.tasks.add(title, actor=OPERATOR, cause="orc task add", **fields)

    async def edit(self, id: str = "T-1", *, actor: str = "codex-1", **fields: Json) -> Task:
        return await self.tasks.edit(id, fields, actor=actor, cause="orc task edit")

    async def sync(self, *, accept_deletions: bool = False) -> SyncReport:
        """Sync once; the clock is turned for whatever the sync waits for."""
        running = asyncio.create_task(self.synchronizer.once(accept_deletions=accept_deletions))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 20.0
        while not running.done():
            if self.clock.sleepers:
                self.clock.turn(1.0)
            step = loop.create_future()
            loop.call_later(0.002, step.set_result, None)
            await step
            assert loop.time() < deadline, "the sync did not end"
        return await running

    def path(self, id: str = "T-1") -> Path:
        return self.folder / "files" / "tasks" / f"{id}.json"

    def file(self, id: str = "T-1") -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.path(id).read_text())
        return body

    def write(self, body: dict[str, Any], id: str = "T-1") -> None:
        self.path(id).write_text(json.dumps(body))

    def change(self, id: str = "T-1", **fields: Json) -> None:
        """Edit fields of a file, as somebody does who has just opened it."""
        self.write(self.file(id) | fields, id)

    async def open_conflicts(self) -> list[Conflict]:
        return [c for c in await self.conflicts.listing() if c.state in WAITING]

    async def conflict(self, id: str) -> Conflict:
        return next(c for c in await self.conflicts.listing() if c.id == id)

    async def revisions(self, id: str = "T-1") -> list[Revision]:
        return await self.db.read(lambda conn: documents.history(conn, KIND, id))

    async def base(self, id: str = "T-1") -> Base | None:
        return await self.db.read(lambda conn: bases.get(conn, "file", KIND, id))


@asynccontextmanager
async def open_workspace(folder: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_store(folder, clock) as db:
        yield Workspace(folder, clock, db)
