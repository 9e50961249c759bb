"""What `/` filters: words, and the keys `state:`, `agent:` and `task:`.

Invariant: a row is shown when every term matches; letter case never matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orc_core.model.agent import Agent
from orc_core.model.health import Layer
from orc_core.model.task import Task
from orc_storage.records import Conflict

KEYS: Final = ("state", "agent", "task")
Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter: plain words, and terms that look at one field only."""

    words: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.terms)

    def matches(self, fields: Fields) -> bool:
        """Whether a row with these fields is shown."""
        text = " ".join(fields.values()).casefold()
        return all(word in text for word in self.words) and all(
            value in fields.get(key, "").casefold() for key, value in self.terms
        )


def parse(text: str) -> Query:
    """Read what was typed; a key nobody knows is taken as a word."""
    words: list[str] = []
    terms: list[tuple[str, str]] = []
    for piece in text.casefold().split():
        key, colon, value = piece.partition(":")
        if colon and key in KEYS:
            if value:
                terms.append((key, value))
        else:
            words.append(piece)
    return Query(tuple(words), tuple(terms))


def of_agent(agent: Agent) -> Fields:
    """The fields of an agent that a filter looks at."""
    return {
        "state": "stopped" if agent.is_stopped else agent.state.value,
        "agent": f"{agent.name} {agent.kind}",
        "task": agent.task,
        "rest": f"{agent.does} {agent.last_prompt} {agent.place} {agent.cwd} {agent.command}",
    }


def of_task(task: Task) -> Fields:
    """The fields of a task that a filter looks at."""
    return {
        "state": task.status.value,
        "agent": task.assignee,
        "task": task.id,
        "rest": " ".join((task.title, *task.labels, *task.needs)),
    }


def of_conflict(conflict: Conflict) -> Fields:
    """The fields of a conflict that a filter looks at."""
    return {
        "state": conflict.state.value,
        "agent": f"{conflict.left.writer} {conflict.right.writer}",
        "task": conflict.doc,
        "rest": f"{conflict.id} {conflict.path}",
    }


def of_layer(layer: Layer) -> Fields:
    """The fields of a layer that a filter looks at."""
    return {"state": layer.state.value, "rest": f"{layer.name} {layer.strategy} {layer.trouble}"}


def fields_of(item: Agent | Task | Conflict | Layer | None) -> Fields:
    """The fields of a row that a filter looks at."""
    if isinstance(item, Agent):
        return of_agent(item)
    if isinstance(item, Task):
        return of_task(item)
    if isinstance(item, Conflict):
        return of_conflict(item)
    return of_layer(item) if isinstance(item, Layer) else {}
