"""What each layer and the store last agreed on.

Invariant: one base per layer and document. One that cannot be read any more counts as none: then
nothing was agreed on, and what differs is for a person to decide.
"""

from __future__ import annotations

from typing import Any, Final

from orc_storage.canonical import decode_body, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.records import Base, Body

_COLUMNS: Final = "layer, kind, id, rev, body, seen, seen_sha256"


def get(conn: Connection, layer: str, kind: str, id: str) -> Base | None:
    """Return the base of one document in one layer."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM base WHERE layer = ? AND kind = ? AND id = ?",  # noqa: S608
        (layer, kind, id),
    ).fetchone()
    return None if row is None else _base(row)


def listing(conn: Connection, layer: str, kind: str) -> list[Base]:
    """Return all bases of a kind in a layer."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM base WHERE layer = ? AND kind = ? ORDER BY id",  # noqa: S608
        (layer, kind),
    )
    return [base for row in rows if (base := _base(row)) is not None]


def put(tx: Transaction, base: Base) -> None:
    """Write `base` over the one before it."""
    tx.conn.execute(
        f"INSERT OR REPLACE INTO base ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            base.layer,
            base.kind,
            base.id,
            base.rev,
            _text(base.body),
            _text(base.seen),
            base.seen_sha256,
        ),
    )


def note_held(
    tx: Transaction,
    layer: str,
    kind: str,
    id: str,
    *,
    rev: int,
    seen: Body | None,
    seen_sha256: str,
) -> None:
    """Write down what a layer holds by now; nothing happens where nothing was agreed on."""
    tx.conn.execute(
        "UPDATE base SET rev = ?, seen = ?, seen_sha256 = ?"
        " WHERE layer = ? AND kind = ? AND id = ?",
        (rev, _text(seen), seen_sha256, layer, kind, id),
    )


def remove(tx: Transaction, layer: str, kind: str, id: str) -> None:
    """Forget what was agreed on; nothing happens if there is none."""
    tx.conn.execute("DELETE FROM base WHERE layer = ? AND kind = ? AND id = ?", (layer, kind, id))


def remove_all(tx: Transaction, kind: str, id: str) -> None:
    """Forget what was agreed on for one document with any layer."""
    tx.conn.execute("DELETE FROM base WHERE kind = ? AND id = ?", (kind, id))


def forget(tx: Transaction, layer: str) -> None:
    """Forget everything that was agreed on with a layer."""
    tx.conn.execute("DELETE FROM base WHERE layer = ?", (layer,))


def _text(body: Body | None) -> str | None:
    return None if body is None else encode(body)


def _body(text: str | None) -> Body | None:
    if text is None:
        return None
    body = decode_body(text)
    if not isinstance(body, dict):
        raise TypeError("a body is an object")
    return body


def _base(row: tuple[Any, ...]) -> Base | None:
    layer, kind, id, rev, body, seen, seen_sha256 = row
    try:
        base = Base(layer, kind, id, rev, _body(body), _body(seen), seen_sha256)
    except (ValueError, TypeError, RecursionError):
        return None
    is_sound = type(id) is str and type(rev) is int and type(seen_sha256) is str
    return base if is_sound else None
