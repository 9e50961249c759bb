"""Everything a screen is drawn from, as one immutable value.

Invariant: a snapshot is whole. A view model is a function of a snapshot and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orc_core.model.agent import Agent
from orc_core.model.code import Code
from orc_core.model.health import Layer, Link
from orc_core.model.task import Task
from orc_storage.laters import Later
from orc_storage.records import Conflict


class Part(StrEnum):
    """The parts of a snapshot that change apart from one another."""

    AGENTS = "agents"
    TASKS = "tasks"
    CONFLICTS = "conflicts"
    LAYERS = "layers"
    LINK = "link"
    LATERS = "laters"
    SCREEN = "screen"
    CODE = "code"
    PREVIEWS = "previews"


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of cells looks. A colour is None, a palette index 0..255, or `#rrggbb`."""

    fg: int | str | None = None
    bg: int | str | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A run of clean text in one style."""

    text: str
    style: Style


@dataclass(frozen=True, slots=True)
class Screen:
    """The screen of one pane in colour: one tuple of spans per line, top to bottom.

    `key` is the agent's key; `cursor` is (column, row) or None where it is hidden;
    `taken_at` is seconds since the epoch.
    """

    key: str
    width: int
    height: int
    lines: tuple[tuple[Span, ...], ...]
    cursor: tuple[int, int] | None
    taken_at: float
    history: int = 0
    """How many lines lie above it."""


@dataclass(frozen=True, slots=True)
class Scrollback:
    """The lines of a pane with its screen at their end, oldest first, as they were at one moment.

    `height` lines of them are the screen, `history` lines lay above it then. `whole` is False
    where older ones were left out, because more were not asked for or there are too many.
    """

    key: str
    lines: tuple[tuple[Span, ...], ...]
    height: int
    history: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment.

    `agents`, `tasks` and `conflicts` are in no particular order: view models sort.
    `conflicts` holds open and deferred ones, and those resolved in the last 15 minutes.
    `laters` holds what is put off, and what was carried out in the last 15 minutes.
    `merged_today` counts fields that merged by themselves since midnight, `ruled_today`
    conflicts that a rule decided. `previews` are the screens that are shown beside `screen`.
    """

    at: float
    workspace: str = ""
    host: str = ""
    server: str = ""
    agents: tuple[Agent, ...] = ()
    tasks: tuple[Task, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    laters: tuple[Later, ...] = ()
    layers: tuple[Layer, ...] = ()
    link: Link = field(default_factory=Link)
    screen: Screen | None = None
    previews: tuple[Screen, ...] = ()
    merged_today: int = 0
    ruled_today: int = 0
    recordings: tuple[tuple[str, bool], ...] = ()
    """The keys of the panes that are recorded now, and whether that is paused."""
    code: Code = field(default_factory=Code)


@dataclass(frozen=True, slots=True)
class Delta:
    """A new snapshot and the parts in which it differs from the one before."""

    snapshot: Snapshot
    parts: frozenset[Part]
