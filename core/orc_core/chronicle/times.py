"""A moment in the past, as people write it.

Invariant: what cannot be understood is a UsageError that says what can.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from orc_core.errors import UsageError
from orc_core.text import clean

_UNITS_S: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_AGO: Final = re.compile(r"(\d{1,9})([smhdw])")


def moment(text: str, now: float) -> float:
    """Return the moment that `text` names, both in seconds since the epoch.

    `2h` and `7d` count back from `now`; dates and times are ISO 8601, of this place unless they
    name a zone.
    """
    if found := _AGO.fullmatch(text.strip()):
        return now - int(found[1]) * _UNITS_S[found[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{clean(text, limit=60)!r} is no moment: use 15m, 2h, 7d, or 2026-11-20T14:30"
        ) from None
