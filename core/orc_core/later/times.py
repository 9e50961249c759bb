"""Times to come, as people type them.

Invariant: a time of day is the next one that comes, never one that is over; all is local time.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from orc_core.errors import UsageError
from orc_core.text import clean

HINT: Final = "16:30, 2h, tomorrow, tomorrow 9:00, 2026-11-21 or 2026-11-21T09:00"

_CLOCK: Final = re.compile(r"(?P<tomorrow>tomorrow\s*)?(?:(?P<hour>\d{1,2}):(?P<minute>\d{2}))?")
_SPAN: Final = re.compile(
    r"(?:in\s+)?(?:(?P<d>\d{1,3})d)?\s*(?:(?P<h>\d{1,4})h)?\s*(?:(?P<m>\d{1,5})m)?"
)


def coming(text: str, now: float) -> float:
    """Read a time to come as seconds since the epoch; raises UsageError."""
    wanted = text.strip().casefold()
    try:
        at = _clock(wanted, now) or _span(wanted, now)
        at = datetime.fromisoformat(text.strip()).timestamp() if at is None else at
    except (ValueError, OverflowError, OSError):
        said = clean(text, limit=40)
        raise UsageError(f"{said!r} is no time: use {HINT}") from None
    if at <= now:
        raise UsageError(f"{clean(text, limit=40)} is over: give a time that is to come")
    return at


def _clock(text: str, now: float) -> float | None:
    found = _CLOCK.fullmatch(text)
    if not text or found is None:
        return None
    here = datetime.fromtimestamp(now)
    hour, minute = int(found["hour"] or 0), int(found["minute"] or 0)
    at = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if found["tomorrow"] or at <= here:
        at += timedelta(days=1)
    return at.timestamp()


def _span(text: str, now: float) -> float | None:
    found = _SPAN.fullmatch(text)
    if not text or found is None or not any(found.groups()):
        return None
    days, hours, minutes = (int(found[part] or 0) for part in "dhm")
    return now + days * 86_400.0 + hours * 3600.0 + minutes * 60.0


def named(at: float, now: float) -> str:
    """A time for people: `16:30`, on another day `Nov 21 16:30`."""
    there, here = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    return (
        f"{there:%H:%M}" if there.date() == here.date() else f"{there:%b} {there.day} {there:%H:%M}"
    )
