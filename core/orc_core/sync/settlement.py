"""Carrying out, in one transaction, what a layer's copy of a document asks for.

Invariant: the revision, the conflicts and the base are written together or not at all. The base
says what the layer held when it was read; what it is given is recorded after it was written, so
that a write that fails is tried again and never taken for somebody's edit.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orc_core.errors import IllegalMove, OrcError, UsageError
from orc_core.sync import decisions
from orc_core.sync.copies import Copy, find_basis
from orc_core.sync.merge import Conflicting
from orc_core.sync.paths import same
from orc_core.sync.policies import AUTO, Policy
from orc_core.sync.provenance import newest, right_side
from orc_core.sync.reconcile import Opening, Outcome, Situation, reconcile
from orc_core.sync.rules import Rules, policy_of
from orc_core.sync.statistics import MERGED, RULED
from orc_core.sync.verdicts import judge
from orc_core.sync.wording import place
from orc_storage import acts, bases, conflicts, counters, documents
from orc_storage.database import Connection, Transaction
from orc_storage.errors import Archived, DamagedDocument, NotFound
from orc_storage.records import (
    OPERATOR,
    Base,
    Body,
    Change,
    Conflict,
    ConflictState,
    Deed,
    Revision,
    Side,
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What the layer should hold now, at which revision, and what was done in the store.

    `is_over` says that nobody holds the document any more, so that its base can go as well.
    """

    body: Body | None
    rev: int
    is_over: bool = False
    wrote: bool = False
    opened: int = 0
    merged: int = 0
    decided: int = 0


def settle(tx: Transaction, copy: Copy, rules: Rules) -> Settled:
    """Bring the store and one copy together; raises UsageError where the copy is at fault.

    Raises IllegalMove and InvalidBody too, for the same reason, and DamagedDocument where the
    store's side is not known. `opened` conflicts wait for a
    person, `decided` ones were decided by the policy that comes with the rules.
    """
    policy = policy_of(rules).as_set(tx.conn)
    settled, found = _settle(tx, copy, rules, policy)
    decided = sum(_decide(tx, conflict, opening, rules, policy) for conflict, opening in found)
    if not decided:
        return settled
    # Decisions moved the base: what the layer is to hold is told by looking again.
    again, _ = _settle(tx, copy, rules, policy)
    return replace(
        again,
        wrote=True,
        opened=settled.opened - decided,
        merged=settled.merged,
        decided=decided,
    )


def _settle(
    tx: Transaction, copy: Copy, rules: Rules, policy: Policy
) -> tuple[Settled, list[tuple[Conflict, Opening]]]:
    now = newest(tx.conn, copy.kind, copy.id)
    base = bases.get(tx.conn, copy.layer, copy.kind, copy.id)
    if now is None and base is not None and base.body is not None:
        # What is deleted leaves a revision that says so: what leaves nothing was lost.
        raise DamagedDocument(copy.kind, copy.id, base.rev, "it is gone")
    ours = None if now is None or now.deleted else now.body
    _check(tx.conn, copy, now, base, rules)
    opens = conflicts.for_document(tx.conn, copy.layer, copy.kind, copy.id)
    basis, basis_rev, is_old = find_basis(tx.conn, copy, now, base)
    outcome = reconcile(
        Situation(
            ours=ours,
            theirs=copy.body,
            basis=basis,
            seen=None if base is None or copy.is_lost else base.seen,
            base=None if base is None else base.body,
            opens=tuple(opens),
            old_copy=basis_rev if is_old else 0,
            is_newer=base is not None and basis_rev > base.rev,
            owned=frozenset(_owned(policy, copy)),
            is_atomic=policy.is_atomic(copy.kind),
        )
    )
    rev = _write(tx, copy, now, ours, outcome, rules)
    for conflict in outcome.superseded:
        decisions.supersede(tx, conflict)
    for conflict in outcome.moved:
        conflicts.update(tx, conflict)
    found = [
        (_open(tx, copy, opening, basis_rev, outcome.superseded), opening)
        for opening in outcome.openings
    ]
    if outcome.merged:
        counters.bump(tx, MERGED, day_of(tx.at), outcome.merged)
    _keep(tx, copy, base, outcome)
    settled = Settled(
        body=outcome.layer,
        rev=rev,
        is_over=outcome.is_gone,
        wrote=now is None or rev != now.rev,
        opened=len(outcome.openings),
        merged=outcome.merged,
    )
    return settled, found


def _owned(policy: Policy, copy: Copy) -> set[str]:
    return policy.owned_elsewhere(copy.kind, copy.layer, copy.body or ())


def _decide(
    tx: Transaction, conflict: Conflict, opening: Opening, rules: Rules, policy: Policy
) -> bool:
    """Decide a conflict by its rule, if there is one; False leaves it to a person.

    Raises IllegalMove where a machine refuses what the layer asks of it.
    """
    verdict = judge(policy, conflict, is_stale=opening.is_stale)
    if verdict is None:
        return False
    side = conflict.left if verdict.take == "left" else conflict.right
    value = decisions.held(side)
    try:
        changes = decisions.decide(
            tx, conflict, verdict.take, value, actor=AUTO, rules=rules, strategy=verdict.by
        )
    except IllegalMove:
        raise
    except OrcError:
        return False  # the rule's value would not be valid: a person has to look
    counters.bump(tx, RULED, day_of(tx.at))
    taken = place(conflict.doc, conflict.path)
    acts.record(
        tx,
        actor=OPERATOR,
        deed=Deed.DECIDE,
        label=f"{conflict.id}, {taken} from the {side.layer} by {verdict.by}",
        changes=changes,
        conflicts=(conflict.id,),
        automatic=True,
    )
    return True


def record_given(tx: Transaction, copy: Copy, settled: Settled, sha256: str) -> None:
    """Write down what the layer was given, so that its echo is no change."""
    if settled.is_over:
        bases.remove(tx, copy.layer, copy.kind, copy.id)
        return
    bases.note_held(
        tx,
        copy.layer,
        copy.kind,
        copy.id,
        rev=settled.rev,
        seen=settled.body,
        seen_sha256="" if settled.body is None else sha256,
    )


def day_of(at: float) -> str:
    """Name the local day of a time in seconds since the epoch, such as 2026-11-20."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def _check(
    conn: Connection, copy: Copy, now: Revision | None, base: Base | None, rules: Rules
) -> None:
    if copy.body is None or (base is not None and base.seen_sha256 == copy.sha256):
        return
    if now is not None and now.id != copy.id:
        raise UsageError(f"its name differs from {now.id} only in case: rename it to {now.id}.json")
    # Without a base its number may be that of a store that was lost: then only its text counts.
    if base is not None and copy.rev is not None and now is not None and copy.rev > now.rev:
        raise UsageError(
            f'"rev" is {copy.rev}, but the store has {now.rev} revisions of {now.id}: set it to'
            " the one that was edited, or take it out"
        )
    rules.check(conn, None, copy.body)


def _write(
    tx: Transaction,
    copy: Copy,
    now: Revision | None,
    ours: Body | None,
    outcome: Outcome,
    rules: Rules,
) -> int:
    """Write the store's side, if it changed, and return its revision."""
    current = 0 if now is None else now.rev
    if outcome.store is None:
        if ours is None or now is None:
            return current
        gone = documents.delete(
            tx, copy.kind, now.id, rev=now.rev, actor=copy.layer, cause=f"{copy.cause} removed"
        )
        # A file that is gone may well be a slip: `z` of the person at the screen brings it back.
        acts.record(
            tx,
            actor=OPERATOR,
            label=f"delete {now.id}, its {copy.layer} was removed",
            changes=(Change(copy.kind, now.id, now.rev, gone.rev),),
            automatic=True,
        )
        return gone.rev
    if ours is not None and same(outcome.store, ours):
        return current
    rules.check(tx.conn, ours, outcome.store)
    rev = 0 if ours is None else current
    return documents.put(
        tx, copy.kind, copy.id, outcome.store, rev=rev, actor=copy.layer, cause=copy.cause
    ).rev


def _open(
    tx: Transaction,
    copy: Copy,
    opening: Opening,
    basis_rev: int,
    superseded: Sequence[Conflict],
) -> Conflict:
    values = opening.values
    before = next((old for old in superseded if old.path == values.path), None)
    right = right_side(tx.conn, newest(tx.conn, copy.kind, copy.id), values)
    base_rev = basis_rev if before is None else before.base_rev
    base_at, base_by = _written(tx.conn, copy, base_rev)
    return decisions.open_conflict(
        tx,
        Conflict(
            id="",
            kind=values.kind,
            doc_kind=copy.kind,
            doc=copy.id,
            path=values.path,
            base=values.base,
            base_present=values.base_present,
            base_rev=base_rev,
            base_at=base_at,
            base_by=base_by,
            left=_layer_side(copy, values),
            right=right,
            state=ConflictState.OPEN,
            opened_at=tx.at,
            line=values.line,
            why=opening.why or _explain(copy, values, base_rev, right),
        ),
    )


def _layer_side(copy: Copy, values: Conflicting) -> Side:
    return Side(
        layer=copy.layer,
        value=values.theirs,
        present=values.theirs_present,
        writer="",
        at=copy.at,
        rev=copy.rev or 0,
        cause=copy.cause,
    )


def _explain(copy: Copy, values: Conflicting, base_rev: int, right: Side) -> str:
    changed = f"the store changed it in revision {right.rev}" if right.present else "it was deleted"
    if not base_rev:
        return f"the {copy.layer} and the store got it without knowing of each other"
    did = "changed" if values.theirs_present or values.path else "removed"
    return f"the {copy.layer} {did} revision {base_rev}, {changed}"


def _written(conn: Connection, copy: Copy, rev: int) -> tuple[float, str]:
    """Tell when and by whom a revision was written; (0.0, "") where there is none."""
    try:
        found = documents.revision(conn, copy.kind, copy.id, rev)
    except (Archived, DamagedDocument, NotFound):
        return 0.0, ""
    return found.at, found.actor


def _keep(tx: Transaction, copy: Copy, base: Base | None, outcome: Outcome) -> None:
    """Write down what both agree on and what the layer held."""
    if outcome.is_gone and copy.body is None:
        if base is not None:
            bases.remove(tx, copy.layer, copy.kind, copy.id)
        return
    old_rev = 0 if base is None else base.rev
    rev = old_rev if copy.rev is None or copy.body is None else copy.rev
    fresh = Base(copy.layer, copy.kind, copy.id, rev, outcome.base, copy.body, copy.sha256)
    if base is None or not _equal(base, fresh):
        bases.put(tx, fresh)


def _equal(a: Base, b: Base) -> bool:
    return (
        (a.rev, a.seen_sha256) == (b.rev, b.seen_sha256)
        and same(a.body, b.body)
        and same(a.seen, b.seen)
    )
