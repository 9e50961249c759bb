"""Workflows in progress: how far each is, who runs it, what a person wishes of it.

Invariant: only the owner that holds the newest fence moves a saga on; a row and the journal's
entry of why it changed are one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from orc_storage import counters, journal
from orc_storage.canonical import decode_object, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import NotFound, StorageError
from orc_storage.records import Body

KIND: Final = "workflow"
"""What the journal calls them."""
OPEN_MAX: Final = 1_000
"""How many may be under way at once."""
ENDED_MAX: Final = 5_000
"""How many that ended are kept for reading; the oldest go first."""
PRUNE_MAX: Final = 100
OUTPUT_MAX: Final = 4_000
REASON_MAX: Final = 400
_SAGA: Final = (
    "id, name, definition, state, wish, reason, owner, fence, round, spent_s, made_at, made_by,"
    " since"
)
_STEP: Final = (
    "number, name, kind, retries, undoable, phase, attempts, answer, result, output, reason,"
    " begun_at, ended_at"
)


class State(StrEnum):
    """Where a saga stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPENSATING = "COMPENSATING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    ABORTED = "ABORTED"


ENDED: Final = frozenset({State.COMPLETED, State.FAILED, State.ROLLED_BACK, State.ABORTED})
MOVING: Final = (State.PENDING, State.RUNNING, State.COMPENSATING)
"""The states in which somebody has to run it."""


class Wish(StrEnum):
    """What a person asked of a saga."""

    NONE = ""
    PAUSE = "pause"
    CANCEL = "cancel"
    ROLLBACK = "rollback"


class Phase(StrEnum):
    """Where a step stands; of one that is `unsure` nobody knows whether it took effect."""

    WAITING = "waiting"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    UNSURE = "unsure"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"
    KEPT = "kept"
    SKIPPED = "skipped"


class FenceLost(StorageError):
    """Another process took the saga on since: this one may not move it any more."""


class TooMany(StorageError):
    """More sagas are under way than are run at once."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `attempts` counts those of what it does now, the doing or the undoing.

    Times are seconds since the epoch, 0 for none. `result` is what the effect left to be undone,
    `output` the end of what it printed, `answer` what a person said to a gate.
    """

    number: int
    name: str
    kind: str
    retries: int
    undoable: bool
    phase: Phase = Phase.WAITING
    attempts: int = 0
    answer: str = ""
    result: str = ""
    output: str = ""
    reason: str = ""
    begun_at: float = 0.0
    ended_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Saga:
    """A saga with its steps in the order in which they are done.

    `owner` names the process that runs it, "" for none; `spent_s` is how long it has been doing
    steps; `round` counts how often it was begun.
    """

    id: str
    name: str
    definition: Body
    state: State
    wish: Wish
    reason: str
    owner: str
    fence: int
    round: int
    spent_s: float
    made_at: float
    made_by: str
    since: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """One entry for the journal: what happened, to which step ("" for the whole)."""

    action: str
    step: str = ""
    reason: str = ""
    attempt: int = 0


def add(tx: Transaction, *, name: str, definition: Body, steps: Sequence[Step], actor: str) -> Saga:
    """Make a saga, PENDING; raises TooMany."""
    marks = ",".join("?" * len(ENDED))
    (count,) = tx.conn.execute(
        f"SELECT count(*) FROM saga WHERE state NOT IN ({marks})",  # noqa: S608
        tuple(ENDED),
    ).fetchone()
    if count >= OPEN_MAX:
        raise TooMany(f"{OPEN_MAX:,} workflows are under way: cancel some, or wait for them")
    counters.bump(tx, "saga.id", "")
    id = f"S-{counters.value(tx.conn, 'saga.id', '')}"
    tx.conn.execute(
        f"INSERT INTO saga ({_SAGA}) VALUES (?, ?, ?, ?, '', '', '', 0, 1, 0.0, ?, ?, ?)",  # noqa: S608
        (id, name, encode(definition), State.PENDING, tx.at, actor, tx.at),
    )
    for step in steps:
        _write_step(tx, id, step)
    note(tx, id, Note("start"), actor=actor, fence=0)
    _prune(tx)
    return get(tx.conn, id)


def get(conn: Connection, id: str) -> Saga:
    """Return a saga; raises NotFound."""
    row = conn.execute(f"SELECT {_SAGA} FROM saga WHERE id = ?", (id,)).fetchone()  # noqa: S608
    if row is None:
        raise NotFound(f"there is no workflow {id}: `orc workflow list` has them all")
    return _saga(conn, row)


def listing(conn: Connection, *, limit: int = 200, states: Sequence[State] = ()) -> list[Saga]:
    """Return the newest sagas first, of certain states where any are named."""
    where = f"WHERE state IN ({','.join('?' * len(states))})" if states else ""
    rows = conn.execute(
        f"SELECT {_SAGA} FROM saga {where} ORDER BY seq DESC LIMIT ?",  # noqa: S608
        (*states, limit),
    ).fetchall()
    return [_saga(conn, row) for row in rows]


def to_run(conn: Connection) -> list[tuple[str, str]]:
    """Return id and owner of each saga that somebody has to run, oldest first."""
    rows = conn.execute(
        "SELECT id, owner FROM saga WHERE state IN (?, ?, ?) ORDER BY seq LIMIT ?",
        (*MOVING, OPEN_MAX),
    )
    return [(id, owner) for id, owner in rows]


def claim(tx: Transaction, id: str, *, owner: str, was: str) -> Saga | None:
    """Take a saga on that `was` owned so ("" for by nobody); None where that is not so any more.

    Its fence grows, so that whoever had it before is refused from then on.
    """
    row = tx.conn.execute(
        "UPDATE saga SET owner = ?, fence = fence + 1 WHERE id = ? AND owner = ?"
        " AND state IN (?, ?, ?) RETURNING fence",
        (owner, id, was, *MOVING),
    ).fetchall()
    if not row:
        return None
    if was:
        note(tx, id, Note("adopt", reason=was), actor="orc", fence=row[0][0])
    return get(tx.conn, id)


def release(tx: Transaction, id: str, *, owner: str) -> None:
    """Have a saga that `owner` owned be nobody's; that one is refused from now on."""
    tx.conn.execute(
        "UPDATE saga SET owner = '', fence = fence + 1 WHERE id = ? AND owner = ?", (id, owner)
    )


def save(
    tx: Transaction, before: Saga, after: Saga, notes: Sequence[Note], *, actor: str = ""
) -> None:
    """Write what the owner of a saga moved on, with why; raises FenceLost, and nothing is written.

    A saga that rests or ended has no owner any more.
    """
    owner = after.owner if after.state in MOVING else ""
    moved = tx.conn.execute(
        "UPDATE saga SET state = ?, wish = ?, reason = ?, owner = ?, round = ?, spent_s = ?,"
        " since = iif(state = ?, since, ?) WHERE id = ? AND fence = ? AND owner = ?",
        (
            after.state,
            after.wish,
            after.reason[:REASON_MAX],
            owner,
            after.round,
            after.spent_s,
            after.state,
            tx.at,
            after.id,
            before.fence,
            before.owner,
        ),
    ).rowcount
    if moved != 1:
        raise FenceLost(f"{before.id} was taken on by another process")
    for old, new in zip(before.steps, after.steps, strict=True):
        if old != new:
            _write_step(tx, after.id, new)
    for one in notes:
        note(tx, after.id, one, actor=actor or before.made_by, fence=before.fence)


def wish(tx: Transaction, id: str, wanted: Wish, *, actor: str) -> None:
    """Have whoever runs a saga do what a person wants of it."""
    tx.conn.execute("UPDATE saga SET wish = ? WHERE id = ?", (wanted, id))
    note(tx, id, Note(f"ask {wanted}"), actor=actor, fence=0)


def answer(tx: Transaction, id: str, number: int, word: str, *, actor: str, step: str) -> None:
    """Take down what a person said to a gate."""
    tx.conn.execute(
        "UPDATE saga_step SET answer = ? WHERE saga = ? AND number = ?", (word, id, number)
    )
    note(tx, id, Note(word, step), actor=actor, fence=0)


def answered(conn: Connection, id: str, number: int) -> str:
    """Return what a person said to a gate, "" for nothing yet."""
    row = conn.execute(
        "SELECT answer FROM saga_step WHERE saga = ? AND number = ?", (id, number)
    ).fetchone()
    return "" if row is None else str(row[0])


def wished(conn: Connection, id: str) -> tuple[Wish, int]:
    """Return what a person wishes of a saga, and its newest fence; raises NotFound."""
    row = conn.execute("SELECT wish, fence FROM saga WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no workflow {id}")
    return Wish(row[0]), row[1]


def note(tx: Transaction, id: str, one: Note, *, actor: str, fence: int) -> None:
    """Append to the journal what happened to a saga."""
    detail: Body = {"step": one.step} if one.step else {}
    if one.reason:
        detail["reason"] = one.reason[:REASON_MAX]
    if one.attempt:
        detail["attempt"] = one.attempt
    if fence:
        detail["fence"] = fence
    journal.append(tx, actor=actor, action=one.action, kind=KIND, id=id, detail=detail)


def _write_step(tx: Transaction, id: str, step: Step) -> None:
    # What a person answered is not the runner's to overwrite.
    tx.conn.execute(
        f"INSERT INTO saga_step (saga, {_STEP})"  # noqa: S608
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (saga, number) DO UPDATE"
        " SET phase = excluded.phase, attempts = excluded.attempts, result = excluded.result,"
        " output = excluded.output, reason = excluded.reason, begun_at = excluded.begun_at,"
        " ended_at = excluded.ended_at, answer = iif(excluded.phase = 'waiting', '', answer)",
        (
            id,
            step.number,
            step.name,
            step.kind,
            step.retries,
            int(step.undoable),
            step.phase,
            step.attempts,
            step.answer,
            step.result,
            step.output[-OUTPUT_MAX:],
            step.reason[:REASON_MAX],
            step.begun_at,
            step.ended_at,
        ),
    )


def _saga(conn: Connection, row: tuple[Any, ...]) -> Saga:
    id, name, definition, state, wanted, *rest = row
    steps = conn.execute(
        f"SELECT {_STEP} FROM saga_step WHERE saga = ? ORDER BY number",  # noqa: S608
        (id,),
    )
    rest.append(tuple(map(_step, steps)))
    return Saga(id, name, decode_object(definition), State(state), Wish(wanted), *rest)


def _step(row: tuple[Any, ...]) -> Step:
    number, name, kind, retries, undoable, phase, *rest = row
    return Step(number, name, kind, retries, bool(undoable), Phase(phase), *rest)


def _prune(tx: Transaction) -> None:
    """Forget the oldest of those that ended; the journal goes on knowing them."""
    marks = ",".join("?" * len(ENDED))
    rows = tx.conn.execute(
        f"SELECT id FROM saga WHERE state IN ({marks}) ORDER BY seq DESC LIMIT ? OFFSET ?",  # noqa: S608
        (*ENDED, PRUNE_MAX, ENDED_MAX),
    ).fetchall()
    for (id,) in rows:
        tx.conn.execute("DELETE FROM saga_step WHERE saga = ?", (id,))
        tx.conn.execute("DELETE FROM saga WHERE id = ?", (id,))
