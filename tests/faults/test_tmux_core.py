"""What the whole core makes of a server that stops, dies and returns: one trouble, no crash."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from clocks import wait_for
from orc_core.hub import Core, CoreOptions, open_core
from orc_core.model.agent import Agent, PaneRef, State
from orc_core.model.health import LayerState, LinkState
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).parents[1] / "integration" / "programs" / "claude"
BUSY = f"exec {sys.executable} {PROGRAM} busy"
AGENTS = 3


@asynccontextmanager
async def core_at(tmux: PrivateTmux) -> AsyncIterator[Core]:
    """A core that has seen every agent work."""
    options = CoreOptions(
        workspace=tmux.folder / "work",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        cwd=tmux.folder,
        environ={"PATH": os.environ["PATH"], "HOME": str(tmux.folder)},
    )
    async with open_core(options) as core:
        yield core


def agents(core: Core) -> list[Agent]:
    return sorted(core.snapshot.agents, key=lambda agent: agent.pane.pane_id)


def panes(core: Core) -> list[PaneRef]:
    return [agent.pane for agent in agents(core)]


def all_are(core: Core, state: State) -> bool:
    return len(agents(core)) == AGENTS and {one.state for one in agents(core)} == {state}


class Log:
    """Every state that the link and the agents were ever shown in."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.links: list[LinkState] = []
        self.states: set[State] = set()

    async def until(self, true: Callable[[], bool], deadline_s: float = 15.0) -> None:
        def look() -> bool:
            state = self.core.snapshot.link.state
            if self.links[-1:] != [state]:
                self.links.append(state)
            self.states |= {agent.state for agent in self.core.snapshot.agents}
            return true()

        await wait_for(look, deadline_s)


async def test_a_stopped_server_is_one_trouble_and_every_agent_stays(tmux: PrivateTmux) -> None:
    tmux.start(BUSY)
    for _ in range(AGENTS - 1):
        tmux.window(BUSY)
    async with core_at(tmux) as core:
        log = Log(core)
        await log.until(lambda: all_are(core, State.WORKING))
        before = [(one.pane, one.name) for one in agents(core)]
        tmux.signal(signal.SIGSTOP)
        try:
            await log.until(lambda: core.snapshot.link.state is LinkState.STALE)
            assert [(one.pane, one.name) for one in agents(core)] == before
            (layer, *_) = core.layers()
            assert layer.state is LayerState.DEGRADED and "did not answer in" in layer.trouble
        finally:
            tmux.signal(signal.SIGCONT)
        await log.until(lambda: core.snapshot.link.state is LinkState.LIVE)
        await log.until(lambda: all_are(core, State.WORKING))
        assert [(one.pane, one.name) for one in agents(core)] == before
        assert log.links.count(LinkState.STALE) == 1 and LinkState.GONE not in log.links
        assert not log.states & {State.CRASHED, State.GONE, State.ERROR}
    assert tmux.sessions() == ["main"]


async def test_a_killed_server_is_no_crash_of_its_agents(tmux: PrivateTmux) -> None:
    tmux.start(BUSY)
    for _ in range(AGENTS - 1):
        tmux.window(BUSY)
    async with core_at(tmux) as core:
        log = Log(core)
        await log.until(lambda: all_are(core, State.WORKING))
        before = panes(core)
        born = int(tmux.run("display-message", "-p", "#{start_time}"))
        tmux.signal(signal.SIGKILL)
        await log.until(lambda: core.snapshot.link.state is LinkState.GONE)
        assert panes(core) == before
        (layer, *_) = core.layers()
        assert layer.state is LayerState.OFFLINE
        assert layer.trouble == f"no tmux server at {tmux.socket_path}"
        # The same numbers again, behind which there are others.
        await wait_for(lambda: int(time.time()) > born)
        again = tmux.start(BUSY)
        tmux.window("exec cat")
        await log.until(lambda: core.snapshot.link.state is LinkState.LIVE)
        await log.until(lambda: len(agents(core)) == 2)
        new = panes(core)
        assert [pane.pane_id for pane in new] == [pane.pane_id for pane in before[:2]]
        assert new[0].pane_id == again
        assert all(pane.server_start > before[0].server_start for pane in new)
        assert {pane.pid for pane in new}.isdisjoint(pane.pid for pane in before)
        await log.until(lambda: agents(core)[0].state is State.WORKING)
        assert agents(core)[0].kind == "claude" and agents(core)[1].kind == "other"
        assert log.links.count(LinkState.GONE) == 1
        assert State.CRASHED not in log.states
