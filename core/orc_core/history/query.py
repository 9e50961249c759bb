"""What a timeline is asked for: reading a filter, and whether a line passes it.

Invariant: pure. A line is told when every term of the filter holds; letter case never matters.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from orc_core.errors import UsageError
from orc_core.model.history import Moment, Query
from orc_core.text import clean
from orc_storage.records import OPERATOR

KEYS: Final = ("since", "until", "actor", "kind", "agent", "task", "state", "id")
HINT: Final = "13:00, 2h, 90m, 3d, 2026-11-20 or 2026-11-20T13:00"
_STEPS_S: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_AGO: Final = re.compile(r"(\d{1,9})([smhdw])")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
STATE: Final = "state"
"""The kind of a line that tells of an agent's state."""
_ALSO: Final = {"conflict": ("conflict", "resolve")}
"""What is asked for together with a kind: a conflict goes from its opening to its decisions."""
YOU: Final = "you"


def parse(text: str, now: float) -> Query:
    """Read what was typed after `/`: words, and terms such as `since:2h` or `actor:codex-1`.

    `now` is seconds since the epoch. Raises UsageError where a time cannot be read; a key that
    nobody knows is taken as a word.
    """
    query = Query()
    for piece in text.split():
        key, colon, value = piece.partition(":")
        key = key.casefold()
        if not colon or key not in KEYS:
            query = replace(query, words=(*query.words, piece.casefold()))
        elif value:
            query = _with(query, key, value, now)
    return query


def _with(query: Query, key: str, value: str, now: float) -> Query:
    if key == "since":
        return replace(query, since=moment(value, now))
    if key == "until":
        return replace(query, until=moment(value, now))
    if key == "actor":
        return replace(query, actor=person(value))
    if key == "task":
        return replace(query, doc_kind="task", doc=value)
    if key == "id":
        return replace(query, doc=value)
    if key == "agent":
        return replace(query, agent=value)
    if key == "state":
        return replace(query, state=value)
    return replace(query, kind=value)


def person(name: str) -> str:
    """The name under which the store knows somebody: `you` are the operator."""
    return OPERATOR if name.casefold() == YOU else name


def moment(text: str, now: float) -> float:
    """Read a time in local time as seconds since the epoch; `2h` is so long ago.

    A time of day is the last one that is over. Raises UsageError.
    """
    if ago := _AGO.fullmatch(text.casefold()):
        return max(now - int(ago[1]) * _STEPS_S[ago[2]], 0.0)
    here = datetime.fromtimestamp(now).astimezone()
    try:
        if clock := _CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            found = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
            if found > here:
                found = (found.replace(tzinfo=None) - timedelta(days=1)).astimezone()
            return found.timestamp()
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{clean(text, limit=40)!r} is no time: give one such as {HINT}") from None


def matches(query: Query, one: Moment) -> bool:
    """Whether a line of the timeline passes the filter."""
    return (
        _same(query.doc_kind, one.kind)
        and _same(query.doc, one.id)
        and _of_agent(query.agent, one)
        and _same(query.actor, one.actor)
        and _of_kind(query.kind, one)
        and (not query.state or (one.is_state and _same(query.state, one.action)))
        and (not query.since or one.at >= query.since)
        and (not query.until or one.at < query.until)
        and (not query.first or (not one.is_state and one.seq >= query.first))
        and (not query.last or (not one.is_state and one.seq <= query.last))
        and (not query.words or _has_words(query.words, one))
    )


def _same(wanted: str, found: str) -> bool:
    return not wanted or wanted.casefold() == found.casefold()


def _of_kind(kind: str, one: Moment) -> bool:
    if not kind:
        return True
    kinds = {one.kind.casefold(), STATE if one.is_state else one.action.casefold()}
    return not kinds.isdisjoint(_ALSO.get(kind.casefold(), (kind.casefold(),)))


def _of_agent(name: str, one: Moment) -> bool:
    if not name:
        return True
    return _same(name, one.actor) or (one.kind == "agent" and _same(name, one.id))


def _has_words(words: tuple[str, ...], one: Moment) -> bool:
    text = f"{one.actor} {one.action} {one.kind} {one.id} {one.text}".casefold()
    return all(word in text for word in words)
