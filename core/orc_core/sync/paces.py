"""When a layer is brought in step: at once, every so often, when it is read, on events.

Invariant: what was chosen last wins, field by field: the command's word over the workspace's
file, that over the person's, and what is said of one kind over what is said of the layer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from orc_core.settings import LayerSettings, PaceSettings


class Strategy(StrEnum):
    """What makes a layer be brought in step."""

    REALTIME = "realtime"
    BATCH = "batch"
    LAZY = "lazy"
    EVENT = "event"


INTERVAL_S: Final = 30.0
EVENTS: Final = ("*.add", "*.delete", "*.resolve", "task.done", "task.failed")
"""The events that count where none are listed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When the documents of one kind are brought in step.

    `interval_s` counts for batches. `events` are patterns of `KIND.WHAT`: an action of the
    journal (`task.add`), or the status that a document came to (`task.done`).
    """

    strategy: Strategy = Strategy.REALTIME
    interval_s: float = INTERVAL_S
    events: tuple[str, ...] = EVENTS

    def __str__(self) -> str:
        if self.strategy is Strategy.BATCH:
            return f"batch {_span(self.interval_s)}"
        return self.strategy.value

    def listens(self, events: Collection[str]) -> bool:
        """Whether one of these events is listed."""
        return any(fnmatchcase(event, one) for event in events for one in self.events)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one layer; `kinds` are those with a pace of their own.

    `servers` are the tmux servers that may be published to though they are not ours.
    """

    on: bool = True
    pace: Pace = Pace()
    kinds: Mapping[str, Pace] = field(default_factory=dict)
    servers: tuple[str, ...] = ()

    def of(self, kind: str) -> Pace:
        """The pace of one kind."""
        return self.kinds.get(kind, self.pace)

    def __str__(self) -> str:
        """The pace in a word; a star says that some kind has another."""
        others = any(pace != self.pace for pace in self.kinds.values())
        return f"{self.pace}{'*' if others else ''}"


def choose(said: LayerSettings, *, on: bool) -> Choice:
    """What a layer's settings come to; `on` is how it is where they do not say."""
    pace = _paced(Pace(), said)
    return Choice(
        on=on if said.on is None else said.on,
        pace=pace,
        kinds={kind: _paced(pace, one) for kind, one in said.kinds.items()},
        servers=tuple(said.servers or ()),
    )


def _paced(pace: Pace, said: PaceSettings) -> Pace:
    if said.strategy is not None:
        pace = replace(pace, strategy=Strategy(said.strategy))
    if said.interval_s is not None:
        pace = replace(pace, interval_s=float(said.interval_s))
    return pace if said.events is None else replace(pace, events=tuple(said.events))


def _span(seconds: float) -> str:
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g}m"
    return f"{seconds:g}s"
