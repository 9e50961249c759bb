"""kill -9 of whoever leads, again and again: another takes over and no edit is lost."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chores import KILLS
from clocks import TurnedClock
from orc_storage import audit
from workspaces import Workspace, open_workspace
from zygote import DEADLINE_S, Zygote

PROCESSES = 3
IDS = ("T-1", "T-2", "T-3")
LOOK_S = 0.005

Figure = Callable[[str, list[float]], None]


class Crew:
    """Processes that would all lead; the first in `processes` does once `wait` returned."""

    def __init__(self, zygote: Zygote, folder: Path, runtime: Path) -> None:
        self._fork = lambda: zygote.fork("lead", folder, runtime)
        self.processes = [self._fork() for _ in range(PROCESSES)]

    def wait(self) -> None:
        limit = time.monotonic() + DEADLINE_S
        while True:
            for one in self.processes:
                one.live_for(LOOK_S)
                if "leads" in one.lines:
                    assert one.lines == ["leads"], "one leads, and is in no trouble"
                    self.processes.remove(one)
                    self.processes.insert(0, one)
                    return
            assert time.monotonic() < limit, "nobody leads"

    def kill_leader(self) -> None:
        self.processes.pop(0).kill()
        assert all("leads" not in one.lines for one in self.processes)
        self.processes.append(self._fork())

    def end(self) -> None:
        for one in self.processes:
            one.kill()


def save(ws: Workspace, id: str, title: str) -> None:
    """Save a file as an editor does that writes beside it and renames."""
    draft = ws.folder / f"{id}.draft"
    draft.write_text(json.dumps(ws.file(id) | {"title": title}))
    draft.rename(ws.path(id))


@pytest.mark.timeout(1800)
async def test_a_leader_killed_at_any_moment_is_followed_by_one_that_goes_on(
    tmp_path: Path, runtime: Path, zygote: Zygote, figure: Figure
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    folder = tmp_path / "w"
    taken_s: list[float] = []
    async with open_workspace(folder, TurnedClock()) as ws:
        for id in IDS:
            await ws.add(id)
        await ws.sync()
        crew = Crew(zygote, folder, runtime)
        crew.wait()
        wanted: dict[str, tuple[str, int]] = {}
        for number in range(KILLS // 10):
            for id in IDS:
                save(ws, id, f"title {number}")
                await ws.edit(id, priority=number % 15)
                wanted[id] = (f"title {number}", number % 15)
            crew.processes[0].live_for(chance.random() * 0.05)
            begin = time.perf_counter()
            await asyncio.to_thread(crew.kill_leader)
            await asyncio.to_thread(crew.wait)
            taken_s.append(time.perf_counter() - begin)
        crew.end()
        for _ in range(2):
            report = await ws.sync()
        assert (report.failed, report.faults) == (0, ()), f"seed {seed}"
        waiting = {(c.doc, c.path): c.left.value for c in await ws.open_conflicts()}
        for id, (title, priority) in wanted.items():
            task = await ws.tasks.get(id)
            assert task.priority == priority, f"seed {seed}"
            assert ws.file(id)["title"] == title, f"seed {seed}"
            # Who saves over a copy that is older than the newest one is asked, and never ignored.
            assert title in (task.title, waiting.get((id, "title"))), f"seed {seed}"
        examined = await ws.db.read(lambda conn: audit.examine(conn, folder))
        assert examined.findings == (), f"seed {seed}"
    figure("a leader that was killed, until another leads", taken_s)
