"""Draw the pictures of the README and the guides: `make screenshots`.

Invariant: a picture is the real dashboard on the frozen demo fleet, with a clock that stands
still, so the same program draws the same picture every time.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from textual.pilot import Pilot

from orc_core.clock import SystemClock
from orc_core.config import CoreOptions
from orc_core.demo.fleet import DemoFleet, demo_fleet
from orc_core.hub import Core, open_core
from orc_core.model.agent import State
from orc_core.model.snapshot import Snapshot
from orc_storage import live
from orc_storage.database import Database
from orc_tui.app import OrcApp
from orc_tui.commands import Commands

HERE: Final = Path(__file__).parent
NOON: Final = datetime(2026, 11, 20, 14, 32, tzinfo=UTC).timestamp()
DEADLINE_S: Final = 30.0
FONT: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
MINUTES: Final = {
    "claude-1": 12,
    "claude-2": 4,
    "claude-3": 31,
    "claude-4": 6,
    "codex-1": 2,
    "codex-2": 8,
    "codex-3": 14,
    "aider-1": 9,
    "aider-2": 1,
}
"""How long each agent has been in its state when the picture is taken."""


class StillClock(SystemClock):
    """A wall clock that stands still; waiting takes its time."""

    def now(self) -> float:
        return NOON


@dataclass(frozen=True, slots=True)
class Picture:
    """A name, a size, the keys that lead there, and what must be on the screen by then."""

    name: str
    columns: int
    rows: int
    keys: tuple[str, ...] = ()
    shows: str = "1 Agents"


PICTURES: Final = (
    Picture("main-160x48", 160, 48),
    Picture("main-80x24", 80, 24),
    Picture("main-120x36", 120, 36),
    Picture("answer-80x24", 80, 24, ("y",), "Answer"),
    Picture("answer-160x48", 160, 48, ("y",), "Answer"),
    Picture("conflict-160x48", 160, 48, ("3", "enter"), "Decide"),
    Picture("conflict-80x24", 80, 24, ("3", "enter"), "Conflict"),
    Picture("timeline-160x48", 160, 48, ("2", "H"), "Timeline"),
    Picture("timeline-80x24", 80, 24, ("2", "H"), "Timeline"),
    Picture("preview-120x36", 120, 36, ("2", "H", "j", "R"), "cannot be taken back"),
    Picture("help-80x24", 80, 24, ("question_mark",), "Keys"),
)


async def draw(names: list[str]) -> None:
    """Draw the pictures named, or all of them."""
    clock = StillClock()
    async with demo_fleet(clock, frozen=True) as fleet:
        options = CoreOptions(
            workspace=fleet.workspace,
            socket_paths=(fleet.socket_path,),
            home=fleet.home,
            host="devbox",
            environ={"PATH": os.environ["PATH"]},
        )
        async with open_core(options, clock) as core:
            await _until(lambda: _settled(core.snapshot), "the fleet did not settle")
        await _age(fleet)
        for picture in PICTURES:
            if not names or picture.name in names:
                svg = await _shoot(options, clock, picture)
                # The fonts are the reader's own: a picture fetches nothing.
                (HERE / f"{picture.name}.svg").write_text(FONT.sub("", svg), encoding="utf-8")
                print(f"{picture.name}.svg")


async def _shoot(options: CoreOptions, clock: StillClock, picture: Picture) -> str:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Core]:
        async with open_core(options, clock) as core:
            yield core

    app = OrcApp(opened, now=clock.now)
    app.commands = Commands(app)
    async with app.run_test(size=(picture.columns, picture.rows)) as pilot:
        await _until(lambda: _settled(app.snapshot), "the fleet did not settle")
        await _calm(pilot, app)
        for key in picture.keys:
            await pilot.press(key)
            await _calm(pilot, app)
        svg = app.export_screenshot(title="orc-tui")
        assert picture.shows in svg.replace("&#160;", " "), f"{picture.name} is not that screen"
        app.exit(0)
    return svg


async def _age(fleet: DemoFleet) -> None:
    """Put the beginning of each state some minutes back: the fleet was painted just now."""
    async with await Database.open(fleet.workspace) as store:
        rows = await store.read(live.listing)
        older = [replace(row, since=NOON - 60.0 * MINUTES.get(row.name, 20)) for row in rows]
        await store.write(lambda tx: live.upsert(tx, older))


def _settled(snapshot: Snapshot) -> bool:
    states = {agent.name: agent.state for agent in snapshot.agents}
    return (
        states.keys() >= MINUTES.keys()
        and State.STARTING not in states.values()
        and states.get("aider-1") is State.CRASHED
        and bool(snapshot.tasks)
        and len(snapshot.conflicts) >= 3
        and all(layer.state == "ok" for layer in snapshot.layers)
    )


async def _calm(pilot: Pilot[int], app: OrcApp) -> None:
    """Wait until the screen has not changed for half a second."""
    last, since = "", time.monotonic()
    deadline = since + DEADLINE_S
    while time.monotonic() - since < 0.5:
        await pilot.pause(0.05)
        now = app.export_screenshot(simplify=True)
        if now != last:
            last, since = now, time.monotonic()
        assert time.monotonic() < deadline, "the screen does not come to rest"


async def _until(true: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, complaint
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(draw(sys.argv[1:]))
