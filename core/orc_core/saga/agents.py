"""Steps that start, end and tell agents things.

Invariant: an agent is started once under its name, and nothing is typed a second time where
nobody knows whether it was typed before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orc_core.saga.calls import Call
from orc_core.saga.machine import Broke, Ended


class Hands(Protocol):
    """The lives of agents, and the way to type to them; each raises OrcError."""

    async def is_there(self, name: str) -> bool: ...

    async def spawn(self, name: str, argv: Sequence[str], folder: str) -> None: ...

    async def stop(self, name: str) -> None: ...

    async def restart(self, name: str) -> None: ...

    async def forget(self, name: str) -> None: ...

    async def type(self, name: str, text: str) -> str:
        """Type a line; returns why it was not typed, "" where it was."""
        ...


async def spawn(hands: Hands, call: Call) -> Ended | Broke:
    wanted = call.step.spawn
    assert wanted is not None  # noqa: S101
    await hands.spawn(wanted.name, wanted.argv, call.folder)
    return Ended(call.number)


async def unspawn(hands: Hands, call: Call) -> Ended | Broke:
    wanted = call.step.spawn
    assert wanted is not None  # noqa: S101
    if await hands.is_there(wanted.name):
        await hands.stop(wanted.name)
    await hands.forget(wanted.name)
    return Ended(call.number)


async def stop(hands: Hands, call: Call) -> Ended | Broke:
    wanted = call.step.stop
    assert wanted is not None  # noqa: S101
    if await hands.is_there(wanted.agent):
        await hands.stop(wanted.agent)
    return Ended(call.number)


async def unstop(hands: Hands, call: Call) -> Ended | Broke:
    wanted = call.step.stop
    assert wanted is not None  # noqa: S101
    if not await hands.is_there(wanted.agent):
        await hands.restart(wanted.agent)
    return Ended(call.number)


async def prompt(hands: Hands, call: Call) -> Ended | Broke:
    wanted = call.step.prompt
    assert wanted is not None  # noqa: S101
    why = await hands.type(wanted.agent, wanted.text)
    return Broke(call.number, why) if why else Ended(call.number)


async def took_effect(hands: Hands, call: Call) -> bool | None:
    """Whether a step of this kind took effect of which nobody saw the end."""
    if call.step.spawn is not None:
        return await hands.is_there(call.step.spawn.name)
    if call.step.stop is not None:
        return not await hands.is_there(call.step.stop.agent)
    return None
