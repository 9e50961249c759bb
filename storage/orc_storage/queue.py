"""The queue: messages on topics, leased to one holder at a time, acknowledged or tried again.

Invariant: within a group a message is held by at most one token, and only that token moves it on.
It leaves the queue acknowledged or dead, never silently; every lease has a higher fence than the
one before.
"""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from orc_storage import counters
from orc_storage.canonical import decode_object, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import NotFound, StorageError
from orc_storage.records import Body

SCAN_MAX: Final = 2_000
"""How many messages that do not fit are passed over before a lease gives up."""
DONE_MAX: Final = 10_000
"""How many acknowledged deliveries are kept for reading; the oldest go first."""
PRUNE_MAX: Final = 500
TOPIC_MAX: Final = 20_000
"""How many messages wait on a topic for one group; then the queue takes no more."""
REASON_MAX: Final = 400


class Stage(StrEnum):
    """Where a delivery stands."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class QueueFull(StorageError):
    """More waits on a topic than anybody will take."""


class LeaseLost(StorageError):
    """A token that holds nothing any more: what it stood for was given to somebody else."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something published; `kind` and `id` name the document it is about, "" for none.

    `at` is seconds since the epoch, `priority` 0..15, higher first.
    """

    seq: int
    topic: str
    kind: str
    id: str
    priority: int
    body: Body
    at: float
    actor: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as one group has it.

    `due_at` is before which nobody gets it, `since` when it came to its stage, both in seconds
    since the epoch. `attempts` counts leases that were not given back, this one included.
    `beats` grows with each sign of life of the holder, `progress` is what it said last.
    """

    message: Message
    group: str
    stage: Stage
    due_at: float
    attempts: int
    fence: int
    holder: str
    token: str
    beats: int
    progress: str
    since: float
    reason: str


@dataclass(frozen=True, slots=True)
class Depth:
    """How many deliveries of a topic and group stand at each stage, and since when one waits.

    `oldest_at` is when the oldest ready message was published, 0 where none waits.
    """

    topic: str
    group: str
    ready: int
    leased: int
    dead: int
    oldest_at: float


_MESSAGE: Final = "m.seq, m.topic, m.kind, m.id, m.priority, m.body, m.at, m.actor"
_DELIVERY: Final = (
    f"SELECT {_MESSAGE}, d.group_name, d.state, d.due_at, d.attempts, d.fence, d.holder, d.token,"  # noqa: S608
    " d.beats, d.progress, d.since, d.reason FROM delivery d JOIN message m ON m.seq = d.message"
)


def join(tx: Transaction, topic: str, group: str) -> None:
    """Have a group get what is published to a topic from now on; twice is the same as once."""
    tx.conn.execute(
        "INSERT OR IGNORE INTO queue_group (topic, name, at) VALUES (?, ?, ?)",
        (topic, group, tx.at),
    )


def publish(
    tx: Transaction,
    topic: str,
    *,
    group: str,
    actor: str,
    priority: int = 5,
    kind: str = "",
    id: str = "",
    body: Body | None = None,
    due_at: float = 0.0,
) -> Message:
    """Put a message on a topic, for `group` and all other groups that joined it.

    Raises QueueFull where too many wait there for `group`.
    """
    join(tx, topic, group)
    if _is_full(tx.conn, topic, group):
        raise QueueFull(f"{TOPIC_MAX:,} messages wait on {topic}: have some of them taken first")
    message = _write(tx, topic, actor, priority, kind, id, body)
    for name in _groups(tx.conn, topic):
        _deliver(tx, message, name, due_at)
    return message


def announce(
    tx: Transaction, topic: str, *, actor: str, kind: str, id: str, body: Body
) -> Message | None:
    """Tell the groups that joined a topic; one that is too far behind misses it, which is counted.

    None where nobody joined.
    """
    groups = _groups(tx.conn, topic)
    heard = [name for name in groups if not _is_full(tx.conn, topic, name)]
    if missed := len(groups) - len(heard):
        counters.bump(tx, f"queue.missed {topic}", "", missed)
    if not heard:
        return None
    message = _write(tx, topic, actor, 5, kind, id, body)
    for name in heard:
        _deliver(tx, message, name, 0.0)
    return message


def lease(
    tx: Transaction,
    topics: Sequence[str],
    *,
    group: str,
    holder: str,
    fits: Callable[[Message], bool],
) -> Delivery | None:
    """Give the first message that fits to a holder: highest priority, then oldest.

    None where nothing fits among the first SCAN_MAX. The token is made up here and told once.
    """
    for found in _in_order(tx.conn, topics, group, tx.at):
        if not fits(found.message):
            continue
        token = secrets.token_hex(8)
        tx.conn.execute(
            "UPDATE delivery SET state = 'leased', attempts = attempts + 1, fence = fence + 1,"
            " holder = ?, token = ?, beats = 0, progress = '', since = ?, reason = ''"
            " WHERE message = ? AND group_name = ?",
            (holder, token, tx.at, found.message.seq, group),
        )
        return held(tx.conn, token)
    return None


def held(conn: Connection, token: str) -> Delivery:
    """Return what a token holds; raises LeaseLost."""
    row = conn.execute(f"{_DELIVERY} WHERE d.token = ? AND d.token <> ''", (token,)).fetchone()
    if row is None:
        raise LeaseLost(
            f"the lease {token[:40]!r} holds nothing: it was ended, or given to somebody else"
        )
    return _delivery(row)


def beat(tx: Transaction, token: str, *, progress: str = "") -> Delivery:
    """Take down that the holder of a token lives, and how far it is; raises LeaseLost."""
    found = held(tx.conn, token)
    tx.conn.execute(
        "UPDATE delivery SET beats = beats + 1, progress = iif(?1 = '', progress, ?1)"
        " WHERE token = ?2",
        (progress[:REASON_MAX], token),
    )
    return found


def acknowledge(tx: Transaction, token: str) -> Delivery:
    """What the token holds is done; raises LeaseLost."""
    found = held(tx.conn, token)
    _move(tx, found, Stage.DONE, reason="")
    _prune(tx)
    return found


def give_back(tx: Transaction, token: str, *, reason: str) -> Delivery:
    """Make what the token holds ready again as if it had not been tried; raises LeaseLost."""
    found = held(tx.conn, token)
    _move(tx, found, Stage.READY, reason=reason, attempts=found.attempts - 1)
    return found


def fail(tx: Transaction, token: str, *, reason: str, attempts_max: int, due_at: float) -> Delivery:
    """What the token holds failed: ready again at `due_at`, or dead after so many attempts.

    Returns the delivery as it stands then; raises LeaseLost.
    """
    found = held(tx.conn, token)
    stage = Stage.READY if found.attempts < attempts_max else Stage.DEAD
    _move(tx, found, stage, reason=reason, due_at=due_at)
    return of(tx.conn, found.message.seq, found.group)


def replay(tx: Transaction, seq: int, group: str) -> Delivery:
    """Make a dead delivery ready again, with all its attempts before it; raises NotFound."""
    found = of(tx.conn, seq, group)
    if found.stage is not Stage.DEAD:
        raise NotFound(f"message {seq} is {found.stage}, not dead: only the dead are replayed")
    _move(tx, found, Stage.READY, reason="", attempts=0)
    return of(tx.conn, seq, group)


def withdraw(tx: Transaction, kind: str, id: str) -> list[Delivery]:
    """Take out what waits or is held about a document; returns what was taken out."""
    found = about(tx.conn, kind, id)
    for one in found:
        _move(tx, one, Stage.DONE, reason="withdrawn")
    return found


def of(conn: Connection, seq: int, group: str) -> Delivery:
    """Return one delivery; raises NotFound."""
    row = conn.execute(f"{_DELIVERY} WHERE d.message = ? AND d.group_name = ?", (seq, group))
    found = row.fetchone()
    if found is None:
        raise NotFound(f"the group {group} has no message {seq}")
    return _delivery(found)


def about(conn: Connection, kind: str, id: str) -> list[Delivery]:
    """Return what waits, is held or is dead about a document, oldest first."""
    rows = conn.execute(
        f"{_DELIVERY} WHERE m.kind = ? AND m.id = ? AND d.state <> 'done'"
        " ORDER BY m.seq, d.group_name",
        (kind, id),
    )
    return [_delivery(row) for row in rows]


def listing(conn: Connection, stage: Stage, *, limit: int = 1000) -> list[Delivery]:
    """Return the deliveries at a stage, those that came to it first first."""
    rows = conn.execute(
        f"{_DELIVERY} WHERE d.state = ? ORDER BY d.since, d.message LIMIT ?", (stage, limit)
    )
    return [_delivery(row) for row in rows]


def depths(conn: Connection) -> list[Depth]:
    """Return how much waits on every topic, group by group."""
    rows = conn.execute(
        "SELECT g.topic, g.name, ifnull(sum(d.state = 'ready'), 0),"
        " ifnull(sum(d.state = 'leased'), 0), ifnull(sum(d.state = 'dead'), 0),"
        " ifnull((SELECT min(m.at) FROM delivery w JOIN message m ON m.seq = w.message"
        "  WHERE w.topic = g.topic AND w.group_name = g.name AND w.state = 'ready'), 0.0)"
        " FROM queue_group g LEFT JOIN delivery d ON d.topic = g.topic AND d.group_name = g.name"
        " AND d.state IN ('ready', 'leased', 'dead') GROUP BY g.topic, g.name"
    )
    return [Depth(*row) for row in rows]


def _write(
    tx: Transaction,
    topic: str,
    actor: str,
    priority: int,
    kind: str,
    id: str,
    body: Body | None,
) -> Message:
    row = tx.conn.execute(
        "INSERT INTO message (topic, kind, id, priority, body, at, actor)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        (topic, kind, id, priority, encode(body or {}), tx.at, actor),
    ).fetchall()[0]
    return Message(row[0], topic, kind, id, priority, body or {}, tx.at, actor)


def _deliver(tx: Transaction, message: Message, group: str, due_at: float) -> None:
    tx.conn.execute(
        "INSERT INTO delivery (message, topic, group_name, priority, state, due_at, attempts,"
        " fence, holder, token, beats, progress, since, reason)"
        " VALUES (?, ?, ?, ?, 'ready', ?, 0, 0, '', '', 0, '', ?, '')",
        (message.seq, message.topic, group, message.priority, due_at, tx.at),
    )


def _groups(conn: Connection, topic: str) -> list[str]:
    rows = conn.execute("SELECT name FROM queue_group WHERE topic = ? ORDER BY name", (topic,))
    return [name for (name,) in rows]


def _is_full(conn: Connection, topic: str, group: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM delivery WHERE topic = ? AND group_name = ? AND state = 'ready'"
        " LIMIT 1 OFFSET ?",
        (topic, group, TOPIC_MAX - 1),
    ).fetchone()
    return row is not None


def _in_order(
    conn: Connection, topics: Iterable[str], group: str, now: float
) -> Iterator[Delivery]:
    """What is ready on any of the topics, highest priority first, then oldest; SCAN_MAX of it."""
    ways = [_ready(conn, topic, group, now) for topic in dict.fromkeys(topics)]
    merged = heapq.merge(*ways, key=lambda one: (-one.message.priority, one.message.seq))
    for _, found in zip(range(SCAN_MAX), merged, strict=False):
        yield found


def _ready(conn: Connection, topic: str, group: str, now: float) -> Iterator[Delivery]:
    rows = conn.execute(
        f"{_DELIVERY} WHERE d.topic = ? AND d.group_name = ? AND d.state = 'ready'"
        " AND d.due_at <= ? ORDER BY d.priority DESC, d.message",
        (topic, group, now),
    )
    return map(_delivery, rows)


def _move(
    tx: Transaction,
    found: Delivery,
    stage: Stage,
    *,
    reason: str,
    attempts: int | None = None,
    due_at: float = 0.0,
) -> None:
    tx.conn.execute(
        "UPDATE delivery SET state = ?, reason = ?, attempts = ?, due_at = ?, since = ?,"
        " holder = iif(? = 'ready', '', holder), token = ''"
        " WHERE message = ? AND group_name = ?",
        (
            stage,
            reason[:REASON_MAX],
            found.attempts if attempts is None else attempts,
            due_at,
            tx.at,
            stage,
            found.message.seq,
            found.group,
        ),
    )


def _prune(tx: Transaction) -> None:
    """Forget the oldest of what is done, with messages that no group has any more."""
    rows = tx.conn.execute(
        "SELECT message, group_name FROM delivery WHERE state = 'done'"
        " ORDER BY since DESC LIMIT ? OFFSET ?",
        (PRUNE_MAX, DONE_MAX),
    ).fetchall()
    for message, group in rows:
        tx.conn.execute(
            "DELETE FROM delivery WHERE message = ? AND group_name = ?", (message, group)
        )
        tx.conn.execute(
            "DELETE FROM message WHERE seq = ?1"
            " AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1)",
            (message,),
        )


def _delivery(row: tuple[Any, ...]) -> Delivery:
    seq, topic, kind, id, priority, body, at, actor, group, stage, *rest = row
    message = Message(seq, topic, kind, id, priority, decode_object(body), at, actor)
    return Delivery(message, group, Stage(stage), *rest)
