"""Idempotency keys: what was made under which key.

Invariant: a key is written in the transaction that makes what it stands for, so asking again
with it finds that, or nothing was made. It is kept for a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orc_storage.engine import Connection, Transaction

KEPT_S: Final = 24 * 3600.0
KEYS_MAX: Final = 10_000
"""How many are kept at most; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a key stands for; `asked` is the hash of what was asked for."""

    kind: str
    id: str
    asked: str


def find(conn: Connection, key: str, *, now: float) -> Made | None:
    """Return what was made under a key within the last day; `now` is seconds since the epoch."""
    row = conn.execute(
        "SELECT kind, id, asked FROM idempotency WHERE key = ? AND at > ?", (key, now - KEPT_S)
    ).fetchone()
    return None if row is None else Made(*row)


def remember(tx: Transaction, key: str, made: Made) -> None:
    """Write down what is made under a key, and forget those that are old."""
    tx.conn.execute("DELETE FROM idempotency WHERE at <= ?", (tx.at - KEPT_S,))
    tx.conn.execute(
        "DELETE FROM idempotency WHERE key IN"
        " (SELECT key FROM idempotency ORDER BY at DESC LIMIT -1 OFFSET ?)",
        (KEYS_MAX - 1,),
    )
    tx.conn.execute(
        "INSERT OR REPLACE INTO idempotency (key, kind, id, asked, at) VALUES (?, ?, ?, ?, ?)",
        (key, made.kind, made.id, made.asked, tx.at),
    )
