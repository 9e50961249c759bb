"""What steps do outside of a saga's own rows, by kind, and how each is undone.

Invariant: every effect is told saga, step, key and fence. One that is ended amid its work says
so by being unsure, never by a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from orc_core.clock import Clock
from orc_core.errors import OrcError, UnknownName
from orc_core.model.task import Status, Task
from orc_core.saga import agents, argv
from orc_core.saga.agents import Hands
from orc_core.saga.calls import Call
from orc_core.saga.definition import Action, Patch
from orc_core.saga.machine import MAYBE, Broke, Ended
from orc_storage import documents, sagas
from orc_storage.database import Database
from orc_storage.errors import NotFound, StorageError
from orc_storage.records import Json, Revision

LOOK_EVERY_S: Final = 0.2
TASK: Final = "task"
NOT_AGAIN: Final = frozenset({"prompt"})
"""The kinds that are not done again where nobody knows whether they were done."""
UNTIMED: Final = frozenset({"gate"})
"""The kinds that wait for a person, which takes nothing of a workflow's time."""


class Desk(Protocol):
    """Tasks as steps read and change them."""

    async def get(self, id: str) -> Task: ...

    async def edit(
        self, id: str, fields: Mapping[str, Json], /, *, actor: str, cause: str
    ) -> Task: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What effects need of the world; `environ` is what programs are given."""

    db: Database
    clock: Clock
    desk: Desk
    environ: Mapping[str, str]
    hands: Hands | None = None


async def do(outside: Outside, call: Call) -> Ended | Broke:
    """Do what a step says; a failure is an answer, not an error."""
    return await _guarded(_DOING[call.step.kind], outside, call)


async def undo(outside: Outside, call: Call) -> Ended | Broke:
    """Undo what a step did."""
    if call.step.undo is not None:
        own = call.step.undo
        return await _guarded(lambda o, c: _run(o, c, own, "undo"), outside, call)
    return await _guarded(_UNDOING[call.step.kind], outside, call)


async def took_effect(outside: Outside, call: Call) -> bool | None:
    """Whether a step took effect of which nobody saw the end; None where that cannot be told."""
    if call.step.check is None:
        if outside.hands is None:
            return None
        return await agents.took_effect(outside.hands, call)
    asked = Action(run=call.step.check)
    return isinstance(await _guarded(lambda o, c: _run(o, c, asked, "check"), outside, call), Ended)


Doing = Callable[[Outside, Call], Awaitable["Ended | Broke"]]


async def _guarded(doing: Doing, outside: Outside, call: Call) -> Ended | Broke:
    try:
        return await doing(outside, call)
    except (UnknownName, NotFound) as error:
        return Broke(call.number, str(error), is_final=True)
    except (OrcError, StorageError, OSError, ValueError) as error:
        return Broke(call.number, str(error))


async def _do_run(outside: Outside, call: Call) -> Ended | Broke:
    return await _run(outside, call, call.step, "do")


async def _run(outside: Outside, call: Call, action: Action, verb: str) -> Ended | Broke:
    told = {
        "ORC_SAGA": call.saga.id,
        "ORC_STEP": call.step.name,
        "ORC_FENCE": str(call.saga.fence),
        "ORC_KEY": call.key,
        "ORC_VERB": verb,
        "ORC_EFFECT": "maybe" if call.saga.steps[call.number].result == MAYBE else "",
    }
    words = action.run or []
    ran = await argv.run(words, environ={**outside.environ, **told}, folder=call.folder)
    if ran.code == 0:
        return Ended(call.number, output=ran.output)
    last = ran.output.strip().rpartition("\n")[2]
    why = f"{words[0]} ended with {ran.code}" + (f": {last}" if last else "")
    return Broke(call.number, why, ran.output)


async def _do_gate(outside: Outside, call: Call) -> Ended | Broke:
    """Wait until a person says yes or no."""
    while True:
        word = await outside.db.read(lambda conn: sagas.answered(conn, call.saga.id, call.number))
        if word == "approve":
            return Ended(call.number)
        if word == "refuse":
            return Broke(call.number, "a person said no", is_final=True)
        await outside.clock.sleep(LOOK_EVERY_S)


async def _do_wait_task(outside: Outside, call: Call) -> Ended | Broke:
    wanted = call.step.wait_task
    assert wanted is not None  # noqa: S101
    while True:
        task = await outside.desk.get(wanted.task)
        if task.status is Status.DONE:
            return Ended(call.number)
        if task.status is Status.FAILED:
            return Broke(call.number, f"{task.id} failed", is_final=True)
        await outside.clock.sleep(LOOK_EVERY_S)


async def _do_patch(outside: Outside, call: Call) -> Ended | Broke:
    wanted = _patch(call)
    if await _patched(outside, call, wanted) is None:
        await outside.desk.edit(wanted.task, wanted.set, actor=call.actor, cause=call.cause)
    return Ended(call.number)


async def _unpatch(outside: Outside, call: Call) -> Ended | Broke:
    wanted = _patch(call)
    made = await _patched(outside, call, wanted)
    if made is None:
        return Ended(call.number)  # it changed nothing, or never came to it
    now = await outside.db.read(lambda conn: documents.get(conn, TASK, wanted.task))
    if now is None:
        return Ended(call.number)
    before = await outside.db.read(
        lambda conn: documents.revision(conn, TASK, wanted.task, made.parent_rev)
    )
    # What somebody else changed since is theirs.
    back = {
        name: before.body.get(name, made.body[name])
        for name in wanted.set
        if now.body.get(name) == made.body[name]
    }
    if back:
        cause = f"{call.cause} undone"
        await outside.desk.edit(wanted.task, back, actor=call.actor, cause=cause)
    return Ended(call.number)


def _patch(call: Call) -> Patch:
    """The patch of a step; raises ValueError where it sets what a patch cannot."""
    wanted = call.step.patch
    assert wanted is not None  # noqa: S101
    unknown = [name for name in wanted.set if name not in PATCHED]
    if unknown:
        raise ValueError(f"a patch cannot set {unknown[0]}: it can {', '.join(PATCHED)}")
    return wanted


async def _patched(outside: Outside, call: Call, wanted: Patch) -> Revision | None:
    """The revision that this step wrote in this round: its cause is the key of the step."""
    revisions = await outside.db.read(lambda conn: documents.history(conn, TASK, wanted.task))
    return next((one for one in reversed(revisions) if one.cause == call.cause), None)


PATCHED: Final = ("title", "text", "priority", "needs", "labels", "depends_on", "assignee")


def _by_hand(act: Callable[[Hands, Call], Awaitable[Ended | Broke]]) -> Doing:
    """An act on agents, where this process can act on any."""

    async def doing(outside: Outside, call: Call) -> Ended | Broke:
        if outside.hands is None:
            raise OrcError("agents cannot be reached from here")
        return await act(outside.hands, call)

    return doing


_DOING: Final[Mapping[str, Doing]] = {
    "run": _do_run,
    "gate": _do_gate,
    "wait_task": _do_wait_task,
    "patch": _do_patch,
    "spawn": _by_hand(agents.spawn),
    "stop": _by_hand(agents.stop),
    "prompt": _by_hand(agents.prompt),
}
_UNDOING: Final[Mapping[str, Doing]] = {
    "patch": _unpatch,
    "spawn": _by_hand(agents.unspawn),
    "stop": _by_hand(agents.unstop),
}


async def within(timeout_s: float, doing: Awaitable[Ended | Broke], number: int) -> Ended | Broke:
    """What an effect came to, ended amid its work where that takes longer."""
    try:
        async with asyncio.timeout(timeout_s):
            return await doing
    except TimeoutError:
        return Broke(number, f"it took longer than {timeout_s:g} s", is_unsure=True)
