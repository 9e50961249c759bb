"""What waits in the queue for agents that can do the same, and who of them is busy.

Invariant: nothing here writes. A task counts as waiting only if such an agent could take it now.
"""

from __future__ import annotations

from collections.abc import Collection

from orc_core.model.work import ANY, Holder
from orc_core.tasks.handover import WORKERS, could_take, topic
from orc_core.tasks.sizing import Load
from orc_storage import deliveries
from orc_storage.engine import Connection


def measure(conn: Connection, alike: Holder, members: Collection[str], now: float) -> Load:
    """The load of the agents named in `members`, who can do what `alike` can.

    `now` is in seconds since the epoch. At most SCAN_MAX waiting tasks are looked at.
    """
    topics = (topic(alike.kind), topic(ANY)) if alike.kind else (topic(ANY),)
    waits = sorted(
        now - one.since
        for one in deliveries.in_order(conn, topics, WORKERS, now)
        if could_take(conn, one.message, alike)
    )
    busy = sum(
        any(one.group == WORKERS for one in deliveries.holding(conn, name)) for name in members
    )
    p95 = waits[min(len(waits) - 1, int(0.95 * len(waits)))] if waits else 0.0
    return Load(len(members), busy, len(waits), max(p95, 0.0))
