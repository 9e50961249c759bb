"""Making, editing and ending tasks.

Invariant: an edit that someone else overtook is asked about, never written over silently.
"""

from __future__ import annotations

from typing import Final

from orc_core.errors import OrcError
from orc_core.model.task import Status, Task
from orc_storage.errors import StaleRevision
from orc_storage.records import Json
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.edit import FIELDS, FieldEdit
from orc_tui.screens.menu import Menu
from orc_tui.screens.newtask import NewTask
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.diff import value_text
from orc_tui.view_models.tasks import ordered

MENU: Final = (
    Option("title", "title", "t"),
    Option("text", "text", "x"),
    Option("priority", "priority", "p"),
    Option("labels", "labels", "l"),
    Option("assignee", "assignee", "a"),
)
AGENTS_MAX: Final = 20
TASKS_MAX: Final = 40
GIVEN: Final = (Status.READY, Status.BLOCKED)
"""Tasks that can be given to an agent; one that runs is somebody's."""
NOBODY: Final = "nobody"
TRIES_MAX: Final = 5
"""How often in a row somebody else may be faster than an edit."""


def value_of(task: Task, name: str) -> Json:
    """The value of a field as the body has it."""
    value = getattr(task, name)
    return list(value) if isinstance(value, tuple) else value


class Editing(Verb):
    """The verbs of tasks."""

    async def new(self, act: Act) -> None:
        wanted = await self.ask(NewTask())
        if wanted is not None:
            task = await self.core.tasks.add(wanted.title, priority=wanted.priority)
            told = task.title if task.pending else f"{task.id} made: {task.title}"
            self._tell(task, told)

    async def edit(self, act: Act) -> None:
        """Choose a field of the task, then edit it."""
        task = self.task(act)
        notes = [value_text(value_of(task, option.id)).split("\n")[0] for option in MENU]
        name = await self.ask(Menu(f"Edit {task.id} {task.title}", MENU, notes))
        if name is not None:
            await self._edit_field(task, name)

    async def due(self, act: Act) -> None:
        """Say when the task is due."""
        await self._edit_field(self.task(act), "due")

    async def _edit_field(self, task: Task, name: str) -> None:
        before = value_of(task, name)
        edited = await self.ask(FieldEdit(f"{task.id} {task.title}", FIELDS[name], before))
        if edited is None or edited.value == before:
            self.tell(f"{task.id}: {name} stays as it is")
        else:
            await self._write(task, name, before, edited.value)

    async def _write(self, task: Task, name: str, before: Json, value: Json) -> None:
        """Write a field over the value that was shown; over another one only if that is wanted."""
        for _ in range(TRIES_MAX):
            now = await self.core.tasks.get(task.id)
            if value_of(now, name) != before and not await self._wants(now, name):
                return
            before = value_of(now, name)
            try:
                written = await self.core.tasks.edit(task.id, {name: value}, rev=now.rev)
            except StaleRevision:
                continue  # somebody was faster: look again at what stands there
            shown = value_text(value).split("\n")[0]
            self._tell(written, f"{task.id}: {name} is now {shown}")
            return
        raise OrcError(f"{task.id} changes faster than it can be edited: try again")

    async def _wants(self, now: Task, name: str) -> bool:
        """Ask whether to write over what somebody else wrote meanwhile."""
        value = value_text(value_of(now, name)).split("\n")[0]
        lines = (f"{now.updated_by} changed it while you typed. It is now:", value)
        dialog = Dialog(f"{now.id}: {name}", [Option("go", "Write mine")], lines=lines)
        return await self.ask(dialog) == "go"

    async def assign(self, act: Act) -> None:
        """Give the task to an agent, or to nobody."""
        task = self.task(act)
        known = [agent.name for agent in self.snapshot.agents if not agent.is_other]
        names = [NOBODY, *sorted(known)[:AGENTS_MAX]]
        options = [Option(name, name) for name in names]
        name = await self.ask(Menu(f"Who does {task.id} {task.title}?", options))
        if name is not None:
            wanted = "" if name == NOBODY else name
            await self._write(task, "assignee", task.assignee, wanted)

    async def give(self, act: Act) -> None:
        """Give the agent a task that nobody does yet."""
        agent = self.agent(act)
        if agent.is_other:
            raise OrcError(f"{agent.name} is no agent that is known: `:` adopt makes it one")
        tasks = [
            task
            for task in ordered(self.snapshot.tasks)
            if task.status in GIVEN and task.assignee != agent.name
        ][:TASKS_MAX]
        if not tasks:
            raise OrcError("no task is ready or blocked: `N` in Tasks makes one")
        options = [Option(task.id, task.id) for task in tasks]
        notes = [f"{task.title}  ({task.assignee or task.status.value})" for task in tasks]
        id = await self.ask(Menu(f"What does {agent.name} do?", options, notes))
        task = next((one for one in tasks if one.id == id), None)
        if task is not None:
            await self._write(task, "assignee", task.assignee, agent.name)

    async def end(self, act: Act) -> None:
        """Ask whether the task is done or to be cancelled."""
        task = self.task(act)
        where = f"{task.status.value}, {task.assignee}" if task.assignee else task.status.value
        dialog = Dialog(
            f"End {task.id} {task.title}",
            [Option(Status.DONE.value, "Done"), Option(Status.CANCELLED.value, "Cancel the task")],
            lines=(f"1 task, now {where}.",),
            cancel="Leave it",
        )
        chosen = await self.ask(dialog)
        if chosen is not None:
            await self._move(task, Status(chosen))

    async def retry(self, act: Act) -> None:
        await self._move(self.task(act), Status.READY)

    async def _move(self, task: Task, status: Status) -> None:
        moved = await self.core.tasks.set_status(task.id, status)
        self._tell(moved, f"{task.id} is {moved.status.value}")

    def _tell(self, task: Task, text: str) -> None:
        if task.pending:
            self.tell(f"pending, the store is away: {text}", severity="waiting")
        else:
            self.tell(text, undoable=True)
