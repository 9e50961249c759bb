"""What happens when a key asks for an action: the dispatch to the verbs.

Invariant: every action ends in one line that says what was done or why not, never in a crash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from orc_core.model.task import Task
from orc_storage.records import OPERATOR, Conflict
from orc_tui import keymap
from orc_tui.keyboard import label
from orc_tui.messages import Act
from orc_tui.screens.dialog import Option
from orc_tui.screens.palette import Palette
from orc_tui.verbs import bulk
from orc_tui.verbs.answering import Answering
from orc_tui.verbs.copying import Copying
from orc_tui.verbs.deciding import Deciding
from orc_tui.verbs.editing import Editing
from orc_tui.verbs.layering import Layering
from orc_tui.verbs.living import Living
from orc_tui.verbs.looking import Looking
from orc_tui.verbs.merging import Merging
from orc_tui.verbs.postponing import Postponing
from orc_tui.verbs.recording import RecordingVerbs
from orc_tui.verbs.returning import Returning
from orc_tui.verbs.steering import Steering
from orc_tui.verbs.verb import Verb
from orc_tui.verbs.viewing import ABSENT, Viewing
from orc_tui.view_models.conflict_view import who

if TYPE_CHECKING:
    from orc_tui.app import OrcApp

Method: TypeAlias = Callable[[Act], Awaitable[None]]


def why_task(task: Task) -> str:
    """Why a task has its status, in one line."""
    if task.fault:
        return f"{task.id}: {task.fault}"
    if task.blocked_by:
        return f"{task.id} waits for {', '.join(task.blocked_by)}"
    writer = "you" if task.updated_by == OPERATOR else task.updated_by
    return f"{task.id} is {task.status.value}; revision {task.rev} was written by {writer}"


def why_conflict(conflict: Conflict) -> str:
    """Why a conflict exists, in one line."""
    both = f"{who(conflict.left)} and {who(conflict.right)} both changed"
    if conflict.of_code:
        names = f"{conflict.left.writer} and {conflict.right.writer}"
        return f"{conflict.id}: {names} {conflict.why}: {conflict.doc}"
    what = conflict.path or "it"
    reason = conflict.why or f"{both} {what} since revision {conflict.base_rev}"
    return f"{conflict.id}: {reason}"


class Commands(Verb):
    """Runs acts; one that is under way does not keep others from running."""

    def __init__(self, app: OrcApp) -> None:
        super().__init__(app)
        answering, editing = Answering(app), Editing(app)
        deciding, returning = Deciding(app), Returning(app)
        living, layering, copying = Living(app), Layering(app), Copying(app)
        recording, steering = RecordingVerbs(app), Steering(app)
        self._viewing = viewing = Viewing(app)
        self._deciding = deciding
        self._editing = editing
        self._layering = layering
        self._view_before: Act | None = None
        self._bulk = bulk.methods(bulk.Bulk(app))
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
            "pace": layering.strategy,
            "switch": layering.switch,
            "assign": editing.assign,
            "give": editing.give,
            "take-left": partial(deciding.take, take="left"),
            "take-right": partial(deciding.take, take="right"),
            "take-both": partial(deciding.take, take="both"),
            "take-base": partial(deciding.take, take="base"),
            "later": deciding.later,
            "later-agent": Postponing(app).later,
            "due": editing.due,
            "spawn": living.spawn,
            "restart": living.restart,
            "end-agent": living.end,
            "adopt": living.adopt,
            "supervise": living.supervise,
            "listen": living.listen,
            "record": recording.record,
            "recordings": recording.recordings,
            "merge": Merging(app).merge,
            "strategy": living.strategy,
            "open": self.open,
            "timeline": returning.timeline,
            "history": returning.history,
            "rollback": returning.rollback,
            "restore": returning.trees.restore,
            "keep": returning.trees.keep,
            "keep-files": returning.trees.keep,
            "take-out": returning.take_out,
            "checkpoint": returning.checkpoint,
            "name": returning.name,
            "undo": returning.undo,
            "redo": returning.redo,
            "copy": copying.copy,
            "command": self.command,
            "refresh": self.refresh,
            "view-before": self.view_before,
            "fold": self.fold,
            "why": self.why,
            "theme": Looking(app).theme,
            "audit": viewing.audit,
            "messages": viewing.messages,
            "workflows": viewing.workflows,
            "approve": steering.approve,
            "refuse-gate": steering.refuse,
            "pause": steering.pause,
            "retry": steering.retry,
            "cancel": steering.cancel,
            "rollback-workflow": steering.roll_back,
            "fleet": viewing.fleet,
            **dict.fromkeys(ABSENT, viewing.absent),
        }

    @property
    def actions(self) -> frozenset[str]:
        """The ids of the actions that are run here; all others belong to the views."""
        return frozenset(self._methods)

    async def run(self, act: Act) -> None:
        """Do what the act asks; a refusal becomes a line."""
        method = self._method(act)
        if act.action_id in keymap.VIEWS:
            self._view_before = act
            if act.pane in (keymap.AUDIT, keymap.MESSAGES, keymap.WORKFLOWS):
                self._viewing.close()
        if method is None:
            self.tell(f"nothing to do here for {act.action_id}")
        else:
            await self.safely(method(act))

    def _method(self, act: Act) -> Method | None:
        """What an act calls: on all marked rows at once where that is known."""
        if len(act.marked) == 1 and (act.pane, act.action_id) in self._bulk:
            act.row_key = act.marked[0]
        elif act.marked:
            known = self._bulk.get((act.pane, act.action_id))
            return known or self._methods.get(act.action_id)
        return self._methods.get(act.action_id)

    async def command(self, act: Act) -> None:
        """Choose an action of the pane by its name, then run it."""
        known = [
            one
            for one in self.app.keyboard.of_pane(act.pane)
            if one.id in self._methods and one.id != "command"
        ]
        options = [Option(one.id, one.id, label(one.keys[0]) if one.keys else "") for one in known]
        chosen = await self.ask(Palette("Commands", options, [one.help for one in known]))
        if chosen is not None:
            await self.run(Act(chosen, act.pane, act.row_key, act.marked))

    async def refresh(self, act: Act) -> None:
        """Read the store again; tmux is looked at all the time."""
        await self.core.refresh()
        self.tell("looked at everything again")

    async def fold(self, act: Act) -> None:
        """Fold the agents that do nothing into one line, or unfold them."""
        self.app.main.fold()

    async def view_before(self, act: Act) -> None:
        """Open the view again that was open before this one."""
        if self._view_before is None:
            self.tell("no other view was open yet")
        else:
            await self.run(self._view_before)

    async def why(self, act: Act) -> None:
        """Say why a row is as it is; an agent's reasons stand in Live."""
        if act.pane == keymap.TASKS:
            self.tell(why_task(self.task(act)))
        elif act.pane == keymap.CONFLICTS:
            self.tell(why_conflict(self.conflict(act)))
        elif act.pane == keymap.SYNC:
            layer = next((one for one in self.snapshot.layers if one.name == act.row_key), None)
            told = layer.trouble or f"{layer.state.value}, no trouble" if layer else "no layer here"
            self.tell(f"{act.row_key}: {told}" if layer else told)
        else:
            self.tell("there is nothing here to explain")

    async def edit(self, act: Act) -> None:
        """Edit a task's fields, or the value of a conflict."""
        await (self._deciding if act.pane == keymap.CONFLICTS else self._editing).edit(act)

    async def again(self, act: Act) -> None:
        """Try a task again, or sync now."""
        if act.pane != keymap.SYNC:
            await self._editing.retry(act)
            return
        await self._layering.sync(act)

    async def open(self, act: Act) -> None:
        """Open the conflict view; what Enter does elsewhere is up to the view."""
        if act.pane == keymap.CONFLICTS:
            await self._deciding.view(act)
