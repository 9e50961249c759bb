"""The journal as it grows, each entry with the body it wrote.

Invariant: every entry comes once and in order. Where one is not to be had any more, that is an
error; it is never left out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from orc_core.errors import OrcError, UsageError
from orc_storage import documents, journal, segments
from orc_storage.database import Connection, Database
from orc_storage.errors import Archived, DamagedDocument, NotFound
from orc_storage.feed import Feed
from orc_storage.records import Body, Entry

CHUNK: Final = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One entry; `body` is what its revision holds, None where it wrote none or it was deleted."""

    entry: Entry
    body: Body | None


async def follow(
    db: Database, *, after: int | None = None, kind: str = "", stay: bool = True
) -> AsyncGenerator[Step, None]:
    """Yield what comes after entry `after`, or from now on; `kind` leaves all others out.

    Ends at the head unless it is to `stay`. Raises UsageError where the journal does not reach
    as far as `after`, OrcError where entries behind it were archived.
    """
    async with Feed(db) as feed:
        head, _ = await db.read(journal.head)
        seq = head if after is None else after
        if not 0 <= seq <= head:
            raise UsageError(f"there is no entry {seq} yet: the journal ends at {head}")
        changes = feed.changes()
        while True:
            while steps := await db.read(lambda conn, seq=seq: _read(conn, seq)):  # type: ignore[misc]
                for step in steps:
                    if not kind or step.entry.kind == kind:
                        yield step
                seq = steps[-1].entry.seq
            if not stay:
                return
            await anext(changes)


def _read(conn: Connection, seq: int) -> list[Step]:
    steps: list[Step] = []
    for entry in journal.since(conn, seq, CHUNK):
        if entry.seq != seq + 1:
            archive = segments.archive_of_entry(conn, seq + 1)
            where = f"is in {archive}" if archive else "is missing"
            raise OrcError(
                f"entry {seq + 1} {where}, not in the store: begin with --since {entry.seq - 1}"
            )
        seq = entry.seq
        steps.append(Step(entry, _body(conn, entry)))
    return steps


def _body(conn: Connection, entry: Entry) -> Body | None:
    if not entry.rev or "sha256" not in entry.detail:
        return None
    try:
        found = documents.revision(conn, entry.kind, entry.id, entry.rev)
    except (Archived, DamagedDocument, NotFound):
        return None
    return None if found.deleted else found.body
