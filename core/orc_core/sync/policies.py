"""Who owns a field, and which side stands when both changed it.

Invariant: what is decided without a person is decided by a rule that stands here, in the
settings or in the store, and is recorded with its name. An owner goes before any strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from orc_core.errors import UsageError
from orc_core.sync.paths import field_of, join, split
from orc_core.text import clean
from orc_storage import salvage
from orc_storage.database import Connection
from orc_storage.records import Json

SETTING: Final = "setting"
"""The kind of the documents that hold what was set by command."""

SETTING_ID: Final = "conflicts"
STRATEGIES: Final = "strategies"
AUTO: Final = "auto"
"""Who decides where no person does."""

SUBJECTS_MAX: Final = 512
"""Of how many paths it is kept what can be set for them: the same few are asked over and over."""

BY_OWNER: Final = "OWNER"
"""The name under which decisions of an owner are counted."""


class Owner(StrEnum):
    """Who writes a field; what somebody else asks of a machine is a request to it."""

    PEOPLE = "people"
    TMUX = "tmux"
    MACHINE = "machine"


class Strategy(StrEnum):
    """What becomes of a field that both sides changed.

    TMUX_WINS takes what tmux says, LAST_WRITE what reached the store last, MERGE puts together
    what can be and leaves the rest to a person, MANUAL leaves all of it to a person.
    """

    TMUX_WINS = "TMUX_WINS"
    LAST_WRITE = "LAST_WRITE"
    MERGE = "MERGE"
    MANUAL = "MANUAL"


class Source(StrEnum):
    """Where a rule was set; the last one that says something holds."""

    DEFAULT = "default"
    CONFIG = "config"
    COMMAND = "command"


OWNERS: Final[Mapping[str, Owner]] = {
    "task.status": Owner.MACHINE,
    "agent.server": Owner.TMUX,
    "agent.session": Owner.TMUX,
    "agent.pane": Owner.TMUX,
}
"""Who owns what; all else is of people. By KIND.FIELD."""

DEFAULTS: Final[Mapping[str, Strategy]] = {
    "task": Strategy.MERGE,
    "task.title": Strategy.MANUAL,
    "task.priority": Strategy.MANUAL,
    "task.assignee": Strategy.MANUAL,
    "task.due": Strategy.MANUAL,
    "agent": Strategy.MERGE,
    "agent.argv": Strategy.MANUAL,
    "agent.cwd": Strategy.MANUAL,
    "agent.wanted": Strategy.MANUAL,
    "agent.server": Strategy.TMUX_WINS,
    "agent.session": Strategy.TMUX_WINS,
    "agent.pane": Strategy.TMUX_WINS,
    "agent.task": Strategy.TMUX_WINS,
    "agent.note": Strategy.TMUX_WINS,
}
"""What holds where nothing was set: by KIND, and by KIND.FIELD over it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The strategy of a kind or of a field, and where it was set; `subject` is KIND[.FIELD]."""

    subject: str
    owner: Owner
    strategy: Strategy
    source: Source


@dataclass(frozen=True, slots=True)
class Policy:
    """The owners and strategies in force; a later source goes over an earlier one whole."""

    owners: Mapping[str, Owner] = field(default_factory=dict)
    configured: Mapping[str, Strategy] = field(default_factory=dict)
    commanded: Mapping[str, Strategy] = field(default_factory=dict)

    @classmethod
    def of(cls, strategies: Mapping[str, str], owners: Mapping[str, str]) -> Policy:
        """Read what the settings say, which checked the words."""
        return cls(
            {subject: Owner(name) for subject, name in owners.items()},
            {subject: Strategy(name) for subject, name in strategies.items()},
        )

    def owner(self, kind: str, path: str) -> Owner:
        """Tell who owns what is at a path."""
        for subject in subjects(kind, path):
            for table in (self.owners, OWNERS):
                if subject in table:
                    return table[subject]
        return Owner.PEOPLE

    def strategy(self, kind: str, path: str) -> Strategy:
        """Tell what is done at a path that both sides changed."""
        return self._strategy(kind, path)[0]

    def is_atomic(self, kind: str) -> Callable[[str], bool]:
        """Tell of a path of this kind whether its parts are not to be merged."""

        def at(path: str) -> bool:
            return self.strategy(kind, path) is not Strategy.MERGE

        return at

    def owned_elsewhere(self, kind: str, layer: str, fields: Iterable[str]) -> set[str]:
        """Tell which fields tmux owns, where the layer is another."""
        if layer == Owner.TMUX:
            return set()
        return {name for name in fields if self.owner(kind, join([name])) is Owner.TMUX}

    def rules(self) -> tuple[Rule, ...]:
        """List all that is set, by subject."""
        tables = (OWNERS, DEFAULTS, self.owners, self.configured, self.commanded)
        return tuple(self.rule(subject) for subject in sorted({s for t in tables for s in t}))

    def rule(self, subject: str) -> Rule:
        """Return what holds for KIND or KIND.FIELD."""
        kind, _, path = subject.partition(".")
        return Rule(subject, self.owner(kind, path), *self._strategy(kind, path))

    def as_set(self, conn: Connection) -> Policy:
        """Return this policy with what was set by command."""
        found = salvage.readable(conn, SETTING, SETTING_ID)
        told = None if found is None else found.body.get(STRATEGIES)
        return self if told is None else replace(self, commanded=read_strategies(told))

    def _strategy(self, kind: str, path: str) -> tuple[Strategy, Source]:
        tables = (
            (Source.COMMAND, self.commanded),
            (Source.CONFIG, self.configured),
            (Source.DEFAULT, DEFAULTS),
        )
        for source, table in tables:
            for subject in subjects(kind, path):
                if subject in table:
                    return table[subject], source
        return Strategy.MERGE, Source.DEFAULT


@lru_cache(SUBJECTS_MAX)
def subjects(kind: str, path: str) -> tuple[str, ...]:
    """Name what rules of a path can be set for, the narrowest first: KIND.A.B, KIND.A, KIND."""
    parts = split(field_of(path))
    return (
        *(f"{kind}.{join(parts[:size])}" for size in range(len(parts), 0, -1)),
        kind,
    )


def read_strategies(told: Json) -> dict[str, Strategy]:
    """Read strategies as they are kept; what a later version wrote is left out."""
    known = {strategy.value: strategy for strategy in Strategy}
    entries = told.items() if isinstance(told, dict) else ()
    return {subject: known[str(name)] for subject, name in entries if str(name) in known}


def check_subject(subject: str, kinds: Iterable[str]) -> str:
    """Return KIND or KIND.FIELD as it is kept; raises UsageError."""
    kind, dot, path = subject.partition(".")
    known = sorted(kinds)
    if kind not in known or (dot and not path):
        raise UsageError(
            f"{clean(subject, limit=80)!r} is no KIND or KIND.FIELD: the kinds are"
            f" {', '.join(known)}"
        )
    return f"{kind}.{join(split(path))}" if path else kind


def check_strategy(name: str) -> Strategy:
    """Read a strategy by its name in any case; raises UsageError."""
    try:
        return Strategy(name.upper().replace("-", "_"))
    except ValueError:
        known = ", ".join(Strategy)
        raise UsageError(f"{clean(name, limit=40)!r} is no strategy: use {known}") from None
