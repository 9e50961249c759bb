"""What a timeline is asked for: reading a filter, and whether a line passes it.

Invariant: pure. A line is told when every term of the filter holds; letter case never matters.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from orc_core.model.history import Moment, Query
from orc_core.terms import moment, read
from orc_storage.records import OPERATOR

KEYS: Final = ("since", "until", "actor", "kind", "agent", "task", "state", "id")
STATE: Final = "state"
"""The kind of a line that tells of an agent's state."""
_ALSO: Final = {"conflict": ("conflict", "resolve")}
"""What is asked for together with a kind: a conflict goes from its opening to its decisions."""
YOU: Final = "you"


def parse(text: str, now: float) -> Query:
    """Read what was typed after `/`: words, and terms such as `since:2h` or `-actor:codex-1`.

    `now` is seconds since the epoch. Raises UsageError where a time cannot be read; a field that
    nobody knows is taken as a word.
    """
    query = Query()
    for term in read(text, KEYS).terms:
        asked = [_asking(term.field, value, now) for value in term.values]
        if term.is_not:
            query = replace(query, none_of=(*query.none_of, *asked))
        elif len(asked) > 1:
            query = replace(query, any_of=(*query.any_of, tuple(asked)))
        else:
            query = _with(query, term.field, term.values[0], now)
    return query


def _asking(field: str, value: str, now: float) -> Query:
    return _with(Query(), field, value, now)


def faults(text: str) -> tuple[str, ...]:
    """What is wrong with a text that is read all the same."""
    return read(text, KEYS).faults


def _with(query: Query, key: str, value: str, now: float) -> Query:
    if not key:
        return replace(query, words=(*query.words, value.casefold()))
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
        and all(any(matches(each, one) for each in group) for group in query.any_of)
        and not any(matches(each, one) for each in query.none_of)
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
