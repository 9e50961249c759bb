"""Taking an actor's last act back, and doing it again.

Invariant: an act is turned whole or not at all, and where that would go over newer work nothing
is written before a person has seen what stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orc_core.errors import Overlap, UsageError
from orc_core.history.carrying import Fence, bring_back, carry_out, withdraw
from orc_core.history.preview import make_plan, standing_line
from orc_core.history.steps import turned
from orc_core.history.trees import plan_files
from orc_core.model.history import Plan, Report
from orc_core.sync.conflicts import find, turn
from orc_core.sync.rules import Rules
from orc_core.text import clean
from orc_storage import acts
from orc_storage.database import Connection, Transaction
from orc_storage.records import Act, Change, Deed


def plan_turn(conn: Connection, actor: str, *, is_undo: bool) -> Plan:
    """Preview the undo or redo of an actor's last act; raises UsageError where there is none."""
    return _plan(conn, last_act(conn, actor, is_undo=is_undo), is_undo=is_undo)


def turn_last(
    tx: Transaction,
    actor: str,
    *,
    is_undo: bool,
    rules: Mapping[str, Rules],
    fence: Fence | None,
    seen: Plan | None = None,
) -> Report:
    """Undo or redo an actor's last act.

    `seen` is the preview that was confirmed; without one, Overlap is raised where newer work
    would stay in the way. Raises UsageError where there is no act.
    """
    act = last_act(tx.conn, actor, is_undo=is_undo)
    if seen is not None and seen.act != act.seq:
        raise Overlap("something else was done since: look at a new preview first")
    if act.deed is Deed.WRITE:
        plan = seen if seen is not None else _plan(tx.conn, act, is_undo=is_undo)
        if seen is None and plan.standing:
            raise _in_the_way(plan)
        turned, left_open = _write(tx, act, plan, is_undo, actor, rules, fence)
    else:
        turned, left_open = _turn_conflicts(tx, act, rules, is_undo=is_undo), ()
    state = "undone" if is_undo else "done"
    acts.mark(tx, act.seq, state, turned=turned, left_open=left_open)
    label = clean(act.label, limit=200)
    text = f"undone: {label}" if is_undo else f"done again: {label}"
    if left_open:
        text += f"; to be decided: {', '.join(left_open)}"
    rev = turned[-1].to_rev if turned else 0
    return Report(text, undoable=not is_undo, rev=rev, redoable=is_undo)


def last_act(conn: Connection, actor: str, *, is_undo: bool) -> Act:
    """The act that undo or redo would turn; raises UsageError where there is none."""
    act = acts.last(conn, actor, "done" if is_undo else "undone")
    if act is None:
        raise UsageError(f"there is nothing to {'undo' if is_undo else 'redo'}")
    return act


def _plan(conn: Connection, act: Act, *, is_undo: bool) -> Plan:
    if act.tree is not None:
        return plan_files(act, act.tree, is_undo=is_undo)
    verb = "undo" if is_undo else "redo"
    steps = [step for change in _opposite(act, is_undo) if (step := turned(conn, change))]
    return make_plan(f"{verb}: {act.label}", verb, steps, act=act.seq)


def _opposite(act: Act, is_undo: bool) -> Sequence[Change]:
    """What is to be gone through backwards: the act, or else what its undoing wrote."""
    if act.deed is not Deed.WRITE:
        return ()
    if is_undo:
        return _per_document(act.changes)[::-1]
    if act.turned:
        return _per_document(act.turned)[::-1]
    # Nothing had to be written to undo it, so that what was so then is what it began with.
    return [Change(one.kind, one.id, one.to_rev, one.from_rev) for one in act.changes]


def _per_document(changes: Sequence[Change]) -> Sequence[Change]:
    """One change per document: an act that wrote one twice is taken back in one step."""
    whole: dict[tuple[str, str], Change] = {}
    for change in changes:
        key = (change.kind, change.id.casefold())
        first = whole.get(key, change)
        whole[key] = Change(change.kind, change.id, first.from_rev, change.to_rev)
    return tuple(whole.values())


def _write(
    tx: Transaction,
    act: Act,
    plan: Plan,
    is_undo: bool,
    actor: str,
    rules: Mapping[str, Rules],
    fence: Fence | None,
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    withdraw(tx, act.left_open)
    if is_undo:
        withdraw(tx, act.conflicts)
    written, opened = carry_out(tx, plan, actor=actor, rules=rules, fence=fence)
    if not is_undo:
        bring_back(tx, act.conflicts)
    return written, opened


def _turn_conflicts(
    tx: Transaction, act: Act, rules: Mapping[str, Rules], *, is_undo: bool
) -> tuple[Change, ...]:
    written: list[Change] = []
    for id in act.conflicts:
        conflict = find(tx.conn, id)
        rule = rules.get(conflict.doc_kind)
        written += turn(tx, conflict, act.deed, is_undo=is_undo, actor=act.actor, rules=rule)
    return tuple(written)


def _in_the_way(plan: Plan) -> Overlap:
    """Say what stands in the way of an undo or redo, and that a preview shows it."""
    id, one = next((step.id, one) for step in plan.steps for one in step.standing)
    return Overlap(
        f"cannot {plan.action}: {standing_line(id, one)}; look at the preview, or revert that first"
    )
