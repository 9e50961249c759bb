"""The queries that run all day find their rows by an index: no scan, no sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from orc_storage import acts, bases, conflicts, deliveries, documents, journal, live
from orc_storage.database import Connection, Database
from orc_storage.engine import Cursor, Value
from orc_storage.records import ConflictState, Document, Filter


class Explained:
    """A connection that keeps the plan of every query it runs."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.plans: list[str] = []

    def execute(self, sql: str, params: Sequence[Value] = ()) -> Cursor:
        rows = self._conn.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        self.plans += [row[3] for row in rows]
        return self._conn.execute(sql, params)


KNOWN = {"T-1": Document("task", "T-1", 1, {}, "", 0.0, "a")}
HOT: dict[str, Callable[[Any], object]] = {
    "head": journal.head,
    "since": lambda conn: journal.since(conn, 5),
    "page": journal.page,
    "page before": lambda conn: journal.page(conn, before=9),
    "page by actor": lambda conn: journal.page(conn, Filter(actor="a")),
    "page by kind": lambda conn: journal.page(conn, Filter(kind="task")),
    "page by time": lambda conn: journal.page(conn, Filter(since=1.0)),
    "page by actor and time": lambda conn: journal.page(conn, Filter(actor="a", since=1.0)),
    "get": lambda conn: documents.get(conn, "task", "T-1"),
    "listing": lambda conn: documents.listing(conn, "task"),
    "listing of what is known": lambda conn: documents.listing(conn, "task", known=KNOWN),
    "base": lambda conn: bases.get(conn, "file", "task", "T-1"),
    "last act": lambda conn: acts.last(conn, "operator", "done"),
    "steps of an agent": lambda conn: live.recent(conn, "claude-1", 8),
    "what is leased": lambda conn: deliveries.listing(conn, deliveries.Stage.LEASED),
    "what somebody holds": lambda conn: deliveries.holding(conn, "claude-1"),
    "the express lane": lambda conn: deliveries.foremost(conn, "workers", priority=12),
    "what is ready": lambda conn: list(deliveries.in_order(conn, ["t"], "workers", 1.0)),
}
SORTED: dict[str, Callable[[Any], object]] = {
    # A document's own entries and conflicts are few, so that they may be sorted.
    "page by document": lambda conn: journal.page(conn, Filter(kind="task", id="T-1")),
    "page by id": lambda conn: journal.page(conn, Filter(id="T-1")),
    "open conflicts": lambda conn: conflicts.for_document(conn, "file", "task", "T-1"),
    "waiting conflicts": lambda conn: conflicts.listing(conn, states={ConflictState.OPEN}),
}


async def plans(db: Database, query: Callable[[Any], object]) -> list[str]:
    def work(conn: Connection) -> list[str]:
        explained = Explained(conn)
        query(explained)
        return explained.plans

    return await db.read(work)


@pytest.mark.parametrize("query", [*HOT, *SORTED])
async def test_no_query_looks_at_every_row(db: Database, query: str) -> None:
    found = await plans(db, (HOT | SORTED)[query])
    assert found
    # Through the table in the order of its key, a page or the newest row is where it stops.
    walks = {"SCAN journal"} if query in ("head", "page") else set()
    assert [plan for plan in found if plan.startswith("SCAN") and plan not in walks] == []


@pytest.mark.parametrize("query", HOT)
async def test_no_query_sorts(db: Database, query: str) -> None:
    assert [plan for plan in await plans(db, HOT[query]) if "TEMP B-TREE" in plan] == []


async def test_a_list_of_what_is_known_reads_no_document(db: Database) -> None:
    found = await plans(db, HOT["listing of what is known"])
    assert found == ["SEARCH document USING COVERING INDEX document_alive (kind=?)"]
