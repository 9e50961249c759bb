"""Carries sagas through, each by one process at a time.

Invariant: the store is told before an effect begins and after it ended, and what it says of the
fence is asked each time: whoever lost a saga does no further effect. A process that dies leaves a
saga that any other can take on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

from orc_core.saga import effects, machine
from orc_core.saga.calls import Call
from orc_core.saga.definition import Definition, of_body
from orc_core.saga.effects import NOT_AGAIN, UNTIMED, Outside
from orc_core.saga.machine import Broke, Do, Ended, Event, Outcome, Rest, Taken, Undo
from orc_storage import sagas
from orc_storage.database import Transaction
from orc_storage.errors import StorageError
from orc_storage.lock import lives, start_of
from orc_storage.sagas import MOVING, FenceLost, Saga, Wish

WISH_EVERY_S: Final = 0.1
LOOK_EVERY_S: Final = 0.5
UNDO_TIMEOUT_S: Final = 60.0
CRASHES_MAX: Final = 3
"""So often a step is begun anew of which a check tells that it took no effect."""
AT_ONCE: Final = 64
"""How many sagas a process runs side by side."""
_ENDING: Final = frozenset({Wish.CANCEL, Wish.ROLLBACK})


def owner_of(pid: int) -> str:
    """How a process is named as the owner of a saga."""
    return f"{pid}.{start_of(pid)}"


def is_free(owner: str, here: str) -> bool:
    """Whether a saga with this owner can be taken on by the process called `here`."""
    pid, _, start = owner.partition(".")
    if not owner:
        return True
    if owner == here or not pid.isdigit():
        return False
    return not lives(int(pid)) or str(start_of(int(pid))) != start


class Runner:
    """Runs sagas of one store in the name of this process."""

    def __init__(self, outside: Outside, *, owner: str = "") -> None:
        self._out = outside
        self._owner = owner or owner_of(os.getpid())
        self._running: set[str] = set()

    async def follow(self, leads: Callable[[], bool]) -> None:
        """While this process leads, run what nobody else runs, until cancelled."""
        seen, waiting = -1, list[tuple[str, str]]()
        async with asyncio.TaskGroup() as group:
            while True:
                if leads():
                    with contextlib.suppress(StorageError):
                        version = await self._out.db.data_version(glance=True)
                        if version != seen:
                            waiting = await self._out.db.read(sagas.to_run)
                            seen = version
                        # Whoever has one may have died since, of which no store tells.
                        for id, owner in waiting:
                            if len(self._running) < AT_ONCE and self._may_take(id, owner):
                                self._running.add(id)
                                group.create_task(self._follow_one(id, owner))
                await self._out.clock.sleep(LOOK_EVERY_S)

    async def run(self, id: str) -> Saga:
        """Run a saga until it ended or rests, or until another process took it on."""
        found = await self._out.db.read(lambda conn: sagas.get(conn, id))
        if found.state in MOVING and self._may_take(found.id, found.owner):
            self._running.add(found.id)
            try:
                await self._carry(found.id, found.owner)
            finally:
                self._running.discard(found.id)
        return await self._out.db.read(lambda conn: sagas.get(conn, id))

    def _may_take(self, id: str, owner: str) -> bool:
        if id in self._running:
            return False
        # What is ours by name but not in hand was left by a task of ours that failed.
        return owner == self._owner or is_free(owner, self._owner)

    async def _follow_one(self, id: str, owner: str) -> None:
        try:
            with contextlib.suppress(StorageError):  # it is taken on again by whoever looks next
                await self._carry(id, owner)
        finally:
            self._running.discard(id)

    async def _carry(self, id: str, was: str) -> None:
        saga = await self._out.db.write(lambda tx: sagas.claim(tx, id, owner=self._owner, was=was))
        if saga is None:
            return
        definition, folder = of_body(saga.definition)
        event: Event = Taken()
        with contextlib.suppress(FenceLost):
            while True:
                outcome = await self._record(saga, event)
                saga = outcome.saga
                if isinstance(outcome.move, Rest):
                    return
                begun_s = self._out.clock.monotonic()
                event = await self._make(saga, definition, folder, outcome.move)
                if (
                    isinstance(outcome.move, Do)
                    and definition.step[event.number].kind not in UNTIMED
                ):
                    spent_s = self._out.clock.monotonic() - begun_s
                    saga = replace(saga, spent_s=saga.spent_s + spent_s)

    async def _record(self, saga: Saga, event: Event) -> Outcome:
        """Write what happened and what is next in one transaction; raises FenceLost."""

        def work(tx: Transaction) -> Outcome:
            wish, _ = sagas.wished(tx.conn, saga.id)
            outcome = machine.advance(replace(saga, wish=wish), event, tx.at)
            sagas.save(tx, saga, outcome.saga, outcome.notes)
            return outcome

        return await self._out.db.write(work)

    async def _make(
        self, saga: Saga, definition: Definition, folder: str, move: Do | Undo
    ) -> Ended | Broke:
        call = Call(saga, definition.step[move.number], move.number, folder)
        if isinstance(move, Undo):
            await self._out.clock.sleep(move.delay_s)
            bound_s = call.step.timeout_s or UNDO_TIMEOUT_S
            return await effects.within(bound_s, effects.undo(self._out, call), move.number)
        return await self._until_wished(self._do(call, move, definition), saga, move.number)

    async def _do(self, call: Call, move: Do, definition: Definition) -> Ended | Broke:
        await self._out.clock.sleep(move.delay_s)
        left_s = definition.timeout_s - call.saga.spent_s
        if left_s <= 0:
            return Broke(move.number, self._late(definition), is_final=True)
        known = await effects.took_effect(self._out, call) if move.is_anew else None
        if known:
            return Ended(move.number)
        if move.is_anew and known is None and call.step.kind in NOT_AGAIN:
            why = "nobody knows whether it was done: it is not done again"
            return Broke(move.number, why, is_unsure=True, is_final=True)
        begun = call.saga.steps[move.number].attempts - 1
        if move.is_anew and begun > call.step.retries + (CRASHES_MAX if known is False else 0):
            why = f"it was begun {begun} times, and nobody saw it end"
            return Broke(move.number, why, is_unsure=known is None, is_final=True)
        told = await self._bounded(call, definition, left_s)
        if isinstance(told, Broke) and not told.is_unsure and known is False:
            return replace(told, is_clean=True)
        return told

    async def _bounded(self, call: Call, definition: Definition, left_s: float) -> Ended | Broke:
        """Do a step within its own time and that of the workflow."""
        own_s = call.step.timeout_s
        if call.step.kind in UNTIMED:
            if own_s is None:
                return await effects.do(self._out, call)
            return await effects.within(own_s, effects.do(self._out, call), call.number)
        bound_s = left_s if own_s is None else min(own_s, left_s)
        told = await effects.within(bound_s, effects.do(self._out, call), call.number)
        if isinstance(told, Broke) and told.is_unsure and bound_s == left_s:
            return replace(told, reason=self._late(definition), is_final=True)
        return told

    def _late(self, definition: Definition) -> str:
        return f"the workflow took longer than {definition.timeout_s:g} s"

    async def _until_wished(
        self, doing: Coroutine[Any, Any, Ended | Broke], saga: Saga, number: int
    ) -> Ended | Broke:
        """What an effect comes to, ended amid its work where a person or another owner says so."""
        task = asyncio.create_task(doing)
        watching = asyncio.create_task(self._ending(saga))
        try:
            await asyncio.wait({task, watching}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            return Broke(number, watching.result(), is_unsure=True, is_final=True)
        finally:
            watching.cancel()
            task.cancel()
            await asyncio.gather(task, watching, return_exceptions=True)

    async def _ending(self, saga: Saga) -> str:
        """Wait until an effect has to end; returns why."""
        while True:
            await self._out.clock.sleep(WISH_EVERY_S)
            with contextlib.suppress(StorageError):
                wish, fence = await self._out.db.read(lambda conn: sagas.wished(conn, saga.id))
                if fence != saga.fence:
                    return "another process took it on"
                if wish in _ENDING:
                    return f"ended by hand: {wish}"
