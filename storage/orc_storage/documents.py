"""Documents and their revisions.

Invariant: the document, its new revision and the journal entry are written in one transaction,
and only over the revision that the writer had read. What is not what was written is never
returned as if it were: a list leaves it out and names it, all else raises DamagedDocument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from orc_storage import journal, mends, segments, soundness
from orc_storage.canonical import decode_body, digest, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import (
    Archived,
    DamagedDocument,
    InvalidBody,
    InvalidId,
    NotFound,
    StaleRevision,
)
from orc_storage.records import REV_MAX, Body, Document, Finding, Revision
from orc_storage.soundness import DOCUMENT_COLUMNS, VOUCHED

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_PREFIX_PATTERN: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,15}")
_DOCUMENT: Final = f"SELECT {DOCUMENT_COLUMNS} FROM document"  # noqa: S608


def check_id(id: str) -> str:
    """Return `id`; raises InvalidId unless it is safe as a file name and in a tmux option."""
    if not ID_PATTERN.fullmatch(id):
        raise InvalidId(
            f"{id[:80]!r} is no id: use 1 to 63 letters, digits and hyphens, no hyphen first"
        )
    return id


def get(conn: Connection, kind: str, id: str) -> Document | None:
    """Return the newest revision, found without regard to case; None if absent or deleted.

    Raises DamagedDocument.
    """
    found = _newest(conn, kind, id)
    return None if found is None or found.deleted else found


def listing(
    conn: Connection,
    kind: str,
    *,
    with_deleted: bool = False,
    known: Mapping[str, Document] | None = None,
    damaged: list[Finding] | None = None,
) -> list[Document]:
    """Return all documents of a kind in the order of their ids.

    What is in `known`, by id, and is still at its revision is taken from there and not read.
    Those that are damaged are left out, and added to `damaged`: they are not absent.
    """
    if damaged is None:
        damaged = []
    if known and not with_deleted:
        return _renewed(conn, kind, known, damaged)
    only = "" if with_deleted else " AND deleted = 0"
    found: list[Document] = []
    for row in conn.execute(f"{_DOCUMENT} WHERE kind = ?{only} ORDER BY id", (kind,)):
        try:
            found.append(soundness.document(row))
        except DamagedDocument as error:
            damaged.append(soundness.finding(error))
    return found


def _renewed(
    conn: Connection, kind: str, known: Mapping[str, Document], damaged: list[Finding]
) -> list[Document]:
    rows = conn.execute(
        "SELECT id, rev FROM document WHERE kind = ? AND deleted = 0 ORDER BY id", (kind,)
    )
    found: list[Document] = []
    for id, rev in rows.fetchall():
        one = known.get(id)
        if one is None or one.rev != rev:
            found += of(conn, kind, [id], damaged=damaged)
        else:
            found.append(one)
    return found


def of(
    conn: Connection, kind: str, ids: Iterable[str], *, damaged: list[Finding]
) -> list[Document]:
    """Return those of `ids` that are there; what is damaged is added to `damaged` instead."""
    found: list[Document] = []
    for id in ids:
        try:
            one = get(conn, kind, id)
        except DamagedDocument as error:
            damaged.append(soundness.finding(error))
            continue
        if one is not None:
            found.append(one)
    return found


def put(
    tx: Transaction,
    kind: str,
    id: str,
    body: Body,
    *,
    rev: int,
    actor: str,
    cause: str,
    action: str = "edit",
) -> Document:
    """Write a new revision over revision `rev`; 0 makes the document, a deleted one anew.

    Raises StaleRevision if the document moved on, DamagedDocument, InvalidId and InvalidBody.
    """
    check_id(id)
    if body.get("id") != id:
        raise InvalidId(f"the body says id {body.get('id')!r}, not {id!r}: both must be the same")
    found = _newest(tx.conn, kind, id)
    if found is None:
        _check_never_was(tx.conn, kind, id)
    if found is not None and found.id != id:
        raise InvalidId(f"{id} differs only in case from {found.id}: use {found.id}")
    current = 0 if found is None else found.rev
    is_absent = found is None or found.deleted
    if rev != current and not (rev == 0 and is_absent):
        raise StaleRevision(kind, id, rev, current)
    return _write(tx, kind, id, body, current + 1, actor, cause, action, deleted=False)


def mend(
    tx: Transaction, kind: str, id: str, body: Body, *, deleted: bool, actor: str, cause: str
) -> Document:
    """Write a new revision over one that is damaged; what it was is for the caller to know."""
    check_id(id)
    (rev,) = tx.conn.execute(
        "SELECT max(rev) FROM (SELECT rev FROM document WHERE kind = ?1 AND id = ?2 UNION ALL"
        " SELECT rev FROM revision WHERE kind = ?1 AND id = ?2 UNION ALL"
        " SELECT rev FROM journal WHERE kind = ?1 AND id = ?2)",
        (kind, id),
    ).fetchone()
    note: Body = {mends.OVER: over} if (over := mends.over(tx.conn, kind, id)) else {}
    return _write(
        tx, kind, id, body, (rev or 0) + 1, actor, cause, mends.ACTION, deleted=deleted, note=note
    )


def delete(tx: Transaction, kind: str, id: str, *, rev: int, actor: str, cause: str) -> Document:
    """Write a revision that says the document is gone; its last body stays readable.

    Raises NotFound if there is none, StaleRevision if it moved on.
    """
    found = get(tx.conn, kind, id)
    if found is None:
        raise NotFound(f"there is no {kind} {id}")
    if found.rev != rev:
        raise StaleRevision(kind, found.id, rev, found.rev)
    return _write(tx, kind, found.id, found.body, rev + 1, actor, cause, "delete", deleted=True)


def history(conn: Connection, kind: str, id: str) -> list[Revision]:
    """Return all revisions that the store holds, oldest first; raises NotFound if none ever was.

    Archived ones are left out: there is a gap in the numbers where they were. One that is
    damaged says so and has no body.
    """
    found: list[Revision] = []
    for row in conn.execute(f"{VOUCHED} WHERE r.kind = ? AND r.id = ? ORDER BY r.rev", (kind, id)):
        try:
            found.append(soundness.revision(row))
        except DamagedDocument as error:
            found.append(soundness.damaged(row, error.why))
    if not found:
        raise NotFound(f"there never was a {kind} {id}")
    return found


def revision(conn: Connection, kind: str, id: str, rev: int) -> Revision:
    """Return one revision; raises NotFound, DamagedDocument.

    Raises Archived where only an archive holds it.
    """
    if not 0 < rev <= REV_MAX:
        raise NotFound(f"{kind} {id} has no revision {rev}")
    row = conn.execute(
        f"{VOUCHED} WHERE r.kind = ? AND r.id = ? AND r.rev = ?", (kind, id, rev)
    ).fetchone()
    if row is None:
        if archive := segments.archive_of(conn, kind, id, rev):
            raise Archived(f"{kind} {id}: revision {rev} is in {archive}, not in the store")
        raise NotFound(f"{kind} {id} has no revision {rev}")
    return soundness.revision(row)


def statuses(
    conn: Connection, kind: str, id: str, *, below: int, limit: int
) -> list[tuple[int, str | None]]:
    """Return revision and status of those below a revision, newest first.

    None is a deletion, or a body that is none. What it says is not checked, which is many times
    faster: whoever acts on a revision reads it as such.
    """
    rows = conn.execute(
        "SELECT rev, CASE WHEN deleted OR NOT json_valid(body) THEN NULL"
        " ELSE ifnull(json_extract(body, '$.status'), '') END FROM revision"
        " WHERE kind = ? AND id = ? AND rev < ? AND rev >= ? ORDER BY rev DESC",
        (kind, id, below, below - limit),
    )
    return [(rev, None if status is None else str(status)) for rev, status in rows]


def newest(conn: Connection, kind: str, id: str) -> Revision | None:
    """Return the newest revision of a document, a deletion too; None if it never was.

    Raises DamagedDocument where the document and that revision do not say the same.
    """
    row = conn.execute(
        "SELECT d.id, d.rev, d.sha256, d.deleted, r.body, r.deleted FROM document d"
        " LEFT JOIN revision r ON r.kind = d.kind AND r.id = d.id AND r.rev = d.rev"
        " WHERE d.kind = ? AND d.id = ?",
        (kind, id),
    ).fetchone()
    if row is None:
        _check_never_was(conn, kind, id)
        return None
    id, rev, sha256, deleted, text, was_deleted = row
    if type(text) is not str:
        raise DamagedDocument(kind, id, rev, "its newest revision is gone")
    if digest(text) != sha256 or deleted != was_deleted:
        raise DamagedDocument(kind, id, rev, "it is not its newest revision")
    return revision(conn, kind, id, rev)


def _check_never_was(conn: Connection, kind: str, id: str) -> None:
    """Raise DamagedDocument where the row of a document is gone: none is ever removed."""
    (rev,) = conn.execute(
        "SELECT max(rev) FROM revision WHERE kind = ? AND id = ?", (kind, id)
    ).fetchone()
    if rev is not None:
        raise DamagedDocument(kind, id, rev, "its row is gone")


def allocate(tx: Transaction, prefix: str) -> str:
    """Return the next free id such as T-14: never given twice, never one that is taken."""
    if not _PREFIX_PATTERN.fullmatch(prefix):
        raise InvalidId(f"{prefix[:80]!r} is no prefix: use a letter, then letters and digits")
    while True:
        (last,) = tx.conn.execute(
            "INSERT INTO serial (prefix, last) VALUES (?, 1)"
            " ON CONFLICT (prefix) DO UPDATE SET last = last + 1 RETURNING last",
            (prefix,),
        ).fetchall()[0]
        id = f"{prefix}-{last}"
        taken = tx.conn.execute(
            "SELECT EXISTS (SELECT 1 FROM document WHERE id = ?)"
            " OR EXISTS (SELECT 1 FROM conflict WHERE id = ?)",
            (id, id),
        ).fetchone()
        if taken == (0,):
            return id


def _write(
    tx: Transaction,
    kind: str,
    id: str,
    body: Body,
    rev: int,
    actor: str,
    cause: str,
    action: str,
    *,
    deleted: bool,
    note: Body | None = None,
) -> Document:
    try:
        text = encode(body)
    except InvalidBody as error:
        raise InvalidBody(f"{kind} {id}: {error}") from None
    sha256 = digest(text)
    tx.conn.execute(
        "INSERT INTO revision (kind, id, rev, parent_rev, body, at, actor, cause, deleted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (kind, id, rev, rev - 1, text, tx.at, actor, cause, int(deleted)),
    )
    tx.conn.execute(
        "INSERT INTO document (kind, id, rev, body, sha256, updated_at, updated_by, deleted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET"
        " rev = excluded.rev, body = excluded.body, sha256 = excluded.sha256,"
        " updated_at = excluded.updated_at, updated_by = excluded.updated_by,"
        " deleted = excluded.deleted",
        (kind, id, rev, text, sha256, tx.at, actor, int(deleted)),
    )
    detail: Body = {"cause": cause, "sha256": sha256, **(note or {})}
    journal.append(tx, actor=actor, action=action, kind=kind, id=id, rev=rev, detail=detail)
    # The record holds a copy, so that a caller who goes on editing its body changes no record.
    return Document(kind, id, rev, decode_body(text), sha256, tx.at, actor, deleted)


def _newest(conn: Connection, kind: str, id: str) -> Document | None:
    row = conn.execute(f"{_DOCUMENT} WHERE kind = ? AND id = ?", (kind, id)).fetchone()
    return None if row is None else soundness.document(row)
