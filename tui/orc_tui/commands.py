"""What happens when a key asks for an action: the dispatch to the verbs.

Invariant: every action ends in one line that says what was done or why not, never in a crash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from orc_core.errors import OrcError
from orc_storage.errors import StorageError
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.timeline import parse_row_key
from orc_tui.verbs.answering import Answering
from orc_tui.verbs.deciding import Deciding
from orc_tui.verbs.editing import Editing
from orc_tui.verbs.returning import Returning
from orc_tui.verbs.verb import Verb

if TYPE_CHECKING:
    from orc_tui.app import OrcApp

Method: TypeAlias = Callable[[Act], Awaitable[None]]

COPY_MAX: Final = 4_000


class Commands(Verb):
    """Runs acts; one that is under way does not keep others from running."""

    def __init__(self, app: OrcApp) -> None:
        super().__init__(app)
        answering, editing = Answering(app), Editing(app)
        deciding, returning = Deciding(app), Returning(app)
        self._deciding = deciding
        self._editing = editing
        self._methods: dict[str, Method] = {
            "answer": answering.answer,
            "refuse": answering.answer,
            "type": answering.type,
            "interrupt": answering.interrupt,
            "attach": answering.attach,
            "new": editing.new,
            "edit": self.edit,
            "end": editing.end,
            "again": self.again,
            "assign": editing.assign,
            "take-left": partial(deciding.take, take="left"),
            "take-right": partial(deciding.take, take="right"),
            "take-base": partial(deciding.take, take="base"),
            "later": deciding.later,
            "open": self.open,
            "timeline": returning.timeline,
            "history": returning.timeline,
            "rollback": returning.rollback,
            "undo": returning.undo,
            "redo": returning.redo,
            "copy": self.copy,
        }

    @property
    def actions(self) -> frozenset[str]:
        """The ids of the actions that are run here; all others belong to the views."""
        return frozenset(self._methods)

    async def run(self, act: Act) -> None:
        """Do what the act asks; a refusal becomes a line."""
        method = self._methods.get(act.action_id)
        if method is None:
            return
        try:
            await method(act)
        except (OrcError, StorageError) as error:
            self.tell(str(error), severity="error")

    async def edit(self, act: Act) -> None:
        """Edit a task's fields, or the value of a conflict."""
        await (self._deciding if act.pane == keymap.CONFLICTS else self._editing).edit(act)

    async def again(self, act: Act) -> None:
        """Try a task again, or sync now."""
        if act.pane != keymap.SYNC:
            await self._editing.retry(act)
            return
        await self.core.sync.once()
        self.tell("synced")

    async def open(self, act: Act) -> None:
        """Open the conflict view; what Enter does elsewhere is up to the view."""
        if act.pane == keymap.CONFLICTS:
            await self._deciding.view(act)

    async def copy(self, act: Act) -> None:
        """Put the row's text into the clipboard, by way of the terminal."""
        text = self._text(act)[:COPY_MAX]
        self.app.copy_to_clipboard(text)
        self.tell(f"copied: {text}")

    def _text(self, act: Act) -> str:
        if act.pane in (keymap.AGENTS, keymap.LIVE):
            agent = self.agent(act)
            return " ".join(part for part in (agent.name, agent.task, agent.does) if part)
        if act.pane == keymap.TASKS:
            task = self.task(act)
            return f"{task.id} {task.title}"
        if act.pane == keymap.CONFLICTS:
            conflict = self.conflict(act)
            return f"{conflict.id} {conflict.doc} {conflict.path}".strip()
        if act.pane == keymap.TIMELINE:
            kind, id, rev = parse_row_key(act.row_key)
            return f"{kind} {id} revision {rev}"
        return act.row_key
