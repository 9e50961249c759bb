"""Stores of every schema that there was, as the programs of their day left them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orc_storage import documents, schema
from orc_storage.database import Transaction
from orc_storage.engine import Connection, pick

NEWEST = schema.migrations()[-1][0]
ENTRIES = 5

# What the first schema could hold, as it was written by the program of that day: the columns
# and tables that came later are filled by their migrations.
OLD_CONTENT = """
INSERT INTO act (at, actor, label, changes, conflicts, state, turn) VALUES
 (1.0, 'operator', 'edit T-1', '[{"kind":"task","id":"T-1","from_rev":1,"to_rev":2}]', '[]',
  'done', 0);
INSERT INTO serial (prefix, last) VALUES ('T', 1);
INSERT INTO base VALUES ('file', 'task', 'T-1', 2, '{"id":"T-1"}', NULL, 'x');
INSERT INTO counter VALUES ('merged', '2026-11-20', 3);
INSERT INTO agent_event (name, at, state, evidence) VALUES ('claude-1', 1.0, 'working', 'hook');
"""


def write(tx: Transaction) -> None:
    for rev in range(3):
        body: documents.Body = {"id": "T-1", "n": rev}
        documents.put(tx, "task", "T-1", body, rev=rev, actor="codex-1", cause="c")
    documents.put(tx, "task", "T-2", {"id": "T-2"}, rev=0, actor="a", cause="c")
    documents.delete(tx, "task", "T-2", rev=1, actor="a", cause="c")


def run(conn: Connection, script: str) -> None:
    for statement in pick().statements(script):
        conn.execute(statement)


def make(folder: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the store of an older program: its schema, and what that schema can hold."""
    known = schema.migrations()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", lambda: known[:version])
        opening = schema.prepare(pick(), folder, read_only=False)
    conn = pick().connect(opening.path, mode="rw")
    try:
        conn.execute("BEGIN IMMEDIATE")
        write(Transaction(conn, 5.0))
        run(conn, OLD_CONTENT)
        conn.execute("COMMIT")
        assert conn.execute("PRAGMA user_version").fetchone() == (version,)
    finally:
        conn.close()
