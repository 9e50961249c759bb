"""What a process does beside the sync while it leads: agents restarted, the store kept small,
copied and looked over.

Invariant: each chore asks before it begins whether this process leads; none waits for another.
"""

from __future__ import annotations

import asyncio

from orc_core.chronicle.compacting import Upkeep
from orc_core.chronicle.isolating import Isolation
from orc_core.history.backups import Backups
from orc_core.lifecycle.supervisor import Supervisor
from orc_core.model.health import Layer


class Chores:
    """The chores of one process that has a store."""

    def __init__(
        self, supervisor: Supervisor, upkeep: Upkeep, backups: Backups, isolation: Isolation
    ) -> None:
        self._supervisor = supervisor
        self._upkeep = upkeep
        self._backups = backups
        self._isolation = isolation

    async def run(self) -> None:
        """Do them whenever they are due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supervisor.run())
            group.create_task(self._upkeep.run())
            group.create_task(self._backups.run())
            group.create_task(self._isolation.run())

    def layers(self) -> tuple[Layer, ...]:
        """Lines of the sync pane for what cannot be done."""
        return (*self._supervisor.layers(), *self._upkeep.layers(), *self._backups.layers())
