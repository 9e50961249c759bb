"""Checkpoints: named points to come back to, each with the revision that every document had.

Invariant: a checkpoint refers to revisions and copies none, so what it refers to must be kept:
`pinned` says what that is.
"""

from __future__ import annotations

from typing import Any, Final

from orc_storage import acts, documents, journal
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import InvalidId, NotFound
from orc_storage.records import Checkpoint, Revision

AUTOMATIC_MAX: Final = 200
"""How many automatic checkpoints are kept; those that somebody named stay."""

AUTOMATIC_PREFIX: Final = "auto"
JOURNAL_KIND: Final = "checkpoint"
_COLUMNS: Final = "number, name, note, at, actor, seq, automatic"


def create(
    tx: Transaction, name: str = "", *, note: str, actor: str, automatic: bool = False
) -> Checkpoint:
    """Write down which revision every document has now; without a name it is `auto-N`.

    Raises InvalidId where the name is none or is taken.
    """
    seq, _ = journal.head(tx.conn)
    name = documents.check_id(name) if name else _next_name(tx)
    _check_free(tx.conn, name)
    (number,) = tx.conn.execute(
        "INSERT INTO checkpoint (name, note, at, actor, seq, automatic)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
        (name, note, tx.at, actor, seq, int(automatic)),
    ).fetchall()[0]
    tx.conn.execute(
        "INSERT INTO checkpoint_revision (checkpoint, kind, id, rev)"
        " SELECT ?, kind, id, rev FROM document WHERE deleted = 0",
        (number,),
    )
    _note(tx, actor, "checkpoint", name, note)
    if automatic:
        _retain(tx)
    return Checkpoint(number, name, note, tx.at, actor, seq, automatic)


def get(conn: Connection, name: str) -> Checkpoint | None:
    """Return a checkpoint by its name, found without regard to case."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM checkpoint WHERE name = ?",  # noqa: S608
        (name,),
    ).fetchone()
    return None if row is None else _checkpoint(row)


def listing(conn: Connection) -> list[Checkpoint]:
    """Return all checkpoints, the newest first."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM checkpoint ORDER BY number DESC")  # noqa: S608
    return [_checkpoint(row) for row in rows]


def revisions(conn: Connection, checkpoint: Checkpoint) -> list[Revision]:
    """Return the revision of each document that was there, in the order of kind and id."""
    rows = conn.execute(
        "SELECT kind, id, rev FROM checkpoint_revision WHERE checkpoint = ? ORDER BY kind, id",
        (checkpoint.number,),
    ).fetchall()
    return [documents.revision(conn, kind, id, rev) for kind, id, rev in rows]


def counts(conn: Connection) -> dict[int, int]:
    """Return how many documents each checkpoint has, by its number."""
    rows = conn.execute("SELECT checkpoint, count(*) FROM checkpoint_revision GROUP BY checkpoint")
    return dict(rows.fetchall())


def rename(tx: Transaction, name: str, *, to: str, note: str, actor: str) -> Checkpoint:
    """Give a checkpoint another name and note: from then on it is one that somebody named.

    Raises NotFound, and InvalidId where the name is none or is taken.
    """
    found = _find(tx.conn, name)
    documents.check_id(to)
    if to.casefold() != found.name.casefold():
        _check_free(tx.conn, to)
    tx.conn.execute(
        "UPDATE checkpoint SET name = ?, note = ?, automatic = 0 WHERE number = ?",
        (to, note, found.number),
    )
    _note(tx, actor, "rename", to, f"was {found.name}" if to != found.name else note)
    return Checkpoint(found.number, to, note, found.at, found.actor, found.seq, False)


def remove(tx: Transaction, name: str, *, actor: str) -> Checkpoint:
    """Forget a checkpoint; the documents stay as they are. Raises NotFound."""
    found = _find(tx.conn, name)
    _drop(tx, found.number)
    _note(tx, actor, "forget", found.name, found.note)
    return found


def pinned(conn: Connection) -> set[tuple[str, str, int]]:
    """Return the (kind, id, rev) of every revision that somebody can still go back to.

    These are the ones that checkpoints and undo lists refer to; compaction keeps them.
    """
    rows = conn.execute("SELECT DISTINCT kind, id, rev FROM checkpoint_revision")
    kept = {(kind, id, rev) for kind, id, rev in rows}
    for change in acts.changes(conn):
        kept.update((change.kind, change.id, rev) for rev in (change.from_rev, change.to_rev))
    return {one for one in kept if one[2]}


def _find(conn: Connection, name: str) -> Checkpoint:
    found = get(conn, name)
    if found is None:
        raise NotFound(f"there is no checkpoint {name[:80]!r}: `orc checkpoint list` has all")
    return found


def _check_free(conn: Connection, name: str) -> None:
    if get(conn, name) is not None:
        raise InvalidId(f"there is a checkpoint {name} already: choose another name")


def _next_name(tx: Transaction) -> str:
    while True:
        name = documents.allocate(tx, AUTOMATIC_PREFIX)
        if get(tx.conn, name) is None:
            return name


def _retain(tx: Transaction) -> None:
    """Drop the oldest automatic checkpoints beyond the bound."""
    rows = tx.conn.execute(
        "SELECT number FROM checkpoint WHERE automatic = 1 ORDER BY number DESC LIMIT -1 OFFSET ?",
        (AUTOMATIC_MAX,),
    ).fetchall()
    for (number,) in rows:
        _drop(tx, number)


def _drop(tx: Transaction, number: int) -> None:
    tx.conn.execute("DELETE FROM checkpoint_revision WHERE checkpoint = ?", (number,))
    tx.conn.execute("DELETE FROM checkpoint WHERE number = ?", (number,))


def _note(tx: Transaction, actor: str, action: str, name: str, text: str) -> None:
    journal.append(
        tx, actor=actor, action=action, kind=JOURNAL_KIND, id=name, detail={"cause": text}
    )


def _checkpoint(row: tuple[Any, ...]) -> Checkpoint:
    number, name, note, at, actor, seq, automatic = row
    return Checkpoint(number, name, note, at, actor, seq, bool(automatic))
