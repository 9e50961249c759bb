"""The queue of one store's tasks: put in, taken by an agent that can do them, handed in.

Invariant: each call is one transaction of `handover`, or several committed as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.errors import OrcError
from orc_core.model.history import Tally
from orc_core.model.work import ANY, Handed, Holder, Leased, Queued, Result
from orc_core.tasks import handover
from orc_core.tasks.handover import NOTE_MAX, WORKERS
from orc_core.text import clean
from orc_storage import deliveries, queue
from orc_storage.database import Database, Transaction
from orc_storage.deliveries import Stage
from orc_storage.errors import StorageError

RESULTS_MAX: Final = 500
"""So many results are told at a time."""


class Dispatch:
    """The queue of one store's tasks."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def enqueue(
        self, id: str, *, kind: str = ANY, actor: str, cause: str, key: str = ""
    ) -> Queued:
        """Have a task taken by an agent of a kind; one that is queued already stays as it is.

        Under a `key` that was used within a day nothing happens. Raises UnknownName, UsageError,
        QueueFull.
        """
        handover.check_kind(kind)
        return await self._db.write(
            lambda tx: handover.enqueue(tx, id, kind=kind, actor=actor, cause=cause, key=key)
        )

    async def enqueue_many(
        self, ids: Sequence[str], *, kind: str = ANY, actor: str, cause: str
    ) -> Tally:
        """Queue several tasks in one transaction; what cannot be queued says why."""
        handover.check_kind(kind)

        def work(tx: Transaction) -> Tally:
            done: list[str] = []
            refused: list[str] = []
            for id in dict.fromkeys(ids):
                try:
                    made = handover.enqueue(tx, id, kind=kind, actor=actor, cause=cause)
                except (OrcError, StorageError) as error:
                    refused.append(str(error))
                else:
                    done.append(made.task)
            return Tally(tuple(done), tuple(refused), f"queued on {handover.topic(kind)}")

        return await self._db.write(work)

    async def take(self, holder: Holder, *, cause: str) -> Leased | None:
        """Give a holder the task that goes first of those it can do; None where there is none.

        Whoever holds one already gets that one again, under the same token.
        """
        return await self._db.write(lambda tx: handover.take(tx, holder, cause=cause))

    async def acknowledge(self, token: str, *, note: str = "", cause: str) -> Queued:
        """The task that a token holds is done; raises LeaseLost."""
        return await self._db.write(
            lambda tx: handover.acknowledge(tx, token, note=note, cause=cause)
        )

    async def hand_in(self, token: str, holder: Holder, *, note: str = "", cause: str) -> Handed:
        """The task that a token holds is done, and its holder gets the next; raises LeaseLost."""

        def work(tx: Transaction) -> Handed:
            done = handover.acknowledge(tx, token, note=note, cause=cause)
            return Handed(done, handover.take(tx, holder, cause=cause))

        return await self._db.write(work)

    async def holder_of(self, token: str) -> str:
        """The name of who holds a token; raises LeaseLost."""
        return (await self._db.read(lambda conn: deliveries.held(conn, token))).holder

    async def fail(self, token: str, *, reason: str, cause: str) -> Queued:
        """The task that a token holds failed: tried again after a while, or dead.

        Raises LeaseLost.
        """
        return await self._db.write(
            lambda tx: handover.failed(tx, token, reason=reason, cause=cause, action="fail")
        )

    async def step_aside(self, token: str, *, checkpoint: str, cause: str) -> Queued:
        """Give the task back as it is, untried, with a word on how far it came.

        Raises LeaseLost.
        """
        return await self._db.write(
            lambda tx: handover.step_aside(tx, token, checkpoint=checkpoint, cause=cause)
        )

    async def beat(self, token: str, *, progress: str = "") -> Leased:
        """Whoever holds the token lives; what is returned says whether it should step aside.

        Raises LeaseLost.
        """
        said = clean(progress, limit=NOTE_MAX)
        return await self._db.write(
            lambda tx: handover.leased(tx.conn, queue.beat(tx, token, progress=said))
        )

    async def retry(self, id: str, *, actor: str, cause: str) -> Queued:
        """Try a dead task again, as if for the first time; raises UnknownName, UsageError."""
        return await self._db.write(lambda tx: handover.retry(tx, id, actor=actor, cause=cause))

    async def results(
        self, group: str, *, reader: str, limit: int = RESULTS_MAX
    ) -> tuple[Result, ...]:
        """Lease to a reader what a group has not heard yet; its first call makes the group.

        They are told again to the group unless `heard` follows.
        """
        most = min(limit, RESULTS_MAX)
        return tuple(
            await self._db.write(lambda tx: handover.results(tx, group, reader=reader, limit=most))
        )

    async def heard(self, results: Sequence[Result]) -> None:
        """The group of these results has heard them; raises LeaseLost."""

        def work(tx: Transaction) -> None:
            for one in results:
                queue.acknowledge(tx, one.token)

        await self._db.write(work)

    async def listing(self, *stages: Stage) -> tuple[Queued, ...]:
        """What stands at these stages of the queue, first come first at each."""
        found = await self._db.read(
            lambda conn: [one for stage in stages for one in deliveries.listing(conn, stage)]
        )
        return tuple(handover.queued(one) for one in found if one.group == WORKERS)
