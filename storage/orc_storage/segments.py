"""What the store knows of the part of its journal that lies in files.

Invariant: segments follow one another without a gap from the first entry on, and the newest
`compact` entry of the journal vouches for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from orc_storage.canonical import digest, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.records import Json, Segment

ACTION: Final = "compact"
"""The journal's word for a part of it that was archived."""

FOLDER: Final = "archive"
"""Where archives lie, inside the workspace."""

_COLUMNS: Final = "first_seq, last_seq, prev_hash, head_hash, file, sha256, bytes, at"


def listing(conn: Connection) -> list[Segment]:
    """Return all segments, oldest first."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM segment ORDER BY first_seq")  # noqa: S608
    return [Segment(*row) for row in rows]


def last(conn: Connection) -> Segment | None:
    """Return the newest segment, None where nothing was archived yet."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM segment ORDER BY first_seq DESC LIMIT 1"  # noqa: S608
    ).fetchone()
    return None if row is None else Segment(*row)


def insert(tx: Transaction, segment: Segment) -> None:
    """Add a segment behind the last one; its entries may be deleted from now on."""
    tx.conn.execute(
        f"INSERT INTO segment ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            segment.first_seq,
            segment.last_seq,
            segment.prev_hash,
            segment.head_hash,
            segment.file,
            segment.sha256,
            segment.bytes,
            segment.at,
        ),
    )


def archive_of(conn: Connection, kind: str, id: str, rev: int) -> str:
    """Return the file that holds a revision, below the workspace; "" where none does."""
    row = conn.execute(
        "SELECT file FROM archived JOIN segment ON first_seq = segment"
        " WHERE kind = ? AND id = ? AND first_rev <= ? AND last_rev >= ?"
        " ORDER BY first_rev DESC LIMIT 1",
        (kind, id, rev, rev),
    ).fetchone()
    return "" if row is None else f"{FOLDER}/{row[0]}"


def archive_of_entry(conn: Connection, seq: int) -> str:
    """Return the file that holds a journal entry, below the workspace; "" where none does."""
    row = conn.execute(
        "SELECT file FROM segment WHERE first_seq <= ? AND last_seq >= ?", (seq, seq)
    ).fetchone()
    return "" if row is None else f"{FOLDER}/{row[0]}"


def vouchers(conn: Connection) -> dict[str, Json]:
    """Return the hashes over both tables that a `compact` entry keeps in the chain."""
    return {
        "segments_sha256": _hash(
            conn.execute(
                "SELECT first_seq, last_seq, prev_hash, head_hash, file, sha256 FROM segment"
                " ORDER BY first_seq"
            )
        ),
        "outlasting_sha256": _hash(
            conn.execute("SELECT kind, id, rev, sha256 FROM outlasting ORDER BY kind, id, rev")
        ),
    }


def _hash(rows: Iterable[tuple[Any, ...]]) -> str:
    return digest(encode([list(row) for row in rows]))
