"""All that one process knows, joined into one snapshot whenever a part of it differs.

Invariant: what is joined is what its keepers say of themselves at that moment; nothing is asked
of tmux, and only what a leader posted is ever read from a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from orc_core import board, leader
from orc_core.clock import Clock
from orc_core.code.encounters import encounters
from orc_core.config import CoreOptions
from orc_core.fleet import Fleet
from orc_core.leadership import Leadership
from orc_core.model.agent import Agent
from orc_core.model.code import Code
from orc_core.model.health import Layer, Link
from orc_core.model.recording import Going
from orc_core.model.snapshot import Snapshot
from orc_core.publisher import Publisher
from orc_core.recordings import Recordings
from orc_core.rulebook import Rulebook
from orc_core.store_view import StoreView
from orc_core.sync.synchronizer import Synchronizer


class Picture:
    """The newest snapshot of a workspace, by its name, made of these.

    `missing` gives the agents that should run and are not there, `code` what is known of theirs.
    """

    def __init__(
        self,
        name: str,
        options: CoreOptions,
        clock: Clock,
        *,
        fleet: Fleet,
        rulebook: Rulebook,
        view: StoreView,
        leadership: Leadership,
        synchronizer: Synchronizer | None,
        missing: Callable[[], Sequence[Agent]],
        recordings: Recordings,
        code: Callable[[], Code],
    ) -> None:
        link = Link(read_only=options.read_only)
        first = Snapshot(clock.now(), name, options.host, fleet.title(), link=link)
        self.publisher = Publisher(first)
        self._clock = clock
        self._fleet = fleet
        self._rulebook = rulebook
        self._view = view
        self._leadership = leadership
        self._synchronizer = synchronizer
        self._missing = missing
        self._recordings = recordings
        self._code = code
        self._read_only = options.read_only

    @property
    def snapshot(self) -> Snapshot:
        return self.publisher.snapshot

    def publish(self) -> None:
        """Make the snapshot anew, and tell those whom a change concerns."""
        layers = self.layers()
        tasks = self._view.tasks([fault for layer in layers for fault in layer.faults])
        known, now, code = self._view.board, self._clock.now(), self._code()
        agents = board.join_tasks((*self._fleet.agents(), *self._missing()), tasks)
        fresh = replace(
            self.snapshot,
            at=now,
            agents=board.join_laters(agents, known.laters, now),
            tasks=tasks,
            conflicts=(*known.conflicts, *encounters(code, agents, known.put_off, now)),
            laters=known.laters,
            merged_today=known.merged_today,
            ruled_today=known.ruled_today,
            server=self._fleet.title(),
            layers=layers,
            link=self._link(),
            screen=self._fleet.screen,
            recordings=tuple(
                (one.key, one.going is Going.PAUSED) for one in self._recordings.going
            ),
            code=code,
            previews=self._fleet.previews,
        )
        self.publisher.publish(fresh)

    def layers(self) -> tuple[Layer, ...]:
        """The lines of the sync pane: the tmux servers, then the other layers and the store."""
        below = self._leadership.layers(self._synchronizer)
        first, *others = self._fleet.layers()
        tmux = (self._rulebook.with_trouble(first), *others)
        below = self._view.over(below, trouble=self._fleet.store_trouble)
        return leader.with_publishing(tmux, below)

    def _link(self) -> Link:
        return replace(
            self._fleet.link(),
            read_only=self._read_only,
            leader=self._leadership.leads,
            pending=len(self._view.labels),
        )
