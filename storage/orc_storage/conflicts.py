"""Conflicts as they are kept.

Invariant: a conflict is never deleted; it goes from open to a decision and, undone, back. One
that cannot be read any more stays as it is; lists leave it out, and name it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from orc_storage.canonical import decode, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import DamagedRow, NotFound
from orc_storage.records import WAITING, Check, Clash, Conflict, ConflictState, Finding, Side


def insert(tx: Transaction, conflict: Conflict) -> None:
    """Write a new conflict."""
    tx.conn.execute(
        "INSERT INTO conflict (layer, doc_kind, doc, state, opened_at, decided_at, record, id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        _row(conflict),
    )


def update(tx: Transaction, conflict: Conflict) -> None:
    """Write a conflict over the one with its id; raises NotFound."""
    changed = tx.conn.execute(
        "UPDATE conflict SET layer = ?, doc_kind = ?, doc = ?, state = ?, opened_at = ?,"
        " decided_at = ?, record = ? WHERE id = ?",
        _row(conflict),
    )
    if changed.rowcount != 1:
        raise NotFound(f"there is no conflict {conflict.id}")


def get(conn: Connection, id: str) -> Conflict | None:
    """Return one conflict, found without regard to case; raises DamagedRow."""
    row = conn.execute("SELECT id, record FROM conflict WHERE id = ?", (id,)).fetchone()
    return None if row is None else _conflict(*row)


def listing(
    conn: Connection,
    *,
    states: Collection[ConflictState] | None = None,
    decided_since: float = 0.0,
    damaged: list[Finding] | None = None,
) -> list[Conflict]:
    """Return conflicts in the order they were opened; those not to be read go to `damaged`.

    `states` None means all. Waiting ones are never left out for age; decided ones are, when
    they were decided before `decided_since` (seconds since the epoch).
    """
    wanted = sorted(ConflictState if states is None else states)
    marks = ", ".join("?" * len(wanted))
    rows = conn.execute(
        f"SELECT id, record FROM conflict WHERE state IN ({marks})"  # noqa: S608
        " AND (state IN ('open', 'deferred') OR decided_at >= ?) ORDER BY opened_at, rowid",
        (*wanted, decided_since),
    )
    return _readable(rows, [] if damaged is None else damaged)


def for_document(conn: Connection, layer: str, doc_kind: str, doc: str) -> list[Conflict]:
    """Return the conflicts of one document in one layer that wait for a decision.

    Raises DamagedRow: what a layer keeps for one of them may not be overwritten.
    """
    rows = conn.execute(
        "SELECT id, record FROM conflict WHERE layer = ? AND doc_kind = ? AND doc = ?"
        " AND state IN (?, ?) ORDER BY opened_at, rowid",
        (layer, doc_kind, doc, *WAITING),
    )
    return [_conflict(*row) for row in rows]


def close_damaged(tx: Transaction, id: str) -> tuple[str, str, str]:
    """Write a closed conflict over one that cannot be read; return its layer, kind and document.

    Raises NotFound.
    """
    row = tx.conn.execute(
        "SELECT id, layer, doc_kind, doc, opened_at FROM conflict WHERE id = ?", (id,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no conflict {id}")
    id, layer, doc_kind, doc, opened_at = row
    nothing = Side(layer, None, False, "", 0.0, 0, "")
    closed = Conflict(
        id,
        Clash.EDIT_EDIT,
        doc_kind,
        doc,
        path="",
        base=None,
        base_present=False,
        base_rev=0,
        left=nothing,
        right=nothing,
        state=ConflictState.SUPERSEDED,
        opened_at=opened_at,
        why="its record was damaged",
        decided_at=tx.at,
    )
    update(tx, closed)
    return layer, doc_kind, doc


def _readable(rows: Iterable[tuple[str, str]], damaged: list[Finding]) -> list[Conflict]:
    found: list[Conflict] = []
    for id, text in rows:
        try:
            found.append(_conflict(id, text))
        except DamagedRow as error:
            damaged.append(Finding(Check.ROW, str(error), kind="conflict", id=id))
    return found


def _row(conflict: Conflict) -> tuple[str | float, ...]:
    return (
        conflict.left.layer,
        conflict.doc_kind,
        conflict.doc,
        conflict.state.value,
        conflict.opened_at,
        conflict.decided_at,
        encode(asdict(conflict)),
        conflict.id,
    )


def _conflict(id: str, text: str) -> Conflict:
    try:
        fields: dict[str, Any] = decode(text)
        conflict = Conflict(
            **fields
            | {
                "kind": Clash(fields["kind"]),
                "state": ConflictState(fields["state"]),
                "left": Side(**fields["left"]),
                "right": Side(**fields["right"]),
            }
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DamagedRow("conflict", id) from None
    if conflict.id != id:
        raise DamagedRow("conflict", id)
    return conflict
