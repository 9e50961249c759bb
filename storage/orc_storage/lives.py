"""Signs of life of agents, and what a supervisor remembers of them.

Invariant: nothing here is a document: one row per agent, rewritten in place and never chained.
"""

from __future__ import annotations

from orc_storage.engine import Connection, Transaction
from orc_storage.records import BeatRow, StandingRow


def beat(tx: Transaction, row: BeatRow) -> None:
    """Write the newest sign of life over the one before; a word that is "" stays as it was."""
    tx.conn.execute(
        "INSERT INTO beat (name, at, monotonic_s, boot, status, progress)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at,"
        " monotonic_s = excluded.monotonic_s, boot = excluded.boot,"
        " status = iif(excluded.status = '', status, excluded.status),"
        " progress = iif(excluded.progress = '', progress, excluded.progress)",
        (row.name, row.at, row.monotonic_s, row.boot, row.status, row.progress),
    )


def beats(conn: Connection) -> list[BeatRow]:
    """Return the last sign of life of every agent that ever gave one."""
    rows = conn.execute(
        "SELECT name, at, monotonic_s, boot, status, progress FROM beat ORDER BY name"
    )
    return [BeatRow(*row) for row in rows]


def stand(tx: Transaction, row: StandingRow) -> None:
    """Write where an agent stands over what was known."""
    tx.conn.execute(
        "INSERT OR REPLACE INTO standing (name, phase, quick, restarts, reason, at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (row.name, row.phase, row.quick, row.restarts, row.reason, row.at),
    )


def standings(conn: Connection) -> list[StandingRow]:
    """Return where every agent stands that was ever supervised."""
    rows = conn.execute(
        "SELECT name, phase, quick, restarts, reason, at FROM standing ORDER BY name"
    )
    return [StandingRow(*row) for row in rows]


def forget(tx: Transaction, name: str) -> None:
    """Drop all that is remembered of an agent beside its document, its states included."""
    for table in ("beat", "standing"):
        tx.conn.execute(f"DELETE FROM {table} WHERE name = ?", (name,))  # noqa: S608
    tx.conn.execute("DELETE FROM agent_event WHERE name = ?", (name,))
