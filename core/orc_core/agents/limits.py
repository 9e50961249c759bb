"""When a usage limit ends, read from the sentence that announces it.

Invariant: pure: the time and the zone are arguments. A time that cannot be read is not guessed:
the sentence itself is shown instead. A clock time without a date is the next one that comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orc_core.text import age

TEXT_MAX: Final = 400
AHEAD_MAX_S: Final = 400 * 86_400
"""No limit lasts longer than a year; what seems to is another number."""
_DAY: Final = timedelta(days=1)
_DAY_S: Final = 86_400

# fmt: off
_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun",
                  "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS: Final = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# fmt: on
_MONTH_WORD: Final = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
    r"aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY_NUMBER: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:,?\s+(?P<year>20\d\d))?"

_UNIX: Final = re.compile(r"(?<![\d.:-])(?P<seconds>[12]\d{9})(?P<ms>\d{3})?(?![\d.:-])")
_ISO: Final = re.compile(
    r"(?<!\d)(?P<date>20\d\d-\d\d-\d\d)(?:[Tt ]\s?(?P<time>\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?"
    r"\s?(?P<zone>[Zz](?![A-Za-z])|UTC|GMT|[+-]\d\d:?\d\d)?)?(?![\d-])"
)
_IN: Final = re.compile(
    r"\b(?:in|after)\s+(?:about\s+)?"
    r"(?:(?P<w>\d{1,3})\s*w(?:eeks?)?\b,?\s*(?:and\s+)?)?"
    r"(?:(?P<d>\d{1,4})\s*d(?:ays?)?\b,?\s*(?:and\s+)?)?"
    r"(?:(?P<h>\d{1,5})\s*h(?:ours?|rs?)?(?![a-z]),?\s*(?:and\s+)?)?"
    r"(?:(?P<m>\d{1,6})\s*m(?:in(?:ute)?s?)?(?![a-z]),?\s*(?:and\s+)?)?"
    r"(?:(?P<s>\d{1,8})(?:\.\d+)?\s*s(?:ec(?:ond)?s?)?\b)?",
    re.IGNORECASE,
)
_MONTH_FIRST: Final = re.compile(rf"\b{_MONTH_WORD}\s+{_DAY_NUMBER}\b(?!:){_YEAR}", re.IGNORECASE)
_DAY_FIRST: Final = re.compile(rf"\b{_DAY_NUMBER}\s+{_MONTH_WORD}(?![a-z]){_YEAR}", re.IGNORECASE)
_WEEKDAY: Final = re.compile(
    r"\b(?P<name>mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\b", re.IGNORECASE
)
_TOMORROW: Final = re.compile(r"\btomorrow\b", re.IGNORECASE)
_CLOCK: Final = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?::\d{2})?\s?"
    r"(?P<half>[ap])?(?(half)\.?m\b\.?)(?![\d:])"
    r"|\b(?P<word>noon|midnight)\b",
    re.IGNORECASE,
)
_ZONE: Final = re.compile(
    r"\s*(?:\((?P<named>[^()]{1,40})\)|(?P<plain>UTC|GMT|Z|[A-Z][a-z]+/[A-Z]\w+)(?![\w/]))"
)
_OFFSET: Final = re.compile(
    r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?", re.IGNORECASE
)


def reset_at(text: str, now: float, zone: tzinfo | None = None) -> float | None:
    """When `resets 4pm (Europe/Berlin)` or `try again in 2 hours` is, in epoch seconds.

    `text` begins where the time is announced; `now` is when that was. `zone` is where the
    reader is, the machine's own where None: a time without a zone is meant there.
    """
    text = text[:TEXT_MAX]
    for at in _readings(text, now, zone):
        if at is None or not now - AHEAD_MAX_S < at < now + AHEAD_MAX_S:
            return None
        return at
    return None


def limit_line(at: float, now: float, zone: tzinfo | None = None) -> str:
    """`resets 16:00 in 1h28`, and afterwards `could go on since 16:00`; steps by the minute."""
    local = datetime.fromtimestamp(at, zone)
    if abs(at - now) > _DAY_S:
        name = f"{_MONTHS[local.month - 1].capitalize()} {local.day} {local:%H:%M}"
    else:
        name = f"{local:%H:%M}"
    if at <= now:
        return f"could go on since {name}"
    left = age(at - now)
    return f"resets {name} in {left}" if left != "now" else f"resets {name}, in a moment"


def _readings(text: str, now: float, zone: tzinfo | None) -> Iterator[float | None]:
    """The readings of a text, surest form first; None is one that names no moment."""
    unix = _UNIX.search(text)
    if unix is not None:
        yield float(unix["seconds"])
    iso = _ISO.search(text)
    if iso is not None:
        yield _iso(iso, zone)
    span = _IN.search(text)
    if span is not None and any(span.groups()):
        part = {name: int(value or 0) for name, value in span.groupdict().items()}
        days = part["w"] * 7 + part["d"]
        yield now + days * _DAY_S + part["h"] * 3600 + part["m"] * 60 + part["s"]
    yield _calendar(text, now, zone)


def _iso(found: re.Match[str], zone: tzinfo | None) -> float | None:
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{found['time'] or '00:00'}")
    except ValueError:
        return None
    named = _zone(found["zone"]) if found["zone"] else zone
    return moment.replace(tzinfo=named).timestamp()


def _calendar(text: str, now: float, zone: tzinfo | None) -> float | None:
    """A clock time, with a date, a day of the week, `tomorrow`, or none of them."""
    month = _MONTH_FIRST.search(text) or _DAY_FIRST.search(text)
    weekday = _WEEKDAY.search(text)
    tomorrow = _TOMORROW.search(text)
    rest = text if month is None else text[: month.start()] + " " * 3 + text[month.end() :]
    clock = next((one for one in _CLOCK.finditer(rest) if _is_clock(one)), None)
    if clock is None and weekday is None and month is None:
        return None
    at = _time(clock) if clock is not None else time(0, 0)
    if at is None:
        return None
    if clock is not None:
        named = _ZONE.match(rest, clock.end())
        if named is not None:
            zone = _zone((named["named"] or named["plain"]).strip())
            if zone is None:
                return None
    today = datetime.fromtimestamp(now, zone).date()
    if month is not None:
        return _on_date(month, at, today, zone)
    if tomorrow is not None:
        return _epoch(today + _DAY, at, zone)
    step = _DAY
    if weekday is not None:
        step = timedelta(days=7)
        today += timedelta(days=(_DAYS.index(weekday["name"][:3].lower()) - today.weekday()) % 7)
    return _next(today, at, zone, now, step)


def _is_clock(found: re.Match[str]) -> bool:
    return bool(found["half"] or found["minute"] or found["word"])


def _time(clock: re.Match[str]) -> time | None:
    if clock["word"]:
        return time(12 if clock["word"].lower() == "noon" else 0)
    hour, minute = int(clock["hour"]), int(clock["minute"] or 0)
    if clock["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if clock["half"].lower() == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _on_date(found: re.Match[str], at: time, today: date, zone: tzinfo | None) -> float | None:
    """A date without a year is the one nearest ahead; yesterday's counts as just passed."""
    month, day = _MONTHS.index(found["month"][:3].lower()) + 1, int(found["day"])
    years = [int(found["year"])] if found["year"] else [today.year, today.year + 1]
    for year in years:
        try:
            day_of = date(year, month, day)
        except ValueError:
            continue
        if found["year"] or day_of >= today - _DAY:
            return _epoch(day_of, at, zone)
    return None


def _next(day: date, at: time, zone: tzinfo | None, now: float, step: timedelta) -> float:
    """The first moment after `now` at which clocks show that time, from `day` on.

    A time that comes twice when clocks are put back has not passed before its second coming.
    """
    for fold in (0, 1):
        moment = _epoch(day, at.replace(fold=fold), zone)
        if moment > now:
            return moment
    return _epoch(day + step, at, zone)


def _epoch(day: date, at: time, zone: tzinfo | None) -> float:
    return datetime.combine(day, at, zone).timestamp()


def _zone(name: str) -> tzinfo | None:
    """A zone by its name or its distance from UTC; None where nobody knows it."""
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        ahead = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
        return timezone(-ahead if offset["sign"] == "-" else ahead) if ahead < _DAY else None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
