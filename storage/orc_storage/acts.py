"""The undo lists: one per actor, kept across restarts.

Invariant: a new act drops what its actor had undone, so redo never jumps over newer work. An act
that cannot be read any more has left the list: there is no way back over it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from orc_storage.canonical import decode, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import NotFound
from orc_storage.records import Act, Change, Deed, FilesTurned

ACTS_MAX: Final = 1000
"""How many acts an actor can go back over; older ones leave the list, not the history."""

_COLUMNS: Final = "seq, at, actor, deed, label, changes, conflicts, state, turned, left_open, tree"


def record(
    tx: Transaction,
    *,
    actor: str,
    label: str,
    changes: Iterable[Change],
    deed: Deed = Deed.WRITE,
    conflicts: Iterable[str] = (),
    tree: FilesTurned | None = None,
) -> Act:
    """Put one act on top of its actor's list and drop what was undone below it."""
    touched, decided = tuple(changes), tuple(conflicts)
    tx.conn.execute(
        "UPDATE act SET state = 'dropped' WHERE actor = ? AND state = 'undone'", (actor,)
    )
    row = tx.conn.execute(
        "INSERT INTO act (at, actor, deed, label, changes, conflicts, state, turn, tree)"
        " VALUES (?, ?, ?, ?, ?, ?, 'done', 0, ?) RETURNING seq",
        (
            tx.at,
            actor,
            deed,
            label,
            encode([asdict(c) for c in touched]),
            encode(list(decided)),
            encode(asdict(tree)) if tree is not None else "",
        ),
    ).fetchall()[0]
    tx.conn.execute(
        "DELETE FROM act WHERE actor = ? AND seq <="
        " (SELECT seq FROM act WHERE actor = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (actor, actor, ACTS_MAX),
    )
    return Act(row[0], tx.at, actor, deed, label, touched, decided, "done", tree=tree)


def last(conn: Connection, actor: str, state: str) -> Act | None:
    """Return the newest act that is `done`, or of the `undone` ones the one undone last."""
    order = "turn DESC" if state == "undone" else "seq DESC"
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM act WHERE actor = ? AND state = ? ORDER BY {order}",  # noqa: S608
        (actor, state),
    )
    return next((act for row in rows if (act := _act(row)) is not None), None)


def listing(conn: Connection, actor: str, *, limit: int = ACTS_MAX) -> list[Act]:
    """Return an actor's list: what redo would do, then what undo would, the next one first each.

    What was dropped is left out; `limit` counts each half.
    """
    halves = (("undone", "turn"), ("done", "seq"))
    return [
        act
        for state, order in halves
        for row in conn.execute(
            f"SELECT {_COLUMNS} FROM act WHERE actor = ? AND state = ?"  # noqa: S608
            f" ORDER BY {order} DESC LIMIT ?",
            (actor, state, limit),
        )
        if (act := _act(row)) is not None
    ]


def changes(conn: Connection) -> list[Change]:
    """Return every change that anybody can still undo or redo."""
    rows = conn.execute("SELECT changes, turned FROM act WHERE state <> 'dropped'")
    return [change for texts in rows for text in texts for change in _readable(text)]


def trees(conn: Connection) -> list[FilesTurned]:
    """Return what was done to files of work trees and can still be undone or redone."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM act WHERE deed = 'files' AND state <> 'dropped'"  # noqa: S608
    )
    found = [_act(row) for row in rows]
    return [act.tree for act in found if act is not None and act.tree is not None]


def mark(
    tx: Transaction,
    seq: int,
    state: str,
    *,
    turned: Iterable[Change] = (),
    left_open: Iterable[str] = (),
) -> None:
    """Set an act to done, undone or dropped; raises NotFound.

    `turned` is what was written for that, `left_open` the conflicts that it leaves for
    somebody to decide.
    """
    changed = tx.conn.execute(
        "UPDATE act SET state = ?, turned = ?, left_open = ?,"
        " turn = (SELECT max(turn) + 1 FROM act) WHERE seq = ?",
        (state, encode([asdict(c) for c in turned]), encode(list(left_open)), seq),
    )
    if changed.rowcount != 1:
        raise NotFound(f"there is no act {seq}")


def _act(row: tuple[Any, ...]) -> Act | None:
    seq, at, actor, deed, label, changes, conflicts, state, turned, left_open, tree = row
    try:
        return Act(
            seq,
            at,
            actor,
            Deed(deed),
            label,
            _changes(changes),
            tuple(decode(conflicts)),
            state,
            _changes(turned),
            tuple(decode(left_open)),
            FilesTurned(**decode(tree)) if tree else None,
        )
    except (ValueError, TypeError, RecursionError):
        return None


def _readable(text: str) -> tuple[Change, ...]:
    try:
        return _changes(text)
    except (ValueError, TypeError, RecursionError):
        return ()


def _changes(text: str) -> tuple[Change, ...]:
    return tuple(Change(**change) for change in decode(text))
