"""Timelines, going back, undo and redo.

Invariant: nothing goes back before its plan was shown and confirmed.
"""

from __future__ import annotations

from orc_core.errors import OrcError
from orc_core.model.history import FieldChange
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.timeline import TimelineView, parse_row_key
from orc_tui.verbs.verb import Verb

TASK = "task"


class Returning(Verb):
    """The verbs of history."""

    async def timeline(self, act: Act) -> None:
        """Open the timeline of the document of a row."""
        await self._open(act, back=0)

    async def rollback(self, act: Act) -> None:
        """In a timeline: plan, ask, go back. Elsewhere: open it at the revision before."""
        if act.pane != keymap.TIMELINE:
            await self._open(act, back=1)
            return
        kind, id, rev = parse_row_key(act.row_key)
        plan = await self.core.history.plan(kind, id, rev)
        if not plan.steps:
            self.tell(f"{id} stands at revision {rev} already: choose an older one")
            return
        title = f"Roll back {kind} {id} to revision {rev}"
        options = [Option("go", "Roll back 1 document")]
        if await self.ask(Dialog(title, options, plan=plan)) == "go":
            self.told(await self.core.history.revert(plan))
            await self._refresh()

    async def undo(self, act: Act) -> None:
        self.told(await self.core.history.undo())
        await self._refresh()

    async def redo(self, act: Act) -> None:
        self.told(await self.core.history.redo())
        await self._refresh()

    async def _open(self, act: Act, *, back: int) -> None:
        kind, id = self._document(act)
        revisions = await self.core.history.revisions(kind, id)
        history = self.core.history

        async def diff_of(rev: int) -> tuple[FieldChange, ...]:
            return await history.diff(kind, id, rev)

        newest_first = sorted((revision.rev for revision in revisions), reverse=True)
        at_rev = newest_first[min(back, len(newest_first) - 1)]
        view = TimelineView(
            kind,
            id,
            revisions,
            diff_of=diff_of,
            now=self.snapshot.at,
            title=self.title(id),
            at_rev=at_rev,
        )
        await self.app.push_screen(view)
        if back and len(newest_first) == 1:
            view.note("there is only this revision: nothing to go back to")

    async def _refresh(self) -> None:
        """Show an open timeline what the document's history is by now."""
        view = self.app.screen
        if isinstance(view, TimelineView):
            kind, id = view.document
            view.show(await self.core.history.revisions(kind, id), now=self.snapshot.at)

    def _document(self, act: Act) -> tuple[str, str]:
        if act.pane == keymap.TASKS:
            return TASK, self.task(act).id
        if act.pane == keymap.CONFLICTS:
            conflict = self.conflict(act)
            return conflict.doc_kind, conflict.doc
        if act.pane in (keymap.AGENTS, keymap.LIVE):
            agent = self.agent(act)
            if agent.task:
                return TASK, agent.task
            raise OrcError(f"{agent.name} has no task, so there is no document to show")
        raise OrcError("choose a task or a conflict first: the timeline is that of a document")
