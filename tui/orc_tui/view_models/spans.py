"""Words for spans of time, each as short as the column that holds it.

Invariant: nothing here counts seconds; a text changes at most once a minute.
"""

from __future__ import annotations

import time
from typing import Final

from orc_core.text import age

FRESH_S: Final = 10.0
"""Evidence younger than this needs no age."""

_HOUR_S: Final = 3600.0


def evidence_age(seconds: float) -> str:
    """How old evidence is: blank under 10 s, then minutes, then whole hours."""
    return "" if seconds < FRESH_S else coarse(seconds)


def coarse(seconds: float) -> str:
    """Like `age`, without the minutes beside hours: `now`, `4m`, `2h`, `3d`."""
    return age(seconds).partition("h")[0] + ("h" if _HOUR_S <= seconds < 24 * _HOUR_S else "")


def short(seconds: float) -> str:
    """Like `age`, but never more than four cells: `9h59`, then `10h`."""
    text = age(seconds)
    return text if len(text) <= 4 else coarse(seconds)


def lag(seconds: float) -> str:
    """How far a layer is behind: `< 1 s`, `12 s`, then minutes."""
    if seconds < 1.0:
        return "< 1 s"
    return f"{int(seconds)} s" if seconds < 60.0 else age(seconds)


def clock(at: float) -> str:
    """The time of day, in the zone of the operator: `12:10`."""
    return time.strftime("%H:%M", time.localtime(at))


def brief(seconds: float) -> str:
    """How long something took, roughly: `< 10 ms`, `120 ms`, `1.5 s`, `30 s`."""
    if seconds < 0.01:
        return "< 10 ms"
    if seconds < 1.0:
        return f"{round(seconds * 100) * 10} ms"
    return f"{seconds:.1f} s" if seconds < 10.0 else lag(seconds)
