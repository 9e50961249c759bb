"""Capturing the panes of one server: whose turn it is, and what became of their screens.

Invariant: a pane is clean from the moment its capture is asked for, and dirty again where none
came back; what somebody looks at goes first, and nobody's typing waits for more than one share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.clock import Clock
from orc_core.tmux.cadence import Cadence
from orc_core.tmux.link import CHUNK, Link
from orc_core.tmux.memory import Memory, Pane, Sighting
from orc_core.tmux.panes import Shot

CAPTURES_MAX: Final = 240
"""Captures in one tick: they hold up the server, and with it everyone's typing, by 10 ms."""

URGENT_MAX: Final = 16
HEEDED_MAX: Final = 32

Seen = Callable[[list[Sighting], Collection[str]], None]
"""Told the screens that are there, and of which panes they are still to come."""


@dataclass(frozen=True, slots=True)
class Share:
    """The panes to be captured now; whether some have to wait, and whether nobody looks at some."""

    panes: tuple[Pane, ...]
    backlog: bool
    others: bool


class Captures:
    """Captures those panes that `memory` calls dirty, but for those of terminals to be skipped."""

    def __init__(
        self,
        memory: Memory,
        link: Link,
        cadence: Cadence,
        clock: Clock,
        skip_ttys: Callable[[], set[str]],
    ) -> None:
        self.urgent: set[str] = set()
        """Keys of panes to be captured as soon as they change, once."""
        self.heeded: frozenset[str] = frozenset()
        """The same until another set is given; more than HEEDED_MAX are like all others."""
        self.selected: str | None = None
        """The key of the pane that is captured as soon as it changes, until another is named."""
        self.coloured: frozenset[str] = frozenset()
        """Keys of the panes that are captured in colour: the selected and the shown ones."""
        self._memory = memory
        self._link = link
        self._cadence = cadence
        self._clock = clock
        self._skip_ttys = skip_ttys
        self._skipped: set[str] = set()

    def skip(self) -> set[str]:
        """The terminals whose panes are never captured, as they are now."""
        self._skipped = self._skip_ttys()
        return self._skipped

    @property
    def backlog(self) -> bool:
        """Whether panes are known to have changed that were not captured yet."""
        return bool(self._memory.dirty(self._skipped))

    def waiting(self, *, marked: bool) -> tuple[list[Pane], list[Pane]]:
        """The panes to be captured: those that someone looks at, and the others.

        Where changes are not `marked` by the kernel, what someone looks at counts as changed.
        """
        if len(self.urgent) > URGENT_MAX:
            self.urgent.clear()
        wanted = {*self.urgent, self.selected}
        heeded = wanted | self.heeded if len(self.heeded) <= HEEDED_MAX else wanted
        selected: list[Pane] = []
        others: list[Pane] = []
        for pane in self._memory.dirty(self._skipped, () if marked else wanted):
            (selected if pane.key in heeded else others).append(pane)
        return selected, others

    def due(self, *, marked: bool) -> Share:
        """Those of the waiting ones whose time has come, as many as one tick may have."""
        selected, others = self.waiting(marked=marked)
        if not self._cadence.selected_due():
            selected = []
        if not self._cadence.others_due():
            others = []
        due = [*selected, *sorted(others, key=lambda pane: pane.dirty_since)]
        if due:
            skipped = self.skip()
            due = [pane for pane in due if pane.info.tty not in skipped]
        return Share(tuple(due[:CAPTURES_MAX]), len(due) > CAPTURES_MAX, bool(others))

    async def take(self, share: Share, seen: Seen) -> list[Sighting]:
        """Capture a share, in one process or over the connection.

        Of many, `seen` is told those that are there already; what is left is returned.
        """
        began, due = self._clock.monotonic(), share.panes
        waiting = {pane.row.pane_id: pane for pane in due}
        fresh: list[Sighting] = []
        coloured = self.coloured

        def taken(shots: list[Shot]) -> None:
            at = self._clock.now()
            for shot in shots:
                pane = waiting.pop(shot.pane_id, None)
                if pane is None:
                    continue
                colour = pane.key in coloured
                sighting = self._memory.take_shot(shot, at, colour=colour)
                fresh.extend([sighting] if sighting is not None else [])
            if fresh and waiting and len(due) > CHUNK:
                seen(fresh.copy(), waiting)
                fresh.clear()

        # What changes from here on may or may not be on the screens that come back.
        for pane in due:
            pane.dirty = False
        if len(due) > CHUNK:
            seen([], waiting)
        try:
            await self._link.captures(_colours(due, coloured), taken)
        except BaseException:
            for pane in waiting.values():
                pane.dirty = True
            raise
        took_s = self._clock.monotonic() - began
        self._cadence.captured(others=share.others, backlog=share.backlog, took_s=took_s)
        self.urgent -= {pane.key for pane in due}
        return fresh


def _colours(panes: Sequence[Pane], coloured: frozenset[str]) -> list[tuple[str, bool]]:
    return [(pane.row.pane_id, pane.key in coloured) for pane in panes]
