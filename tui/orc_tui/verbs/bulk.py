"""What a key does to all marked rows: one question, one report, one way back where there is one.

Invariant: nothing happens before a dialog that names object and count was answered. What is
refused keeps its mark and says why; what was done loses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from orc_core.errors import OrcError
from orc_core.model.agent import Agent
from orc_core.model.history import Chosen, Tally, spelled
from orc_core.model.life import Known
from orc_core.model.task import Status, Task
from orc_storage.errors import StorageError
from orc_storage.records import Conflict, Json
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.edit import FIELDS, FieldEdit
from orc_tui.screens.menu import Menu
from orc_tui.verbs.editing import AGENTS_MAX, NOBODY, value_of
from orc_tui.verbs.encounters import tomorrow
from orc_tui.verbs.living import Living
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.ability import Row, reason
from orc_tui.view_models.conflict_view import Take

AT_ONCE: Final = 4
"""To how many agents something is done at the same time."""

ENDS: Final = (
    Option("interrupt", "interrupt", "i"),
    Option("stop", "stop", "s"),
    Option("forget", "forget", "f"),
)
END_NOTES: Final = (
    "they leave what they do and stay at their prompts",
    "asked to end, by force after 5 s; their panes stay",
    "they are known no more; nothing ends",
)
EDITS: Final = (
    Option("priority", "priority", "p"),
    Option("labels", "labels", "l"),
    Option("assignee", "assignee", "a"),
)
DELETE: Final = "delete"


def count(number: int, noun: str) -> str:
    """`1 agent`, `4 agents`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Bulk(Verb):
    """The verbs of marked rows."""

    # -- agents -------------------------------------------------------------------------------

    async def end_agents(self, act: Act) -> None:
        """Interrupt, stop or forget the marked agents."""
        agents = self._agents(act)
        how = await self.ask(Menu(f"End {count(len(agents), 'agent')}", ENDS, END_NOTES))
        if how == "interrupt":
            await self._interrupt(act, agents)
        elif how == "stop":
            back = "`r` starts again those that were started or adopted from here."
            if await self._sure(act, f"Stop {count(len(agents), 'agent')}", "Stop them", back):
                await self._each(act, agents, "stopped", self._stop)
        elif how == "forget":
            told = "Those that live run on, and are seen as before."
            if await self._sure(act, f"Forget {count(len(agents), 'agent')}", "Forget them", told):
                await self._each(act, agents, "forgotten", self._forget)

    async def interrupt_agents(self, act: Act) -> None:
        """Interrupt what the marked agents do."""
        await self._interrupt(act, self._agents(act))

    async def _interrupt(self, act: Act, agents: Sequence[Agent]) -> None:
        title = f"Interrupt {count(len(agents), 'agent')}"
        if await self._sure(act, title, "Interrupt them", "What they do stops where it is."):
            await self._each(act, agents, "interrupted", self._interrupt_one)

    async def restart_agents(self, act: Act) -> None:
        """Start the marked agents again; what is lost is resumed."""
        agents = self._agents(act)
        title = f"Restart {count(len(agents), 'agent')}"
        told = "Those that live are ended first; what they were doing is lost."
        if await self._sure(act, title, "Restart them", told):
            await self._each(act, agents, "started again", self._restart)

    async def _interrupt_one(self, agent: Agent) -> str:
        if why_not := reason("interrupt", agent):
            return why_not
        delivery = await self.core.agents.interrupt(agent.key)
        return "" if delivery.sent else f"{agent.name}: {delivery.text}"

    async def _stop(self, agent: Agent) -> str:
        known = await self._known(agent)
        if agent.is_other and known is None:
            return f"{agent.name} runs no agent that is known"
        done = await self.core.lifecycle.stop(known or agent)
        return "" if done.ok else done.text

    async def _forget(self, agent: Agent) -> str:
        known = await self._known(agent)
        if known is None:
            return f"{agent.name} was never started or adopted from here"
        done = await self.core.lifecycle.forget(known.name, living=not agent.has_ended)
        return "" if done.ok else done.text

    async def _restart(self, agent: Agent) -> str:
        known = await self._known(agent)
        if known is None or not known.argv:
            return f"{agent.name} was not started from here"
        life = self.core.lifecycle
        lost = await life.lost(known.name)
        done = await (life.resume if lost else life.restart)(known.name)
        return "" if done.ok else done.text

    async def _known(self, agent: Agent) -> Known | None:
        return await Living(self.app).known(agent)

    def _agents(self, act: Act) -> list[Agent]:
        known = {agent.key: agent for agent in self.snapshot.agents}
        return [known[key] for key in act.marked if key in known]

    async def _each(
        self,
        act: Act,
        agents: Sequence[Agent],
        word: str,
        do: Callable[[Agent], Awaitable[str]],
    ) -> None:
        """Do something to each agent, a few at a time; `do` gives back why it was refused."""
        turns = asyncio.Semaphore(AT_ONCE)
        refused: dict[str, str] = {}

        async def one(agent: Agent) -> None:
            async with turns:
                try:
                    why = await do(agent)
                except (OrcError, StorageError) as error:
                    why = str(error)
                if why:
                    refused[agent.key] = why

        self.tell(f"{count(len(agents), 'agent')}: under way…")
        async with asyncio.TaskGroup() as group:
            for agent in agents:
                group.create_task(one(agent))
        done = [agent.key for agent in agents if agent.key not in refused]
        self._report(act, Tally(tuple(done), tuple(refused.values()), word), done)

    # -- tasks --------------------------------------------------------------------------------

    async def end_tasks(self, act: Act) -> None:
        """Mark the marked tasks done or cancelled, or delete them."""
        noun = count(len(act.marked), "task")
        dialog = Dialog(
            f"End {noun}",
            [
                Option(Status.DONE.value, "Done"),
                Option(Status.CANCELLED.value, "Cancel them"),
                Option(DELETE, "Delete them"),
            ],
            lines=self._lines(act, "`z` takes it back, for all of them together."),
            cancel="Leave them",
        )
        chosen = await self.ask(dialog)
        if chosen == DELETE:
            self._undoable(act, await self.core.tasks.delete_many(act.marked))
        elif chosen is not None:
            await self._write(act, {"status": chosen})

    async def retry_tasks(self, act: Act) -> None:
        """Put the marked tasks that failed or were cancelled back to ready."""
        title = f"Try {count(len(act.marked), 'task')} again"
        if not await self._sure(act, title, "Try again", "Only what failed is tried again."):
            return
        rows = self.app.main.lists[act.pane].marked
        refused = {key: why for key, row in rows.items() if (why := reason("again", row))}
        ids = [id for id in act.marked if id not in refused]
        tally = await self.core.tasks.edit_many(ids, {"status": Status.READY.value})
        told = Tally(tally.done, (*tally.refused, *refused.values()), "ready again")
        self._undoable(act, told)

    async def assign_tasks(self, act: Act) -> None:
        """Give the marked tasks to one agent, or to nobody."""
        known = sorted(agent.name for agent in self.snapshot.agents if not agent.is_other)
        options = [Option(name, name) for name in (NOBODY, *known[:AGENTS_MAX])]
        title = f"Who does {count(len(act.marked), 'task')}: {spelled(act.marked)}?"
        name = await self.ask(Menu(title, options))
        if name is not None:
            await self._write(act, {"assignee": "" if name == NOBODY else name})

    async def edit_tasks(self, act: Act) -> None:
        """Give one field of all marked tasks a value."""
        noun = count(len(act.marked), "task")
        name = await self.ask(Menu(f"Edit {noun}: {spelled(act.marked)}", EDITS))
        if name is None:
            return
        values = [value_of(task, name) for task in self._tasks(act)]
        before = values[0] if values and all(one == values[0] for one in values) else None
        edited = await self.ask(FieldEdit(f"{noun}: {spelled(act.marked)}", FIELDS[name], before))
        if edited is not None:
            await self._write(act, {name: edited.value})

    async def _write(self, act: Act, fields: dict[str, Json]) -> None:
        self._undoable(act, await self.core.tasks.edit_many(act.marked, fields))

    def _tasks(self, act: Act) -> list[Task]:
        known = {task.id: task for task in self.snapshot.tasks}
        return [known[id] for id in act.marked if id in known]

    # -- conflicts ----------------------------------------------------------------------------

    async def take(self, act: Act, take: Take) -> None:
        """Take one side of all marked conflicts."""
        side = "both sides" if take == "both" else "the base" if take == "base" else f"the {take}"
        title = f"Take {side} of {count(len(act.marked), 'conflict')}"
        back = "`z` takes it back, for all of them together."
        if await self._sure(act, title, f"Take {side}", back):
            report = await self.core.conflicts.resolve_chosen(
                [Chosen(id, take) for id in act.marked]
            )
            self._undoable(act, Tally(report.done, report.left, "decided"))

    async def defer(self, act: Act) -> None:
        """Put the marked conflicts off until tomorrow."""
        title = f"Put {count(len(act.marked), 'conflict')} off"
        if await self._sure(act, title, "Until tomorrow", "`z` calls them back together."):
            until = tomorrow(self.snapshot.at)
            self._undoable(act, await self.core.conflicts.defer_many(act.marked, until))

    # -- asking and telling -------------------------------------------------------------------

    async def _sure(self, act: Act, title: str, word: str, told: str) -> bool:
        dialog = Dialog(title, [Option("go", word)], lines=self._lines(act, told))
        return await self.ask(dialog) == "go"

    def _lines(self, act: Act, told: str) -> list[str]:
        """Which they are, how many of them the filter hides, and what else there is to know."""
        pane = self.app.main.lists[act.pane]
        names = [_name(row) for key, row in pane.marked.items() if key in act.marked]
        lines = [spelled(names)]
        if pane.marks_hidden:
            lines.append(f"{pane.marks_hidden} of them are hidden by the filter.")
        return [*lines, "", told]

    def _undoable(self, act: Act, tally: Tally) -> None:
        """Report what one act of the store did."""
        self._report(act, tally, tally.done, undoable=bool(tally.done))

    def _report(
        self, act: Act, tally: Tally, done: Sequence[str], *, undoable: bool = False
    ) -> None:
        self.app.main.unmark(act.pane, done)
        severity = "error" if tally.refused else ""
        self.tell(tally.text, undoable=undoable, severity=severity)


def _name(row: Row) -> str:
    """What a dialog calls a row."""
    if isinstance(row, Task | Conflict):
        return row.id
    return row.name if row is not None else ""


def methods(bulk: Bulk) -> dict[tuple[str, str], Callable[[Act], Awaitable[None]]]:
    """What is done to the marked rows of a pane, by pane and action."""

    def taking(take: Take) -> Callable[[Act], Awaitable[None]]:
        return lambda act: bulk.take(act, take)

    return {
        (keymap.AGENTS, "interrupt"): bulk.interrupt_agents,
        (keymap.AGENTS, "end-agent"): bulk.end_agents,
        (keymap.AGENTS, "restart"): bulk.restart_agents,
        (keymap.TASKS, "end"): bulk.end_tasks,
        (keymap.TASKS, "again"): bulk.retry_tasks,
        (keymap.TASKS, "assign"): bulk.assign_tasks,
        (keymap.TASKS, "edit"): bulk.edit_tasks,
        (keymap.CONFLICTS, "take-left"): taking("left"),
        (keymap.CONFLICTS, "take-right"): taking("right"),
        (keymap.CONFLICTS, "take-both"): taking("both"),
        (keymap.CONFLICTS, "take-base"): taking("base"),
        (keymap.CONFLICTS, "later"): bulk.defer,
    }
