"""When a daily chore is due: pure, by the local clock.

Invariant: a moment that passed while nobody was there is made up for once, and no more often.
"""

from __future__ import annotations

import time


def last_moment(now: float, at: str) -> float:
    """Return the newest moment not after `now` at which local clocks showed `at` (HH:MM).

    Times are seconds since the epoch. Where a clock change skips `at`, the moment after it counts.
    """
    hour, minute = map(int, at.split(":"))
    today = time.localtime(now)
    moments = [
        time.mktime((today.tm_year, today.tm_mon, today.tm_mday - back, hour, minute, 0, 0, 0, -1))
        for back in (0, 1)
    ]
    return next(moment for moment in moments if moment <= now)


def is_due(now: float, at: str, done_at: float) -> bool:
    """Whether the chore was last done, at `done_at`, before the newest moment for it."""
    return done_at < last_moment(now, at)
