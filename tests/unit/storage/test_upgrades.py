"""Stores of every schema that there was: brought up to date with all they hold, or left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from old_stores import NEWEST, make
from orc_storage import acts, audit, compaction, conflicts, documents, journal
from orc_storage.database import Database
from orc_storage.engine import Connection, pick
from orc_storage.errors import StoreUnavailable


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
