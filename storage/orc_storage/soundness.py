"""What a row must be to be believed.

Invariant: a body leaves the store only if it is the object that was written: its checksum fits,
where one is kept, and it says the id it is kept under. What does not is left as it is.
"""

from __future__ import annotations

import json
from typing import Any, Final

from orc_storage.canonical import decode_object, digest
from orc_storage.errors import DamagedDocument
from orc_storage.records import Body, Check, Document, Finding, Revision

DOCUMENT_COLUMNS: Final = "kind, id, rev, body, sha256, updated_at, updated_by, deleted"

VOUCHED: Final = (
    "SELECT r.kind, r.id, r.rev, r.parent_rev, r.body, r.at, r.actor, r.cause, r.deleted,"
    " coalesce((SELECT j.detail FROM journal j WHERE j.id = r.id AND j.kind = r.kind"
    " AND j.rev = r.rev ORDER BY j.seq LIMIT 1),"
    " (SELECT '{\"sha256\":\"' || o.sha256 || '\"}' FROM outlasting o WHERE o.kind = r.kind"
    " AND o.id = r.id AND o.rev = r.rev)) FROM revision r"
)
"""Revisions, each with what the journal says of it, or its entry said that is archived."""


def document(row: tuple[Any, ...]) -> Document:
    """Return the document of a row of DOCUMENT_COLUMNS; raises DamagedDocument."""
    kind, id, rev, text, sha256, updated_at, updated_by, deleted = row
    if type(rev) is not int or type(updated_at) is not float or type(updated_by) is not str:
        raise DamagedDocument(kind, id, rev, "its row is not one of a document")
    body = _body(kind, id, rev, text, sha256)
    return Document(kind, id, rev, body, sha256, updated_at, updated_by, bool(deleted))


def revision(row: tuple[Any, ...]) -> Revision:
    """Return the revision of a row of VOUCHED; raises DamagedDocument."""
    kind, id, rev, parent_rev, text, at, actor, cause, deleted, told = row
    texts = (actor, cause)
    if type(at) is not float or not all(type(one) is str for one in texts):
        raise DamagedDocument(kind, id, rev, "its row is not one of a revision")
    body = _body(kind, id, rev, text, _vouched(told))
    return Revision(kind, id, rev, parent_rev, body, at, actor, cause, bool(deleted))


def damaged(row: tuple[Any, ...], why: str) -> Revision:
    """Stand in for the revision of a row of VOUCHED that cannot be believed."""
    kind, id, rev, parent_rev, _, at, actor, cause, deleted, _ = row
    when = at if type(at) is float else 0.0
    return Revision(
        kind, id, rev, parent_rev, {}, when, str(actor), str(cause), bool(deleted), damage=why
    )


def finding(error: DamagedDocument) -> Finding:
    """Describe a damaged document as an examination does."""
    return Finding(Check.DOCUMENT, str(error), kind=error.kind, id=error.id, rev=error.rev)


def _body(kind: str, id: str, rev: int, text: Any, sha256: str | None) -> Body:
    if type(text) is not str:
        raise DamagedDocument(kind, id, rev, "it has no text")
    if sha256 is not None and digest(text) != sha256:
        raise DamagedDocument(kind, id, rev, "its SHA-256 differs")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise DamagedDocument(kind, id, rev, "it is not JSON") from None
    if not isinstance(body, dict):
        raise DamagedDocument(kind, id, rev, "it is no JSON object")
    if body.get("id") != id:
        raise DamagedDocument(kind, id, rev, "it says another id")
    return body


def _vouched(told: str | None) -> str | None:
    """The checksum that a journal entry tells, None where it tells none."""
    sha256 = decode_object(told or "").get("sha256")
    return sha256 if isinstance(sha256, str) else None
