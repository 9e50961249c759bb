"""A fleet that watches several private tmux servers while a test goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from clocks import wait_for
from orc_core.agents.names import NameBook
from orc_core.agents.rules import load
from orc_core.clock import SystemClock
from orc_core.fleet import Fleet
from orc_core.model.agent import Agent
from orc_core.switches import Switches
from orc_core.tmux.server import Address
from orc_core.watch import WatchSetup
from orc_storage import live
from orc_storage.database import Database
from private_tmux import PrivateTmux, Sockets

PROGRAM = Path(__file__).parent / "integration" / "programs" / "claude"


def claude(script: str) -> str:
    """The command of a scripted agent, as `programs/claude` knows them."""
    return f"exec {sys.executable} {PROGRAM} {script}"


class ShiftedClock(SystemClock):
    """The system's clock, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_s

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


class Lookout:
    """A fleet that watches while the test goes on; made by `watched`."""

    def __init__(self, fleet: Fleet, clock: ShiftedClock) -> None:
        self.fleet = fleet
        self.clock = clock

    def on(self, server: PrivateTmux) -> dict[str, Agent]:
        """The agents of one server by pane id."""
        return {
            agent.pane.pane_id: agent
            for agent in self.fleet.agents()
            if agent.pane.server == server.socket_path
        }

    async def until(self, true: Callable[[], object], deadline_s: float = 10.0) -> None:
        await wait_for(true, deadline_s)


@asynccontextmanager
async def watched(
    sockets: Sockets,
    *servers: PrivateTmux,
    store: Database | None = None,
    environ: dict[str, str] | None = None,
) -> AsyncIterator[Lookout]:
    """Watch these servers, or without any whatever is found."""
    clock = ShiftedClock()
    known = await store.read(live.listing) if store is not None else []
    setup = WatchSetup(clock, load(), sockets.root, NameBook(known), set, Switches())
    fleet = Fleet(
        [Address(server.socket_path) for server in servers],
        setup,
        read_only=False,
        environ=environ or sockets.environ,
    )
    task = asyncio.ensure_future(fleet.run(lambda *_: None, store))
    try:
        yield Lookout(fleet, clock)
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait([task])
