"""Deciding a conflict inside a transaction, and taking the decision back.

Invariant: a decision is one revision, whose cause is the conflict, and one step of the base:
it becomes what the layer holds, so that the next sync sends the decision there. Nothing is
decided over a store that moved on since the conflict was opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orc_core.errors import Overlap, UsageError
from orc_core.sync import patches, provenance
from orc_core.sync.hunks import Text, as_a_whole, given_text, reweave
from orc_core.sync.lines import Of
from orc_core.sync.merge import clash, plain, value_lines
from orc_core.sync.paths import MISSING, Value, field_of, hunk_number, same, set_path
from orc_core.sync.provenance import last_change, newest, value_at, writer
from orc_core.sync.rules import Rules
from orc_core.sync.wording import place, word
from orc_storage import bases, conflicts, documents, journal
from orc_storage.database import Connection, Transaction
from orc_storage.records import WAITING, Base, Body, Change, Conflict, ConflictState, Revision, Side

CONFLICT_PREFIX = "C"
PAST = "history"
"""The left side of a conflict that going back opened: no layer holds it, so it has no base."""

PENDING = "pending"
"""The left side of a conflict of what waited for the store: no layer holds it either."""


def held(side: Side) -> Value:
    """Return what one side of a conflict holds."""
    return side.value if side.present else MISSING


def agreed(conflict: Conflict) -> Value:
    """Return the value at the base of a conflict."""
    return conflict.base if conflict.base_present else MISSING


def decided(conflict: Conflict) -> Value:
    """Return the value that a conflict was decided for."""
    return conflict.value if conflict.value_present else MISSING


def store_value(conn: Connection, conflict: Conflict) -> tuple[Revision | None, Value]:
    """Return the newest revision of the conflict's document and what it holds at the path."""
    found = newest(conn, conflict.doc_kind, conflict.doc)
    return found, MISSING if found is None else value_at(found, conflict.path)


def still_stands(conn: Connection, conflict: Conflict) -> bool:
    """Whether the store's side is as the conflict says."""
    found, value = store_value(conn, conflict)
    if hunk_number(conflict.path):
        return patches.open_spot(conn, conflict, _body(found)) is not None
    return same(value, held(conflict.right))


def decide(
    tx: Transaction,
    conflict: Conflict,
    take: str,
    value: Value,
    *,
    actor: str,
    rules: Rules | None,
    strategy: str = "",
) -> tuple[Change, ...]:
    """Write `value` for both sides and mark the conflict resolved.

    `strategy` names the policy where no person decided. The caller made sure that the store's
    side is as the conflict says. Raises UsageError or IllegalMove where the body would not be
    valid.
    """
    line = conflict.line
    cause = f"conflict {conflict.id}" + (f", {strategy}" if strategy else "")
    if hunk_number(conflict.path):
        spot = patches.open_spot(tx.conn, conflict, _body(newest_of(tx.conn, conflict)))
        if spot is None:
            raise _moved_on(tx.conn, conflict, "look at it again")
        line = spot.at + 1
        changes = _write_lines(tx, conflict, spot, value, actor, cause, rules)
        patches.base_takes_left(tx, conflict)
    else:
        changes = _write(tx, conflict, value, actor, cause, rules, is_move=True)
        _set_base(tx, conflict, held(conflict.left))
    resolved = replace(
        conflict,
        state=ConflictState.RESOLVED,
        decided_at=tx.at,
        decided_by=actor,
        decision=take,
        value=plain(value),
        value_present=value is not MISSING,
        closed_rev=_store_rev(tx.conn, conflict),
        line=line,
        strategy=strategy,
    )
    conflicts.update(tx, resolved)
    return changes


def reopen(
    tx: Transaction, conflict: Conflict, *, actor: str, rules: Rules | None
) -> tuple[Change, ...]:
    """Give the store its own side back and open the conflict again.

    What was decided stays in the record, for a redo. Raises Overlap where somebody changed the
    field since, UsageError where the conflict is not resolved.
    """
    if conflict.state is not ConflictState.RESOLVED:
        raise UsageError(f"{conflict.id} is {conflict.state}: there is no decision to take back")
    cause = f"undo conflict {conflict.id}"
    remedy = "change it by hand, or revert it first"
    if hunk_number(conflict.path):
        spot = patches.decided_spot(tx.conn, conflict, _body(newest_of(tx.conn, conflict)))
        back = None if spot is None else patches.base_takes_back(tx, conflict, spot)
        if spot is None or back is None:
            raise _moved_on(tx.conn, conflict, remedy)
        right = held(conflict.right)
        changes = _write_lines(tx, conflict, spot, right, actor, cause, rules)
        conflict = back
    else:
        _, value = store_value(tx.conn, conflict)
        if not same(value, decided(conflict)):
            raise _moved_on(tx.conn, conflict, remedy)
        changes = _write(tx, conflict, held(conflict.right), actor, cause, rules, is_move=False)
        _set_base(tx, conflict, agreed(conflict))
    conflicts.update(tx, replace(conflict, state=ConflictState.OPEN, decided_at=0.0, decided_by=""))
    return changes


def decide_again(
    tx: Transaction, conflict: Conflict, *, actor: str, rules: Rules | None
) -> tuple[Change, ...]:
    """Write a decision that was taken back once more; raises Overlap where a side moved on."""
    if conflict.state not in WAITING:
        raise Overlap(f"{conflict.id} is {conflict.state} by now: `orc conflicts` has what is open")
    if not still_stands(tx.conn, conflict):
        raise _moved_on(tx.conn, conflict, "decide anew")
    return decide(
        tx,
        conflict,
        conflict.decision,
        decided(conflict),
        actor=actor,
        rules=rules,
        strategy=conflict.strategy,
    )


def supersede(tx: Transaction, conflict: Conflict) -> None:
    """Close a conflict whose sides are no longer what it says."""
    closed = replace(
        conflict,
        state=ConflictState.SUPERSEDED,
        decided_at=tx.at,
        decided_by="",
        closed_rev=_store_rev(tx.conn, conflict),
    )
    conflicts.update(tx, closed)


def open_conflict(tx: Transaction, conflict: Conflict) -> Conflict:
    """Give a conflict an id and its opening time, and write it down."""
    opened = replace(
        conflict,
        id=documents.allocate(tx, CONFLICT_PREFIX),
        state=ConflictState.OPEN,
        opened_at=tx.at,
    )
    conflicts.insert(tx, opened)
    journal.append(
        tx,
        actor=conflict.left.layer,
        action="conflict",
        kind=conflict.doc_kind,
        id=conflict.doc,
        rev=conflict.right.rev,
        detail={"conflict": opened.id, "path": conflict.path},
    )
    return opened


def succeed(tx: Transaction, conflict: Conflict) -> Conflict | None:
    """Replace a conflict whose store side moved on; None where both sides agree by now."""
    if hunk_number(conflict.path):
        return _succeed_hunks(tx, conflict)
    supersede(tx, conflict)
    found, value = store_value(tx.conn, conflict)
    if same(value, held(conflict.left)):
        return None
    moved = replace(
        conflict,
        kind=clash(agreed(conflict), value, held(conflict.left)),
        right=provenance.store_side(tx.conn, found, conflict.path),
        decision="",
        value=None,
        value_present=False,
        deferred_until=0.0,
    )
    return open_conflict(tx, moved)


def _succeed_hunks(tx: Transaction, conflict: Conflict) -> Conflict | None:
    """Look at the open hunks of a text again, over what the store holds of it by now."""
    opens = patches.opens_beside(tx.conn, conflict)
    found, ours = store_value(tx.conn, conflict)
    base = patches.base_text(tx.conn, conflict)
    given = given_text(base, opens, Of.THEIRS)
    now = Text(field_of(conflict.path), base, ours, given, given, opens)
    rewoven = reweave(now)
    if not same(rewoven.ours, ours):
        rewoven = as_a_whole(now, given)
    for one in rewoven.superseded:
        supersede(tx, one)
    for one in rewoven.kept:
        conflicts.update(tx, one)
    patches.set_base_text(tx, conflict, rewoven.base)
    opened = []
    for values in rewoven.openings:
        left = replace(conflict.left, value=values.theirs, present=values.theirs_present)
        fresh = replace(
            conflict,
            kind=values.kind,
            path=values.path,
            base=values.base,
            base_present=values.base_present,
            left=left,
            right=provenance.right_side(tx.conn, found, values),
            decision="",
            value=None,
            value_present=False,
            deferred_until=0.0,
            line=values.line,
        )
        opened.append(open_conflict(tx, fresh))
    return min(opened, key=lambda one: abs(one.line - conflict.line), default=None)


def rules_of(rules: Mapping[str, Rules], conflict: Conflict) -> Rules | None:
    """Return the rules of the conflict's kind of document."""
    return rules.get(conflict.doc_kind)


def _write(
    tx: Transaction,
    conflict: Conflict,
    value: Value,
    actor: str,
    cause: str,
    rules: Rules | None,
    *,
    is_move: bool,
) -> tuple[Change, ...]:
    kind, id = conflict.doc_kind, conflict.doc
    found = newest(tx.conn, kind, id)
    current = None if found is None or found.deleted else found.body
    body = _place(current, conflict.path, value)
    if body is None:
        if found is None or found.deleted:
            return ()
        gone = documents.delete(tx, kind, id, rev=found.rev, actor=actor, cause=cause)
        return (Change(kind, id, found.rev, gone.rev),)
    if rules is not None:
        rules.check(tx.conn, current if is_move else None, body)
    rev = 0 if current is None or found is None else found.rev
    written = documents.put(tx, kind, id, body, rev=rev, actor=actor, cause=cause, action="resolve")
    return (Change(kind, id, rev, written.rev),)


def _write_lines(
    tx: Transaction,
    conflict: Conflict,
    spot: patches.Spot,
    value: Value,
    actor: str,
    cause: str,
    rules: Rules | None,
) -> tuple[Change, ...]:
    """Write lines in place of those at `spot`."""
    if value is not MISSING and not isinstance(value, str):
        raise UsageError(f"{conflict.path} is lines of a text: write them as a JSON string")
    kind, id = conflict.doc_kind, conflict.doc
    found = newest(tx.conn, kind, id)
    if found is None or found.deleted:
        raise _moved_on(tx.conn, conflict, "look at it again")
    body = spot.put(found.body, value_lines(value))
    if rules is not None:
        rules.check(tx.conn, found.body, body)
    written = documents.put(
        tx, kind, id, body, rev=found.rev, actor=actor, cause=cause, action="resolve"
    )
    return (Change(kind, id, found.rev, written.rev),)


def _place(body: Body | None, path: str, value: Value) -> Body | None:
    if not path:
        if value is MISSING:
            return None
        if not isinstance(value, dict):
            raise UsageError("a whole document is a JSON object with its fields")
        return value
    return None if body is None else set_path(body, path, value)


def _set_base(tx: Transaction, conflict: Conflict, value: Value) -> None:
    """Set what layer and store agree on at the path, as if they did."""
    layer, kind, id = conflict.left.layer, conflict.doc_kind, conflict.doc
    if layer in (PAST, PENDING):
        return
    base = bases.get(tx.conn, layer, kind, id)
    if base is None:
        base = Base(layer, kind, id, conflict.base_rev, None, None, "")
    body = base.body
    if not conflict.path:
        body = value if isinstance(value, dict) else None
    elif body is not None or value is not MISSING:
        body = set_path(body if body is not None else {"id": id}, conflict.path, value)
    bases.put(tx, replace(base, body=body))


def _store_rev(conn: Connection, conflict: Conflict) -> int:
    found = newest(conn, conflict.doc_kind, conflict.doc)
    return 0 if found is None else found.rev


def newest_of(conn: Connection, conflict: Conflict) -> Revision | None:
    """Return the newest revision of the conflict's document."""
    return newest(conn, conflict.doc_kind, conflict.doc)


def _body(found: Revision | None) -> Body | None:
    return None if found is None or found.deleted else found.body


def _moved_on(conn: Connection, conflict: Conflict, remedy: str) -> Overlap:
    found, value = store_value(conn, conflict)
    where = place(conflict.doc, conflict.path)
    if found is None:
        return Overlap(f"{where} is gone from the store: {remedy}")
    source = last_change(conn, found, conflict.path)
    return Overlap(
        f"{where} was changed to {word(value)} by {writer(source)} at revision {source.rev}"
        f" since: {remedy}"
    )
