"""What an agent's life adds up to, from the log of its states.

Invariant: a figure is a sum over what was seen; where nothing was seen there is nothing to add.
"""

from __future__ import annotations

from collections.abc import Sequence

from orc_core.model.agent import State
from orc_core.model.life import Figures
from orc_storage.records import StateChange


def add_up(
    changes: Sequence[StateChange],
    *,
    now: float,
    uptime_s: float | None,
    restarts: int,
    since: float = 0.0,
) -> Figures:
    """The figures of an agent; `changes` are newest first, as the store returns them.

    `now` and `since`, before which nothing counts, are seconds since the epoch; a clock that was
    set back counts as no time at all.
    """
    by_state: dict[str, float] = {}
    until = now
    for change in changes:
        spent_s = max(0.0, until - max(change.at, since))
        by_state[change.state] = by_state.get(change.state, 0.0) + spent_s
        until = change.at
        if until <= since:
            break
    changes = [change for change in changes if change.at >= since]
    return Figures(
        uptime_s=uptime_s,
        span_s=sum(by_state.values()),
        by_state=by_state,
        changes=len(changes),
        crashes=sum(change.state == State.CRASHED for change in changes),
        restarts=restarts,
    )
