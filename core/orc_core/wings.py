"""The wings of Core that work on documents, each bound to one actor.

Invariant: a wing adds who and why to a call and nothing else; the parts below do the work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from orc_core.code.encounters import PREFIX
from orc_core.history import encounters
from orc_core.history.actions import MARKS_MAX, History
from orc_core.history.checkpoints import Checkpoints
from orc_core.history.timeline import PAGE, Timeline
from orc_core.model.history import (
    Chosen,
    Digest,
    Done,
    FieldChange,
    Held,
    ManyReport,
    Mark,
    Page,
    Place,
    Plan,
    Query,
    Report,
    Saved,
    Tally,
)
from orc_core.model.task import Status, Task
from orc_core.model.work import ANY, Handed, Holder, Leased, Queued, Result
from orc_core.sync.choices import check_kind, check_name
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.paces import Choice
from orc_core.sync.policies import Policy
from orc_core.sync.statistics import Figures
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.dispatch import Dispatch
from orc_storage.deliveries import Stage
from orc_storage.records import Conflict, Json, Revision


class TaskDesk(Protocol):
    """Where tasks are added and edited; each call is told who acts, and through what."""

    async def add(
        self, title: str, *, actor: str, cause: str, key: str = "", **fields: Json
    ) -> Task: ...

    async def edit(
        self,
        id: str,
        fields: Mapping[str, Json],
        *,
        actor: str,
        cause: str,
        rev: int | None = None,
    ) -> Task: ...

    async def set_status(self, id: str, status: Status, *, actor: str, cause: str) -> Task: ...

    async def edit_many(
        self, ids: Sequence[str], fields: Mapping[str, Json], *, actor: str, cause: str
    ) -> Tally: ...

    async def delete_many(self, ids: Sequence[str], *, actor: str, cause: str) -> Tally: ...

    async def listing(self) -> tuple[Task, ...]: ...

    async def get(self, id: str) -> Task: ...


class Late(Protocol):
    """Does an act now, or keeps it until the store is back."""

    async def __call__(self, label: str, act: Callable[[], Awaitable[Report]], /) -> Report: ...


async def at_once(label: str, act: Callable[[], Awaitable[Report]]) -> Report:
    """Do an act now or fail: for a process that ends when its command does."""
    return await act()


def at_any_time(what: str) -> None:
    """Nothing ever waits in a process that ends when its command does."""


@dataclass(frozen=True, slots=True)
class TaskWing:
    """Tasks: add, edit, finish; every change is a revision of the actor."""

    desk: TaskDesk
    actor: str
    cause: str

    async def add(self, title: str, *, key: str = "", **fields: Json) -> Task:
        return await self.desk.add(title, actor=self.actor, cause=self.cause, key=key, **fields)

    async def edit(self, id: str, fields: Mapping[str, Json], *, rev: int | None = None) -> Task:
        return await self.desk.edit(id, dict(fields), actor=self.actor, cause=self.cause, rev=rev)

    async def set_status(self, id: str, status: Status) -> Task:
        return await self.desk.set_status(id, status, actor=self.actor, cause=self.cause)

    async def edit_many(self, ids: Sequence[str], fields: Mapping[str, Json]) -> Tally:
        """Change fields of several tasks as one act; what is refused stays and says why."""
        return await self.desk.edit_many(ids, dict(fields), actor=self.actor, cause=self.cause)

    async def delete_many(self, ids: Sequence[str]) -> Tally:
        """Delete several tasks as one act; their history stays, and undo brings them back."""
        return await self.desk.delete_many(ids, actor=self.actor, cause=self.cause)

    async def listing(self) -> tuple[Task, ...]:
        return await self.desk.listing()

    async def get(self, id: str) -> Task:
        return await self.desk.get(id)


class Names(Protocol):
    """What is known of whoever takes work, by name."""

    async def get(self, name: str) -> Holder: ...


@dataclass(frozen=True, slots=True)
class QueueWing:
    """Tasks handed out: queued by the actor, taken and ended by whoever holds a lease."""

    dispatch: Dispatch
    names: Names
    actor: str
    cause: str

    async def enqueue(self, id: str, *, kind: str = ANY, key: str = "") -> Queued:
        return await self.dispatch.enqueue(
            id, kind=kind, actor=self.actor, cause=self.cause, key=key
        )

    async def enqueue_many(self, ids: Sequence[str], *, kind: str = ANY) -> Tally:
        return await self.dispatch.enqueue_many(ids, kind=kind, actor=self.actor, cause=self.cause)

    async def take(
        self, name: str, *, kind: str = "", capabilities: Collection[str] = ()
    ) -> Leased | None:
        """Give the agent of a name its next task; what is said of it here adds to what is known."""
        holder = await self._holder(name, kind, capabilities)
        return await self.dispatch.take(holder, cause=self.cause)

    async def hand_in(
        self, token: str, *, note: str = "", kind: str = "", capabilities: Collection[str] = ()
    ) -> Handed:
        """The task of a token is done, and who held it gets the next in the same transaction."""
        name = await self.dispatch.holder_of(token)
        holder = await self._holder(name, kind, capabilities)
        return await self.dispatch.hand_in(token, holder, note=note, cause=self.cause)

    async def _holder(self, name: str, kind: str, capabilities: Collection[str]) -> Holder:
        known = await self.names.get(name)
        return replace(
            known,
            kind=kind or known.kind,
            capabilities=known.capabilities | frozenset(capabilities),
        )

    async def acknowledge(self, token: str, *, note: str = "") -> Queued:
        return await self.dispatch.acknowledge(token, note=note, cause=self.cause)

    async def fail(self, token: str, *, reason: str) -> Queued:
        return await self.dispatch.fail(token, reason=reason, cause=self.cause)

    async def step_aside(self, token: str, *, checkpoint: str = "") -> Queued:
        return await self.dispatch.step_aside(token, checkpoint=checkpoint, cause=self.cause)

    async def beat(self, token: str, *, progress: str = "") -> Leased:
        return await self.dispatch.beat(token, progress=progress)

    async def retry(self, id: str) -> Queued:
        return await self.dispatch.retry(id, actor=self.actor, cause=self.cause)

    async def listing(self) -> tuple[Queued, ...]:
        """Return what waits, is held or is dead, the dead last."""
        return await self.dispatch.listing(Stage.LEASED, Stage.READY, Stage.DEAD)

    async def dead(self) -> tuple[Queued, ...]:
        return await self.dispatch.listing(Stage.DEAD)

    async def results(self, group: str, *, limit: int) -> tuple[Result, ...]:
        """What a group has not heard yet of tasks that ended; told again unless `heard`."""
        return await self.dispatch.results(group, reader=self.actor, limit=limit)

    async def heard(self, results: Sequence[Result]) -> None:
        await self.dispatch.heard(results)


@dataclass(frozen=True, slots=True)
class ConflictWing:
    """Conflicts: decide, take a decision back, put off."""

    conflicts: Conflicts
    actor: str
    late: Late = at_once

    async def listing(self) -> list[Conflict]:
        return await self.conflicts.listing()

    async def get(self, id: str) -> Conflict:
        return await self.conflicts.get(id)

    async def resolve(self, id: str, take: str, value: Json = None) -> Report:
        """`take` is left, right, base, or value with the value to write."""
        return await self.late(
            f"resolve {id}",
            lambda: self.conflicts.resolve(id, take, value=value, actor=self.actor),
        )

    async def resolve_all(self, take: str, ids: Collection[str] | None = None) -> ManyReport:
        """Decide those named, else all that are open: `take` is left, right, both or base."""
        return await self._decide_many(
            "resolve conflicts", partial(self.conflicts.resolve_all, take, ids=ids)
        )

    async def resolve_chosen(self, choices: Sequence[Chosen]) -> ManyReport:
        """Decide several, each in its own way, as one act."""
        label = f"resolve {', '.join(one.id for one in choices)}"
        return await self._decide_many(label, partial(self.conflicts.resolve_chosen, choices))

    async def _decide_many(
        self, label: str, decide: Callable[..., Awaitable[ManyReport]]
    ) -> ManyReport:
        """Decide now, or all together when the store is back: until then nothing is decided."""
        found: list[ManyReport] = []

        async def act() -> Report:
            found.append(await decide(actor=self.actor))
            return Report(found[0].text, undoable=bool(found[0].done))

        report = await self.late(label, act)
        return found[0] if found else ManyReport((), (report.text,), "")

    async def figures(self) -> Figures:
        """What was found, what decided it and what waits."""
        return await self.conflicts.figures()

    async def seen(self) -> encounters.Seen:
        """How many conflicts of code there were."""
        return await self.conflicts.db.read(encounters.seen)

    async def policy(self) -> Policy:
        """The owners and strategies in force."""
        return await self.conflicts.policy()

    async def set_strategy(self, subject: str, strategy: str | None) -> Report:
        """Set what is done in KIND or KIND.FIELD from now on; None takes the setting back."""
        return await self.conflicts.set_strategy(subject, strategy, actor=self.actor)

    async def undo_resolution(self, id: str) -> Report:
        return await self.late(
            f"reopen {id}", lambda: self.conflicts.undo_resolution(id, actor=self.actor)
        )

    async def defer(self, id: str, until: float) -> Report:
        """Put a conflict off until `until`, in seconds since the epoch.

        One of code is taken up again by 0.
        """
        if id.startswith(PREFIX):
            return await encounters.defer(self.conflicts.db, id, until, actor=self.actor)
        return await self.late(
            f"defer {id}", lambda: self.conflicts.defer(id, until, actor=self.actor)
        )

    async def defer_many(self, ids: Sequence[str], until: float) -> Tally:
        """Put several off as one act; what is refused stays and says why.

        Those of code are put off beside it, which undo does not take back.
        """
        mine = tuple(id for id in ids if id.startswith(PREFIX))
        for id in mine:
            await self.defer(id, until)
        ids = [id for id in ids if id not in mine]
        if not ids:
            return Tally(mine, (), "deferred")
        tally = await self.conflicts.defer_many(ids, until, actor=self.actor)
        return replace(tally, done=(*mine, *tally.done))


@dataclass(frozen=True, slots=True)
class LayerWing:
    """Layers: which there are, switched on and off, and the pace of each."""

    sync: Synchronizer
    actor: str
    cause: str

    async def listing(self) -> dict[str, Choice]:
        """Return what is chosen for each layer, in the order in which they are served."""
        await self.sync.load()
        return {name: self.sync.choices.of(name) for name in self.sync.names}

    async def change(self, name: str, fields: Mapping[str, Any], *, kind: str = "") -> Choice:
        """Choose for a layer, or for one kind in it; None for a field is as in the files.

        `fields` are those of LayerSettings. Raises UnknownName, and UsageError naming the field.
        """
        await self.sync.load()
        check_name(name, self.sync.names)
        if kind:
            check_kind(name, kind, self.sync.kinds(name))
        return await self.sync.choices.change(
            name, fields, kind=kind, actor=self.actor, cause=self.cause
        )


@dataclass(frozen=True, slots=True)
class HistoryWing:
    """What was, and the way back to it."""

    past: History
    story: Timeline
    points: Checkpoints
    actor: str
    require_written: Callable[[str], None] = at_any_time

    async def revisions(self, kind: str, id: str) -> list[Revision]:
        return await self.past.revisions(kind, id)

    async def diff(
        self, kind: str, id: str, rev: int, *, against: int | None = None
    ) -> tuple[FieldChange, ...]:
        """What a revision changed, or its difference from revision `against`."""
        return await self.past.diff(kind, id, rev, against=against)

    async def page(self, query: Query, *, after: Place | None = None, limit: int = PAGE) -> Page:
        """Some lines of the timeline, newest first."""
        return await self.story.page(query, after=after, limit=limit)

    async def digest(self, since: float) -> Digest:
        """What happened after a time, in seconds since the epoch."""
        return await self.story.digest(since)

    async def newest(self) -> Place:
        return await self.story.newest()

    async def plan(self, kind: str, id: str, rev: int) -> Plan:
        return await self.past.plan(kind, id, rev)

    async def plan_take_out(self, marks: Sequence[Mark], *, label: str = "") -> Plan:
        return await self.past.plan_take_out(marks, label=label)

    async def plan_range(self, query: Query, *, label: str) -> Plan:
        """Preview taking back every revision that the query finds, all together."""
        marks = await self.story.marks(query, limit=MARKS_MAX)
        return await self.past.plan_take_out(marks, label=label)

    async def plan_undo(self) -> Plan:
        return await self.past.plan_turn(self.actor, is_undo=True)

    async def plan_redo(self) -> Plan:
        return await self.past.plan_turn(self.actor, is_undo=False)

    async def revert(self, plan: Plan) -> Report:
        """Carry out any plan."""
        self.require_written("nothing went back")
        return await self.past.revert(plan, actor=self.actor)

    async def undo(self) -> Report:
        self.require_written("nothing was undone")
        return await self.past.undo(self.actor)

    async def redo(self) -> Report:
        self.require_written("nothing was done again")
        return await self.past.redo(self.actor)

    async def acts(self, limit: int) -> list[Done]:
        return await self.past.acts(self.actor, limit)

    async def checkpoints(self) -> list[Saved]:
        return await self.points.listing()

    async def checkpoint(self, name: str) -> tuple[Saved, tuple[Held, ...]]:
        return await self.points.show(name)

    async def create_checkpoint(self, name: str, *, note: str = "") -> Report:
        self.require_written("no checkpoint was made")
        return await self.points.create(name, note=note, actor=self.actor)

    async def rename_checkpoint(self, name: str, *, to: str, note: str | None = None) -> Report:
        return await self.points.rename(name, to=to, note=note, actor=self.actor)

    async def forget_checkpoint(self, name: str) -> Report:
        return await self.points.remove(name, actor=self.actor)

    async def plan_restore(self, name: str, *, exact: bool = False) -> Plan:
        return await self.points.plan_restore(name, exact=exact)
