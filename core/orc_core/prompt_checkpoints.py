"""A checkpoint of an agent's work tree at each prompt that it is given.

Invariant: a prompt never waits longer than a moment for it, and is given whether it can be made
or not; what is under way when this process ends is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.code.trees import Trees
from orc_core.errors import NoWorkTree, OrcError
from orc_core.fleet import Fleet
from orc_core.lifecycle.crew import Crew
from orc_core.model.agent import Agent
from orc_core.settings import AtPrompt
from orc_core.text import clean
from orc_storage.database import Database
from orc_storage.errors import StorageError

DELAY_S: Final = 0.2
"""How long a prompt waits at most; then the checkpoint goes on beside it."""
FINISH_S: Final = 10.0
AT_ONCE_MAX: Final = 8
LOOK_S: Final = 0.5
NOTE_MAX: Final = 100


class PromptCheckpoints:
    """Makes them, of the work trees that `wanted` names; `trouble` is why the last one failed.

    What the fleet types is preceded by one from now on.
    """

    def __init__(
        self,
        trees: Trees,
        fleet: Fleet,
        clock: Clock,
        wanted: AtPrompt,
        store: Database | None,
    ) -> None:
        self.trouble = ""
        self._trees = trees
        self._fleet = fleet
        self._clock = clock
        self._wanted = wanted
        self._crew = Crew(store) if store is not None else None
        self._going: dict[str, asyncio.Task[None]] = {}
        self._prompted: dict[str, int] = {}
        fleet.before_prompt = self.before

    async def before(self, agent: Agent, text: str) -> None:
        """Begin one, as a prompt is about to be typed, and wait a moment for it."""
        going = self._begin(agent, text)
        if going is not None:
            await asyncio.wait([going], timeout=DELAY_S)

    async def run(self, leads: Callable[[], bool]) -> None:
        """Make one at each prompt that the hooks of an agent tell of, until cancelled."""
        while True:
            self.look(leads=leads())
            await self._clock.sleep(LOOK_S)

    def look(self, *, leads: bool) -> None:
        """Begin one for each agent that was prompted since the last look."""
        seen: dict[str, int] = {}
        for agent in self._fleet.agents():
            deeds = self._fleet.deeds(agent.key)
            if deeds is None:
                continue
            seen[agent.key] = deeds.prompted
            before = self._prompted.get(agent.key, deeds.prompted)
            if leads and deeds.prompted > before and deeds.prompts:
                self._begin(agent, deeds.prompts[-1].text)
        self._prompted = seen

    async def finish(self) -> None:
        """Wait for those that are under way."""
        if self._going:
            await asyncio.wait(list(self._going.values()), timeout=FINISH_S)

    def _begin(self, agent: Agent, text: str) -> asyncio.Task[None] | None:
        if self._wanted == "never" or not agent.cwd or agent.is_other:
            return None
        if agent.key in self._going or len(self._going) >= AT_ONCE_MAX:
            return self._going.get(agent.key)
        going = asyncio.create_task(self._make(agent, text))
        self._going[agent.key] = going
        going.add_done_callback(lambda _: self._going.pop(agent.key, None))
        return going

    async def _make(self, agent: Agent, text: str) -> None:
        try:
            tree = await self._trees.find(Path(agent.cwd))
            if self._wanted == "worktrees" and not (
                tree.git_dir != tree.common_dir and await self._is_ours(agent)
            ):
                return
            said = clean(text, limit=NOTE_MAX)
            await self._trees.at_prompt(tree, f"{agent.name}: {said}")
            self.trouble = ""
        except NoWorkTree:
            return
        except (OrcError, StorageError, OSError) as error:
            self.trouble = clean(str(error), limit=300)

    async def _is_ours(self, agent: Agent) -> bool:
        known = await self._crew.find(agent.name) if self._crew is not None else None
        return known is not None and bool(known.argv)
