"""A whole store as lines of JSON, and such a file read back.

Invariant: an export is one consistent view, and its first line says what follows and hashes it;
a file that is cut, changed or of a newer make is refused before anything of it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

from orc_storage import documents
from orc_storage.canonical import decode, digest, encode
from orc_storage.documents import check_id
from orc_storage.engine import Connection
from orc_storage.errors import BadExport, InvalidBody, InvalidId, StoreCorrupt
from orc_storage.records import REV_MAX, Body

FORMAT: Final = "orc-tui export"
VERSION: Final = 1
LINE_MAX: Final = 64 * 1024 * 1024
_KIND: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")

# Each kind of line: what it is called, its fields, and where they come from. Bodies and records
# are JSON in the store and become part of the line.
_TABLES: Final = (
    (
        "revision",
        ("kind", "id", "rev", "parent_rev", "at", "actor", "cause", "deleted", "body"),
        "revision ORDER BY kind, id, rev",
    ),
    (
        "entry",
        ("seq", "at", "actor", "action", "kind", "id", "rev", "detail", "prev_hash", "hash"),
        "journal ORDER BY seq",
    ),
    (
        "archive",
        ("first_seq", "last_seq", "prev_hash", "head_hash", "file", "sha256", "bytes", "at"),
        "segment ORDER BY first_seq",
    ),
    ("conflict", ("record",), "conflict ORDER BY opened_at, rowid"),
    (
        "checkpoint",
        ("number", "name", "note", "at", "actor", "seq", "automatic"),
        "checkpoint ORDER BY number",
    ),
    (
        "pin",
        ("checkpoint", "kind", "id", "rev"),
        "checkpoint_revision ORDER BY checkpoint, kind, id",
    ),
    ("serial", ("prefix", "last"), "serial ORDER BY prefix"),
    ("counter", ("name", "day", "value"), "counter ORDER BY name, day"),
)
_JSON_FIELDS: Final = {"body", "record"}
_NAMES: Final = ("type", "kind", "id", "rev")


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: when and by which schema it was made, how many lines of each kind follow.

    `sha256` is over all bytes behind this line.
    """

    version: int
    schema: int
    made_at: float
    counts: dict[str, int]
    sha256: str


@dataclass(frozen=True, slots=True)
class Carried:
    """One document of an export as it was last; `past` are the hashes of all its states.

    A state is the hash of a body, or "" where the document was deleted.
    """

    kind: str
    id: str
    rev: int
    body: Body
    deleted: bool
    actor: str
    at: float
    past: frozenset[str]

    @property
    def state(self) -> str:
        """The hash of the body, "" where the document is deleted."""
        return state(self.body, deleted=self.deleted)


def state(body: Body, *, deleted: bool) -> str:
    """What two documents are compared by: the hash of a body, "" for a deletion."""
    return "" if deleted else digest(encode(body))


def write(conn: Connection, out: BinaryIO, *, at: float) -> Header:
    """Write all of the store to `out`; `at` is the time of it, seconds since the epoch.

    Raises DamagedDocument, and StoreCorrupt where a conflict is damaged.
    """
    counts: Counter[str] = Counter()
    hashed = hashlib.sha256()
    # Twice over one view: the header comes first, and what it says is known last.
    for name, line in _lines(conn):
        counts[name] += 1
        hashed.update(line)
    (schema,) = conn.execute("PRAGMA user_version").fetchone()
    header = Header(VERSION, schema, at, dict(counts), hashed.hexdigest())
    first: Body = {
        "type": "header",
        "format": FORMAT,
        "version": header.version,
        "schema": header.schema,
        "made_at": header.made_at,
        "counts": {**header.counts},
        "sha256": header.sha256,
    }
    out.write(encode(first).encode() + b"\n")
    for _, line in _lines(conn):
        out.write(line)
    out.flush()
    return header


def _lines(conn: Connection) -> Iterator[tuple[str, bytes]]:
    lost = _lost(conn)
    for name, fields, rest in _TABLES:
        for row in conn.execute(f"SELECT {', '.join(fields)} FROM {rest}"):  # noqa: S608
            if lost and name == "revision" and row[:3] in lost:
                continue
            record: dict[str, Any] = {"type": name}
            for field, value in zip(fields, row, strict=True):
                record[field] = _value(record, value) if field in _JSON_FIELDS else value
            yield name, encode(record).encode() + b"\n"


def _lost(conn: Connection) -> set[tuple[str, str, int]]:
    """Name the revisions that are damaged and were written over: they are left out.

    Raises DamagedDocument where a document is: an older one is not to pass for it.
    """
    lost: set[tuple[str, str, int]] = set()
    for kind, id in conn.execute("SELECT kind, id FROM document ORDER BY kind, id").fetchall():
        documents.newest(conn, kind, id)
        known = documents.history(conn, kind, id)
        lost.update((kind, one.id, one.rev) for one in known if one.damage)
    return lost


def _value(record: dict[str, Any], text: str) -> Any:
    try:
        return decode(text)
    except (ValueError, RecursionError):
        name = " ".join(str(record[field]) for field in _NAMES if field in record)
        raise StoreCorrupt(
            f"{name} is damaged, no export was made: `orc audit verify` tells all"
        ) from None


def read(source: BinaryIO) -> tuple[Header, list[Carried]]:
    """Return the header and the documents of an export, in the order of kind and id.

    Raises BadExport naming the line, and what to do.
    """
    header = _header(source.readline(LINE_MAX))
    counts: Counter[str] = Counter()
    hashed = hashlib.sha256()
    found: dict[tuple[str, str], Carried] = {}
    number = 1
    while line := source.readline(LINE_MAX):
        number += 1
        hashed.update(line)
        record = _object(line, number)
        name = str(record.get("type"))
        counts[name] += 1
        if name == "revision":
            _add(found, record, number)
    if hashed.hexdigest() != header.sha256 or dict(counts) != header.counts:
        raise BadExport(
            f"its {number} lines are not what its first line says: it was cut or changed, use a"
            " whole copy"
        )
    return header, list(found.values())


def _header(line: bytes) -> Header:
    if not line:
        raise BadExport("it is empty")
    said = _object(line, 1)
    if said.get("format") != FORMAT:
        raise BadExport("it is no export of orc-tui: `orc export --output FILE` makes one")
    version = said.get("version")
    if type(version) is int and version > VERSION:
        raise BadExport(f"its format is {version}, this orc-tui knows {VERSION}: upgrade orc-tui")
    counts, sha256 = said.get("counts"), said.get("sha256")
    if version != VERSION or not isinstance(counts, dict) or not isinstance(sha256, str):
        raise BadExport("line 1 is not the first line of an export")
    schema, made_at = said.get("schema"), said.get("made_at")
    if type(schema) is not int or not isinstance(made_at, int | float):
        raise BadExport("line 1 is not the first line of an export")
    return Header(version, schema, float(made_at), counts, sha256)


def _object(line: bytes, number: int) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise BadExport(f"line {number} has no end: the file was cut, use a whole copy")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise BadExport(f"line {number} is no JSON") from None
    if not isinstance(record, dict):
        raise BadExport(f"line {number} is no JSON object")
    return record


def _add(found: dict[tuple[str, str], Carried], record: dict[str, Any], number: int) -> None:
    """Put a revision over what is known of its document."""
    one = _carried(record, number)
    name = (one.kind, one.id.casefold())
    before = found.get(name)
    past = one.past | (before.past if before is not None else frozenset())
    newest = one if before is None or one.rev > before.rev else before
    found[name] = replace(newest, past=past)


def _carried(record: dict[str, Any], number: int) -> Carried:
    kind, id, rev, body = (record.get(name) for name in ("kind", "id", "rev", "body"))
    deleted, actor, at = (record.get(name) for name in ("deleted", "actor", "at"))
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise BadExport(f"line {number}: kind is not a lower-case word")
    if type(rev) is not int or not 0 < rev <= REV_MAX or type(deleted) is not int:
        raise BadExport(f"line {number}: rev or deleted is no whole number")
    if not isinstance(body, dict) or body.get("id") != id or not isinstance(id, str):
        raise BadExport(f"line {number}: body is no object with the id of the line")
    if not isinstance(actor, str) or not isinstance(at, int | float):
        raise BadExport(f"line {number}: actor or at is missing")
    try:
        own = state(body, deleted=bool(deleted))
        check_id(id)
    except (InvalidId, InvalidBody) as error:
        raise BadExport(f"line {number}: {error}") from None
    return Carried(kind, id, rev, body, bool(deleted), actor, float(at), frozenset({own}))
