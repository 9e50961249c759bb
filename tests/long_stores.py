"""A document with many revisions, and all of them found again, in the store and in archives."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from orc_core.chronicle.compacting import compact
from orc_storage import archives, audit, compaction, documents, segments
from orc_storage.database import Database
from orc_storage.records import Body

EDITS = 40


async def put(db: Database, rev: int) -> None:
    body: Body = {"id": "T-1", "n": rev + 1}
    await db.write(
        partial(documents.put, kind="task", id="T-1", body=body, rev=rev, actor="a", cause="c")
    )


async def make_long(folder: Path, runtime: Path) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        for rev in range(EDITS):
            await put(db, rev)


async def archive(db: Database) -> None:
    """Archive nearly everything, in several steps."""
    compaction.ENTRIES_KEPT = 5  # type: ignore[misc]
    compaction.ENTRIES_MAX = 20  # type: ignore[misc]
    await compact(db, 1e12, keep_days=0, limit=10**9)


async def find_all(folder: Path, runtime: Path) -> list[str]:
    """Say what is missing and what is wrong; drafts that were left must go once they are old."""
    async with await Database.open(folder, runtime=runtime) as db:
        examined = await db.read(lambda conn: audit.examine(conn, folder))
        problems = [str(one) for one in examined.findings]
        found = {
            one.rev for one in await db.read(partial(documents.history, kind="task", id="T-1"))
        }
        for segment in await db.read(segments.listing):
            _, *entries = archives.read(folder / segments.FOLDER / segment.file)
            found |= {entry["rev"] for entry in entries if "revision" in entry}
        problems += [f"revision {n} is lost" for n in range(1, EDITS + 1) if n not in found]
        for draft in (folder / segments.FOLDER).glob("*.part"):
            os.utime(draft, (0, 0))
        for rev in range(EDITS, EDITS + 10):
            await put(db, rev)
        await archive(db)
    left = list((folder / segments.FOLDER).glob("*.part"))
    return problems + [f"{draft.name} is left" for draft in left]
