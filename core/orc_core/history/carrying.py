"""Carrying out a plan, in one transaction.

Invariant: all of a plan or nothing. Every document is still at the revision that the plan was
made on, its rules hold once all is written, what was written is read back, and the act that
takes it back is recorded with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from orc_core.errors import Overlap
from orc_core.model.history import Plan, Standing, Step
from orc_core.sync import decisions
from orc_core.sync.decisions import PAST
from orc_core.sync.merge import clash
from orc_core.sync.paths import MISSING, Value, same
from orc_core.sync.provenance import last_change, newest, store_side, writer
from orc_core.sync.rules import Rules
from orc_storage import checkpoints, conflicts, documents
from orc_storage.database import Connection, Transaction
from orc_storage.errors import StorageError
from orc_storage.records import WAITING, Change, Conflict, ConflictState, Side

Fence: TypeAlias = Callable[[Transaction, Plan], None]
"""What is told before anything is written, so that whoever holds a lease is fenced off."""


def carry_out(
    tx: Transaction, plan: Plan, *, actor: str, rules: Mapping[str, Rules], fence: Fence | None
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Write what a plan says; return the changes and the ids of the conflicts it opened.

    Raises Overlap where a document moved on since, UsageError where an old body is not valid
    any more.
    """
    for step in plan.steps:
        _check_fresh(tx.conn, step)
    if fence is not None:
        fence(tx, plan)
    if plan.checkpoint:
        checkpoints.create(tx, note=plan.checkpoint, actor=actor, automatic=True)
    written = tuple(
        change for step in plan.steps if (change := _write(tx, step, plan, actor)) is not None
    )
    # Only now: what a task depends on may be written after it.
    for step in plan.steps:
        if step.diff and step.body is not None and (rule := rules.get(step.kind)) is not None:
            rule.check(tx.conn, None, step.body)
        _verify(tx.conn, step)
    opened = tuple(_open(tx, step, one) for step in plan.steps for one in step.standing)
    return written, opened


def withdraw(tx: Transaction, ids: Sequence[str]) -> None:
    """Close the conflicts that an act opened and nobody decided."""
    for id in ids:
        found = conflicts.get(tx.conn, id)
        if found is not None and found.state in WAITING:
            decisions.supersede(tx, found)


def bring_back(tx: Transaction, ids: Sequence[str]) -> None:
    """Open again what was withdrawn, where the store still holds the side it held."""
    for id in ids:
        found = conflicts.get(tx.conn, id)
        if found is None or found.state is not ConflictState.SUPERSEDED:
            continue
        _, value = decisions.store_value(tx.conn, found)
        if same(value, decisions.held(found.right)):
            opened = replace(found, state=ConflictState.OPEN, decided_at=0.0, closed_rev=0)
            conflicts.update(tx, opened)


def _check_fresh(conn: Connection, step: Step) -> None:
    now = newest(conn, step.kind, step.id)
    found = 0 if now is None else now.rev
    if found != step.from_rev:
        by = "" if now is None else f" by {writer(now)}"
        raise Overlap(
            f"{step.id} is at revision {found}{by}, the preview was of {step.from_rev}:"
            " look at a new preview first"
        )


def _write(tx: Transaction, step: Step, plan: Plan, actor: str) -> Change | None:
    if not step.diff:
        return None
    kind, id = step.kind, step.id
    if step.body is None:
        done = documents.delete(tx, kind, id, rev=step.from_rev, actor=actor, cause=plan.label)
    else:
        found = documents.get(tx.conn, kind, id)
        done = documents.put(
            tx,
            kind,
            id,
            step.body,
            rev=0 if found is None else found.rev,
            actor=actor,
            cause=plan.label,
            action=plan.action,
        )
    return Change(kind, id, step.from_rev, done.rev)


def _verify(conn: Connection, step: Step) -> None:
    found = documents.get(conn, step.kind, step.id)
    holds = None if found is None else found.body
    if (holds is None) is not (step.body is None) or (
        holds is not None and step.body is not None and not same(holds, step.body)
    ):
        raise StorageError(f"{step.kind} {step.id} did not come back as planned: nothing is done")


def _open(tx: Transaction, step: Step, one: Standing) -> str:
    """Make a conflict of what overlaps: the past against what stands in the store."""
    for earlier in conflicts.for_document(tx.conn, PAST, step.kind, step.id):
        if earlier.path == one.path:
            decisions.supersede(tx, earlier)
    now = newest(tx.conn, step.kind, step.id)
    base, wanted = _value(one.base, one.base_present), _value(one.wanted, one.wanted_present)
    opened = decisions.open_conflict(
        tx,
        Conflict(
            id="",
            kind=clash(base, _value(one.now, one.now_present), wanted),
            doc_kind=step.kind,
            doc=step.id,
            path=one.path,
            base=one.base,
            base_present=one.base_present,
            base_rev=one.base_rev,
            left=_past_side(tx.conn, step, one),
            right=store_side(tx.conn, now, one.path),
            state=ConflictState.OPEN,
            opened_at=tx.at,
            why=f"{one.by} changed it in revision {one.rev}, after what was to be taken back",
        ),
    )
    return opened.id


def _past_side(conn: Connection, step: Step, one: Standing) -> Side:
    if not (one.wanted_present and one.wanted_rev):
        return Side(PAST, one.wanted, one.wanted_present, "", 0.0, 0, "")
    held = documents.revision(conn, step.kind, step.id, one.wanted_rev)
    source = last_change(conn, held, one.path)
    return Side(PAST, one.wanted, True, source.actor, source.at, source.rev, source.cause)


def _value(value: object, present: bool) -> Value:
    return value if present else MISSING  # type: ignore[return-value]
