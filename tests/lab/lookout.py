"""Orc on the lookout: it watches a stage's tmux server as it does for a user.

Invariant: nothing here types, and nothing knows what the scenario leads to.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing
from pathlib import Path
from typing import Final

from tests.lab.hooking import Hooks
from tests.lab.story import Verdict

from orc_core.agents.observer import Observer
from orc_core.agents.rules import RuleSet
from orc_core.clock import SystemClock
from orc_core.model.agent import Agent, Prompt, State
from orc_core.tmux.server import Address
from orc_core.tmux.watcher import Watcher

TIMELINE_MAX: Final = 2000


class Lookout:
    """What orc says of one pane, and what it said when."""

    def __init__(
        self, address: Address, rules: RuleSet, home: Path, pane: str, hooks: Hooks | None
    ) -> None:
        clock = SystemClock()
        sources = [hooks.source] if hooks is not None else []
        self._observer = Observer(rules, clock, home, sources=sources)
        self._watcher = Watcher(address, clock)
        self._pane = pane
        self._hooks = hooks

    @contextlib.asynccontextmanager
    async def watching(
        self, timeline: list[tuple[float, Verdict]], began: float
    ) -> AsyncIterator[None]:
        """Watch, and write down whenever orc says something else than before."""

        def note() -> None:
            verdict = self.verdict()
            if not timeline or not _same(timeline[-1][1], verdict):
                timeline.append((time.monotonic() - began, verdict))
                del timeline[:-TIMELINE_MAX]

        async def watch() -> None:
            async with aclosing(self._watcher.ticks()) as ticks:
                async for tick in ticks:
                    self._observer.apply(tick)
                    note()

        def news(keys: Collection[str]) -> None:
            self._observer.judge_again(keys)
            note()

        hooks = self._hooks
        task = asyncio.ensure_future(watch())
        try:
            async with hooks.told_to(news) if hooks is not None else contextlib.nullcontext():
                yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def agent(self) -> Agent | None:
        """The agent in the pane, if orc sees it."""
        agents = self._observer.agents()
        return next((one for one in agents if one.pane.pane_id == self._pane), None)

    def prompt(self) -> Prompt | None:
        """What it asks, if orc could read that."""
        agent = self.agent()
        return self._observer.prompt(agent.key) if agent is not None else None

    def verdict(self) -> Verdict:
        """What orc makes of the pane now."""
        agent = self.agent()
        if agent is None:
            return Verdict(State.UNKNOWN)
        rule = f"{agent.evidence.source}:{agent.evidence.rule}"
        return Verdict(agent.state, agent.waiting, agent.substate, rule, agent.does)


def _same(one: Verdict, two: Verdict) -> bool:
    return (one.state, one.waiting, one.substate) == (two.state, two.waiting, two.substate)
