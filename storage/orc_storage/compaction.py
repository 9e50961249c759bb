"""Moving the oldest part of the journal out of the store.

Invariant: what leaves is on disk in an archive first. The chain goes on from where the archive
ends, and no revision leaves that a document, a base, a conflict, a checkpoint or an undo list
still refers to, as of the very transaction that cuts.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orc_storage import checkpoints, conflicts, journal, segments
from orc_storage.canonical import decode, decode_object
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import DamagedRow, StorageError, StoreCorrupt
from orc_storage.records import WAITING, Conflict, Segment

ENTRIES_MAX: Final = 2000
"""How many entries leave in one transaction, so that nobody waits long behind it."""

ENTRIES_KEPT: Final = 1000
"""How many of the newest entries stay, whatever their age: others may be about to read them."""

Name = tuple[str, str, int]
"""Kind, id (in lower case) and number of a revision."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What could leave: the entries `first` to `last`, and the revisions among them.

    `kept` counts the revisions that have to stay, `bytes` is about what would become free.
    `last` is below `first` where nothing could.
    """

    first: int
    last: int
    revisions: int
    kept: int
    bytes: int

    @property
    def entries(self) -> int:
        return max(0, self.last - self.first + 1)


def bytes_used(conn: Connection) -> int:
    """Return how many bytes of the store hold something."""
    pages, free, size = (
        int(conn.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def bounds(conn: Connection, *, before: float) -> tuple[int, int]:
    """Return the first entry and the last one that may leave; all of these are older than `before`.

    `before` is seconds since the epoch, infinity for any age.
    """
    segment = segments.last(conn)
    first = segment.last_seq + 1 if segment is not None else 1
    last = journal.head(conn)[0] - ENTRIES_KEPT
    (young,) = conn.execute("SELECT min(seq) FROM journal WHERE at >= ?", (before,)).fetchone()
    return first, last if young is None else min(last, young - 1)


def plan(conn: Connection, *, before: float) -> Plan:
    """Say what would leave the store; nothing is changed."""
    first, last = bounds(conn, before=before)
    needed = held(conn)
    rows = conn.execute(
        "SELECT r.kind, lower(r.id), r.rev, length(r.body) FROM journal j JOIN revision r"
        " ON r.kind = j.kind AND r.id = j.id AND r.rev = j.rev WHERE j.seq BETWEEN ? AND ?",
        (first, last),
    ).fetchall()
    sizes = [size for *name, size in rows if tuple(name) not in needed]
    (details,) = conn.execute(
        "SELECT total(length(detail) + length(action) + 3 * length(hash)) FROM journal"
        " WHERE seq BETWEEN ? AND ?",
        (first, last),
    ).fetchone()
    freed = int(details) + sum(sizes)
    return Plan(first, last, len(sizes), len(rows) - len(sizes), freed)


def held(conn: Connection) -> set[Name]:
    """Return every revision that something in the store still refers to."""
    kept = {_name(*one) for one in checkpoints.pinned(conn)}
    for kind, id, rev in conn.execute(
        "SELECT kind, id, rev FROM document UNION SELECT kind, id, rev FROM base"
    ):
        kept.add(_name(kind, id, rev))
    for conflict in (*conflicts.listing(conn, states=WAITING), *_undoable(conn)):
        for rev in (
            conflict.base_rev,
            conflict.left.rev,
            conflict.right.rev,
            conflict.closed_rev - 1,
            conflict.closed_rev,
        ):
            kept.add(_name(conflict.doc_kind, conflict.doc, rev))
    return kept


def cut(tx: Transaction, segment: Segment) -> int:
    """Take the entries of an archived segment and their revisions out of the store.

    Returns how many revisions left. Raises StorageError where another process cut before.
    """
    before = segments.last(tx.conn)
    if segment.first_seq != (before.last_seq + 1 if before is not None else 1):
        raise StorageError("another process archived the same entries: nothing was cut")
    segments.insert(tx, segment)
    needed = held(tx.conn)
    leaving = _release(tx, needed)
    rows = tx.conn.execute(
        "SELECT kind, id, rev, detail FROM journal WHERE rev > 0 AND seq BETWEEN ? AND ?",
        (segment.first_seq, segment.last_seq),
    ).fetchall()
    for kind, id, rev, detail in rows:
        told = decode_object(detail)
        if not told:
            raise StoreCorrupt(f"the journal's entry for {kind} {id} is damaged: it stays in place")
        sha256 = told.get("sha256")
        if not isinstance(sha256, str):
            continue
        if _name(kind, id, rev) in needed:
            tx.conn.execute(
                "INSERT INTO outlasting (kind, id, rev, sha256, segment) VALUES (?, ?, ?, ?, ?)",
                (kind, id, rev, sha256, segment.first_seq),
            )
        else:
            leaving.append((kind, id, rev, segment.first_seq))
    _remove(tx, leaving)
    tx.conn.execute(
        "DELETE FROM journal WHERE seq BETWEEN ? AND ?", (segment.first_seq, segment.last_seq)
    )
    detail = {
        "first": segment.first_seq,
        "last": segment.last_seq,
        "head": segment.head_hash,
        "file": segment.file,
        "file_sha256": segment.sha256,
        "revisions": len(leaving),
    }
    journal.append(
        tx, actor=_ACTOR, action=segments.ACTION, detail=detail | segments.vouchers(tx.conn)
    )
    return len(leaving)


_ACTOR: Final = "orc"


def _release(tx: Transaction, needed: set[Name]) -> list[tuple[str, str, int, int]]:
    """Take off the list what outlasted its entry and is needed no more; return it."""
    rows = tx.conn.execute("SELECT kind, id, rev, segment FROM outlasting").fetchall()
    free = [row for row in rows if _name(*row[:3]) not in needed]
    tx.conn.executemany(
        "DELETE FROM outlasting WHERE kind = ? AND id = ? AND rev = ?", [row[:3] for row in free]
    )
    return free


def _remove(tx: Transaction, leaving: list[tuple[str, str, int, int]]) -> None:
    """Delete revisions, after it is written down which archive has them."""
    tx.conn.executemany(
        "INSERT INTO archived (kind, id, first_rev, last_rev, segment) VALUES (?, ?, ?, ?, ?)",
        _spans(leaving),
    )
    tx.conn.executemany(
        "DELETE FROM revision WHERE kind = ? AND id = ? AND rev = ?",
        [row[:3] for row in leaving],
    )


def _spans(rows: Iterable[tuple[str, str, int, int]]) -> list[tuple[str, str, int, int, int]]:
    """Join numbers that follow one another in one document and one archive."""
    spans: list[tuple[str, str, int, int, int]] = []
    for kind, id, rev, segment in sorted(rows, key=lambda row: (row[0], row[1].lower(), *row[2:])):
        if spans and spans[-1][0] == kind and spans[-1][1].lower() == id.lower():
            first, last, same = spans[-1][2:]
            if (last + 1, same) == (rev, segment):
                spans[-1] = (kind, id, first, rev, segment)
                continue
        spans.append((kind, id, rev, rev, segment))
    return spans


def _undoable(conn: Connection) -> list[Conflict]:
    """The conflicts that an act decided or left open which can still be undone or done again."""
    ids: set[str] = set()
    for decided, left_open in conn.execute(
        "SELECT conflicts, left_open FROM act WHERE state <> 'dropped'"
    ):
        # An act that cannot be read, or over a conflict that cannot, is not undone any more.
        with suppress(ValueError, TypeError):
            ids.update(decode(decided), decode(left_open))
    found: list[Conflict] = []
    for id in ids:
        with suppress(DamagedRow):
            if (conflict := conflicts.get(conn, id)) is not None:
                found.append(conflict)
    return found


def _name(kind: str, id: str, rev: int) -> Name:
    return (kind, id.lower(), rev)
