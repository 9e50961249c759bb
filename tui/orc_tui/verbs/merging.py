"""Merging the branches of agents: choosing which, deciding in the view, committing or handing over.

Invariant: a branch moves, and an agent is told something, only after a question was answered yes;
what is chosen is kept by the core while the view is still open.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orc_core.code.repository import WorkTree
from orc_core.errors import OrcError
from orc_core.model.agent import Agent
from orc_core.model.merging import Choice, Merge
from orc_core.text import clean
from orc_tui.messages import Act
from orc_tui.screens.conflict import Verdict
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.merging import MergeView
from orc_tui.screens.palette import Palette
from orc_tui.verbs.verb import Verb
from orc_tui.view_models import merging as models
from orc_tui.view_models.conflict_view import Taken

if TYPE_CHECKING:
    from orc_tui.app import OrcApp

VERIFY: Final = "verify"
BY_HAND: Final = "by-hand"


class Merging(Verb):
    """The verbs of merges."""

    def __init__(self, app: OrcApp) -> None:
        super().__init__(app)
        self._to_keep: tuple[WorkTree, Merge, Mapping[str, Taken]] | None = None
        self._is_keeping = False

    async def merge(self, act: Act) -> None:
        """Choose with what an agent's branch is merged, and open the view."""
        agent = self.agent(act)
        code = self.snapshot.code
        tree = code.tree_of(agent.cwd)
        if tree is None or not tree.branch or tree.trouble:
            raise OrcError(f"{agent.name} is on no branch that is known: `orc code status`")
        some = models.partners(code, tree.repository, tree.branch)
        if not some:
            raise OrcError(f"there is no other branch that {tree.branch} is compared with")
        known = models.people(code, self._folders(), tree.repository)
        words = [f"{known[other][0]} ({other})" if other in known else other for other, *_ in some]
        options = [Option(str(at), word) for at, word in enumerate(words)]
        notes = [models.outlook(forecast) for *_, forecast in some]
        chosen = await self.ask(Palette(f"Merge {tree.branch} with", options, notes))
        if chosen is not None:
            _, left, right, _ = some[int(chosen)]
            await self.open(Path(agent.cwd), left, right)

    async def open(self, folder: Path, left: str, right: str) -> None:
        """Begin to merge two branches of the repository in which a folder is, or go on with it."""
        tree = await self.core.merges.find(folder)
        repository = clean(str(tree.common_dir), limit=1024)
        who = models.people(self.snapshot.code, self._folders(), repository)
        merge = await self.core.merges.begin(tree, left, right, who=who)
        if merge.handed and not await self._goes_on(tree, merge):
            return
        if not merge.parts:
            await self._commit(tree, merge)
            return
        view = MergeView(
            merge, now=self.snapshot.at, keep=lambda taken: self._keep(tree, merge, taken)
        )
        await self.app.push_screen(view, lambda verdict: self._left(tree, merge, verdict))

    async def _goes_on(self, tree: WorkTree, merge: Merge) -> bool:
        """Whether a merge that is with an agent is gone on with by hand."""
        options = (Option(VERIFY, f"Look at what {merge.handed} did"), Option(BY_HAND, "By hand"))
        lines = (f"{merge.id}, {merge.right.title} into {merge.left.title}, is with it.",)
        chosen = await self.ask(Dialog(f"{merge.handed} merges", options, lines=lines))
        if chosen == VERIFY:
            done = await self.core.merges.verify(tree, merge.id)
            self.tell(done.text)
        return chosen == BY_HAND

    def _folders(self) -> dict[str, tuple[str, str]]:
        agents = self.snapshot.agents
        return {
            one.cwd: (one.name, one.task)
            for one in agents
            if one.cwd and not (one.is_other or one.has_ended)
        }

    def _keep(self, tree: WorkTree, merge: Merge, taken: Mapping[str, Taken]) -> None:
        """Have the core keep what is chosen, the newest of it, one after the other."""
        self._to_keep = (tree, merge, taken)
        if not self._is_keeping:
            self._is_keeping = True
            self.app.run_worker(self.safely(self._kept()), group="act")

    async def _kept(self) -> None:
        try:
            while self._to_keep is not None:
                (tree, merge, taken), self._to_keep = self._to_keep, None
                await self._tell_core(tree, merge, taken)
        finally:
            self._is_keeping = False

    async def _tell_core(self, tree: WorkTree, merge: Merge, taken: Mapping[str, Taken]) -> Merge:
        now = await self.core.merges.show(tree, merge.id)
        told: dict[int, Choice | None] = models.choices(now, taken)
        return await self.core.merges.choose(tree, merge.id, told) if told else now

    def _left(self, tree: WorkTree, merge: Merge, verdict: Verdict | None) -> None:
        if verdict is not None:
            self.app.run_worker(self.safely(self._conclude(tree, merge, verdict)), group="act")

    async def _conclude(self, tree: WorkTree, merge: Merge, verdict: Verdict) -> None:
        now = await self._tell_core(tree, merge, verdict.taken)
        if verdict.action == "write":
            await self._commit(tree, now)
        elif verdict.action == "hand":
            await self._hand(tree, now)
        elif verdict.action == "abort":
            await self._abort(tree, now)
        else:
            decided = len(now.parts) - len(now.open)
            self.tell(f"{now.id}: {decided} of {len(now.parts)} decided, kept for next time")

    async def _commit(self, tree: WorkTree, merge: Merge) -> None:
        lines = [
            f"{merge.right.title} into {merge.left.title}, both of them parents of one commit.",
            f"It goes to {merge.into}: {merge.into_why}.",
            "Every work tree, HEAD and index stays as it is.",
            *merge.moved,
            *merge.notes,
        ]
        if merge.check:
            lines.append(f"First {' '.join(merge.check)} has to pass on the merged files.")
        options = (Option("commit", "Commit"),)
        if await self.ask(Dialog(f"Commit {merge.id}", options, lines=lines)) is None:
            self.tell(f"{merge.id} is not committed; what is chosen is kept")
            return
        if merge.check:
            self.tell(f"{merge.id}: {' '.join(merge.check)} runs")
        done = await self.core.merges.commit(tree, merge.id)
        self.tell(f"{done.text}; `{done.way_back}` takes it back")

    async def _hand(self, tree: WorkTree, merge: Merge) -> None:
        """Type what is to be done to an agent of one of the sides, after a question."""
        some = self._merging_agents(merge)
        if not some:
            raise OrcError(f"no agent is on {merge.left.name} or {merge.right.name}: merge by hand")
        options = [Option(str(at), one.name) for at, (one, _) in enumerate(some)]
        notes = [f"on {branch}, {one.state.value}" for one, branch in some]
        chosen = await self.ask(Palette(f"Who merges {merge.id}", options, notes))
        if chosen is None:
            return
        agent, branch = some[int(chosen)]
        words = await self.core.merges.prompt(tree, merge.id, branch)
        lines = words.split("\n")
        asked = Dialog(f"Type this to {agent.name}", (Option("type", "Type it"),), lines=lines)
        if await self.ask(asked) is None:
            return
        delivery = await self.core.agents.send(agent.key, words)
        if not delivery.sent:
            raise OrcError(f"{agent.name} was not told: {delivery.text}")
        await self.core.merges.hand(tree, merge.id, agent.name, branch)
        self.tell(f"{merge.id} is with {agent.name}; `M` again looks at what it made of it")

    def _merging_agents(self, merge: Merge) -> list[tuple[Agent, str]]:
        code = self.snapshot.code
        found = []
        for agent in self.snapshot.agents:
            tree = code.tree_of(agent.cwd)
            if agent.is_other or agent.has_ended or tree is None:
                continue
            is_here = tree.repository == merge.repository
            if is_here and tree.branch in (merge.left.name, merge.right.name):
                found.append((agent, tree.branch))
        return found

    async def _abort(self, tree: WorkTree, merge: Merge) -> None:
        lines = (f"{len(merge.choices)} of {len(merge.parts)} parts are decided.",)
        options = (Option("abort", "Forget them"),)
        if await self.ask(Dialog(f"Abort {merge.id}", options, lines=lines)) is not None:
            id = await self.core.merges.abort(tree, merge.id)
            self.tell(f"{id} is forgotten; every branch and work tree is as it was")
