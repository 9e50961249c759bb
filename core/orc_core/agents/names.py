"""Names of agents: short, unique, and kept for as long as the pane lives.

Invariant: a name once given to a pane is not given to another while that pane is there, and
looking again in any order gives the same names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orc_core.model.agent import OTHER, PaneRef
from orc_storage.records import LiveRow


def assign(known: Sequence[LiveRow], panes: Sequence[tuple[PaneRef, str, str]]) -> dict[str, str]:
    """Names by pane key: `claude-1` for agents, `session:window` for panes that no rule knows.

    Each pane comes as (pane, kind, label): the label of an agent is what its name begins with,
    that of an `other` pane is the place it is called by. Names of panes on other servers stay
    taken; that of a pane that is gone is free again.
    """
    rows = {identity(row): row for row in known}
    names: dict[str, str] = {}
    kept: set[str] = set()
    fresh: list[tuple[PaneRef, str]] = []
    for pane, kind, label in panes:
        row = rows.get((pane.server, pane.server_start, pane.pane_id, pane.pid))
        if kind == OTHER:
            names[pane.key] = label
        elif row is not None and row.agent_kind == kind and row.name not in kept:
            names[pane.key] = row.name
            kept.add(row.name)
        else:
            fresh.append((pane, label))
    here = {pane.server for pane, _, _ in panes}
    taken = set(names.values()) | {row.name for row in known if row.server not in here}
    for pane, label in sorted(fresh, key=lambda one: (one[0].server, _number(one[0].pane_id))):
        number = 1
        while f"{label}-{number}" in taken:
            number += 1
        names[pane.key] = f"{label}-{number}"
        taken.add(names[pane.key])
    return names


def identity(row: LiveRow) -> tuple[str, int, str, int]:
    """What tells the pane of a row from every other."""
    return row.server, row.server_start, row.pane_id, row.pane_pid


def _number(pane_id: str) -> int:
    digits = pane_id.lstrip("%")
    return int(digits) if digits.isdecimal() else 0


def places(everywhere: Sequence[str]) -> dict[str, str]:
    """`shop:3` for `shop:3.0`, or all of it where the window has several panes."""
    windows = Counter(_window(where) for where in everywhere)
    return {where: where if windows[_window(where)] > 1 else _window(where) for where in everywhere}


def _window(where: str) -> str:
    return where.rpartition(".")[0] or where
