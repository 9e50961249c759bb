"""What can still be read of a document that is damaged.

Invariant: nothing here is taken for the document itself. It is shown, copied, or written anew as
a revision that says where it came from.
"""

from __future__ import annotations

from orc_storage import documents
from orc_storage.engine import Connection
from orc_storage.errors import DamagedDocument, NotFound
from orc_storage.records import Document, Revision


def last_sound(conn: Connection, kind: str, id: str) -> Revision | None:
    """Return the newest revision that can be believed, a deletion too; None where none can."""
    try:
        known = documents.history(conn, kind, id)
    except NotFound:
        return None
    return next((one for one in reversed(known) if not one.damage), None)


def readable(conn: Connection, kind: str, id: str) -> Document | None:
    """Return a document, or what it was last where it is damaged; None if absent or deleted.

    Raises DamagedDocument where none of its revisions can be believed.
    """
    try:
        return documents.get(conn, kind, id)
    except DamagedDocument:
        found = last_sound(conn, kind, id)
        if found is None:
            raise
        return None if found.deleted else _as_document(found, found.rev)


def stand_in(conn: Connection, kind: str, id: str, rev: int) -> Document:
    """Return what a damaged document of a list was last; nothing but its id where that is lost."""
    found = last_sound(conn, kind, id)
    if found is None:
        return Document(kind, id, rev, {"id": id, "title": id}, "", 0.0, "")
    return _as_document(found, rev)


def _as_document(found: Revision, rev: int) -> Document:
    return Document(found.kind, found.id, rev, found.body, "", found.at, found.actor, found.deleted)
