"""Timelines, checkpoints, going back, undo and redo.

Invariant: nothing goes back before its plan was shown and confirmed; an act that is undone
whole, with nothing in its way, was seen when it was done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from orc_core.errors import OrcError, Overlap
from orc_core.model.history import Mark, Plan, Query, Report
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.checkpoint import CheckpointForm
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.menu import Menu
from orc_tui.screens.timeline import TimelineView
from orc_tui.verbs.encounters import EncounterVerbs
from orc_tui.verbs.trees import TreeVerbs
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.story import Tab, parse_row_key

if TYPE_CHECKING:
    from orc_tui.app import OrcApp

TASK = "task"
AGENT = "agent"
CHECKPOINT = "checkpoint"
_WHAT: Final = (Option("files", "its files", "f"), Option("task", "its task", "t"))


class Returning(Verb):
    """The verbs of history; `trees` has those of files."""

    def __init__(self, app: OrcApp) -> None:
        super().__init__(app)
        self.trees = TreeVerbs(app)

    async def timeline(self, act: Act) -> None:
        """Open the timeline of the workspace: since the operator was last here, or all of it."""
        try:
            of, subject, title = self._subject(act)
        except OrcError:
            of, subject, title = Query(), "", ""
        away = self.app.main.away_since
        await self._push(Tab.SINCE if away else Tab.ALL, of, subject, title, since=away)

    async def history(self, act: Act) -> None:
        """Open the timeline of the thing that a row is of."""
        of, subject, title = self._subject(act)
        if (view := self._view) is not None:
            view.show_of(of, subject, title)
        else:
            await self._push(Tab.THIS, of, subject, title)

    async def rollback(self, act: Act) -> None:
        """In a timeline: plan, ask, go back. Elsewhere: open it at the revision before."""
        if act.pane in (keymap.AGENTS, keymap.LIVE) and await self._to_files(act):
            return
        if act.pane == keymap.CONFLICTS and (found := self.conflict(act)).of_code:
            await EncounterVerbs(self.app).roll_back(found)
            return
        if act.pane != keymap.TIMELINE:
            of, subject, title = self._document(act)
            await self._push(Tab.THIS, of, subject, title, at_older=True)
            return
        view = self._view
        if view is not None and view.marks:
            await self._take_out(view.marks)
            return
        kind, id, rev = parse_row_key(act.row_key)
        if kind == CHECKPOINT:
            await self._restore(id)
            return
        plan = await self.core.history.plan(kind, id, rev)
        if not plan.steps:
            self.tell(f"{id} is as it was at revision {rev}: choose another one")
            return
        title = f"Roll back {kind} {id} to revision {rev}"
        await self._confirm(plan, title, f"Roll back {_documents(plan)}")

    async def _to_files(self, act: Act) -> bool:
        """Whether the way back of an agent's files was meant, which is opened then."""
        agent = self.agent(act)
        tree = await self.trees.tree_of(agent)
        if tree is None:
            return False
        if agent.task:
            title = f"Roll back {agent.name}"
            notes = (str(tree.top), f"{agent.task} {self.title(agent.task)}".strip())
            what = await self.ask(Menu(title, _WHAT, notes))
            if what != "files":
                return what is None
        await self.trees.open(agent, tree)
        return True

    async def take_out(self, act: Act) -> None:
        """Take the change under the cursor, or the marked ones, out and keep later ones."""
        view = self._view
        marks = view.marks if view is not None and view.marks else ()
        if not marks:
            kind, id, rev = parse_row_key(act.row_key)
            marks = (Mark(kind, id, rev),)
        await self._take_out(marks)

    async def checkpoint(self, act: Act) -> None:
        """Ask for a name, and make a checkpoint."""
        wanted = await self.ask(CheckpointForm("New checkpoint", "make it"))
        if wanted is not None:
            report = await self.core.history.create_checkpoint(wanted.name, note=wanted.note)
            self._done(report)

    async def name(self, act: Act) -> None:
        """Give a checkpoint another name and note."""
        kind, name, _ = parse_row_key(act.row_key)
        if kind != CHECKPOINT:
            raise OrcError("only a checkpoint has a name")
        saved, _ = await self.core.history.checkpoint(name)
        form = CheckpointForm(f"Checkpoint {saved.name}", "write it", saved.name, saved.note)
        wanted = await self.ask(form)
        if wanted is not None:
            to, note = wanted.name, wanted.note
            self._done(await self.core.history.rename_checkpoint(saved.name, to=to, note=note))

    async def undo(self, act: Act) -> None:
        history = self.core.history
        await self._turn(history.undo, history.plan_undo, "Undo it")

    async def redo(self, act: Act) -> None:
        history = self.core.history
        await self._turn(history.redo, history.plan_redo, "Do it again")

    async def _turn(
        self,
        turn: Callable[[], Awaitable[Report]],
        plan_it: Callable[[], Awaitable[Plan]],
        word: str,
    ) -> None:
        """Undo or redo; where newer work is in the way, show what stays and ask."""
        try:
            self._done(await turn())
        except Overlap:
            plan = await plan_it()
            if not plan.standing:
                raise
            await self._confirm(plan, plan.label, word)

    async def _take_out(self, marks: tuple[Mark, ...]) -> None:
        plan = await self.core.history.plan_take_out(marks)
        if not plan.steps:
            self.tell("what that changed is not there any more: nothing to take out")
            return
        title, word = f"Take out revision {marks[0].rev} of {marks[0].id}", "Take it out"
        if len(marks) > 1:
            title = f"Take out {len(marks)} changes of {_documents(plan)}"
            word = f"Take out {len(marks)} changes"
        if await self._confirm(plan, title, word) and self._view is not None:
            self._view.unmark()

    async def _restore(self, name: str) -> None:
        history = self.core.history
        plan = await history.plan_restore(name)
        exact = await history.plan_restore(name, exact=True)
        later = len(exact.steps) - len(plan.steps)
        if not exact.steps:
            self.tell(f"everything is as it was at {name}: nothing to restore")
            return
        options = [Option("go", f"Restore {_documents(plan)}")] if plan.steps else []
        if later:
            options.append(Option("exact", f"and delete {later} made later"))
        chosen = await self.ask(Dialog(f"Restore checkpoint {name}", options, plan=plan))
        if chosen == "go":
            self._done(await history.revert(plan))
        elif chosen == "exact":
            title = f"Restore checkpoint {name}, and delete what was made later"
            await self._confirm(exact, title, f"Restore and delete {_documents(exact)}")

    async def _confirm(self, plan: Plan, title: str, word: str) -> bool:
        """Show a plan, and carry it out if that is wanted."""
        if await self.ask(Dialog(title, [Option("go", word)], plan=plan)) != "go":
            return False
        self._done(await self.core.history.revert(plan))
        return True

    def _done(self, report: Report) -> None:
        """Say what was done, and show it in an open timeline."""
        self.told(report)
        if self._view is not None:
            self._view.look_again()

    @property
    def _view(self) -> TimelineView | None:
        """The timeline, where it is what is looked at."""
        view = self.app.screen
        return view if isinstance(view, TimelineView) else None

    async def _push(
        self,
        tab: Tab,
        of: Query,
        subject: str,
        title: str,
        *,
        since: float = 0.0,
        at_older: bool = False,
    ) -> None:
        view = TimelineView(
            self.core.history,
            now=self.app.now,
            tab=tab,
            of=of,
            subject=subject,
            title=title,
            since=since or self.app.main.opened_at,
            at_older=at_older,
        )
        await self.app.push_screen(view, self._left)

    def _left(self, pane: str | None) -> None:
        if pane:
            self.app.main.focus_pane(pane)

    def _subject(self, act: Act) -> tuple[Query, str, str]:
        """What the row of an act is of: a document or an agent."""
        if act.pane in (keymap.AGENTS, keymap.LIVE):
            agent = self.agent(act)
            return Query(agent=agent.name), f"agent {agent.name}", self.title(agent.task)
        return self._document(act)

    def _document(self, act: Act) -> tuple[Query, str, str]:
        if act.pane == keymap.TASKS:
            kind, id = TASK, self.task(act).id
        elif act.pane == keymap.CONFLICTS:
            conflict = self.conflict(act)
            kind, id = conflict.doc_kind, conflict.doc
        elif act.pane == keymap.TIMELINE:
            kind, id, _ = parse_row_key(act.row_key)
            if kind == AGENT:
                return Query(agent=id), f"agent {id}", ""
        elif act.pane in (keymap.AGENTS, keymap.LIVE):
            agent = self.agent(act)
            if not agent.task:
                raise OrcError(
                    f"{agent.name} has no task and is in no work tree: nothing to go back in"
                )
            kind, id = TASK, agent.task
        else:
            raise OrcError("choose a task or a conflict first: the timeline is that of a document")
        return Query(doc_kind=kind, doc=id), f"{kind} {id}", self.title(id)


def _documents(plan: Plan) -> str:
    if not plan.steps:
        return ""
    return "1 document" if len(plan.steps) == 1 else f"{len(plan.steps)} documents"
