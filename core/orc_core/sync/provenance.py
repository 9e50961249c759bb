"""Who wrote what stands at a path.

Invariant: the answer is a revision, so it names a writer, a time and a cause.
"""

from __future__ import annotations

from typing import Final

from orc_core.sync.paths import MISSING, Value, get_path, same
from orc_core.text import clean
from orc_storage import documents
from orc_storage.database import Connection
from orc_storage.errors import NotFound
from orc_storage.records import OPERATOR, Revision

STEPS_MAX: Final = 1000
"""How many revisions are looked back through; beyond them the oldest one looked at stands in."""


def newest(conn: Connection, kind: str, id: str) -> Revision | None:
    """Return the newest revision of a document, a deletion too; None if it never was."""
    found = documents.get(conn, kind, id)
    if found is not None:
        return documents.revision(conn, kind, found.id, found.rev)
    try:
        return documents.history(conn, kind, id)[-1]
    except NotFound:
        return None


def value_at(revision: Revision, path: str) -> Value:
    """Return what a revision holds at a path; a deletion holds nothing."""
    return MISSING if revision.deleted else get_path(revision.body, path)


def last_change(conn: Connection, revision: Revision, path: str) -> Revision:
    """Return the revision that gave `path` the value it has in `revision`."""
    found = revision
    for rev in range(revision.rev - 1, max(0, revision.rev - STEPS_MAX), -1):
        earlier = documents.revision(conn, revision.kind, revision.id, rev)
        if not same(value_at(earlier, path), value_at(revision, path)):
            break
        found = earlier
    return found


def writer(revision: Revision) -> str:
    """Name who wrote a revision, for people."""
    if revision.actor == OPERATOR:
        return "you"
    return clean(revision.actor, limit=60) or "somebody unknown"
