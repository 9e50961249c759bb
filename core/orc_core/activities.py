"""What an agent did, put together from what was written down, seen and told by its hooks.

Invariant: reads only; without a store, or without hooks, the rest is told all the same.
"""

from __future__ import annotations

import time
from functools import partial

from orc_core.agents.transitions import BEGAN_ANEW
from orc_core.fleet import Fleet
from orc_core.lifecycle.figures import add_up
from orc_core.model.activity import Activity
from orc_core.model.agent import Agent
from orc_storage import live
from orc_storage.database import Database


def midnight(now: float) -> float:
    """When the day began that `now` is in, by the clock of the person."""
    today = time.localtime(now)
    return time.mktime((today.tm_year, today.tm_mon, today.tm_mday, 0, 0, 0, 0, 0, -1))


async def activity(agent: Agent, fleet: Fleet, store: Database | None, now: float) -> Activity:
    """The history and the figures of one agent at `now`, in seconds since the epoch."""
    states = []
    if store is not None and not agent.is_other:
        states = await store.read(partial(live.recent, name=agent.name, limit=live.CHANGES_MAX))
    sight, today = fleet.sight(agent.key), midnight(now)
    restarts = sum(one.evidence.endswith(BEGAN_ANEW) for one in states if one.at >= today)
    uptime_s = max(now - sight.began_at, 0.0) if sight.began_at else None
    figures = add_up(states, now=now, uptime_s=uptime_s, restarts=restarts, since=today)
    return Activity(agent.key, tuple(states), figures, sight, fleet.deeds(agent.key))
