"""Names of agents: short, unique over all servers, and kept for as long as the pane lives.

Invariant: a name once given to a pane is not given to another while that pane is there, and
looking again in any order gives the same names. What is remembered is bounded by the panes
there are and those that were known at the start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orc_core.model.agent import OTHER, PaneRef
from orc_storage.records import LiveRow

Identity = tuple[str, int, str, int]
"""What tells a pane from every other: its server and when that began, its number, its process."""

Wanted = tuple[PaneRef, str, str]
"""A pane that wants a name, its kind, and the label that the name is made of."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What was said of the agent in a pane: its name, its kind ("" where the rules shall tell).

    `stopped` says that a person ended it, which is no crash.
    """

    name: str
    kind: str = ""
    stopped: bool = False


class NameBook:
    """The names that are taken; whoever names the panes of one server shares it with the others.

    What is known of a server from before stands until its panes are named for the first time:
    until then nobody else gets those names.
    """

    def __init__(self, known: Iterable[LiveRow] = ()) -> None:
        self._rows: dict[str, dict[Identity, LiveRow]] = {}
        for row in known:
            self._rows.setdefault(row.server, {})[identity(row)] = row
        self._declared: Mapping[Identity, Declared] = {}
        self._reserved: frozenset[str] = frozenset()

    def declare(self, declared: Mapping[PaneRef, Declared], reserved: Collection[str] = ()) -> bool:
        """These panes are called so from now on, and nobody else is; False where nothing is new.

        `reserved` are names that agents have which are in no pane now.
        """
        fresh = {_identity(pane): one for pane, one in declared.items()}
        names = frozenset({*reserved, *(one.name for one in fresh.values())})
        if (fresh, names) == (self._declared, self._reserved):
            return False
        self._declared, self._reserved = fresh, names
        return True

    def declared(self, pane: PaneRef) -> Declared | None:
        """What was said of the agent in this very pane."""
        return self._declared.get(_identity(pane))

    @property
    def servers(self) -> tuple[str, ...]:
        """The sockets of the servers that names are kept for."""
        return tuple(self._rows)

    def row(self, pane: PaneRef) -> LiveRow | None:
        """What is known of this very pane from before."""
        return self._rows.get(pane.server, {}).get(_identity(pane))

    def name(self, rows: Iterable[LiveRow], panes: Sequence[Wanted]) -> dict[str, str]:
        """Name all panes of one server, by pane key; `rows` tell how its agents are called now."""
        if not panes:
            return {}
        server = panes[0][0].server
        known = self._rows.get(server, {}) | {identity(row): row for row in rows}
        elsewhere = [
            row.name
            for other, there in self._rows.items()
            if other != server
            for row in there.values()
        ]
        told = {pane.key: one.name for pane, _, _ in panes if (one := self.declared(pane))}
        rest = [wanted for wanted in panes if wanted[0].key not in told]
        names = assign(list(known.values()), rest, [*elsewhere, *self._reserved]) | told
        used = set(names.values())
        kept: dict[Identity, LiveRow] = {}
        for pane, kind, _ in panes:
            who = _identity(pane)
            if kind != OTHER:
                kept[who] = LiveRow(*who, names[pane.key], kind, "", 0.0, "", 0.0)
            elif who in known and known[who].name not in used:
                kept[who] = known[who]  # an agent may come back to its pane
        self._rows[server] = kept
        return names

    def forget(self, server: str) -> None:
        """The server is over: the names of its agents are free again."""
        self._rows.pop(server, None)


def assign(
    known: Sequence[LiveRow], panes: Sequence[Wanted], elsewhere: Collection[str] = ()
) -> dict[str, str]:
    """Names by pane key: `claude-1` for agents, `session:window` for panes that no rule knows.

    The label of an agent is what its name begins with, that of an `other` pane is the place it
    is called by. Names `elsewhere`, and those of known panes on other servers, are taken; that
    of a pane that is gone is free again.
    """
    here = {pane.server for pane, _, _ in panes}
    away = {*elsewhere, *(row.name for row in known if row.server not in here)}
    rows = {identity(row): row for row in known}
    names: dict[str, str] = {}
    kept: set[str] = set(away)
    fresh: list[tuple[PaneRef, str]] = []
    for pane, kind, label in panes:
        row = rows.get(_identity(pane))
        if kind == OTHER:
            names[pane.key] = label
        elif row is not None and row.agent_kind == kind and row.name not in kept:
            names[pane.key] = row.name
            kept.add(row.name)
        else:
            fresh.append((pane, label))
    taken = {*names.values(), *away}
    for pane, label in sorted(fresh, key=lambda one: (one[0].server, _number(one[0].pane_id))):
        number = 1
        while f"{label}-{number}" in taken:
            number += 1
        names[pane.key] = f"{label}-{number}"
        taken.add(names[pane.key])
    return names


def identity(row: LiveRow) -> Identity:
    """What tells the pane of a row from every other."""
    return row.server, row.server_start, row.pane_id, row.pane_pid


def _identity(pane: PaneRef) -> Identity:
    return pane.server, pane.server_start, pane.pane_id, pane.pid


def _number(pane_id: str) -> int:
    digits = pane_id.lstrip("%")
    return int(digits) if digits.isdecimal() else 0


def places(everywhere: Sequence[str]) -> dict[str, str]:
    """`shop:3` for `shop:3.0`, or all of it where the window has several panes."""
    windows = Counter(_window(where) for where in everywhere)
    return {where: where if windows[_window(where)] > 1 else _window(where) for where in everywhere}


def _window(where: str) -> str:
    return where.rpartition(".")[0] or where
