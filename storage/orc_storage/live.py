"""What was last seen of each pane, and how its state went.

Invariant: nothing here is a document: it is rewritten and pruned freely, and never chained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from orc_storage.engine import Connection, Transaction
from orc_storage.records import LiveRow, StateChange

CHANGES_MAX: Final = 200
"""How many state changes are kept per agent name."""


def upsert(tx: Transaction, rows: Sequence[LiveRow]) -> None:
    """Write each row over what was known of the pane with its number on its server."""
    tx.conn.executemany(
        "INSERT OR REPLACE INTO live (server, pane_id, server_start, pane_pid, name, agent_kind,"
        " state, since, evidence, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.server,
                row.pane_id,
                row.server_start,
                row.pane_pid,
                row.name,
                row.agent_kind,
                row.state,
                row.since,
                row.evidence,
                row.seen_at,
            )
            for row in rows
        ],
    )


def listing(conn: Connection) -> list[LiveRow]:
    """Return everything that is known of any pane."""
    rows = conn.execute(
        "SELECT server, server_start, pane_id, pane_pid, name, agent_kind, state, since,"
        " evidence, seen_at FROM live ORDER BY server, pane_id"
    )
    found = (LiveRow(*row) for row in rows)
    return [one for one in found if _is_sound(one)]


def _is_sound(row: LiveRow) -> bool:
    """Whether a row holds what one can; what was seen last is no loss, it is seen again."""
    texts = (row.server, row.pane_id, row.name, row.agent_kind, row.state, row.evidence)
    numbers = (row.server_start, row.pane_pid)
    times = (row.since, row.seen_at)
    return (
        all(type(one) is str for one in texts)
        and all(type(one) is int for one in numbers)
        and all(type(one) is float for one in times)
    )


def forget(tx: Transaction, server: str, pane_ids: Iterable[str]) -> None:
    """Drop what is known of these panes of one server."""
    tx.conn.executemany(
        "DELETE FROM live WHERE server = ? AND pane_id = ?",
        [(server, pane_id) for pane_id in pane_ids],
    )


def transition(tx: Transaction, name: str, at: float, state: str, evidence: str) -> None:
    """Note that an agent went into `state` at `at` (seconds since the epoch); prunes old ones."""
    tx.conn.execute(
        "INSERT INTO agent_event (name, at, state, evidence) VALUES (?, ?, ?, ?)",
        (name, at, state, evidence),
    )
    tx.conn.execute(
        "DELETE FROM agent_event WHERE name = ? AND seq <="
        " (SELECT seq FROM agent_event WHERE name = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (name, name, CHANGES_MAX),
    )


def recent(conn: Connection, name: str, limit: int = 20) -> list[StateChange]:
    """Return the newest state changes of an agent, newest first."""
    rows = conn.execute(
        "SELECT name, at, state, evidence FROM agent_event WHERE name = ?"
        " ORDER BY seq DESC LIMIT ?",
        (name, limit),
    )
    return [StateChange(*row) for row in rows]
