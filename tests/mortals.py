"""Programs that are killed while they run, each a function over texts and numbers.

Invariant: a step is told of after it was acknowledged, never before.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
from functools import partial
from pathlib import Path
from typing import Final

from orc_storage import documents
from orc_storage.database import Database
from orc_storage.records import Body
from zygote import Program, say, serve

WRITERS: Final = 4
GROUP: Final = 40


def edits(folder: str, runtime: str, life: int) -> None:
    """Four writers, each of its own document; tells of each revision."""
    asyncio.run(_edits(Path(folder), Path(runtime), life))


async def _edits(folder: Path, runtime: Path, life: int) -> None:
    async with await Database.open(folder, runtime=runtime) as db, asyncio.TaskGroup() as group:
        for number in range(1, WRITERS + 1):
            id = f"T-{number}"
            found = await db.read(partial(documents.get, kind="task", id=id))
            group.create_task(_edit(db, id, found.rev if found else 0, life))


async def _edit(db: Database, id: str, begin: int, life: int) -> None:
    for rev in itertools.count(begin):
        body: Body = {"id": id, "n": rev + 1, "life": life, "text": "x" * (rev % 7 * 900)}
        await db.write(
            partial(documents.put, kind="task", id=id, body=body, rev=rev, actor=id, cause="k")
        )
        say(id, rev + 1)


def groups(folder: str, runtime: str) -> None:
    """All documents at once, over and over, each time in one commit; tells of each group."""
    asyncio.run(_groups(Path(folder), Path(runtime)))


async def _groups(folder: Path, runtime: Path) -> None:
    ids = [f"T-{number}" for number in range(1, GROUP + 1)]
    async with await Database.open(folder, runtime=runtime) as db:
        found = await db.read(partial(documents.get, kind="task", id=ids[0]))
        for rev in itertools.count(found.rev if found else 0):
            # They are queued in one turn of the loop, so that the writer finds all of them.
            await asyncio.gather(*(_put(db, id, rev) for id in ids))
            say("group", rev + 1)


async def _put(db: Database, id: str, rev: int) -> None:
    body: Body = {"id": id, "n": rev + 1, "text": "x" * 300}
    await db.write(
        partial(documents.put, kind="task", id=id, body=body, rev=rev, actor=id, cause="k")
    )


PROGRAMS: Final[dict[str, Program]] = {program.__name__: program for program in (edits, groups)}

if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # pages that the children share are not written to
    serve(int(sys.argv[1]), PROGRAMS)
