"""One pane with a scripted agent, seen and typed into as the dashboard does it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from clocks import wait_for
from orc_core.agents.observer import Observer
from orc_core.agents.rules import load
from orc_core.agents.typing import Typist
from orc_core.clock import SystemClock
from orc_core.model.agent import Agent, Prompt
from orc_core.tmux.watcher import Watcher
from private_tmux import PrivateTmux

PROGRAMS: Final = Path(__file__).parent / "integration" / "programs"


class Desk:
    """One pane with a scripted agent, seen and typed into as the dashboard does it."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux
        self.rules = load()
        self.clock = SystemClock()
        self.watcher = Watcher(tmux.address, self.clock)
        self.observer = Observer(self.rules, self.clock, tmux.folder)
        self.typist = Typist(tmux.address, self.rules, self.clock)

    async def start(self, mode: str, mark: str, program: str = "claude") -> Agent:
        self.pane = self.tmux.start(f"exec {sys.executable} {PROGRAMS / program} {mode}")
        await wait_for(lambda: mark in self.tmux.run("capture-pane", "-p", "-t", self.pane))
        return await self.look()

    async def look(self) -> Agent:
        self.observer.apply(await self.watcher.once())
        (agent,) = self.observer.agents()
        return agent

    def prompt(self, agent: Agent) -> Prompt:
        prompt = self.observer.prompt(agent.key)
        assert prompt is not None
        return prompt

    def keys(self) -> list[str]:
        path = self.tmux.folder / "keys"
        return path.read_text().splitlines() if path.exists() else []
