"""Looking for damaged documents while a workspace is led, and keeping copies of them.

Invariant: it looks and copies, and changes nothing of what it finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from orc_core.clock import Clock
from orc_storage import quarantine
from orc_storage.database import Connection, Database
from orc_storage.errors import StorageError
from orc_storage.quarantine import Specimen
from orc_storage.records import Finding

EXAMINE_EVERY_S: Final = 600.0
"""How often all documents are looked at: what decays on disk is noticed by nobody else."""
AGAIN_EVERY_S: Final = 5.0
"""How often while something is damaged, so that what was mended is soon well."""
TIMEOUT_S: Final = 60.0


class Isolation:
    """Tells `found` what is damaged in a store, whenever that changes and this process leads."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        leads: Callable[[], bool],
        found: Callable[[Sequence[Finding]], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._leads = leads
        self._found = found
        self._damaged: tuple[Finding, ...] = ()

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        rest_s = 0.0
        while True:
            await self._clock.sleep(AGAIN_EVERY_S)
            rest_s -= AGAIN_EVERY_S
            if self._leads() and (rest_s <= 0 or self._damaged):
                rest_s = EXAMINE_EVERY_S
                await self.once()

    async def once(self) -> None:
        """Look at everything once; what cannot be read now is looked at later."""
        try:
            damaged, raw = await self._db.read(_look, timeout_s=TIMEOUT_S)
            if damaged != self._damaged:
                self._damaged = damaged
                self._found(damaged)
            await asyncio.to_thread(quarantine.keep, self._db.folder, raw)
        except (StorageError, OSError):
            return  # the store's own line says it, or the disk is full and it is tried again


def _look(conn: Connection) -> tuple[tuple[Finding, ...], list[Specimen]]:
    damaged = quarantine.examine(conn)
    return tuple(damaged), quarantine.specimens(conn, damaged)
