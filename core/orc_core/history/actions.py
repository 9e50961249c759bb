"""Each actor's way back: revisions, previews, reverts, undo and redo.

Invariant: going back is a new revision. The undo list lives in the store, so it survives
restarts; a new act drops what was undone before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from orc_core.errors import UnknownName, UsageError
from orc_core.history import undoing
from orc_core.history.carrying import Fence, carry_out
from orc_core.history.preview import make_plan
from orc_core.history.steps import RULES, back_to, changes, without
from orc_core.history.trees import Turner, turn_files
from orc_core.model.history import Done, FieldChange, Mark, Plan, Report
from orc_core.sync.provenance import newest
from orc_core.sync.rules import Rules
from orc_core.text import clean
from orc_storage import acts, documents
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import NotFound
from orc_storage.records import Deed, Revision

MARKS_MAX: Final = 10_000
"""How many revisions can be taken back together."""


class History:
    """The past of one store; `rules` are those of each kind of document."""

    def __init__(
        self,
        db: Database,
        *,
        rules: Mapping[str, Rules] = RULES,
        fence: Fence | None = None,
        turner: Turner | None = None,
    ) -> None:
        """`turner` takes files of work trees back, where an act restored some."""
        self._db = db
        self._rules = rules
        self._fence = fence
        self._turner = turner

    async def revisions(self, kind: str, id: str) -> list[Revision]:
        """Return all revisions of a document, oldest first; raises UnknownName."""
        return await self._db.read(lambda conn: _history(conn, kind, id))

    async def diff(
        self, kind: str, id: str, rev: int, *, against: int | None = None
    ) -> tuple[FieldChange, ...]:
        """Return what revision `rev` changed, or its difference from revision `against`.

        Raises UnknownName.
        """

        def work(conn: Connection) -> tuple[FieldChange, ...]:
            after = _revision(conn, kind, id, rev)
            other = after.parent_rev if against is None else against
            before = _revision(conn, kind, id, other) if other else None
            held = None if before is None or before.deleted else before.body
            return changes(held, None if after.deleted else after.body)

        return await self._db.read(work)

    async def plan(self, kind: str, id: str, rev: int) -> Plan:
        """Preview taking a document back to `rev`, which may be a deletion; raises UnknownName."""

        def work(conn: Connection) -> Plan:
            target = _revision(conn, kind, id, rev)
            now = newest(conn, kind, id) or target
            step = back_to(now, target)
            return make_plan(f"revert {now.id} to {target.rev}", "revert", (step,))

        return await self._db.read(work)

    async def plan_take_out(self, marks: Sequence[Mark], *, label: str = "") -> Plan:
        """Preview taking single revisions out, in any number of documents, all others kept.

        More than one revision is preceded by an automatic checkpoint. `label` names the whole.
        Raises UnknownName, UsageError where there is nothing or too much to take back.
        """
        if not marks:
            raise UsageError("there is nothing to take back there")
        if len(marks) > MARKS_MAX:
            raise UsageError(
                f"{len(marks):,} revisions are more than can be taken back together,"
                f" {MARKS_MAX:,}: choose a shorter range, or restore a checkpoint"
            )
        return await self._db.read(lambda conn: _take_out(conn, marks, label))

    async def revert(self, plan: Plan, *, actor: str) -> Report:
        """Do what a plan says, over the revisions it was made on.

        Raises Overlap where a document moved on since, UsageError where there is nothing to
        take back or an old body is not valid any more.
        """
        if plan.act:
            return await self._turn(actor, is_undo=plan.action == "undo", seen=plan)
        if not plan.steps:
            raise UsageError(f"{plan.label}: it is so already, there is nothing to take back")

        def work(tx: Transaction) -> Report:
            written, opened = carry_out(tx, plan, actor=actor, rules=self._rules, fence=self._fence)
            acts.record(tx, actor=actor, label=plan.label, changes=written, conflicts=opened)
            rev = written[-1].to_rev if written else 0
            return Report(_told(plan, rev, opened), undoable=True, rev=rev)

        return await self._db.write(work)

    async def plan_turn(self, actor: str, *, is_undo: bool) -> Plan:
        """Preview the undo or redo of an actor's last act; raises UsageError without one."""
        return await self._db.read(lambda conn: undoing.plan_turn(conn, actor, is_undo=is_undo))

    async def undo(self, actor: str) -> Report:
        """Take the actor's last act back.

        Raises UsageError where there is none, and Overlap where newer work stands in the way:
        then `plan_turn` shows it, and `revert` carries that plan out.
        """
        return await self._turn(actor, is_undo=True)

    async def redo(self, actor: str) -> Report:
        """Do again what was undone last; raises UsageError where there is nothing, Overlap."""
        return await self._turn(actor, is_undo=False)

    async def acts(self, actor: str, limit: int) -> list[Done]:
        """Return an actor's list: what redo would do, then what undo would, next one first."""
        found = await self._db.read(lambda conn: acts.listing(conn, actor, limit=limit))
        return [Done(act.at, clean(act.label, limit=200), act.state == "undone") for act in found]

    async def _turn(self, actor: str, *, is_undo: bool, seen: Plan | None = None) -> Report:
        act = await self._db.read(lambda conn: undoing.last_act(conn, actor, is_undo=is_undo))
        if act.deed is Deed.FILES:
            return await turn_files(self._db, self._turner, act, is_undo=is_undo, seen=seen)
        return await self._db.write(
            lambda tx: undoing.turn_last(
                tx, actor, is_undo=is_undo, rules=self._rules, fence=self._fence, seen=seen
            )
        )


def _take_out(conn: Connection, marks: Sequence[Mark], label: str) -> Plan:
    picked: dict[tuple[str, str], list[int]] = {}
    for mark in marks:
        found = _revision(conn, mark.kind, mark.id, mark.rev)
        picked.setdefault((found.kind, found.id), []).append(found.rev)
    steps = []
    for (kind, id), revs in picked.items():
        now = newest(conn, kind, id)
        if now is not None:
            steps.append(without(conn, now, revs))
    if len(marks) == 1:
        ((_, id), (rev,)) = next(iter(picked.items()))
        return make_plan(f"take out {id} {rev}", "take-out", steps)
    label = label or f"take out {len(marks)} changes"
    return make_plan(label, "take-out", steps, checkpoint=f"before: {label}")


def _told(plan: Plan, rev: int, opened: Sequence[str]) -> str:
    if len(plan.steps) == 1 and plan.action == "revert":
        (step,) = plan.steps
        text = f"{step.id} is back at revision {step.to_rev}, as revision {rev}"
    elif len(plan.steps) == 1:
        text = f"done: {plan.label}, as revision {rev}" if rev else f"done: {plan.label}"
    else:
        text = f"done: {plan.label}, in {len(plan.steps)} documents"
    return f"{text}; to be decided: {', '.join(opened)}" if opened else text


def _history(conn: Connection, kind: str, id: str) -> list[Revision]:
    try:
        return documents.history(conn, kind, id)
    except NotFound as error:
        raise UnknownName(f"{error}: `orc timeline` tells what there was") from None


def _revision(conn: Connection, kind: str, id: str, rev: int) -> Revision:
    try:
        return documents.revision(conn, kind, id, rev)
    except NotFound:
        known = _history(conn, kind, id)
        raise UnknownName(
            f"{clean(id, limit=63)} has no revision {rev}: it has {known[0].rev} to {known[-1].rev}"
        ) from None
