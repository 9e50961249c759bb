"""Changes that wait for the store: kept in memory, shown as pending, written in order later.

Invariant: what waits is never called written. It is written in the order in which it was done,
each once; what the store refuses in the end is named and stays named. At most `WAITING_MAX`
changes wait, and one more is refused at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import uuid4

from orc_core.clock import Clock
from orc_core.errors import OrcError, UnknownName
from orc_core.model.health import Fault, Layer, LayerState
from orc_core.model.history import Report, Tally
from orc_core.model.task import Status, Task
from orc_core.sync.late import LateEdit, settle_late
from orc_core.tasks.desk import Tasks, edited, made
from orc_core.tasks.graph import view
from orc_core.tasks.rules import KIND, TaskRules
from orc_core.text import clean
from orc_storage import acts
from orc_storage.canonical import digest, encode
from orc_storage.database import Database, Transaction
from orc_storage.errors import OutcomeUnknown, StaleRevision, StorageError, StoreUnavailable
from orc_storage.records import Body, Document, Json

T = TypeVar("T")

WAITING_MAX: Final = 100
REFUSED_MAX: Final = 100
RETRY_S: Final = 1.0
NEW_ID: Final = "pending-"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One change that waits: what it is called, what it shows meanwhile, how it is done.

    `shown` is None where it concerns no document that lists show.
    """

    label: str
    at: float
    act: Callable[[], Awaitable[object]]
    shown: Document | None = None


class Pending:
    """The changes of one process that wait for its store.

    `held` returns the documents that were read last; `changed` is called when something waits,
    was written or was refused.
    """

    def __init__(
        self,
        store: Database,
        clock: Clock,
        held: Callable[[], Sequence[Document]],
        changed: Callable[[], None],
    ) -> None:
        self.waiting: tuple[Waiting, ...] = ()
        self.refused: tuple[Fault, ...] = ()
        self._store = store
        self._tasks = Tasks(store)
        self._clock = clock
        self._held = held
        self._changed = changed
        self._trouble, self._troubled_at = "", 0.0
        self._wake = asyncio.Event()
        self._count = 0

    def overlay(self, documents: Sequence[Document]) -> tuple[Document, ...]:
        """The documents as they will be: what waits stands over what the store holds."""
        shown = {one.shown.id: one.shown for one in self.waiting if one.shown is not None}
        known = {document.id for document in documents}
        whole = [shown.get(document.id, document) for document in documents]
        return (*whole, *(document for id, document in shown.items() if id not in known))

    def mark(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """The tasks, those with a change that waits marked as pending."""
        ids = {one.shown.id for one in self.waiting if one.shown is not None}
        return tuple(replace(task, pending=True) if task.id in ids else task for task in tasks)

    def over(self, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        """The layers; that of the store says how many changes wait and which were refused."""
        if not self.waiting and not self.refused:
            return tuple(layers)
        known = [layer for layer in layers if layer.name == "store"]
        store = known[0] if known else Layer("store", LayerState.UNKNOWN, "", 0.0, 0, 0)
        since = self._clock.now() - self.waiting[0].at if self.waiting else 0.0
        state = LayerState.DEGRADED if store.state is LayerState.OK else store.state
        store = replace(
            store,
            state=state,
            queued=len(self.waiting),
            behind_s=max(since, 0.0),
            failed=store.failed + len(self.refused),
            faults=(*store.faults, *self.refused),
            trouble=self._trouble or store.trouble,
            trouble_at=self._troubled_at if self._trouble else store.trouble_at,
        )
        return (*(layer for layer in layers if layer.name != "store"), store)

    async def add(
        self, title: str, *, actor: str, cause: str, key: str = "", **fields: Json
    ) -> Task:
        """Add a task, now or when the store is back; see `Tasks.add`."""
        # A key of its own: what was written and not answered for is not added once more.
        key = key or uuid4().hex

        async def act() -> Task:
            return await self._tasks.add(title, actor=actor, cause=cause, key=key, **fields)

        added = await self._attempt(act)
        if isinstance(added, Task):
            return added
        self._count += 1
        id = f"{NEW_ID}{self._count}"
        shown = self._as_document(id, 0, made(id, {"title": title, **fields}), actor)
        label = f"add {clean(title, limit=60)}"
        self._keep(Waiting(label, shown.updated_at, act, shown), added)
        return self._shown(shown)

    async def edit(
        self,
        id: str,
        fields: Mapping[str, Json],
        *,
        actor: str,
        cause: str,
        rev: int | None = None,
    ) -> Task:
        """Change a task, now or when the store is back; see `Tasks.edit`."""

        async def edit_now() -> Task:
            return await self._tasks.edit(id, fields, actor=actor, cause=cause, rev=rev)

        done = await self._attempt(edit_now)
        if isinstance(done, Task):
            return done
        before = self._find(id)
        if before.rev == 0:
            raise OrcError(f"{id} waits for the store itself: edit it once it is written")
        if rev is not None and rev != before.rev:
            raise StaleRevision(KIND, before.id, rev, before.rev)
        body = edited(before, fields)
        shown = self._as_document(before.id, before.rev, body, actor)
        label = f"edit {before.id} {', '.join(fields)}"
        late = LateEdit(
            KIND, before.id, before.body, before.rev, body, shown.updated_at, actor, cause
        )

        async def act() -> None:
            await self._store.write(lambda tx: _write_late(tx, late, label))

        self._keep(Waiting(label, shown.updated_at, act, shown), done)
        return self._shown(shown)

    async def edit_many(
        self, ids: Sequence[str], fields: Mapping[str, Json], *, actor: str, cause: str
    ) -> Tally:
        """Change several tasks as one act; while the store is away, each as one that waits."""

        async def act() -> Tally:
            return await self._tasks.edit_many(ids, fields, actor=actor, cause=cause)

        done = await self._attempt(act)
        if isinstance(done, Tally):
            return done
        kept: list[str] = []
        refused: list[str] = []
        for id in ids:
            try:
                await self.edit(id, fields, actor=actor, cause=cause)
            except (OrcError, StorageError) as error:
                refused.append(str(error))
            else:
                kept.append(id)
        return Tally(tuple(kept), tuple(refused), "pending, until the store is back")

    async def delete_many(self, ids: Sequence[str], *, actor: str, cause: str) -> Tally:
        """Delete several tasks as one act; raises StoreUnavailable while changes wait."""
        self.require_written("nothing was deleted")
        return await self._tasks.delete_many(ids, actor=actor, cause=cause)

    async def set_status(self, id: str, status: Status, *, actor: str, cause: str) -> Task:
        """Move a task along an arrow of the machine, now or when the store is back."""
        return await self.edit(id, {"status": str(status)}, actor=actor, cause=cause)

    def require_written(self, what: str) -> None:
        """Refuse what cannot wait and must not overtake what does; raises StoreUnavailable.

        `what` says what was not done.
        """
        if self.waiting:
            count = f"{len(self.waiting)} change{'s' * (len(self.waiting) != 1)}"
            raise StoreUnavailable(
                f"{count} still to be written to {self._store.path}: {what}, try again when the"
                " store is back"
            )

    async def listing(self) -> tuple[Task, ...]:
        """Return all tasks as the store has them; see `Tasks.listing`."""
        return await self._tasks.listing()

    async def get(self, id: str) -> Task:
        """Return one task as it will be; without the store, as it was read last."""
        if not self.waiting:
            with contextlib.suppress(StoreUnavailable):
                return await self._tasks.get(id)
        return self._shown(self._find(id))

    async def late(self, label: str, act: Callable[[], Awaitable[Report]]) -> Report:
        """Do an act that needs no preview, now or when the store is back."""
        done = await self._attempt(act)
        if isinstance(done, Report):
            return done
        self._keep(Waiting(label, self._clock.now(), act), done)
        return Report(f"pending: {label}, until the store is back", undoable=False)

    async def _attempt(self, act: Callable[[], Awaitable[T]]) -> T | StoreUnavailable | None:
        """Do it now; what keeps the store from it, None where others wait before it."""
        if self.waiting:
            return None
        try:
            return await act()
        except OutcomeUnknown:
            raise
        except StoreUnavailable as error:
            return error

    def _keep(self, one: Waiting, trouble: StoreUnavailable | None) -> None:
        """Let a change wait; raises `trouble`, or StoreUnavailable, where too many wait."""
        if len(self.waiting) >= WAITING_MAX:
            raise trouble or StoreUnavailable(
                f"{WAITING_MAX} changes wait for {self._store.path} already: nothing was changed,"
                " mend the store first"
            )
        self.waiting = (*self.waiting, one)
        if trouble is not None:
            self._trouble, self._troubled_at = str(trouble), one.at
        self._wake.set()
        self._changed()

    async def run(self) -> None:
        """Try to write what waits, once a second, until cancelled."""
        while True:
            await self._wake.wait()
            await self._clock.sleep(RETRY_S)
            await self.replay()

    async def replay(self) -> None:
        """Write what waits, in order, as far as the store takes it."""
        while self.waiting:
            first = self.waiting[0]
            try:
                await first.act()
            except OutcomeUnknown as error:
                self._refuse(first, f"may have been written, look before you repeat it: {error}")
            except StoreUnavailable as error:
                self._trouble = str(error)
                return
            except (OrcError, StorageError) as error:
                self._refuse(first, str(error))
            self.waiting = self.waiting[1:]
            self._changed()
        self._trouble = ""
        self._wake.clear()

    def _refuse(self, one: Waiting, why: str) -> None:
        id = one.shown.id if one.shown is not None else ""
        text = f"{one.label}, done while the store was away, was not written: {why}"
        fault = Fault("store", KIND, id, clean(text, limit=400), self._clock.now())
        self.refused = (*self.refused, fault)[-REFUSED_MAX:]

    def _find(self, id: str) -> Document:
        for document in self.overlay(self._held()):
            if document.id.casefold() == id.casefold():
                return document
        raise UnknownName(f"no task goes by {clean(id, limit=80)!r}: `orc tasks` lists them")

    def _as_document(self, id: str, rev: int, body: Body, actor: str) -> Document:
        return Document(KIND, id, rev, body, digest(encode(body)), self._clock.now(), actor)

    def _shown(self, document: Document) -> Task:
        tasks = view(self.overlay(self._held()))
        found = next(task for task in tasks if task.id == document.id)
        return self.mark([found])[0]


def _write_late(tx: Transaction, late: LateEdit, label: str) -> None:
    change, _ = settle_late(tx, late, TaskRules())
    if change is not None:
        acts.record(tx, actor=late.actor, label=label, changes=(change,))
