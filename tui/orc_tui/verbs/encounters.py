"""What is done about two agents in one file, and about branches that will conflict.

Invariant: nothing happens to a file or an agent before what it does was shown and confirmed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from orc_core.errors import OrcError
from orc_core.model.agent import Agent
from orc_storage.records import Clash, Conflict, ConflictState, Side
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.menu import Menu
from orc_tui.verbs.merging import Merging
from orc_tui.verbs.trees import TreeVerbs
from orc_tui.verbs.verb import Verb
from orc_tui.view_models import rollback
from orc_tui.view_models.lines import Line


def tomorrow(now: float) -> float:
    """The start of the next day here, in seconds since the epoch."""
    today = datetime.fromtimestamp(now).astimezone()
    morning = today.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return morning.timestamp()


class EncounterVerbs(Verb):
    """The verbs of conflicts in code."""

    async def choose(self, conflict: Conflict) -> None:
        """Offer what can be done, and do it."""
        agents = self._agents(conflict)
        options, notes = [], []
        if conflict.kind is Clash.OVERLAP and agents:
            options.append(Option("diff", "diff", "d"))
            notes.append("what each of them changed there and did not commit")
        if conflict.left.layer != conflict.right.layer:
            options.append(Option("merge", "merge", "m"))
            notes.append(f"{conflict.left.layer} and {conflict.right.layer}, part by part")
        for number, agent in enumerate(agents, 1):
            options.append(Option(f"back:{agent.name}", "roll back", str(number)))
            notes.append(f"the work tree of {agent.name}")
        word = "take up" if conflict.state is ConflictState.DEFERRED else "later"
        options.append(Option("later", word, "l"))
        notes.append("until tomorrow" if word == "later" else "it counts again")
        how = await self.ask(Menu(f"{conflict.id}  {conflict.doc}", options, notes))
        if how == "diff":
            await self._show(conflict, agents)
        elif how == "merge":
            if not agents:
                raise OrcError(f"nobody of {conflict.id} is there any more")
            sides = conflict.left.layer, conflict.right.layer
            await Merging(self.app).open(Path(agents[0].cwd), *sides)
        elif how == "later":
            await self.later(conflict)
        elif how is not None:
            await self.roll_back(conflict, how.removeprefix("back:"))

    async def later(self, conflict: Conflict) -> None:
        """Put it off until tomorrow, or take it up again."""
        deferred = conflict.state is ConflictState.DEFERRED
        until = 0.0 if deferred else tomorrow(self.snapshot.at)
        self.told(await self.core.conflicts.defer(conflict.id, until))

    async def roll_back(self, conflict: Conflict, name: str = "") -> None:
        """Open the checkpoints of the work tree of one of them."""
        agents = [one for one in self._agents(conflict) if not name or one.name == name]
        if len(agents) > 1:
            options = [Option(one.name, one.name, str(at)) for at, one in enumerate(agents, 1)]
            chosen = await self.ask(Menu("Roll back the work tree of", options))
            if chosen is None:
                return
            agents = [one for one in agents if one.name == chosen]
        if not agents:
            raise OrcError(f"nobody of {conflict.id} is there any more")
        await TreeVerbs(self.app).open_of(agents[0])

    async def _show(self, conflict: Conflict, agents: list[Agent]) -> None:
        body: list[Line] = []
        tops: set[Path] = set()
        for agent in agents:
            tree = await self.core.code.find(Path(agent.cwd))
            if tree.top in tops:
                continue
            tops.add(tree.top)
            body.append(((f"{agent.name}  {tree.top}", "accent bold"),))
            found = await self.core.code.uncommitted(tree, [conflict.doc.encode()])
            body += rollback.diff_lines(found, 88) or [(("nothing that is not committed", "dim"),)]
            body.append(())
        await self.ask(Dialog(conflict.doc, [], body=body, cancel="Close"))

    def _agents(self, conflict: Conflict) -> list[Agent]:
        return [one for side in _sides(conflict) for one in self.snapshot.agents if _is(one, side)]


def _sides(conflict: Conflict) -> tuple[Side, Side]:
    return conflict.left, conflict.right


def _is(agent: Agent, side: Side) -> bool:
    return agent.name == side.writer
