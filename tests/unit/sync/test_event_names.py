"""Names of events: told of what the store holds, whatever of it was archived."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.sync import events
from orc_storage import documents, journal
from orc_storage.database import Connection, Transaction
from orc_storage.errors import Archived, DamagedDocument
from orc_storage.records import Revision
from stores import open_store


def put(tx: Transaction, rev: int, status: str) -> None:
    body: documents.Body = {"id": "T-1", "status": status}
    documents.put(tx, "task", "T-1", body, rev=rev, actor="a", cause="c")


@pytest.mark.parametrize(
    "error", [Archived("in an archive"), DamagedDocument("task", "T-1", 1, "it is damaged")]
)
async def test_a_status_is_told_where_the_one_before_is_not_to_be_had(
    tmp_path: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    known = documents.revision

    def read(conn: Connection, kind: str, id: str, rev: int) -> Revision:
        if rev == 1:
            raise error
        return known(conn, kind, id, rev)

    async with open_store(tmp_path / "w", clock) as db:
        await db.write(partial(put, rev=0, status="running"))
        await db.write(partial(put, rev=1, status="done"))
        monkeypatch.setattr(documents, "revision", read)
        found = await db.read(lambda conn: events.names(conn, journal.since(conn, 1)))
    assert found == {"task.edit", "task.done"}
