"""Daily counts, such as fields that merged by themselves.

Invariant: a count only moves inside the transaction of what it counts.
"""

from __future__ import annotations

from orc_storage.engine import Connection, Transaction


def bump(tx: Transaction, name: str, day: str, by: int = 1) -> None:
    """Add `by` to the count of `name` on `day` (such as 2026-11-20)."""
    tx.conn.execute(
        "INSERT INTO counter (name, day, value) VALUES (?, ?, ?)"
        " ON CONFLICT (name, day) DO UPDATE SET value = value + excluded.value",
        (name, day, by),
    )


def value(conn: Connection, name: str, day: str) -> int:
    """Return the count of `name` on `day`, 0 if nothing was counted."""
    row = conn.execute(
        "SELECT value FROM counter WHERE name = ? AND day = ?", (name, day)
    ).fetchone()
    return 0 if row is None else int(row[0])


def total(conn: Connection, name: str) -> int:
    """Return the count of `name` over all days."""
    row = conn.execute("SELECT sum(value) FROM counter WHERE name = ?", (name,)).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])
