"""The whole dashboard on a real store and a real tmux server, and a person in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from clocks import wait_for
from orc_core.config import CoreOptions
from orc_core.hub import Core, open_core
from orc_core.model.task import Task
from orc_tui.app import OrcApp
from orc_tui.commands import Commands
from orc_tui.messages import Act
from private_tmux import PrivateTmux


class Desk:
    """A dashboard that runs, its core, and the keys of a person in front of it."""

    def __init__(self, app: OrcApp, pilot: Pilot[int], folder: Path) -> None:
        self.app, self.pilot, self.folder = app, pilot, folder

    @property
    def core(self) -> Core:
        assert self.app.core is not None
        return self.app.core

    @property
    def told(self) -> str:
        return self.app.told[-1] if self.app.told else ""

    async def act(self, action_id: str, pane: str, row_key: str = "") -> None:
        """Do what the key of an action does on a row."""
        await self.idle()
        self.app.post_message(Act(action_id, pane, row_key))
        await self.pilot.pause()

    async def idle(self) -> None:
        """Wait until no act is under way."""
        await wait_for(lambda: not [w for w in self.app.workers if w.group == "act"], 15)

    async def screen(self, kind: type[object]) -> None:
        await wait_for(lambda: isinstance(self.app.screen, kind), 10)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def says(self, text: str) -> None:
        try:
            await wait_for(lambda: text in self.told, 20)
        except BaseException as error:
            error.add_note(f"told: {list(self.app.told)}")
            raise

    async def task(self, title: str, **fields: object) -> Task:
        """A task that is on the screen."""
        made = await self.core.tasks.add(title, **fields)  # type: ignore[arg-type]
        await wait_for(lambda: any(t.id == made.id for t in self.app.snapshot.tasks), 10)
        return made

    def shown(self, id: str) -> Task | None:
        return next((task for task in self.app.snapshot.tasks if task.id == id), None)


@asynccontextmanager
async def seated(tmux: PrivateTmux, folder: Path) -> AsyncIterator[Desk]:
    environ = {"PATH": tmux.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    options = CoreOptions(
        workspace=folder / "ws",
        socket_paths=(tmux.socket_path,),
        home=folder,
        actor="operator",
        environ=environ,
        cwd=folder,
    )
    app = OrcApp(lambda: open_core(options))
    app.commands = Commands(app)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for(lambda: app.core is not None, 10)
        yield Desk(app, pilot, folder)
        app.exit()
    # The core closes its store and leaves tmux after the app is gone.
    late = asyncio.all_tasks() - {asyncio.current_task()}
    if late:
        await asyncio.wait(late, timeout=10)
    for _ in range(10):
        await asyncio.sleep(0)
