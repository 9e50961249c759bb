"""Each actor's way back: revisions, reverts, undo and redo.

Invariant: going back is a new revision. The undo list lives in the store, so it survives
restarts; a new act drops what was undone before it.
"""

from __future__ import annotations

from orc_core.errors import Overlap, UnknownName, UsageError
from orc_core.history.preview import changes, make_plan
from orc_core.history.steps import RULES, step
from orc_core.model.history import FieldChange, Plan, Report
from orc_core.sync.conflicts import find, turn
from orc_core.sync.provenance import newest, writer
from orc_core.text import clean
from orc_storage import acts, documents
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import NotFound
from orc_storage.records import Act, Change, Revision


class History:
    """The past of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def revisions(self, kind: str, id: str) -> list[Revision]:
        """Return all revisions of a document, oldest first; raises UnknownName."""
        return await self._db.read(lambda conn: _history(conn, kind, id))

    async def diff(self, kind: str, id: str, rev: int) -> tuple[FieldChange, ...]:
        """Return what revision `rev` changed; raises UnknownName."""

        def work(conn: Connection) -> tuple[FieldChange, ...]:
            after = _revision(conn, kind, id, rev)
            before = _revision(conn, kind, id, after.parent_rev) if after.parent_rev else None
            return changes(before, after)

        return await self._db.read(work)

    async def plan(self, kind: str, id: str, rev: int) -> Plan:
        """Preview taking a document back to `rev`, which may be a deletion; raises UnknownName."""

        def work(conn: Connection) -> Plan:
            now = newest(conn, kind, id)
            return make_plan(
                conn, now or _revision(conn, kind, id, rev), _revision(conn, kind, id, rev)
            )

        return await self._db.read(work)

    async def revert(self, plan: Plan, *, actor: str) -> Report:
        """Do what a plan says, over the revision it was made on.

        Raises Overlap where the document moved on since, UsageError where there is nothing to
        take back or the old body is not valid any more.
        """

        def work(tx: Transaction) -> Report:
            kind, id = plan.kind, plan.id
            now = newest(tx.conn, kind, id)
            target = _revision(tx.conn, kind, id, plan.to_rev)
            if now is None or now.rev != plan.from_rev:
                found = 0 if now is None else now.rev
                by = "" if now is None else f" by {writer(now)}"
                raise Overlap(
                    f"{id} is at revision {found}{by}, the preview was of {plan.from_rev}:"
                    " look at a new preview first"
                )
            if not changes(now, target):
                raise UsageError(
                    f"{id} is already as it was at revision {target.rev}: nothing to take back"
                )
            cause = f"revert to {target.rev}"
            if target.deleted:
                done = documents.delete(tx, kind, id, rev=now.rev, actor=actor, cause=cause)
            else:
                if rules := RULES.get(kind):
                    rules.check(tx.conn, None, target.body)
                rev = 0 if now.deleted else now.rev
                done = documents.put(
                    tx, kind, id, target.body, rev=rev, actor=actor, cause=cause, action="revert"
                )
            change = Change(kind, id, now.rev, done.rev)
            label = f"revert {id} to {target.rev}"
            acts.record(tx, actor=actor, label=label, changes=(change,))
            text = f"{id} is back at revision {target.rev}, as revision {done.rev}"
            return Report(text, undoable=True, rev=done.rev)

        return await self._db.write(work)

    async def undo(self, actor: str) -> Report:
        """Take the actor's last act back; raises UsageError where there is none, Overlap."""
        return await self._db.write(lambda tx: _turn(tx, actor, is_undo=True))

    async def redo(self, actor: str) -> Report:
        """Do again what was undone last; raises UsageError where there is nothing, Overlap."""
        return await self._db.write(lambda tx: _turn(tx, actor, is_undo=False))


def _turn(tx: Transaction, actor: str, *, is_undo: bool) -> Report:
    act = acts.last(tx.conn, actor, "done" if is_undo else "undone")
    if act is None:
        raise UsageError(f"there is nothing to {'undo' if is_undo else 'redo'}")
    if act.conflicts:
        rev = _turn_conflicts(tx, act, is_undo=is_undo)
    else:
        rev = 0
        for change in reversed(act.changes) if is_undo else act.changes:
            rev = step(tx, change, is_undo=is_undo, actor=actor, label=act.label)
    acts.mark(tx, act.seq, "undone" if is_undo else "done")
    label = clean(act.label, limit=200)
    text = f"undone: {label}" if is_undo else f"done again: {label}"
    return Report(text, undoable=not is_undo, rev=rev, redoable=is_undo)


def _turn_conflicts(tx: Transaction, act: Act, *, is_undo: bool) -> int:
    rev = 0
    for id in act.conflicts:
        conflict = find(tx.conn, id)
        rules = RULES.get(conflict.doc_kind)
        for change in turn(tx, conflict, act.deed, is_undo=is_undo, actor=act.actor, rules=rules):
            rev = change.to_rev
    return rev


def _history(conn: Connection, kind: str, id: str) -> list[Revision]:
    try:
        return documents.history(conn, kind, id)
    except NotFound as error:
        raise UnknownName(f"{error}: `orc tasks` lists them") from None


def _revision(conn: Connection, kind: str, id: str, rev: int) -> Revision:
    try:
        return documents.revision(conn, kind, id, rev)
    except NotFound:
        known = _history(conn, kind, id)
        raise UnknownName(
            f"{clean(id, limit=63)} has no revision {rev}: it has 1 to {known[-1].rev}"
        ) from None
