"""What the filter of a list asks for, and whether a row passes it.

Invariant: pure. A row is shown when every term holds; letter case never matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from orc_core.errors import UsageError
from orc_core.model.agent import OTHER, Agent
from orc_core.model.health import Layer
from orc_core.model.task import Task
from orc_core.terms import Term, moment, read
from orc_core.text import clean
from orc_storage.records import OPERATOR, Conflict

Value: TypeAlias = str | tuple[str, ...] | float | None
Values: TypeAlias = Mapping[str, Value]
"""What a row holds in each field; None where that is not known."""


class Match(StrEnum):
    """How a value is compared with that of a row."""

    TEXT = "holds the text"
    WORD = "begins with it"
    SAME = "is it"
    NUMBER = "is such a number"
    SINCE = "is that time or later"
    UNTIL = "is before that time"


Fields: TypeAlias = Mapping[str, Match]

_TIMES: Final = {"since": Match.SINCE, "until": Match.UNTIL}
AGENT: Final[Fields] = {
    "state": Match.WORD,
    "agent": Match.TEXT,
    "kind": Match.WORD,
    "task": Match.SAME,
    "where": Match.TEXT,
    "dir": Match.TEXT,
    "context": Match.NUMBER,
    **_TIMES,
}
TASK: Final[Fields] = {
    "status": Match.WORD,
    "state": Match.WORD,
    "task": Match.SAME,
    "agent": Match.TEXT,
    "prio": Match.NUMBER,
    "label": Match.WORD,
    "need": Match.WORD,
    "after": Match.SAME,
    **_TIMES,
}
CONFLICT: Final[Fields] = {
    "state": Match.WORD,
    "task": Match.SAME,
    "agent": Match.TEXT,
    "kind": Match.WORD,
    "path": Match.TEXT,
    **_TIMES,
}
LAYER: Final[Fields] = {"state": Match.WORD, "layer": Match.WORD, "strategy": Match.WORD}

_BY_NAME: Final = frozenset({"after"})
"""Fields that words do not look into: a task is not what it waits for."""

REST: Final = ""
"""The field of what is found by words alone."""

_NUMBER: Final = re.compile(r"(>=|<=|>|<|=)?(\d{1,9}(?:\.\d{1,3})?)")
_RANGE: Final = re.compile(r"(\d{1,9})\.\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was read: what each row has to pass, and what is wrong with the text."""

    tests: tuple[Callable[[Values], bool], ...] = ()
    faults: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """What is found in the text of a row, as it was typed."""

    def __bool__(self) -> bool:
        return bool(self.tests)

    def matches(self, values: Values) -> bool:
        """Whether a row with these values is shown."""
        return all(test(values) for test in self.tests)


def parse(text: str, fields: Fields, now: float) -> Filter:
    """Read a filter of a list with these fields; `now` is seconds since the epoch.

    A field that there is not is taken as a word, and a time or number that cannot be read asks
    for nothing; both are said in `faults`.
    """
    told = read(text, fields)
    tests: list[Callable[[Values], bool]] = []
    faults = list(told.faults)
    words: list[str] = []
    for term in told.terms:
        try:
            tests.append(_test(term, fields, now))
        except UsageError as error:
            faults.append(f"{term.field}: {error}")
            continue
        if not term.is_not and fields.get(term.field, Match.TEXT) is Match.TEXT:
            words += term.values
    return Filter(tuple(tests), tuple(faults), tuple(words))


def _test(term: Term, fields: Fields, now: float) -> Callable[[Values], bool]:
    if not term.field:
        return _anywhere(term)
    name, is_not = term.field, term.is_not
    each = [_passes(fields[name], value.casefold(), now) for value in term.values]

    def test(values: Values) -> bool:
        return any(passes(values.get(name)) for passes in each) is not is_not

    return test


def _anywhere(term: Term) -> Callable[[Values], bool]:
    word = term.values[0].casefold()

    def test(values: Values) -> bool:
        seen = (value for name, value in values.items() if name not in _BY_NAME)
        texts = (text for value in seen for text in _texts(value))
        return any(word in text for text in texts) is not term.is_not

    return test


def _passes(match: Match, wanted: str, now: float) -> Callable[[Value], bool]:
    """What one value asks of a field; raises UsageError."""
    if match is Match.NUMBER:
        return _number(wanted)
    if match in (Match.SINCE, Match.UNTIL):
        at = moment(wanted, now)
        return lambda value: (
            isinstance(value, int | float) and (value >= at) is (match is Match.SINCE)
        )
    if match is Match.TEXT:
        return lambda value: any(wanted in text for text in _texts(value))
    if match is Match.SAME:
        return lambda value: wanted in _texts(value)
    return lambda value: any(text.startswith(wanted) for text in _texts(value))


def _number(wanted: str) -> Callable[[Value], bool]:
    if pair := _RANGE.fullmatch(wanted):
        low, high = float(pair[1]), float(pair[2])
        return lambda value: isinstance(value, int | float) and low <= value <= high
    told = _NUMBER.fullmatch(wanted)
    if told is None:
        raise UsageError(f"{clean(wanted, limit=40)!r} is no number: 8, >=8, <3 or 3..8")
    sign, number = told[1] or "=", float(told[2])
    compare: Mapping[str, Callable[[float], bool]] = {
        "=": lambda value: value == number,
        ">": lambda value: value > number,
        "<": lambda value: value < number,
        ">=": lambda value: value >= number,
        "<=": lambda value: value <= number,
    }
    holds = compare[sign]
    return lambda value: isinstance(value, int | float) and holds(value)


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value.casefold(),)
    return tuple(text.casefold() for text in value) if isinstance(value, tuple) else ()


def of_agent(agent: Agent) -> Values:
    """What an agent holds."""
    state = OTHER if agent.is_other else "stopped" if agent.is_stopped else agent.state.value
    share = agent.usage.context
    return {
        "state": (state, agent.waiting.value, agent.substate),
        "agent": (agent.name, agent.kind),
        "kind": agent.kind,
        "task": agent.task,
        "where": agent.place,
        "dir": agent.cwd,
        "context": None if share is None else share * 100,
        "since": agent.since,
        "until": agent.since,
        REST: (agent.does, agent.last_prompt, agent.command),
    }


def of_task(task: Task) -> Values:
    """What a task holds."""
    return {
        "status": task.status.value,
        "state": task.status.value,
        "task": task.id,
        "agent": _person(task.assignee),
        "prio": float(task.priority),
        "label": task.labels,
        "need": task.needs,
        "after": task.depends_on,
        "since": task.since,
        "until": task.since,
        REST: (task.title, task.due, task.fault),
    }


def of_conflict(conflict: Conflict) -> Values:
    """What a conflict holds."""
    sides = (conflict.left.writer, conflict.right.writer)
    return {
        "state": conflict.state.value,
        "task": (conflict.doc, conflict.id),
        "agent": tuple(_person(writer) for writer in sides),
        "kind": conflict.kind.value,
        "path": conflict.path,
        "since": conflict.opened_at,
        "until": conflict.opened_at,
    }


def of_layer(layer: Layer) -> Values:
    """What a layer holds."""
    return {
        "state": layer.state.value,
        "layer": layer.name,
        "strategy": layer.strategy,
        REST: layer.trouble,
    }


def values_of(item: Agent | Task | Conflict | Layer | None) -> Values:
    """What a row holds, whatever it is of."""
    if isinstance(item, Agent):
        return of_agent(item)
    if isinstance(item, Task):
        return of_task(item)
    if isinstance(item, Conflict):
        return of_conflict(item)
    return of_layer(item) if isinstance(item, Layer) else {}


def _person(actor: str) -> str:
    """Who it is as people write it."""
    return "you" if actor == OPERATOR else actor
