"""Real panes and processes, seen by the watcher and told by the observer."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clocks import wait_for
from orc_core.agents.observer import Observer
from orc_core.agents.processes import ProcFolder
from orc_core.agents.rules import load
from orc_core.clock import SystemClock
from orc_core.model.agent import OTHER, Agent, Source, State, Waiting
from orc_core.tmux.watcher import Watcher
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).with_name("programs") / "claude"


class Lookout:
    """A observer fed by single looks at a private server, whose folder is HOME."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux
        self.clock = SystemClock()
        self.watcher = Watcher(tmux.address, self.clock)
        self.observer = Observer(load(), self.clock, tmux.folder)

    async def agent(self, pane: str, true: Callable[[Agent], object]) -> Agent:
        """The agent of a pane as soon as something holds of it; looks again and again."""
        deadline = self.clock.monotonic() + 10.0
        while True:
            self.observer.apply(await self.watcher.once())
            for agent in self.observer.agents():
                if agent.pane.pane_id == pane and true(agent):
                    return agent
            if self.clock.monotonic() > deadline:
                pytest.fail(f"never so: {self.observer.agents()}")

    async def start(self, command: str, mark: str) -> str:
        pane = self.tmux.start(command)
        await wait_for(lambda: mark in self.tmux.screen(pane))
        return pane


@pytest.fixture
def lookout(tmux: PrivateTmux) -> Lookout:
    return Lookout(tmux)


def child_of(pid: int) -> int:
    (child,) = ProcFolder().children(pid)
    return child


async def test_a_session_file_of_the_living_process_decides(lookout: Lookout) -> None:
    pane = await lookout.start(f"exec {sys.executable} {PROGRAM} ask", "Esc to cancel")
    agent = await lookout.agent(pane, lambda agent: agent.state is State.WAITING)
    assert (agent.evidence.source, agent.waiting) == (Source.SCREEN, Waiting.PERMISSION)
    facts = ProcFolder().facts(agent.pane.pid)
    assert facts is not None
    folder = lookout.tmux.folder / ".claude" / "sessions"
    folder.mkdir(parents=True)
    body = {"pid": facts.pid, "procStart": facts.start, "status": "busy"}
    (folder / f"{facts.pid}.json").write_text(json.dumps(body))
    agent = await lookout.agent(pane, lambda agent: agent.evidence.source is Source.LEVEL)
    assert (agent.state, agent.agrees) == (State.WORKING, False)
    told = lookout.observer.explain(agent.key)
    assert [signal.state for signal in told.signals] == [State.WORKING, State.WAITING]
    assert told.processes[0].pid == agent.pane.pid


async def test_a_killed_agent_in_a_shell_is_a_crash_and_an_ended_one_is_done(
    lookout: Lookout,
) -> None:
    pane = await lookout.start("PS1='ready ' exec bash --norc -i", "ready")
    run = f"{sys.executable} {PROGRAM} busy"
    lookout.tmux.run("send-keys", "-t", pane, run, "Enter")
    agent = await lookout.agent(pane, lambda agent: agent.state is State.WORKING)
    assert (agent.kind, agent.name) == ("claude", "claude-1")
    os.kill(child_of(agent.pane.pid), signal.SIGKILL)
    agent = await lookout.agent(pane, lambda agent: agent.state is not State.WORKING)
    assert (agent.kind, agent.state) == ("claude", State.CRASHED)
    assert agent.does == "killed within a minute; bash is left"
    lookout.tmux.run("send-keys", "-t", pane, f"clear; {run}", "Enter")
    agent = await lookout.agent(pane, lambda agent: agent.state is State.WORKING)
    assert agent.name == "claude-1"
    lookout.tmux.run("send-keys", "-t", pane, "C-c")
    agent = await lookout.agent(pane, lambda agent: agent.state is not State.WORKING)
    assert (agent.state, agent.evidence.source) == (State.DONE, Source.PROC)
    lookout.observer.seen(agent.key)
    agent = await lookout.agent(pane, lambda agent: agent.kind == OTHER)
    assert (agent.name, agent.state) == ("main:0", State.IDLE)


async def test_an_idle_agent_that_is_killed_is_a_crash_too(lookout: Lookout) -> None:
    pane = await lookout.start("PS1='ready ' exec bash --norc -i", "ready")
    lookout.tmux.run("send-keys", "-t", pane, f"{sys.executable} {PROGRAM} idle", "Enter")
    agent = await lookout.agent(pane, lambda agent: agent.kind == "claude")
    agent = await lookout.agent(pane, lambda agent: agent.state is State.IDLE)
    os.kill(child_of(agent.pane.pid), signal.SIGKILL)
    agent = await lookout.agent(pane, lambda agent: agent.state is not State.IDLE)
    assert (agent.kind, agent.state) == ("claude", State.CRASHED)


async def test_an_idle_agent_that_was_left_makes_room_for_the_shell(lookout: Lookout) -> None:
    pane = await lookout.start("PS1='ready ' exec bash --norc -i", "ready")
    lookout.tmux.run("send-keys", "-t", pane, f"{sys.executable} {PROGRAM} idle", "Enter")
    agent = await lookout.agent(
        pane, lambda agent: agent.state is State.IDLE and agent.kind != OTHER
    )
    lookout.tmux.run("send-keys", "-t", pane, "C-c")
    agent = await lookout.agent(pane, lambda agent: agent.kind == OTHER)
    assert agent.state is State.IDLE


async def test_a_pane_that_died_tells_how(lookout: Lookout) -> None:
    lookout.tmux.start()
    lookout.tmux.run("set-option", "-g", "remain-on-exit", "on")
    pane = lookout.tmux.window(f"exec {sys.executable} {PROGRAM} busy")
    agent = await lookout.agent(pane, lambda agent: agent.state is State.WORKING)
    os.kill(agent.pane.pid, signal.SIGKILL)
    agent = await lookout.agent(pane, lambda agent: agent.state is not State.WORKING)
    assert (agent.kind, agent.state) == ("claude", State.CRASHED), agent
    assert agent.does.startswith("exit 137, killed ")


async def test_what_no_rule_knows_is_other(lookout: Lookout) -> None:
    pane = lookout.tmux.start()
    agent = await lookout.agent(pane, lambda agent: agent.does)
    assert (agent.kind, agent.name, agent.state) == (OTHER, "main:0", State.UNKNOWN)
    assert agent.does == "cat: no rule knows it"
    assert lookout.observer.rows() == []
