"""When a usage limit ends, read from the sentence that announces it.

Invariant: a time that cannot be read is not guessed: the sentence itself is shown instead.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orc_core.text import age

_CLOCK: Final = re.compile(
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>[ap]m)?\b(?:\s*\((?P<zone>[\w/+-]+)\))?",
    re.IGNORECASE,
)
_DATE: Final = re.compile(r"(?P<month>[A-Z][a-z]{2})[a-z]*\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?\b")
_IN: Final = re.compile(
    r"\bin\s+(?:(?P<d>\d+)\s*d(?:ays?)?\b[\s,]*)?(?:(?P<h>\d+)\s*h(?:ours?|rs?)?\b[\s,]*)?"
    r"(?:(?P<m>\d+)\s*m(?:in(?:ute)?s?)?\b[\s,]*)?(?:(?P<s>\d+)\s*s(?:ec(?:ond)?s?)?\b)?",
    re.IGNORECASE,
)
# fmt: off
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun",
                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# fmt: on


def reset_at(text: str, now: float) -> float | None:
    """When `resets 4pm (Europe/Berlin)` or `try again in 2 hours` is, in epoch seconds.

    `text` begins where the time is announced; a clock time that has passed is tomorrow's.
    """
    span = _IN.search(text)
    if span is not None and any(span.groups()):
        part = {name: int(value or 0) for name, value in span.groupdict().items()}
        return now + part["d"] * 86_400 + part["h"] * 3600 + part["m"] * 60 + part["s"]
    date = _DATE.search(text)
    rest = text[date.end() :] if date else text
    clock = next((one for one in _CLOCK.finditer(rest) if one["half"] or one["minute"]), None)
    if clock is None:
        return None
    zone = _zone(clock["zone"])
    here = datetime.fromtimestamp(now, zone) if zone else datetime.fromtimestamp(now).astimezone()
    hour, minute = int(clock["hour"]), int(clock["minute"] or 0)
    if clock["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if clock["half"].lower() == "pm" else 0)
    if hour > 23 or minute > 59:
        return None
    moment = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if date is not None:
        return _on_date(moment, date["month"], int(date["day"]), here)
    return (moment if moment > here else moment + timedelta(days=1)).timestamp()


def limit_line(text: str, since: float, now: float) -> str:
    """`resets 16:00 in 1h28`, or the announcement itself where it names no time.

    `since` is when the announcement was first seen: what it says counts from there.
    """
    at = reset_at(text, since)
    if at is None:
        return text
    local = datetime.fromtimestamp(at).astimezone()
    far = at - now > 86_400
    name = f"{_MONTHS[local.month - 1]} {local.day} {local:%H:%M}" if far else f"{local:%H:%M}"
    return f"resets {name} in {age(at - now)}" if at > now else f"could go on since {name}"


def _on_date(moment: datetime, month: str, day: int, here: datetime) -> float | None:
    if month not in _MONTHS:
        return None
    try:
        moment = moment.replace(month=_MONTHS.index(month) + 1, day=day)
        if moment < here - timedelta(days=1):
            moment = moment.replace(year=moment.year + 1)
    except ValueError:
        return None
    return moment.timestamp()


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
