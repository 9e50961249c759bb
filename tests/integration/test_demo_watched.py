"""The demo through the eyes of the core: the real watcher, the rules, the one who types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clocks import wait_for
from orc_core.agents.observer import Observer
from orc_core.agents.rules import load
from orc_core.agents.typing import Typist
from orc_core.clock import SystemClock
from orc_core.demo.fleet import DemoFleet, demo_fleet
from orc_core.model.agent import Agent, Outcome, State, Waiting
from orc_core.tmux.server import Address
from orc_core.tmux.watcher import Watcher


class Eyes:
    """The agents of a demo as a dashboard knows them, by name."""

    def __init__(self, fleet: DemoFleet) -> None:
        clock, rules, address = SystemClock(), load(), Address(fleet.socket_path)
        self.observer = Observer(rules, clock, fleet.home)
        self.typist = Typist(address, rules, clock)
        self.watcher = Watcher(address, clock, skip_ttys=set)

    def __getitem__(self, name: str) -> Agent:
        return next(agent for agent in self.observer.agents() if agent.name == name)

    def states(self) -> dict[str, State]:
        return {agent.name: agent.state for agent in self.observer.agents()}

    async def show(self, expected: dict[str, State], deadline_s: float = 5.0) -> None:
        """Wait until these agents are in these states."""
        try:
            await wait_for(lambda: expected.items() <= self.states().items(), deadline_s)
        finally:
            print(self.states())  # pytest shows it where the test fails

    async def look(self) -> None:
        async for tick in self.watcher.ticks():
            self.observer.apply(tick)


@asynccontextmanager
async def watched(*, frozen: bool) -> AsyncIterator[Eyes]:
    async with demo_fleet(SystemClock(), frozen=frozen) as fleet:
        eyes = Eyes(fleet)
        looking = asyncio.create_task(eyes.look())
        try:
            yield eyes
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            await eyes.watcher.close()


async def test_a_frozen_fleet_is_known_by_the_rules_for_real_agents() -> None:
    async with watched(frozen=True) as eyes:
        await eyes.show(
            {
                "claude-1": State.WORKING,
                "claude-2": State.WAITING,
                "claude-3": State.LIMITED,
                "claude-4": State.IDLE,
                "codex-1": State.WAITING,
                "codex-2": State.WORKING,
                "codex-3": State.IDLE,
                "aider-1": State.CRASHED,
                "aider-2": State.WAITING,
            },
            deadline_s=15.0,
        )
        others = [agent for agent in eyes.observer.agents() if agent.kind == "other"]
        assert sorted(agent.name for agent in others) == ["backend:0.1", "ops:0"]
        assert eyes["claude-2"].waiting is Waiting.PERMISSION
        assert eyes["claude-2"].agrees
        assert eyes["aider-1"].evidence.rule == "pane-dead"


async def test_a_live_fleet_takes_answers_lines_and_interruptions() -> None:
    async with watched(frozen=False) as eyes:
        await eyes.show(
            {
                "claude-2": State.WAITING,
                "codex-1": State.WAITING,
                "claude-3": State.LIMITED,
                "claude-4": State.DONE,
                "codex-3": State.DONE,
                "aider-1": State.CRASHED,
            },
            deadline_s=20.0,
        )
        for name, meaning in (("claude-2", "yes"), ("codex-1", "no")):
            prompt = eyes.observer.prompt(eyes[name].key)
            assert prompt is not None
            choice = next(one for one in prompt.choices if one.meaning == meaning)
            report = await eyes.typist.answer(eyes[name], prompt, choice)
            assert report.outcome is Outcome.WENT_ON
        report = await eyes.typist.say(eyes["claude-4"], "look at vouchers;\ntoo")
        assert report.outcome is Outcome.WENT_ON
        await eyes.show({"claude-2": State.WORKING, "claude-4": State.WORKING})
        await wait_for(lambda: eyes["codex-1"].state is not State.WAITING)
        report = await eyes.typist.interrupt(eyes["claude-4"])
        assert report.outcome is Outcome.WENT_ON
        await eyes.show({"claude-4": State.IDLE})
