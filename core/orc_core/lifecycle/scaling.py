"""How many instances of an agent run: as many as a person wants.

Invariant: an instance is an agent like any other, with a name of its own; the one that they are
made after is never stopped to make them fewer than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.errors import UsageError
from orc_core.lifecycle.places import Whereabouts, see
from orc_core.lifecycle.wing import Lifecycle, Wishes
from orc_core.model.life import Done, Known

INSTANCES_MAX: Final = 64
RUNS: Final = (Whereabouts.THERE, Whereabouts.UNKNOWN)


def plan(
    first: str, running: Sequence[str], idle: Sequence[str], count: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names to start and to stop, so that `count` instances run, `first` among them.

    What is idle is started before new names are made; what came last is stopped first.
    """
    missing = count - len(running)
    if missing <= 0:
        extra = [name for name in sorted(running, key=in_order, reverse=True) if name != first]
        return (), tuple(extra[: len(running) - count])
    names = sorted(idle, key=in_order)[:missing]
    taken = {*running, *idle}
    number = 2
    while len(names) < missing:
        name = f"{first}-{number}"
        if name not in taken:
            names.append(name)
            taken.add(name)
        number += 1
    return tuple(names), ()


async def scale(wing: Lifecycle, name: str, count: int) -> tuple[Done, ...]:
    """Start or stop instances of an agent until `count` run; raises UsageError, UnknownName."""
    if not 1 <= count <= INSTANCES_MAX:
        raise UsageError(f"{count} instances: ask for 1 to {INSTANCES_MAX}, or `orc stop {name}`")
    known = await wing.crew.get(name)
    first = await wing.crew.get(known.instance_of) if known.instance_of else known
    members = [
        one for one in await wing.crew.listing() if first.name in (one.name, one.instance_of)
    ]
    places = await see(one.server for one in members)
    running = [one.name for one in members if places.of(one)[0] in RUNS]
    idle = [one.name for one in members if one.name not in running]
    start, stop = plan(first.name, running, idle, count)
    done = [
        await wing.restart(one) if one in idle else await _spawn(wing, first, one) for one in start
    ]
    done += [await wing.stop(await wing.crew.get(one)) for one in stop]
    return tuple(done)


async def _spawn(wing: Lifecycle, first: Known, name: str) -> Done:
    wishes = Wishes(
        name=name,
        kind=first.kind,
        labels=first.labels,
        capabilities=first.capabilities,
        policy=first.policy,
        instance_of=first.name,
    )
    return await wing.spawn(
        first.argv, wishes=wishes, cwd=first.cwd, env=first.env, session=first.session
    )


def in_order(name: str) -> tuple[int, str]:
    """`w-10` comes after `w-9`."""
    return len(name), name
