"""What stands in the queue, as rows are read: messages, and the delivery that a group has of each.

Invariant: nothing here writes; an order is always highest priority first, then oldest.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from orc_storage.canonical import decode_object
from orc_storage.engine import Connection
from orc_storage.errors import NotFound, StorageError
from orc_storage.records import Body

SCAN_MAX: Final = 2_000
"""How many messages are looked at in order before nothing is said to fit."""


class Stage(StrEnum):
    """Where a delivery stands."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


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


def held(conn: Connection, token: str) -> Delivery:
    """Return what a token holds; raises LeaseLost."""
    row = conn.execute(f"{_DELIVERY} WHERE d.token = ? AND d.token <> ''", (token,)).fetchone()
    if row is None:
        raise LeaseLost(
            f"the lease {token[:40]!r} holds nothing: it was ended, or given to somebody else"
        )
    return _delivery(row)


def of(conn: Connection, seq: int, group: str) -> Delivery:
    """Return one delivery; raises NotFound."""
    row = conn.execute(f"{_DELIVERY} WHERE d.message = ? AND d.group_name = ?", (seq, group))
    found = row.fetchone()
    if found is None:
        raise NotFound(f"the group {group} has no message {seq}")
    return _delivery(found)


def about(conn: Connection, kind: str, id: str, *, group: str) -> list[Delivery]:
    """Return what waits, is held or is dead for a group about a document, oldest first."""
    rows = conn.execute(
        f"{_DELIVERY} WHERE m.kind = ? AND m.id = ? AND d.group_name = ? AND d.state <> 'done'"
        " ORDER BY m.seq",
        (kind, id, group),
    )
    return [_delivery(row) for row in rows]


def listing(conn: Connection, stage: Stage, *, limit: int = 1000) -> list[Delivery]:
    """Return the deliveries at a stage, those that came to it first first."""
    rows = conn.execute(
        f"{_DELIVERY} WHERE d.state = ? ORDER BY d.since, d.message LIMIT ?", (stage, limit)
    )
    return [_delivery(row) for row in rows]


def holding(conn: Connection, holder: str) -> list[Delivery]:
    """Return what somebody holds, oldest lease first."""
    rows = conn.execute(
        f"{_DELIVERY} WHERE d.state = 'leased' AND d.holder = ? ORDER BY d.since, d.message",
        (holder,),
    )
    return [_delivery(row) for row in rows]


def foremost(conn: Connection, group: str, *, priority: int, limit: int = 100) -> list[Delivery]:
    """Return what is ready from a priority on, on any topic, in the order in which it goes."""
    rows = conn.execute(
        f"{_DELIVERY} WHERE d.state = 'ready' AND d.priority >= ? AND d.group_name = ?"
        " ORDER BY d.priority DESC, d.message LIMIT ?",
        (priority, group, limit),
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


def in_order(conn: Connection, topics: Iterable[str], group: str, now: float) -> Iterator[Delivery]:
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


def _delivery(row: tuple[Any, ...]) -> Delivery:
    seq, topic, kind, id, priority, body, at, actor, group, stage, *rest = row
    message = Message(seq, topic, kind, id, priority, decode_object(body), at, actor)
    return Delivery(message, group, Stage(stage), *rest)
