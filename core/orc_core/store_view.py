"""What one process knows of its store: read again after every commit, and what waits for it.

Invariant: while the store cannot be read, what was read last stands, and why is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from orc_core import board, leader
from orc_core.agents.names import Declared
from orc_core.clock import Clock
from orc_core.lifecycle.crew import Crew, declared
from orc_core.model.agent import PaneRef
from orc_core.model.health import Fault, Layer
from orc_core.model.task import Task
from orc_core.pending import Pending
from orc_core.tasks.graph import Views
from orc_storage.database import Database
from orc_storage.errors import StorageError, StoreCorrupt
from orc_storage.feed import Feed
from orc_storage.laters import Later
from orc_storage.records import Finding

RETRY_S: Final = 1.0


class StoreView:
    """The board of a store, and the changes of this process that wait for it.

    Without a store the board is empty. One that `outlasts` goes on with what can be read where
    pages of the store are damaged. `declare` is told how agents are to be called, `changed`
    is called when anything differs.
    """

    def __init__(
        self,
        store: Database | None,
        clock: Clock,
        *,
        declare: Callable[[Mapping[PaneRef, Declared], Sequence[str]], object],
        changed: Callable[[], None],
        outlasts: bool,
    ) -> None:
        self.board = board.Board()
        self.trouble = ("", 0.0)
        """Why the store cannot be read or written, and since when; "" if it can."""
        self.pending: Pending | None = None
        self._store = store
        self._views = Views()
        self._shown: tuple[board.Board, tuple[Fault, ...], tuple[Task, ...]] = (self.board, (), ())
        self._crew = Crew(store) if store is not None else None
        self._clock = clock
        self._declare = declare
        self._outlasts = outlasts
        self._damaged: tuple[Finding, ...] = ()
        self._harmed: tuple[tuple[Finding, ...], float] = ((), 0.0)
        self._changed = changed

    @property
    def labels(self) -> tuple[str, ...]:
        """What this process did that still waits for the store, in order."""
        return tuple(one.label for one in self.pending.waiting) if self.pending else ()

    @property
    def laters(self) -> tuple[Later, ...]:
        """What is put off, and what was carried out lately."""
        return self.board.laters

    async def refresh(self) -> None:
        """Read the store again; raises StorageError, but where it is to outlast a damaged one."""
        self.board = await board.load(self._store, self._clock.now(), self.board)
        try:
            await self._name_agents()
        except StoreCorrupt as error:
            self.board = replace(self.board, trouble=str(error))
        if self.board.trouble and not self._outlasts:
            raise StoreCorrupt(self.board.trouble)
        if self.board.trouble:
            self.note(self.board.trouble)
        self._changed()

    async def _name_agents(self) -> None:
        if self._crew is not None:
            self._declare(*declared(await self._crew.listing()))
            lost = (*self.board.damaged, *self._crew.damaged)
            if lost != self.board.damaged:
                self.board = replace(self.board, damaged=lost)

    async def follow(self, store: Database) -> None:
        """Read the store after every commit, until cancelled."""
        while True:
            try:
                async with Feed(store) as feed:
                    await self.refresh()
                    self.note(self.board.trouble or feed.trouble)
                    async for _ in feed.changes():
                        await self.refresh()
                        self.note(self.board.trouble or feed.trouble)
            except StorageError as error:
                self.note(str(error))
            await self._clock.sleep(RETRY_S)

    async def keep_pending(self, store: Database) -> None:
        """Let changes wait while the store takes none, and write them later; until cancelled."""
        self.pending = Pending(store, self._clock, lambda: self.board.documents, self._changed)
        await self.pending.run()

    def require_written(self, what: str) -> None:
        """Raise StoreUnavailable where changes wait that `what` would overtake."""
        if self.pending is not None:
            self.pending.require_written(what)

    def note(self, trouble: str) -> None:
        """Take down what is wrong with the store, "" for nothing."""
        if trouble != self.trouble[0]:
            self.trouble = (trouble, self._clock.now())
            self._changed()

    def found(self, damaged: Sequence[Finding]) -> None:
        """Take down what an examination of the whole store found damaged."""
        self._damaged = tuple(damaged)
        self._changed()

    def _harm(self) -> tuple[tuple[Finding, ...], float]:
        """What is damaged, and since when just that is."""
        now = (*self.board.damaged, *self._damaged)
        if now != self._harmed[0]:
            self._harmed = (now, self._clock.now())
        return self._harmed

    def tasks(self, faults: Sequence[Fault]) -> tuple[Task, ...]:
        """The tasks as they will be: those with a change that waits are marked."""
        if self.pending is None or not self.pending.waiting:
            # Whatever else changes is told with the same tasks, many times for each of theirs.
            board, known, tasks = self._shown
            if board is not self.board or known != tuple(faults):
                tasks = self.board.tasks(faults, self._views)
                self._shown = (self.board, tuple(faults), tasks)
            return tasks
        will_be = replace(self.board, documents=self.pending.overlay(self.board.documents))
        return self.pending.mark(will_be.tasks(faults, self._views))

    def over(self, layers: Sequence[Layer], *, trouble: tuple[str, float]) -> tuple[Layer, ...]:
        """The layers with what is known here of the store; `trouble` counts where we have none."""
        known = leader.with_store_trouble(layers, *(self.trouble if self.trouble[0] else trouble))
        known = board.with_damage(known, *self._harm())
        return self.pending.over(known) if self.pending is not None else known
