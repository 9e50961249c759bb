"""A dashboard over 500 rows that come from a script, and the floor: the same rows, not shown.

`python -m tests.bench.rows show|throw FOLDER CHANGED HERTZ` changes so many rows so often.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orc_core.config import CoreOptions
from orc_core.hub import Core, open_core
from orc_core.model.agent import Agent, Evidence, PaneRef, Source, State, Waiting
from orc_core.model.snapshot import Snapshot
from orc_tui.app import OrcApp

ROWS = 500
IN_VIEW = 18
"""So many of the first rows are in view at 160x48; half of what changes is among them."""


@dataclass(slots=True)
class Script:
    """Agents of which some change at every step; the rest stays as it is."""

    agents: list[Agent]
    step: int = 0

    def turn(self, changed: int) -> Snapshot:
        """The next snapshot: half of the changes in view, the others anywhere below."""
        self.step += 1
        seen = changed - changed // 2
        for number in range(changed):
            first, room = (0, IN_VIEW) if number < seen else (IN_VIEW, ROWS - IN_VIEW)
            at = first + (self.step * changed + number) % room
            does = f"Bash  npm test -- cart-{self.step % 10_000:04}"
            self.agents[at] = replace(self.agents[at], does=does)
        return Snapshot(at=time.time(), agents=tuple(self.agents))


def script() -> Script:
    """500 agents at work, in the order in which the list shows them."""
    return Script([_agent(number) for number in range(ROWS)])


def _agent(number: int) -> Agent:
    now = time.time()
    pane = PaneRef("/tmp/s", 1, f"%{number}", 4000 + number)
    return Agent(
        key=pane.key,
        name=f"claude-{number + 1}",
        kind="claude",
        pane=pane,
        where=f"shop:{number}.0",
        session="shop",
        cwd="/home/ada/src/shop",
        command="claude",
        title="",
        state=State.WORKING,
        waiting=Waiting.NONE,
        since=now,
        changed_at=now,
        evidence=Evidence(Source.LEVEL, "working", now),
        does="Bash  npm test",
        task=f"T-{number}",
    )


async def show(folder: Path, changed: int, hertz: float) -> None:
    """Run the dashboard on a core that watches nothing and is told the rows of the script."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    options = CoreOptions(
        workspace=folder / "workspace",
        socket_paths=(str(folder / "no-server"),),
        home=folder,
        cwd=folder,
        environ=environ,
    )

    @asynccontextmanager
    async def opened() -> AsyncIterator[Core]:
        async with open_core(options, watch=False) as core, asyncio.TaskGroup() as group:
            playing = group.create_task(play(core))
            yield core
            playing.cancel()

    async def play(core: Core) -> None:
        rows = script()
        while True:
            core._picture.publisher.publish(rows.turn(changed))
            await asyncio.sleep(1 / hertz)

    await OrcApp(opened).run_async()


async def throw(_: Path, changed: int, hertz: float) -> None:
    """Make the same snapshots and throw them away."""
    rows = script()
    print("claude-1", flush=True)
    while True:
        rows.turn(changed)
        await asyncio.sleep(1 / hertz)


if __name__ == "__main__":
    work = {"show": show, "throw": throw}[sys.argv[1]]
    asyncio.run(work(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
