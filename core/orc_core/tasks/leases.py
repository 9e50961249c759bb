"""Ending the leases of holders that died, so that what they held is free again.

Invariant: a lease lasts while its holder lives. It ends ORPHAN_S after a death that was confirmed,
or after SILENT_S without a word from a holder of whom nothing else is known; both by the monotonic
clock of whoever leads, so that leases stand still while nobody does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orc_core.clock import Clock
from orc_core.model.work import Life
from orc_core.tasks.handover import WORKERS, failed
from orc_storage import deliveries, queue
from orc_storage.database import Database, Transaction
from orc_storage.deliveries import Delivery, LeaseLost, Stage
from orc_storage.errors import StorageError

LOOK_EVERY_S: Final = 1.0
ORPHAN_S: Final = 15.0
SILENT_S: Final = 60.0

Lives = Callable[[], Awaitable[Mapping[str, Life]]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A lease as it was seen last: its beats, since when they stand, and since when it is dead.

    Times are monotonic seconds; `dead_since` is None while its holder is not known to be dead.
    """

    beats: int
    still_since: float
    dead_since: float | None = None


def look(
    leases: Sequence[Delivery],
    lives: Mapping[str, Life],
    known: Mapping[str, Watched],
    now: float,
) -> tuple[dict[str, Watched], dict[str, str]]:
    """Return what is known of the leases now, and by token why one is over.

    `lives` is by the holder's name, case-folded; `now` is in monotonic seconds.
    """
    watched: dict[str, Watched] = {}
    over: dict[str, str] = {}
    for lease in leases:
        life = lives.get(lease.holder.casefold(), Life.UNKNOWN)
        one = known.get(lease.token)
        if one is None or one.beats != lease.beats or life is Life.ALIVE:
            one = Watched(lease.beats, now)
        if life is Life.DEAD and one.dead_since is None:
            one = replace(one, dead_since=now)
        elif life is not Life.DEAD:
            one = replace(one, dead_since=None)
        watched[lease.token] = one
        if one.dead_since is not None and now - one.dead_since >= ORPHAN_S:
            over[lease.token] = f"{lease.holder} died"
        elif life is Life.UNKNOWN and now - one.still_since >= SILENT_S:
            over[lease.token] = f"{lease.holder} was silent for {SILENT_S:.0f} s"
    return watched, over


class Leases:
    """Looks after the leases of a store while this process leads."""

    def __init__(
        self, db: Database, clock: Clock, *, leads: Callable[[], bool], lives: Lives
    ) -> None:
        self._db = db
        self._clock = clock
        self._leads = leads
        self._lives = lives
        self._known: dict[str, Watched] = {}
        self._version = -1
        self._leases: list[Delivery] = []
        """What is held, as of that version of the store."""

    async def run(self) -> None:
        """Look every second until cancelled; a store in trouble is told of by others."""
        while True:
            with contextlib.suppress(StorageError):
                await self.look()
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once, and free what nobody holds any more."""
        if not self._leads():
            self._known = {}
            return
        version = await self._db.data_version(glance=True)
        if version != self._version:
            self._leases = await self._db.read(lambda c: deliveries.listing(c, Stage.LEASED))
            self._version = version
        leases = self._leases
        if not leases:
            self._known = {}
            return
        now = self._clock.monotonic()
        self._known, over = look(leases, await self._lives(), self._known, now)
        for one in leases:
            if why := over.get(one.token):
                await self._free(one, why)

    async def _free(self, one: Delivery, why: str) -> None:
        def work(tx: Transaction) -> None:
            if one.group == WORKERS:
                failed(tx, one.token, reason=why, cause="lease", action="free")
            else:
                queue.give_back(tx, one.token, reason=why)

        with contextlib.suppress(LeaseLost):  # it was ended in this very moment
            await self._db.write(work)
