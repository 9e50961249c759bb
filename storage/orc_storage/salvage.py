"""What can still be read of a document that is damaged.

Invariant: nothing here is taken for the document itself. It is shown, copied, or written anew as
a revision that says where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_storage import archives, backups, documents, recovery, segments, soundness
from orc_storage.canonical import decode_object, digest, encode
from orc_storage.engine import Connection, Engine, is_corrupt
from orc_storage.errors import DamagedDocument, NotFound, StorageError
from orc_storage.records import Body, Document, Finding, Revision

BACKUPS_TRIED: Final = 3


@dataclass(frozen=True, slots=True)
class Promise:
    """What a document ought to be: how its id is spelled, its revision, the checksum of that."""

    id: str
    rev: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What a document was once; `rev` is 0 where that is not known, `source` says who has it."""

    body: Body
    deleted: bool
    rev: int
    source: str

    @property
    def sha256(self) -> str:
        return digest(encode(self.body))


def listing(
    conn: Connection, kind: str, known: Mapping[str, Document], damaged: list[Finding]
) -> list[Document]:
    """Return the documents of a kind that can be read one by one, where pages are damaged.

    Of the others those in `known`, by id, stand as they are there; all are added to `damaged`.
    """
    found: list[Document] = []
    for id in sorted({*known, *_ids(conn, kind)}):
        try:
            one = documents.get(conn, kind, id)
        except Exception as error:
            if not isinstance(error, DamagedDocument) and not is_corrupt(error):
                raise
            lost = DamagedDocument(
                kind, id, known[id].rev if id in known else 0, "its page cannot be read"
            )
            damaged.append(soundness.finding(lost))
            one = known.get(id)
        if one is not None:
            found.append(one)
    return found


def _ids(conn: Connection, kind: str) -> Iterator[str]:
    """Tell the ids of a kind, from whichever index of them can be read."""
    for source in (
        "document INDEXED BY document_alive WHERE deleted = 0 AND",
        "document INDEXED BY sqlite_autoindex_document_1 WHERE",
        "revision INDEXED BY sqlite_autoindex_revision_1 WHERE",
    ):
        try:
            for (id,) in conn.execute(f"SELECT id FROM {source} kind = ?", (kind,)):  # noqa: S608
                if type(id) is str:
                    yield id
        except Exception as error:
            if not is_corrupt(error):
                raise


def promised(conn: Connection, kind: str, id: str) -> Promise | None:
    """Return what the journal tells of the newest revision; None where it tells of none."""
    rows = conn.execute(
        "SELECT id, rev, detail FROM journal WHERE kind = ? AND id = ? AND rev > 0"
        " ORDER BY seq DESC",
        (kind, id),
    )
    for spelled, rev, detail in rows:
        if isinstance(sha256 := decode_object(detail).get("sha256"), str):
            return Promise(spelled, rev, sha256)
    row = conn.execute(
        "SELECT id, rev, sha256 FROM outlasting WHERE kind = ? AND id = ?"
        " ORDER BY rev DESC LIMIT 1",
        (kind, id),
    ).fetchone()
    return None if row is None else Promise(*row)


def of_store(conn: Connection, kind: str, id: str) -> list[Salvaged]:
    """Return what a store itself can still tell of a document, the newest first."""
    try:
        known = documents.history(conn, kind, id)
    except NotFound:
        known = []
    found = [
        Salvaged(one.body, one.deleted, one.rev, f"revision {one.rev}")
        for one in reversed(known)
        if not one.damage
    ]
    row = conn.execute(
        f"SELECT {soundness.DOCUMENT_COLUMNS} FROM document WHERE kind = ? AND id = ?",  # noqa: S608
        (kind, id),
    ).fetchone()
    if row is not None:
        with suppress(DamagedDocument):
            now = soundness.document(row)
            found.append(Salvaged(now.body, now.deleted, now.rev, "the document"))
    # Of one revision its own row goes first: no checksum covers that a document is deleted.
    return sorted(found, key=lambda one: one.rev, reverse=True)


def of_archives(conn: Connection, folder: Path, kind: str, id: str) -> Iterator[Salvaged]:
    """Tell what the archives in `folder` hold of a document, the newest archive first."""
    for segment in reversed(segments.listing(conn)):
        if archives.check(folder, segment):
            continue
        told = [
            Salvaged(
                decode_object(entry["revision"]["body"]),
                bool(entry["revision"]["deleted"]),
                entry["rev"],
                f"{segments.FOLDER}/{segment.file}",
            )
            for entry in archives.read(folder / segment.file)
            if entry.get("kind") == kind
            and str(entry.get("id")).casefold() == id.casefold()
            and "revision" in entry
        ]
        yield from reversed(told)


def of_backups(engine: Engine, folder: Path, kind: str, id: str) -> Iterator[Salvaged]:
    """Tell what the backups in `folder` hold of a document, the newest backup first."""
    for backup in backups.listing(folder)[:BACKUPS_TRIED]:
        try:
            with recovery.restored(engine, backup) as conn:
                held = of_store(conn, kind, id)
        except (StorageError, OSError):
            continue
        for one in held:
            yield Salvaged(one.body, one.deleted, one.rev, f"backup {backup.name}, {one.source}")


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
