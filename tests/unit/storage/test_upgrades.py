"""Stores of every schema that there was: brought up to date with all they hold, or left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orc_storage import acts, audit, compaction, conflicts, documents, journal, schema
from orc_storage.database import Database, Transaction
from orc_storage.engine import Connection, pick
from orc_storage.errors import StoreUnavailable

NEWEST = schema.migrations()[-1][0]
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


def shape(conn: Connection) -> list[tuple[str, str, str]]:
    rows = conn.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
    return [(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows]


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_an_old_store_is_brought_up_to_date_with_all_it_holds(
    folder: Path, runtime: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, version, monkeypatch)
    with pytest.raises(StoreUnavailable, match="open it once without --read-only"):
        await Database.open(folder, runtime=runtime, read_only=True)
    async with await Database.open(folder, runtime=runtime) as db:
        assert db.facts()["schema"] == str(NEWEST)
        assert not (await db.read(lambda conn: audit.examine(conn, folder))).findings
        revisions = await db.read(lambda conn: documents.history(conn, "task", "T-1"))
        assert [revision.body["n"] for revision in revisions] == [0, 1, 2]
        assert [d.id for d in await db.read(lambda c: documents.listing(c, "task"))] == ["T-1"]
        act = await db.read(lambda conn: acts.last(conn, "operator", "done"))
        assert act is not None and act.changes[0].to_rev == 2
        assert ("task", "t-1", 2) in await db.read(compaction.held)
        assert await db.read(conflicts.listing) == []
        # It goes on as any other: writing, and the chain over the old entries.
        await db.write(
            lambda tx: documents.put(
                tx, "task", "T-1", {"id": "T-1", "n": 3}, rev=3, actor="a", cause="c"
            )
        )
        assert await db.write(lambda tx: documents.allocate(tx, "T")) == "T-3"
        assert await db.read(journal.verify) == []
        upgraded = await db.read(shape)
    (copy,) = (folder / "backups").glob(f"store-v{version}-*.db")
    conn = pick().connect(copy, mode="immutable")
    assert conn.execute("PRAGMA user_version").fetchone() == (version,)
    assert conn.execute("SELECT count(*) FROM journal").fetchone() == (5,)
    conn.close()
    async with await Database.open(folder.parent / "new", runtime=runtime) as new:
        assert await new.read(shape) == upgraded, "as if it had been made today"


async def test_a_store_of_a_newer_program_is_refused(folder: Path, runtime: Path) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        path = db.path
    conn = pick().connect(path, mode="rw")
    conn.execute(f"PRAGMA user_version = {NEWEST + 1}")
    conn.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="upgrade orc-tui"):
        await Database.open(folder, runtime=runtime)
    assert path.read_bytes() == before


# Killed in the middle

KILLED = """
import os, signal, sys
from pathlib import Path
from orc_storage import schema
from orc_storage.engine import pick

class Dying:
    def __init__(self, conn, after):
        self.conn, self.left = conn, after
    def execute(self, sql, *params):
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return self.conn.execute(sql, *params)
    def __getattr__(self, name):
        return getattr(self.conn, name)

engine, path = pick(), Path(sys.argv[1])
conn = engine.connect(path, mode="rw")
schema.migrate(engine, Dying(conn, int(sys.argv[2])), path)
print("done")
"""


def migrate_and_die(path: Path, after: int) -> bool:
    """Migrate in a process that is killed before its n-th statement; whether it got through."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(after)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == 0


@pytest.mark.timeout(120)
async def test_a_migration_killed_anywhere_leaves_the_old_store_or_the_new_one(
    folder: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, 3, monkeypatch)
    path = folder / "store.db"
    seen = set()
    after = 0
    # Every few statements, among them the backup's, the BEGIN and the COMMIT.
    while not migrate_and_die(path, after):
        conn = pick().connect(path, mode="rw")
        seen.add(conn.execute("PRAGMA user_version").fetchone())
        (check,) = conn.execute("PRAGMA quick_check").fetchone()
        assert check == "ok"
        assert conn.execute("SELECT count(*) FROM journal").fetchone() == (5,)
        conn.close()
        after += 7
    assert seen == {(3,)} and after > 14
    async with await Database.open(folder, runtime=runtime) as db:
        assert db.facts()["schema"] == str(NEWEST)
        assert not (await db.read(lambda conn: audit.examine(conn, folder))).findings
