"""Sources: whatever tells of an agent beside its pane, its title and its screen.

Invariant: a source answers at once and never raises: from memory, or from one small file of this
machine where that changed. What it tells is a report of signals, which the fold weighs, and of
facts beside the state, which it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from orc_core.agents.rules import Kind
from orc_core.model.activity import Deeds
from orc_core.model.agent import PaneRef, Signal, Usage


@dataclass(frozen=True, slots=True)
class Subject:
    """The agent that a source is asked about.

    `pid` is the agent's own process, or the pane's where that is not known; `started_at` is when
    it began, in epoch seconds, 0 where that is not known.
    """

    pane: PaneRef
    kind: Kind
    name: str
    tty: str
    cwd: str
    pid: int
    started_at: float
    ended_at: float = 0.0
    """When the agent's program ended and a shell was left, 0 while it runs."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one source knows of one agent now; "" and None where it does not tell."""

    signals: tuple[Signal, ...] = ()
    usage: Usage | None = None
    last_prompt: str = ""
    conversation: str = ""
    """By what the agent itself would find its present conversation again."""
    exit_status: int | None = None
    """How the program ended, in a shell's numbers; asked about only once it has."""


NOTHING = Report()


News = Callable[[Collection[str]], None]
"""Told which panes, by their keys, a source has heard something of."""


class SignalSource(Protocol):
    """One source of reports. `report` is called at every tick in which the agent is judged.

    Of an agent whose program has ended only `exit_status` is heeded.
    """

    def report(self, subject: Subject, now: float) -> Report: ...


@runtime_checkable
class NewsSource(Protocol):
    """A source that hears of agents between ticks, too.

    `catch_up` reads once what there is and blocks; `run` follows it until cancelled.
    """

    def catch_up(self) -> Collection[str]: ...

    async def run(self, news: News) -> None: ...


@runtime_checkable
class Witness(Protocol):
    """A source that also keeps what an agent did."""

    def deeds(self, key: str) -> Deeds | None: ...
