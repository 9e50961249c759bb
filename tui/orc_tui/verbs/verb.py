"""What all verbs share: the core, the snapshot, asking and telling.

Invariant: a verb reads the snapshot and talks to the core; it never draws.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from textual.screen import Screen

from orc_core.errors import OrcError
from orc_core.model.agent import Agent
from orc_core.model.history import Report
from orc_core.model.snapshot import Snapshot
from orc_core.model.task import Task
from orc_core.text import clean
from orc_storage.errors import StorageError
from orc_storage.records import Conflict
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.typeahead import resting

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_tui.app import OrcApp

Result = TypeVar("Result")


@runtime_checkable
class Notes(Protocol):
    """A view that covers the app's own line and shows lines itself."""

    def note(self, text: str) -> None: ...


@runtime_checkable
class Pointing(Protocol):
    """A view whose row was made by somebody."""

    @property
    def who(self) -> str: ...


class Verb:
    """Holds the app; each subclass has the verbs of one noun."""

    def __init__(self, app: OrcApp) -> None:
        self.app = app

    @property
    def core(self) -> Core:
        """The core; raises OrcError while it is not open."""
        if self.app.core is None:
            raise OrcError("the workspace is not open yet: try again in a moment")
        return self.app.core

    @property
    def snapshot(self) -> Snapshot:
        return self.app.snapshot

    def tell(self, text: str, *, undoable: bool = False, severity: str = "") -> None:
        """Say one line, on the view that is open, too."""
        self.app.tell(text, undoable=undoable, severity=severity)
        if isinstance(view := self.app.screen, Notes):
            view.note(f"{text} · z takes it back" if undoable else text)

    def told(self, report: Report) -> None:
        """Say what an act of the core did, and which key is the way back."""
        text = f"{report.text}; Z does it again" if report.redoable else report.text
        self.tell(text, undoable=report.undoable)

    async def safely(self, doing: Awaitable[None]) -> None:
        """Do something; a refusal of the core or the store becomes a line.

        So does a defect of ours: what is on the screen is worth more than one act.
        """
        try:
            await doing
        except (OrcError, StorageError) as error:
            self.tell(str(error), severity="error")
        except Exception as error:
            self.app.log.error("an act failed", error)
            said = f"that failed, which is a fault of orc-tui: {type(error).__name__}: {error}"
            self.tell(clean(said, limit=300), severity="error")

    async def ask(self, screen: Screen[Result]) -> Result | None:
        """Push a screen and wait for what it gives back."""
        with resting():
            answer: Any = await self.app.push_screen_wait(screen)
        found: Result | None = answer
        return found

    def agent(self, act: Act) -> Agent:
        """The agent of a row: itself, who works on its task, or who did what a row tells."""
        if act.pane == keymap.TASKS:
            task = self.task(act)
            for agent in self.snapshot.agents:
                if agent.task == task.id or (task.assignee and agent.name == task.assignee):
                    return agent
            raise OrcError(f"nobody works on {task.id}: `A` gives it to an agent")
        if act.pane == keymap.TIMELINE:
            who = view.who if isinstance(view := self.app.screen, Pointing) else ""
            for agent in self.snapshot.agents:
                if agent.name == who:
                    return agent
            raise OrcError(f"{who} is no agent that runs now" if who else "nobody did that")
        for agent in self.snapshot.agents:
            if agent.key == act.row_key:
                return agent
        raise OrcError("that agent is gone")

    def task(self, act: Act) -> Task:
        """The task of a row."""
        for task in self.snapshot.tasks:
            if task.id == act.row_key:
                return task
        raise OrcError("there is no task here: `N` makes one")

    def conflict(self, act: Act) -> Conflict:
        """The conflict of a row."""
        for conflict in self.snapshot.conflicts:
            if conflict.id == act.row_key:
                return conflict
        raise OrcError("that conflict is gone: it was decided, or a side moved on")

    def title(self, task_id: str) -> str:
        """The title of a task, "" where it is not known."""
        return next((task.title for task in self.snapshot.tasks if task.id == task_id), "")
