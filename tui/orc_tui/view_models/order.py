"""The orders of a list: the one in which what needs you comes first, or by a column.

Invariant: pure and stable. Rows that a column does not tell apart stand in the list's own order,
in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from orc_core.model.agent import Agent
from orc_core.model.task import Task
from orc_storage.records import Conflict
from orc_tui import keymap
from orc_tui.view_models.ability import Row
from orc_tui.view_models.agents import natural
from orc_tui.view_models.lines import Line

Entry = TypeVar("Entry")

OWN: Final = ""
"""The id of the list's own order."""
TREE: Final = "tree"
"""The id of the order in which tasks stand under what they wait for."""
ARROWS: Final = ("↑", "↓")
"""Smallest first, and largest first."""


@dataclass(frozen=True, slots=True)
class Column:
    """What rows can be sorted by: its name, the key of the menu, and what is compared.

    `heading` is its word in the heading; `is_down` says that the largest comes first at first.
    """

    id: str
    key: str
    heading: str
    told: str
    value: Callable[[Row], object]
    is_down: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """By which column a list is sorted, and whether the other way round than at first."""

    column: str = OWN
    is_reversed: bool = False

    def chosen(self, column: str) -> Order:
        """The order after a column was chosen: the same one again turns it round."""
        if column == self.column and column != OWN:
            return Order(column, not self.is_reversed)
        return Order(column)


def _agent(value: Callable[[Agent], object]) -> Callable[[Row], object]:
    return lambda row: value(row) if isinstance(row, Agent) else 0


def _task(value: Callable[[Task], object]) -> Callable[[Row], object]:
    return lambda row: value(row) if isinstance(row, Task) else 0


def _conflict(value: Callable[[Conflict], object]) -> Callable[[Row], object]:
    return lambda row: value(row) if isinstance(row, Conflict) else 0


def _context(agent: Agent) -> float:
    return -1.0 if agent.usage.context is None else agent.usage.context


COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    keymap.AGENTS: (
        Column("state", "s", "state", "the word", _agent(lambda one: one.state.value)),
        Column("agent", "a", "agent", "the name", _agent(lambda one: natural(one.name))),
        Column("for", "f", "for", "the longest so first", _agent(lambda one: one.since)),
        Column("task", "t", "task", "its task", _agent(lambda one: natural(one.task))),
        Column("where", "p", "where", "its pane", _agent(lambda one: natural(one.place))),
        Column("context", "c", "context", "the fullest first", _agent(_context), True),
        Column(
            "quiet", "u", "", "whose screen is still longest", _agent(lambda one: one.changed_at)
        ),
    ),
    keymap.TASKS: (
        Column("status", "s", "status", "the word", _task(lambda one: one.status.value)),
        Column("task", "t", "task", "the id", _task(lambda one: natural(one.id))),
        Column("priority", "p", "pr", "the highest first", _task(lambda one: one.priority), True),
        Column("title", "i", "title", "the title", _task(lambda one: one.title.casefold())),
        Column("agent", "a", "agent", "who does it", _task(lambda one: natural(one.assignee))),
        Column("for", "f", "for", "the longest so first", _task(lambda one: one.since)),
        Column("changed", "c", "", "the newest first", _task(lambda one: one.updated_at), True),
        Column(TREE, "w", "", "under what they wait for", _task(lambda one: natural(one.id))),
    ),
    keymap.CONFLICTS: (
        Column("conflict", "c", "", "the id", _conflict(lambda one: natural(one.id))),
        Column("document", "d", "", "what it is about", _conflict(lambda one: natural(one.doc))),
        Column("opened", "o", "", "the oldest first", _conflict(lambda one: one.opened_at)),
    ),
}
"""The columns of each list, in the order of its menu."""


def column_of(pane: str, order: Order) -> Column | None:
    """The column that a list is sorted by; None for its own order."""
    return next((one for one in COLUMNS.get(pane, ()) if one.id == order.column), None)


def arrow(column: Column, order: Order) -> str:
    """Which way it is sorted."""
    return ARROWS[column.is_down is not order.is_reversed]


def told(pane: str, order: Order) -> str:
    """How a list is sorted, `by agent ↑`; "" for its own order."""
    column = column_of(pane, order)
    return f"by {column.id} {arrow(column, order)}" if column else ""


def arranged(
    entries: Sequence[Entry], row_of: Callable[[Entry], Row], pane: str, order: Order
) -> list[Entry]:
    """Entries, given in the list's own order, in the order that is wanted."""
    column = column_of(pane, order)
    if column is None:
        return list(entries)
    value: Callable[[Row], Any] = column.value
    down = column.is_down is not order.is_reversed
    return sorted(entries, key=lambda entry: value(row_of(entry)), reverse=down)


def headed(line: Line, pane: str, order: Order) -> Line:
    """A heading with an arrow behind the column that is sorted by."""
    column = column_of(pane, order)
    if column is None or not column.heading:
        return line
    ((text, ink),) = line
    at = f" {text} ".find(f" {column.heading} ")
    if at < 0:
        return line
    end = at + len(column.heading)
    mark = arrow(column, order)
    return ((text[:at], ink), (text[at:end], "text"), (mark, "text"), (text[end + 1 :], ink))
