"""The names of what happened, as `event` paces list them.

Invariant: a name is `KIND.WHAT`; WHAT is an action of the journal, or the status that the
document came to with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from orc_storage import documents
from orc_storage.database import Connection
from orc_storage.errors import Archived, DamagedDocument, NotFound
from orc_storage.records import Entry, Json


def names(conn: Connection, entries: Iterable[Entry]) -> set[str]:
    """Name what these entries tell of."""
    found: set[str] = set()
    for entry in entries:
        if not entry.kind:
            continue
        found.add(f"{entry.kind}.{entry.action}")
        status = _status(conn, entry, entry.rev)
        if isinstance(status, str) and status != _status(conn, entry, entry.rev - 1):
            found.add(f"{entry.kind}.{status}")
    return found


def _status(conn: Connection, entry: Entry, rev: int) -> Json:
    try:
        return documents.revision(conn, entry.kind, entry.id, rev).body.get("status")
    except (Archived, DamagedDocument, NotFound):
        return None
