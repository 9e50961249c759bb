"""The one writer of a process: a bounded queue before one connection.

Invariant: what waits together is committed together. An item that fails undoes only itself; a
COMMIT that fails fails them all, and nobody hears of success before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from orc_storage import journal
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import OutcomeUnknown, StoreUnavailable
from orc_storage.lane import Lane, Opening

T = TypeVar("T")

QUEUE_MAX: Final = 1024
BATCH_MAX: Final = 256
STOP_TIMEOUT_S: Final = 15.0


@dataclass(slots=True)
class _Item:
    """One write in the queue; `done` is settled after the COMMIT."""

    work: Callable[[Transaction], Any]
    done: asyncio.Future[Any]
    begun: bool = False


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one write of a batch."""

    value: Any = None
    error: Exception | None = None


class Writer:
    """Takes writes from any number of tasks and commits them in groups."""

    def __init__(
        self,
        lane: Lane,
        opening: Opening,
        now: Callable[[], float],
        on_commit: Callable[[], None],
    ) -> None:
        self._lane = lane
        self._engine = opening.engine
        self._path = opening.path
        self._now = now
        self._on_commit = on_commit
        self._queue: asyncio.Queue[_Item | None] = asyncio.Queue(QUEUE_MAX)
        self._task = asyncio.create_task(self._serve())

    async def write(self, work: Callable[[Transaction], T], *, timeout_s: float) -> T:
        """Run `work` in a transaction and return its result once that is on disk."""
        (outcome,) = await self.write_each([work], timeout_s=timeout_s)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def write_each(
        self, works: Sequence[Callable[[Transaction], T]], *, timeout_s: float
    ) -> list[T | Exception]:
        """Run all of `works`, queued together and so committed together as far as a group goes.

        Return, once that is on disk, what each returned, or why it alone was undone.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        queued = [await self._queue_up(work, deadline, timeout_s) for work in works]
        return [await self._outcome(item, deadline, timeout_s) for item in queued]

    async def _queue_up(
        self, work: Callable[[Transaction], Any], deadline: float, timeout_s: float
    ) -> _Item:
        item = _Item(work, asyncio.get_running_loop().create_future())
        if not self._queue.full():
            # No await: what is queued in one turn of the loop is taken in one group.
            self._queue.put_nowait(item)
            return item
        try:
            async with asyncio.timeout_at(deadline):
                await self._queue.put(item)
        except TimeoutError:
            item.done.set_exception(
                StoreUnavailable(
                    f"{self._path}: {QUEUE_MAX} writes are waiting and there was no room for"
                    f" {timeout_s:g} s; nothing was written, try again"
                )
            )
        return item

    async def _outcome(self, item: _Item, deadline: float, timeout_s: float) -> Any:
        if not item.done.done():
            # wait() leaves the items alone when this caller is cancelled or too late.
            await asyncio.wait(
                {item.done, self._task},
                timeout=max(0.0, deadline - asyncio.get_running_loop().time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        if item.done.done():
            return item.done.exception() or item.done.result()
        if item.begun:
            return OutcomeUnknown(
                f"{self._path} did not finish a write in {timeout_s:g} s: it may still get"
                " written, so look before you repeat it"
            )
        item.done.cancel()
        why = "was closed" if self._task.done() else f"was busy for {timeout_s:g} s"
        return StoreUnavailable(f"{self._path} {why}; nothing was written, try again")

    async def stop(self) -> None:
        """Commit what waits and end; raises nothing."""
        last = asyncio.ensure_future(self._queue.put(None))
        _, late = await asyncio.wait({last, self._task}, timeout=STOP_TIMEOUT_S)
        if late:
            self._lane.give_up()
        for task in late:
            task.cancel()
        await asyncio.gather(last, self._task, return_exceptions=True)

    async def _serve(self) -> None:
        is_open = True
        while is_open:
            batch = [await self._queue.get()]
            while len(batch) < BATCH_MAX and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            is_open = None not in batch
            items = [item for item in batch if item is not None and not item.done.done()]
            if items:
                await self._commit(items)

    async def _commit(self, items: list[_Item]) -> None:
        for item in items:
            item.begun = True
        works = [item.work for item in items]
        try:
            outcomes, changed = await self._lane.run(
                lambda conn: commit_batch(conn, works, self._now())
            )
        except Exception as error:
            outcomes, changed = [_Outcome(error=error)] * len(items), False
        for item, outcome in zip(items, outcomes, strict=True):
            if item.done.done():
                continue
            if outcome.error is None:
                item.done.set_result(outcome.value)
            else:
                item.done.set_exception(self._translated(outcome.error))
                # Looking at it marks it as seen, also where nobody waits any more.
                item.done.exception()
        if changed:
            self._on_commit()

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, self._engine.error):
            return self._engine.translate(error, self._path)
        return error


def commit_batch(
    conn: Connection, works: list[Callable[[Transaction], Any]], at: float
) -> tuple[list[_Outcome], bool]:
    """Run `works` in one transaction; return what became of each, and whether rows changed."""
    before = conn.total_changes
    # IMMEDIATE: a read that turns into a write fails at once when someone wrote in between.
    conn.execute("BEGIN IMMEDIATE")
    try:
        tx = Transaction(conn, at)
        begin = journal.head(conn)
        outcomes = [_attempt(tx, work) for work in works]
        end = journal.head(conn)
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
    try:
        conn.execute("COMMIT")
    except BaseException as error:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
            raise
        if begin == end or not _is_committed(conn, end, error):
            raise
    return outcomes, conn.total_changes != before


def _is_committed(conn: Connection, head: tuple[int, str], error: BaseException) -> bool:
    """Whether what a COMMIT was to write is on disk though it failed.

    With a log, a failure may be one to move its pages into the store, which is tried again after
    each commit. Raises OutcomeUnknown where what is there may still be lost.
    """
    try:
        if journal.head(conn) != head:
            return False
        is_durable: bool = conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    except Exception:
        is_durable = False
    if not is_durable:
        raise OutcomeUnknown(
            f"the store could not say whether a write is on disk ({error}): check the disk, and"
            " look before you repeat it"
        ) from error
    return True


def _attempt(tx: Transaction, work: Callable[[Transaction], Any]) -> _Outcome:
    tx.conn.execute("SAVEPOINT item")
    try:
        value = work(tx)
    except Exception as error:
        if not tx.conn.in_transaction:
            # A full disk or an I/O error made SQLite give up the whole transaction.
            raise
        tx.conn.execute("ROLLBACK TO item")
        tx.conn.execute("RELEASE item")
        return _Outcome(error=error)
    tx.conn.execute("RELEASE item")
    return _Outcome(value)
