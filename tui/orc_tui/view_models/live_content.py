"""What stands in Live beside a pane's own screen: a function of the subject and the tab.

Invariant: pure; a subject that is an agent with its screen in view has a head here and no body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orc_core.model.activity import Activity
from orc_core.model.agent import Agent, Explanation
from orc_core.model.health import Layer
from orc_core.model.snapshot import Snapshot
from orc_core.model.task import Task
from orc_storage.records import Conflict
from orc_tui.view_models import activity, live, why
from orc_tui.view_models.ability import Row
from orc_tui.view_models.conflicts import place
from orc_tui.view_models.lines import BLANK, Line


@dataclass(frozen=True, slots=True)
class Content:
    """The lines over the divider, and those below it."""

    head: Sequence[Line] = ()
    body: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What is known beside the subject itself; `home` is the folder that is written as `~`."""

    snapshot: Snapshot
    now: float
    home: str
    explanation: Explanation | None = None
    activity: Activity | None = None


def content(subject: Row, tab: str, told: Told, width: int, *, boxed: bool) -> Content:
    """What stands in Live for a subject, `width` cells wide; the head is for boxes alone."""
    now = told.now
    if isinstance(subject, Agent):
        head = _head(subject, told, width) if boxed else ()
        return Content(head, _of_agent(subject, tab, told, width))
    if isinstance(subject, Task):
        return Content((), live.task_lines(subject, told.snapshot.tasks, now, width))
    if isinstance(subject, Conflict):
        return Content((), live.conflict_lines(subject, now, width))
    if isinstance(subject, Layer):
        return Content((), live.layer_lines(subject, now, width))
    if not told.snapshot.agents:
        return Content((), live.empty_fleet(told.snapshot, width))
    return Content()


def _head(agent: Agent, told: Told, width: int) -> Sequence[Line]:
    task = next((one for one in told.snapshot.tasks if one.id == agent.task), None)
    return live.agent_head(agent, task, told.now, width, told.home, told.snapshot.code)


def _of_agent(agent: Agent, tab: str, told: Told, width: int) -> Sequence[Line]:
    now = told.now
    if tab == "Why":
        lines = why.own_lines(agent, now)
        if told.explanation is not None and told.explanation.agent.key == agent.key:
            lines += [BLANK, *why.explained_lines(told.explanation, now)]
        return lines
    if tab == "History":
        return activity.history_lines(agent, told.activity, now, width, told.home)
    if tab == "Figures":
        return activity.figure_lines(agent, told.activity, width)
    if agent.is_lost:
        return live.missing_lines(agent, now, width, told.home)
    return live.reading(agent)


def called(subject: Row) -> str:
    """What Live shows, on one line, where a list has its rows."""
    if isinstance(subject, Task):
        return f"{subject.id} {subject.title}"
    if isinstance(subject, Conflict):
        return f"{subject.id} {place(subject)}"
    return subject.name if isinstance(subject, Layer) else ""
