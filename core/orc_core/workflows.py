"""Workflows as people see them: started, looked at, paused, taken back.

Invariant: what a person asks of one that runs is done by whoever runs it; of one that nobody runs
it is done here, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orc_core.clock import Clock
from orc_core.errors import IllegalMove, OrcError
from orc_core.lifecycle import places
from orc_core.lifecycle.places import Whereabouts
from orc_core.lifecycle.wing import Lifecycle, Wishes
from orc_core.model.agent import Agent, Delivery
from orc_core.saga import library, machine
from orc_core.saga.agents import Hands
from orc_core.saga.definition import Definition
from orc_core.saga.effects import Outside
from orc_core.saga.library import Template
from orc_core.saga.machine import Outcome
from orc_core.saga.runner import LOOK_EVERY_S, Runner, is_free
from orc_core.saga.standing import waiting_gate
from orc_core.tasks.desk import Tasks
from orc_storage import sagas
from orc_storage.database import Database, Transaction
from orc_storage.sagas import ENDED, Saga, Wish


class Agents(Protocol):
    """The agents that are seen, and the way to type to them."""

    async def scan(self, *, must_answer: bool = True) -> None: ...

    def find(self, name: str) -> Agent: ...

    async def send(self, key: str, text: str) -> Delivery: ...


@dataclass(frozen=True, slots=True)
class CrewHands:
    """Acts on the agents of a workspace for its workflows."""

    lifecycle: Lifecycle
    agents: Agents

    async def is_there(self, name: str) -> bool:
        known = await self.lifecycle.crew.find(name)
        if known is None:
            return False
        where, _ = (await places.see([known.server])).of(known)
        if where is Whereabouts.UNKNOWN:
            raise OrcError(f"tmux does not say whether {name} is there")
        return where is Whereabouts.THERE

    async def spawn(self, name: str, argv: Sequence[str], folder: str) -> None:
        await self.lifecycle.spawn(argv, wishes=Wishes(name=name), cwd=folder)

    async def stop(self, name: str) -> None:
        done = await self.lifecycle.stop(await self.lifecycle.crew.get(name))
        if not done.ok:
            raise OrcError(done.text)

    async def restart(self, name: str) -> None:
        await self.lifecycle.restart(name)

    async def forget(self, name: str) -> None:
        if await self.lifecycle.crew.find(name) is not None:
            await self.lifecycle.forget(name)

    async def type(self, name: str, text: str) -> str:
        await self.agents.scan()
        delivery = await self.agents.send(self.agents.find(name).key, text)
        return "" if delivery.sent else delivery.text


@dataclass(frozen=True, slots=True)
class Workflows:
    """The workflows of one store, bound to who acts."""

    outside: Outside
    runner: Runner
    actor: str

    @classmethod
    def of(
        cls,
        db: Database,
        clock: Clock,
        environ: Mapping[str, str],
        actor: str,
        hands: Hands | None = None,
    ) -> Workflows:
        """The workflows of a store; programs of their steps are given `environ`."""
        outside = Outside(db, clock, Tasks(db), environ, hands)
        return cls(outside, Runner(outside), actor)

    def templates(self) -> list[Template]:
        return library.templates()

    async def start(self, name: str, folder: Path, values: Mapping[str, str]) -> Saga:
        """Start the workflow of a file or of the library, in a folder.

        Raises UnknownName, UsageError, TooMany.
        """
        return await self.begin(library.find(name, folder, values), folder)

    async def begin(self, definition: Definition, folder: Path) -> Saga:
        """Start a workflow that was put together in Python; raises TooMany."""
        body, rows = definition.body(str(folder)), definition.rows()
        return await self.outside.db.write(
            lambda tx: sagas.add(
                tx, name=definition.name, definition=body, steps=rows, actor=self.actor
            )
        )

    async def wait(self, id: str) -> Saga:
        """Run a workflow to its end, or wait for whoever runs it; raises NotFound."""
        while True:
            found = await self.runner.run(id)
            if found.state in ENDED:
                return found
            await self.outside.clock.sleep(LOOK_EVERY_S)

    async def listing(self) -> list[Saga]:
        """The newest first."""
        return await self.outside.db.read(sagas.listing)

    async def version(self) -> int:
        """A number that is another one after anybody committed."""
        return await self.outside.db.data_version(glance=True)

    async def get(self, id: str) -> Saga:
        return await self.outside.db.read(lambda conn: sagas.get(conn, id))

    async def ask(self, id: str, wish: Wish) -> Saga:
        """Pause, cancel or roll back; raises NotFound, IllegalMove."""

        def work(tx: Transaction) -> Saga:
            saga = sagas.get(tx.conn, id)
            if saga.owner and is_free(saga.owner, ""):
                saga = self._without_owner(tx, saga)
            outcome = machine.ask(saga, wish)
            if outcome is None:
                sagas.wish(tx, saga.id, wish, actor=self.actor)
            else:
                self._save(tx, saga, outcome)
            return sagas.get(tx.conn, id)

        return await self.outside.db.write(work)

    async def resume(self, id: str) -> Saga:
        """Go on with one that is paused; raises NotFound, IllegalMove."""
        return await self._change(id, machine.resume)

    async def retry(self, id: str, first: str = "") -> Saga:
        """Do one that was undone or cancelled again; raises NotFound, IllegalMove."""
        return await self._change(id, lambda saga: machine.retry(saga, first))

    async def answer(self, id: str, word: str) -> Saga:
        """Say `approve` or `refuse` to the gate at which one waits; raises IllegalMove."""

        def work(tx: Transaction) -> Saga:
            saga = sagas.get(tx.conn, id)
            gate = waiting_gate(saga)
            if gate is None:
                raise IllegalMove(f"{saga.id} waits for nobody's approval")
            sagas.answer(tx, saga.id, gate.number, word, actor=self.actor, step=gate.name)
            return sagas.get(tx.conn, id)

        return await self.outside.db.write(work)

    async def _change(self, id: str, change: Callable[[Saga], Outcome]) -> Saga:
        def work(tx: Transaction) -> Saga:
            saga = sagas.get(tx.conn, id)
            self._save(tx, saga, change(saga))
            return sagas.get(tx.conn, id)

        return await self.outside.db.write(work)

    def _save(self, tx: Transaction, saga: Saga, outcome: Outcome) -> None:
        sagas.save(tx, saga, outcome.saga, outcome.notes, actor=self.actor)

    def _without_owner(self, tx: Transaction, saga: Saga) -> Saga:
        """The saga freed of an owner that is dead."""
        sagas.release(tx, saga.id, owner=saga.owner)
        return sagas.get(tx.conn, saga.id)
