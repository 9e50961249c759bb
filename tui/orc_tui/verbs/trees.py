"""Work trees kept and taken back: the list of checkpoints, the preview, the way there.

Invariant: no file goes back before its preview was shown and confirmed; what was done is told
with what takes it back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orc_core.errors import NoWorkTree, OrcError
from orc_core.model.agent import Agent
from orc_core.model.code import RestorePlan, TreeCheckpoint
from orc_tui.messages import Act
from orc_tui.screens.checkpoints import CheckpointsView, RestoreView
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.verbs.verb import Verb
from orc_tui.view_models import rollback

if TYPE_CHECKING:
    from orc_core.code.repository import WorkTree
    from orc_core.hub import Core


class TreeShelf:
    """One work tree of a core, as the list reads it; `of` is the agent that is looked at."""

    def __init__(self, core: Core, tree: WorkTree, of: str) -> None:
        self.tree, self.of, self.top = tree, of, str(tree.top)
        self._code = core.code

    async def listing(self) -> list[TreeCheckpoint]:
        return await self._code.listing(self.tree)

    async def plan(self, id: str) -> RestorePlan:
        # Exact, so that what was made since can be chosen, too.
        return await self._code.plan(self.tree, id, is_exact=True, of=self.of)


class TreeVerbs(Verb):
    """The verbs of work trees."""

    async def tree_of(self, agent: Agent) -> WorkTree | None:
        """The work tree in which an agent is; None where it is in none."""
        if not agent.cwd:
            return None
        try:
            return await self.core.code.find(Path(agent.cwd))
        except (NoWorkTree, OSError):
            return None

    async def open_of(self, agent: Agent) -> None:
        """Open the checkpoints of the work tree of an agent."""
        tree = await self.tree_of(agent)
        if tree is None:
            raise OrcError(f"{agent.name} is in no work tree of git's")
        await self.open(agent, tree)

    async def open(self, agent: Agent, tree: WorkTree) -> None:
        """Open the checkpoints of this work tree, as that of an agent."""
        shelf = TreeShelf(self.core, tree, agent.name)
        await self.app.push_screen(CheckpointsView(shelf, now=self.app.now), self._left)

    async def keep(self, act: Act) -> None:
        """Make a checkpoint of the work tree that is looked at, or of an agent's."""
        view = self.app.screen
        shelf = _shelf(view)
        tree = shelf.tree if shelf is not None else await self.tree_of(self.agent(act))
        if tree is None:
            raise OrcError(f"{self.agent(act).name} is in no work tree of git's")
        made = await self.core.code.checkpoint(tree)
        left = f", without {len(made.left_out)} files that it names" if made.left_out else ""
        self.tell(f"{made.id} holds the files as they are{left}; R goes back to it")
        if isinstance(view, CheckpointsView):
            view.look_again()

    async def restore(self, act: Act) -> None:
        """Preview the checkpoint under the cursor; in a preview, carry out what is chosen."""
        view = self.app.screen
        if isinstance(view, RestoreView):
            await self._carry_out(view)
            return
        shelf = _shelf(view)
        if shelf is None or not act.row_key:
            raise OrcError("there is no checkpoint here: `N` makes one")
        plan = await shelf.plan(act.row_key)
        if not plan.steps:
            self.tell(f"nothing differs from {plan.checkpoint.id} now")
            return
        await self.app.push_screen(RestoreView(shelf, plan, now=self.app.now), self._left)

    async def _carry_out(self, view: RestoreView) -> None:
        shelf, seen = _shelf(view), view.choice.plan
        paths, picked = view.choice.wanted()
        if shelf is None or not (paths or picked):
            raise OrcError("nothing is chosen: space takes a file or a hunk back")
        plan = await self.core.code.narrow(shelf.tree, seen, paths, picked)
        id, count = plan.checkpoint.id, _files(len(plan.steps))
        options = [Option("go", f"Take {count} back")]
        if plan.agents:
            them = plan.agents[0] if len(plan.agents) == 1 else f"{len(plan.agents)} agents"
            options = [Option("go", f"Interrupt {them}, go back"), Option("stop", "Stop, go back")]
        lines = rollback.question(plan, seen)
        how = await self.ask(Dialog(f"Take {count} back to {id}", options, lines=lines))
        if how is None:
            return
        view.note("bringing agents to rest, then taking files back…" if plan.agents else "…")
        done = await self.core.code.restore(shelf.tree, plan, stop=how == "stop")
        view.dismiss("")
        verb = "stopped" if how == "stop" else "interrupted"
        rested = f"; {', '.join(done.rested)} {verb}" if done.rested else ""
        self.app.call_later(self._told, f"{count} back at {id}{rested}")

    def _told(self, text: str) -> None:
        """Say what was done on the list that is open again."""
        self.tell(text, undoable=True)
        if isinstance(view := self.app.screen, CheckpointsView):
            view.look_again()

    def _left(self, pane: str | None) -> None:
        if pane:
            self.app.main.focus_pane(pane)


def _shelf(view: object) -> TreeShelf | None:
    """The work tree that a view is of."""
    shelf = view.shelf if isinstance(view, CheckpointsView | RestoreView) else None
    return shelf if isinstance(shelf, TreeShelf) else None


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
