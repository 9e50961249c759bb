"""What a process does beside the sync while it leads: agents restarted, leases of the dead ended,
tasks handed out, as many agents as the queue wants, the store kept small, copied and looked over.

Invariant: each chore asks before it begins whether this process leads; none waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from orc_core.autoscaling import Autoscaler
from orc_core.chronicle.compacting import Bounds, Upkeep
from orc_core.chronicle.isolating import Isolation
from orc_core.clock import Clock
from orc_core.history.backups import Backups
from orc_core.history.encounters import Encounters
from orc_core.lifecycle.holders import Holders
from orc_core.lifecycle.supervisor import Supervisor
from orc_core.lifecycle.wing import Lifecycle
from orc_core.model.health import Layer
from orc_core.settings import Settings
from orc_core.tasks.feeding import Agents, Feeder
from orc_core.tasks.leases import Leases
from orc_storage.database import Database
from orc_storage.records import Conflict, Finding


class Chores:
    """The chores of one process that has a store.

    `leads` tells whether it leads, `changed` is called when what `layers` says differs, and
    `found` is told what is damaged.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        backups: Backups,
        store: Database,
        clock: Clock,
        bounds: Bounds,
        holders: Holders,
        agents: Agents,
        told: Settings,
        *,
        leads: Callable[[], bool],
        changed: Callable[[], None],
        found: Callable[[Sequence[Finding]], None],
        conflicts: Callable[[], Sequence[Conflict]],
    ) -> None:
        self._supervisor = Supervisor(lifecycle, store, clock, leads=leads, changed=changed)
        self._upkeep = Upkeep(store, clock, bounds, leads=leads, changed=changed)
        self._backups = backups
        self._leases = Leases(store, clock, leads=leads, lives=holders.lives)
        self._autoscaler = Autoscaler(
            lifecycle, store, clock, told.scale, leads=leads, changed=changed
        )
        self._feeder = Feeder(store, clock, agents, holders, told.queue.feed, leads=leads)
        self._encounters = Encounters(store, clock, conflicts, leads=leads)
        self._isolation = Isolation(store, clock, leads=leads, found=found)

    async def run(self) -> None:
        """Do them whenever they are due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supervisor.run())
            group.create_task(self._upkeep.run())
            group.create_task(self._backups.run())
            group.create_task(self._isolation.run())
            group.create_task(self._leases.run())
            group.create_task(self._encounters.run())
            group.create_task(self._autoscaler.run())
            group.create_task(self._feeder.run())

    def layers(self) -> tuple[Layer, ...]:
        """Lines of the sync pane for what cannot be done, or is proposed."""
        rooms = (self._supervisor, self._upkeep, self._backups, self._autoscaler)
        return tuple(line for room in rooms for line in room.layers())
