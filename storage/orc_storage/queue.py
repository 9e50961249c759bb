"""The queue: messages on topics, leased to one holder at a time, acknowledged or tried again.

Invariant: within a group a message is held by at most one token, and only that token moves it on.
It leaves the queue acknowledged or dead, never silently; every lease has a higher fence than the
one before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from orc_storage import counters
from orc_storage.canonical import encode
from orc_storage.deliveries import Delivery, Message, Stage, about, held, in_order, of
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import NotFound, StorageError
from orc_storage.records import Body

DONE_MAX: Final = 10_000
"""How many acknowledged deliveries are kept for reading; the oldest go first."""
PRUNE_EVERY: Final = 128
"""So often, by the number of the message that was acknowledged, the oldest are looked for."""
PRUNE_MAX: Final = 500
TOPIC_MAX: Final = 20_000
"""How many messages wait on a topic for one group; then the queue takes no more."""
REASON_MAX: Final = 400


class QueueFull(StorageError):
    """More waits on a topic than anybody will take."""


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


def fresh(tx: Transaction, message: Message, group: str) -> Delivery:
    """The delivery that a group has of what was published in this transaction."""
    return Delivery(message, group, Stage.READY, 0.0, 0, 0, "", "", 0, "", tx.at, "")


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
    for found in in_order(tx.conn, topics, group, tx.at):
        if not fits(found.message):
            continue
        token = secrets.token_hex(8)
        tx.conn.execute(
            "UPDATE delivery SET state = 'leased', attempts = attempts + 1, fence = fence + 1,"
            " holder = ?, token = ?, beats = 0, progress = '', since = ?, reason = ''"
            " WHERE message = ? AND group_name = ?",
            (holder, token, tx.at, found.message.seq, group),
        )
        return replace(
            found,
            stage=Stage.LEASED,
            attempts=found.attempts + 1,
            fence=found.fence + 1,
            holder=holder,
            token=token,
            beats=0,
            progress="",
            since=tx.at,
            reason="",
        )
    return None


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
    if found.message.seq % PRUNE_EVERY == 0:
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


def withdraw(tx: Transaction, kind: str, id: str, *, group: str) -> list[Delivery]:
    """Take out what a group has about a document; returns what was taken out."""
    found = about(tx.conn, kind, id, group=group)
    for one in found:
        _move(tx, one, Stage.DONE, reason="withdrawn")
    return found


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
