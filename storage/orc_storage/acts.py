"""The undo lists: one per actor, kept across restarts.

Invariant: a new act drops what its actor had undone, so redo never jumps over newer work. What
was done without the actor drops nothing, and comes after what the actor did last, unless it went
over that. An act that cannot be read any more has left the list: there is no way back over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from orc_storage.canonical import decode, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import NotFound
from orc_storage.records import Act, Change, Deed, FilesTurned

ACTS_MAX: Final = 1000
"""How many acts an actor can go back over; older ones leave the list, not the history."""

_COLUMNS: Final = (
    "seq, at, actor, deed, label, changes, conflicts, state, turned, left_open, tree, automatic"
)


def record(
    tx: Transaction,
    *,
    actor: str,
    label: str,
    changes: Iterable[Change],
    deed: Deed = Deed.WRITE,
    conflicts: Iterable[str] = (),
    tree: FilesTurned | None = None,
    automatic: bool = False,
) -> Act:
    """Put one act on its actor's list and drop what was undone below it.

    `automatic` says that it was done for the actor and not by them.
    """
    touched, decided = tuple(changes), tuple(conflicts)
    if not automatic:
        tx.conn.execute(
            "UPDATE act SET state = 'dropped' WHERE actor = ? AND state = 'undone'", (actor,)
        )
    row = tx.conn.execute(
        "INSERT INTO act"
        " (at, actor, deed, label, changes, conflicts, state, turn, tree, automatic)"
        " VALUES (?, ?, ?, ?, ?, ?, 'done', 0, ?, ?) RETURNING seq",
        (
            tx.at,
            actor,
            deed,
            label,
            encode([asdict(c) for c in touched]),
            encode(list(decided)),
            encode(asdict(tree)) if tree is not None else "",
            int(automatic),
        ),
    ).fetchall()[0]
    tx.conn.execute(
        "DELETE FROM act WHERE actor = ? AND seq <="
        " (SELECT seq FROM act WHERE actor = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (actor, actor, ACTS_MAX),
    )
    return Act(
        row[0],
        tx.at,
        actor,
        deed,
        label,
        touched,
        decided,
        "done",
        tree=tree,
        automatic=automatic,
    )


def last(conn: Connection, actor: str, state: str) -> Act | None:
    """Return what undo takes of the acts that are `done`, or what redo takes of the `undone`."""
    acts = _in_state(conn, actor, state)
    first = next(acts, None)
    if first is None or not first.automatic or state == "undone":
        return first
    since = [first]
    for act in acts:
        if not act.automatic:
            return act if _is_own_last(conn, act) and not _goes_over(since, act) else first
        since.append(act)
    return first


def listing(conn: Connection, actor: str, *, limit: int = ACTS_MAX) -> list[Act]:
    """Return an actor's list: what redo would do, then what undo would, the next one first each.

    What was dropped is left out; `limit` counts each half.
    """
    undone = list(islice(_in_state(conn, actor, "undone"), limit))
    first = last(conn, actor, "done")
    rest = [act for act in islice(_in_state(conn, actor, "done"), limit) if act != first]
    return [*undone, *([] if first is None else [first]), *rest][: len(undone) + limit]


def _in_state(conn: Connection, actor: str, state: str) -> Iterator[Act]:
    """The acts in a state, the newest first, or of those undone the one undone last."""
    order = "turn" if state == "undone" else "seq"
    for row in conn.execute(
        f"SELECT {_COLUMNS} FROM act WHERE actor = ? AND state = ? ORDER BY {order} DESC",  # noqa: S608
        (actor, state),
    ):
        if (act := _act(row)) is not None:
            yield act


def _is_own_last(conn: Connection, act: Act) -> bool:
    """Whether the actor did nothing after it, nothing that was undone either."""
    newest = conn.execute(
        "SELECT max(seq) FROM act WHERE actor = ? AND automatic = 0", (act.actor,)
    ).fetchone()
    return bool(newest == (act.seq,))


def _goes_over(since: Iterable[Act], own: Act) -> bool:
    """Whether something done since changed what an act had changed."""
    touched = {(one.kind, one.id.casefold()) for one in own.changes}
    return any((one.kind, one.id.casefold()) in touched for act in since for one in act.changes)


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
    (
        seq,
        at,
        actor,
        deed,
        label,
        changes,
        conflicts,
        state,
        turned,
        left_open,
        tree,
        automatic,
    ) = row
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
            bool(automatic),
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
