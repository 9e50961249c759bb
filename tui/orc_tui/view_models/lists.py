"""The four lists under one shape, so that one widget draws them all.

Invariant: an entry's key is stable for the life of what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from orc_core import filters
from orc_core.filters import Fields, Filter, Values
from orc_core.model.agent import Agent, State
from orc_core.model.health import Layer, LinkState
from orc_core.model.snapshot import Part, Snapshot
from orc_core.model.task import Task
from orc_core.tasks.tree import planted
from orc_storage.records import Conflict
from orc_tui import keymap
from orc_tui.view_models import agents, conflicts, limits, sync, tasks
from orc_tui.view_models.ability import Row
from orc_tui.view_models.lines import Line
from orc_tui.view_models.order import TREE, Order, arranged


class Entry(NamedTuple):
    """One row of a list, before it is drawn; as light as can be, since there may be thousands."""

    key: str
    item: Row
    needs_you: bool
    branch: str = ""
    """What is drawn before it in a tree."""

    @property
    def values(self) -> Values:
        """What a filter looks at."""
        return filters.values_of(self.item)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The heading ("" where the list has none) and one line per entry."""

    heading: Line | None
    rows: list[Line]


class ListModel(Protocol):
    """What a list needs to know of its kind; every method is pure.

    `own_order` says in the title what stands first, "" where that goes without saying.
    """

    pane: str
    name: str
    has_heading: bool
    parts: frozenset[Part]
    """The parts of a snapshot that its rows are made of."""
    fields: Fields
    own_order: str

    def entries(self, snapshot: Snapshot, now: float) -> list[Entry]:
        """All rows in the order of the list."""

    def draw(
        self, all_: Sequence[Entry], shown: Sequence[Entry], width: int, now: float, *, boxed: bool
    ) -> Drawn:
        """Draw the rows in view; columns are measured on all of them."""

    def title(self, snapshot: Snapshot, shown: int, listed: int) -> str:
        """The right end of the title."""

    def summary(self, snapshot: Snapshot, width: int) -> Line:
        """The list on one line."""

    def empty(self, snapshot: Snapshot) -> str:
        """How to fill an empty list."""


class AgentsList:
    """Agents."""

    pane: str = keymap.AGENTS
    name: str = "1 Agents"
    has_heading: bool = True
    parts = frozenset({Part.AGENTS})
    fields: Fields = filters.AGENT
    own_order: str = "those that need you first"

    def entries(self, snapshot: Snapshot, now: float) -> list[Entry]:
        """All agents, those that need the operator first."""
        return [
            Entry(one.key, one, agents.needs_you(one))
            for one in agents.ordered(snapshot.agents, now)
        ]

    def draw(
        self, all_: Sequence[Entry], shown: Sequence[Entry], width: int, now: float, *, boxed: bool
    ) -> Drawn:
        """Draw the agents in view."""
        every = [entry.item for entry in all_ if isinstance(entry.item, Agent)]
        at = agents.columns(every, width, boxed=boxed)
        items = [entry.item for entry in shown]
        first = limits.heads(every)
        rows = [
            agents.row(item, at, now, first.get(item.key))
            for item in items
            if isinstance(item, Agent)
        ]
        return Drawn(agents.heading(at), rows)

    def title(self, snapshot: Snapshot, shown: int, listed: int) -> str:
        """How many there are."""
        total = len(snapshot.agents)
        if listed < total:
            return f"{listed} of {total}"
        return str(total) if shown >= total else f"{shown} of {total}"

    def summary(self, snapshot: Snapshot, width: int) -> Line:
        """How many need the operator."""
        waiting = sum(map(agents.needs_you, snapshot.agents))
        return ((f"{len(snapshot.agents)} · {waiting} need you", "text"),)

    def empty(self, snapshot: Snapshot) -> str:
        """How to get agents."""
        if snapshot.link.state is LinkState.STARTING:
            return "looking for agents"
        if snapshot.link.state is LinkState.GONE:
            return (
                f"no tmux server at {snapshot.server}: start one with `tmux`, "
                "or see the demo with `orc-tui --demo`"
            )
        return "no agents: start one in a tmux pane, or see the demo with `orc-tui --demo`"


class TasksList:
    """Tasks."""

    pane: str = keymap.TASKS
    name: str = "2 Tasks"
    has_heading: bool = True
    parts = frozenset({Part.TASKS})
    fields: Fields = filters.TASK
    own_order: str = ""

    def entries(self, snapshot: Snapshot, now: float) -> list[Entry]:
        """All tasks, failed and ready ones first."""
        return [Entry(one.id, one, tasks.needs_you(one)) for one in tasks.ordered(snapshot.tasks)]

    def draw(
        self, all_: Sequence[Entry], shown: Sequence[Entry], width: int, now: float, *, boxed: bool
    ) -> Drawn:
        """Draw the tasks in view."""
        at = tasks.columns([e.item for e in all_ if isinstance(e.item, Task)], width)
        rows = [
            tasks.row(entry.item, at, now, entry.branch)
            for entry in shown
            if isinstance(entry.item, Task)
        ]
        return Drawn(tasks.heading(at), rows)

    def title(self, snapshot: Snapshot, shown: int, listed: int) -> str:
        """How many of each status."""
        return tasks.title(snapshot.tasks, shown, listed) if snapshot.tasks else ""

    def summary(self, snapshot: Snapshot, width: int) -> Line:
        """How many of each status, and the next one."""
        return tasks.summary(snapshot.tasks, width)

    def empty(self, snapshot: Snapshot) -> str:
        """How to make a task."""
        return tasks.EMPTY


class ConflictsList:
    """Conflicts."""

    pane: str = keymap.CONFLICTS
    name: str = "3 Conflicts"
    has_heading: bool = False
    parts = frozenset({Part.CONFLICTS})
    fields: Fields = filters.CONFLICT
    own_order: str = ""

    def entries(self, snapshot: Snapshot, now: float) -> list[Entry]:
        """All conflicts, open ones first."""
        return [
            Entry(one.id, one, conflicts.needs_you(one))
            for one in conflicts.ordered(snapshot.conflicts)
        ]

    def draw(
        self, all_: Sequence[Entry], shown: Sequence[Entry], width: int, now: float, *, boxed: bool
    ) -> Drawn:
        """Draw the conflicts in view."""
        at = conflicts.columns([e.item for e in all_ if isinstance(e.item, Conflict)], width)
        items = [entry.item for entry in shown]
        rows = [conflicts.row(item, at, now) for item in items if isinstance(item, Conflict)]
        return Drawn(None, rows)

    def title(self, snapshot: Snapshot, shown: int, listed: int) -> str:
        """How many wait, and how many needed nobody."""
        return conflicts.title(snapshot)

    def summary(self, snapshot: Snapshot, width: int) -> Line:
        """How many wait, and the first of them."""
        return conflicts.summary(snapshot.conflicts, width)

    def empty(self, snapshot: Snapshot) -> str:
        """What would show up here."""
        return conflicts.EMPTY


class SyncList:
    """Layers."""

    pane: str = keymap.SYNC
    name: str = "4 Sync"
    has_heading: bool = True
    parts = frozenset({Part.LAYERS})
    fields: Fields = filters.LAYER
    own_order: str = ""

    def entries(self, snapshot: Snapshot, now: float) -> list[Entry]:
        """All layers, in the order the core gives them."""
        return [Entry(one.name, one, sync.needs_you(one)) for one in snapshot.layers]

    def draw(
        self, all_: Sequence[Entry], shown: Sequence[Entry], width: int, now: float, *, boxed: bool
    ) -> Drawn:
        """Draw the layers in view."""
        items = [entry.item for entry in shown]
        every = [entry.item for entry in all_ if isinstance(entry.item, Layer)]
        name = sync.name_width(every)
        rows = [sync.row(item, width - 1, name) for item in items if isinstance(item, Layer)]
        return Drawn(sync.heading(width, name), rows)

    def title(self, snapshot: Snapshot, shown: int, listed: int) -> str:
        """Whether all is well."""
        return sync.title(snapshot.layers)

    def summary(self, snapshot: Snapshot, width: int) -> Line:
        """The layers and what is queued."""
        return sync.summary(snapshot.layers, width)

    def empty(self, snapshot: Snapshot) -> str:
        """Why there is none."""
        return sync.EMPTY


MODELS: Final[tuple[ListModel, ...]] = (AgentsList(), TasksList(), ConflictsList(), SyncList())


def in_order(entries: Sequence[Entry], pane: str, order: Order) -> list[Entry]:
    """Entries, given in the list's own order, in the order that is wanted."""
    if order.column != TREE:
        return arranged(entries, lambda entry: entry.item, pane, order)
    by_id = {entry.key: entry for entry in entries}
    items = [entry.item for entry in entries if isinstance(entry.item, Task)]
    grown = planted(items, is_upside_down=order.is_reversed)
    return [by_id[task.id]._replace(branch=branch) for task, branch in grown]


FOLD: Final = "fold"
"""The key of the line that stands for the rows that are folded."""


def folded(entries: Sequence[Entry]) -> tuple[list[Entry], str]:
    """The entries without agents that ask for nothing and do nothing, and what to say of those.

    The last entry stands for them; a single one is left as it is.
    """
    quiet = [entry for entry in entries if is_quiet(entry.item)]
    if len(quiet) < 2:
        return list(entries), ""
    others = sum(isinstance(entry.item, Agent) and entry.item.is_other for entry in quiet)
    counts = ((len(quiet) - others, "idle"), (others, "other"))
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    kept = [entry for entry in entries if not is_quiet(entry.item)]
    return [*kept, Entry(FOLD, None, False)], f"{told} folded: Enter unfolds"


def is_quiet(item: Row) -> bool:
    """Whether it is an agent without a task, or a pane that no rule knows."""
    if not isinstance(item, Agent):
        return False
    return item.is_other or (item.state is State.IDLE and not item.task)


def filtered(entries: Sequence[Entry], query: Filter, *, only_needs: bool) -> list[Entry]:
    """The entries that a filter and `!` leave."""
    return [
        entry
        for entry in entries
        if (entry.needs_you or not only_needs) and (not query or query.matches(entry.values))
    ]
