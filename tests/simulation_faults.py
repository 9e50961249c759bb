"""What may go wrong in a simulated workspace: crashes, stalls, troubles, clocks that are set.

Invariant: every fault ends by itself; what is lost by one is looked for by the laws.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from simulation_events import Happening

if TYPE_CHECKING:
    from simulation import Event, Play


async def crash(play: Play, event: Event, chance: random.Random) -> None:
    """A dashboard is killed at some step from here on, and started again later."""
    desk = play.desk(chance, leads=0.7)
    if desk is None:
        return
    desk.process.fuse = chance.choice((0, chance.randrange(40), chance.randrange(300)))
    wait_s = chance.choice((0.5, 2.0, 4.0))

    async def work() -> None:
        await asyncio.sleep(wait_s)
        desk.process.die()
        await play.replace(desk)

    play.outside(work(), str(event))


async def quit(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody leaves a dashboard, and starts it again."""
    desk = play.desk(chance, leads=0.7)
    if desk is None or desk.main is None:
        return
    main = desk.main

    async def work() -> None:
        main.cancel()
        await asyncio.wait({main}, timeout=20.0)
        closing = play.start(desk.process, desk.store.close(), "close")
        await asyncio.wait({closing}, timeout=20.0)
        desk.process.die()
        await play.replace(desk)

    play.outside(work(), str(event))


async def stall(play: Play, event: Event, chance: random.Random) -> None:
    """A dashboard is stopped for a while, or a command is."""
    desk = play.desk(chance, leads=0.8)
    if desk is None:
        return
    wait_s = chance.choice((0.5, 3.0, 12.0))

    async def work() -> None:
        desk.process.stop()
        await asyncio.sleep(wait_s)
        if desk.process.is_alive:
            play.loop.release(desk.process)

    play.outside(work(), str(event))


def _for_a_while(name: str, values: tuple[Any, ...], usual: Any) -> Happening:
    async def happen(play: Play, event: Event, chance: random.Random) -> None:
        trouble, wait_s = play.world.trouble, chance.choice((0.05, 0.7, 3.0))
        setattr(trouble, name, chance.choice(values))

        async def work() -> None:
            await asyncio.sleep(wait_s)
            setattr(trouble, name, usual)

        play.outside(work(), str(event))

    return happen


lose_store = _for_a_while("store", ("full", "full", "away"), "")
lose_files = _for_a_while("files", ("offline",), "")
lose_board = _for_a_while("board", ("offline",), "")
slow_store = _for_a_while("store_slow_s", (0.1, 1.0, 12.0), 0.0)
slow_files = _for_a_while("files_slow_s", (0.1, 1.0, 12.0), 0.0)


async def slow(play: Play, event: Event, chance: random.Random) -> None:
    """The disk takes long."""
    await chance.choice((slow_store, slow_files))(play, event, chance)


async def jump(play: Play, event: Event, chance: random.Random) -> None:
    """The wall clock is set."""
    play.world.wall_shift += chance.choice((-86_400.0, -3.0, 3.0, 3600.0))
