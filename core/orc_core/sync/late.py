"""Writing down later what was changed while the store could not be written.

Invariant: what others wrote meanwhile stays. What does not overlap is merged; what does is a
conflict between what was pending and what stands, and nobody's value is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from orc_core.sync import decisions
from orc_core.sync.merge import Conflicting, conflicting, merge
from orc_core.sync.paths import MISSING, field_of, hunk_number, same
from orc_core.sync.provenance import newest, store_side
from orc_core.sync.rules import Rules
from orc_storage import documents
from orc_storage.database import Transaction
from orc_storage.records import Body, Change, Conflict, ConflictState, Side


@dataclass(frozen=True, slots=True)
class LateEdit:
    """A change of one document: what it was made on, what it became, when, by whom and how.

    `at` is seconds since the epoch, `base_rev` the revision of `base`.
    """

    kind: str
    id: str
    base: Body
    base_rev: int
    body: Body
    at: float
    actor: str
    cause: str


def settle_late(
    tx: Transaction, edit: LateEdit, rules: Rules | None
) -> tuple[Change | None, tuple[str, ...]]:
    """Merge a late edit; return the revision it made, and the ids of the conflicts it opened.

    Raises OrcError where the rules of its kind refuse what comes of it.
    """
    now = newest(tx.conn, edit.kind, edit.id)
    if now is None or now.deleted:
        values = conflicting("", edit.base, MISSING, edit.body)
        return None, (_open(tx, edit, values),)
    body, clashes = _merged(edit, now.body)
    change = None
    if not same(body, now.body):
        if rules is not None:
            rules.check(tx.conn, now.body, body)
        written = documents.put(
            tx, edit.kind, now.id, body, rev=now.rev, actor=edit.actor, cause=edit.cause
        )
        change = Change(edit.kind, now.id, now.rev, written.rev)
    return change, tuple(_open(tx, edit, values) for values in clashes)


def _merged(edit: LateEdit, ours: Body) -> tuple[Body, tuple[Conflicting, ...]]:
    found = merge(edit.base, ours, edit.body)
    # Parts of a text are decided over a base that a layer holds, and nothing holds this one.
    texts = {field_of(one.path) for one in found.conflicts if hunk_number(one.path)}
    if texts:
        found = merge(edit.base, ours, edit.body, is_atomic=lambda path: path in texts)
    return found.body, found.conflicts


def _open(tx: Transaction, edit: LateEdit, values: Conflicting) -> str:
    right = store_side(tx.conn, newest(tx.conn, edit.kind, edit.id), values.path)
    opened = decisions.open_conflict(
        tx,
        Conflict(
            id="",
            kind=values.kind,
            doc_kind=edit.kind,
            doc=edit.id,
            path=values.path,
            base=values.base,
            base_present=values.base_present,
            base_rev=edit.base_rev,
            left=Side(
                layer=decisions.PENDING,
                value=values.theirs,
                present=values.theirs_present,
                writer=edit.actor,
                at=edit.at,
                rev=edit.base_rev,
                cause=edit.cause,
            ),
            right=right,
            state=ConflictState.OPEN,
            opened_at=tx.at,
            why=f"it waited for the store, which got revision {right.rev} meanwhile",
        ),
    )
    return opened.id
