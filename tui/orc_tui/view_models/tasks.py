"""The list of tasks: what failed and what is ready first, since running ones stand in Agents.

Invariant: the order depends on status, priority and id alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.model.task import Status, Task
from orc_core.text import cells, fit
from orc_storage.records import OPERATOR
from orc_tui.view_models import glyphs
from orc_tui.view_models.agents import natural
from orc_tui.view_models.lines import Line, Part, cut, ends, join, width_of
from orc_tui.view_models.spans import short

_ORDER: Final[Mapping[Status, int]] = {
    Status.FAILED: 0,
    Status.READY: 1,
    Status.BLOCKED: 2,
    Status.RUNNING: 3,
    Status.DONE: 4,
    Status.CANCELLED: 5,
}
_OVER: Final = frozenset({Status.DONE, Status.CANCELLED})
_STATUS: Final = 9
_FOR: Final = 4
_NEXT_MIN: Final = 14


def needs_you(task: Task) -> bool:
    """Whether the task stands still until the operator does something."""
    return task.status is Status.FAILED or bool(task.fault)


def ordered(tasks: Sequence[Task]) -> list[Task]:
    """Tasks as the list shows them."""
    return sorted(tasks, key=_rank)


def _rank(task: Task) -> tuple[object, ...]:
    over = task.status in _OVER
    return (
        not needs_you(task),
        _ORDER[task.status],
        -task.since if over else -task.priority,
        natural(task.id),
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells."""

    task: int
    title: int
    agent: int


PENDING = "pending "
"""Before the title of a task with a change that is not written yet."""


def columns(tasks: Sequence[Task], width: int) -> Columns:
    """Share `width` between the columns."""
    ident = min(max(max((cells(task.id) for task in tasks), default=0), 4), 12)
    agent = 14 if width >= 70 else 13
    fixed = 3 + _STATUS + ident + 1 + 2 + 1 + 1 + agent + 1 + _FOR + 1
    return Columns(ident, max(width - fixed, 0), agent)


def heading(at: Columns) -> Line:
    """The names of the columns."""
    text = (
        f"   {fit('status', _STATUS)}{fit('task', at.task)} pr {fit('title', at.title)} "
        f"{fit('agent', at.agent)} {'for'.rjust(_FOR)} "
    )
    return ((text, "dim"),)


def row(task: Task, at: Columns, now: float, branch: str = "") -> Line:
    """One task, without the sign of the cursor; `branch` is what stands before it in a tree."""
    sign, ink = glyphs.STATUSES[task.status]
    plain = "dim" if task.status in _OVER else "text"
    room = min(cells(branch), at.title // 2)
    lasts = "" if task.status in (Status.READY, Status.BLOCKED) else short(now - task.since)
    parts: list[Part] = [
        (f"{sign} {fit(task.status.value, _STATUS)}", ink),
        (fit(task.id, at.task), plain),
        (f" {task.priority:>2} ", "dim"),
        (fit(branch, room), "dim"),
        *_title(task, at.title - room, plain),
        (f" {fit(_who(task), at.agent)} ", "dim" if task.blocked_by else plain),
        (f"{lasts.rjust(_FOR)} ", "dim"),
    ]
    return tuple(parts)


def _title(task: Task, width: int, ink: str) -> list[Part]:
    if task.pending:
        mark = fit(PENDING, min(cells(PENDING), width))
        return [(mark, "waiting"), (fit(task.title, width - cells(mark)), ink)]
    if not task.fault:
        return [(fit(task.title, width), ink)]
    return [(fit(f"▲ {task.fault}", width), "error")]


def _who(task: Task) -> str:
    if task.status is Status.BLOCKED and task.blocked_by:
        more = len(task.blocked_by) - 1
        return f"after {task.blocked_by[0]}" + (f" +{more}" if more else "")
    return person(task.assignee)


def person(actor: str) -> str:
    """An actor as the screen names it."""
    return "you" if actor == OPERATOR else actor


def _counts(tasks: Sequence[Task]) -> dict[Status, int]:
    return {status: sum(task.status is status for task in tasks) for status in Status}


def title(tasks: Sequence[Task], shown: int, listed: int) -> str:
    """The right end of the list's title: `10 of 18 · 1 failed · 4 ready …`."""
    counts = _counts(tasks)
    total = sum(count for status, count in counts.items() if status not in _OVER)
    words = [str(total) if shown >= total or listed < total else f"{shown} of {total}"]
    if listed < len(tasks):
        words = [f"{listed} of {len(tasks)}"]
    for status in (Status.FAILED, Status.READY, Status.BLOCKED, Status.RUNNING):
        if counts[status]:
            words.append(f"{counts[status]} {status.value}")
    return " · ".join(words)


def summary(tasks: Sequence[Task], width: int) -> Line:
    """The list as one line, where there is no room for rows."""
    if not tasks:
        return ((EMPTY, "dim"),)
    counts = _counts(tasks)
    told = [
        ((f"{glyphs.STATUSES[status][0]} {counts[status]} {status.value}", _ink(status)),)
        for status in (Status.FAILED, Status.RUNNING, Status.READY)
        if counts[status]
    ]
    ready = next((task for task in ordered(tasks) if task.status is Status.READY), None)
    counted = join(told, 2)
    room = width - width_of(counted) - 2
    if ready is None or room < _NEXT_MIN:
        return cut(counted, width)
    following = f"next {ready.id} {ready.title}"
    return ends(counted, ((fit(following, min(cells(following), room)), "text"),), width)


def _ink(status: Status) -> str:
    return glyphs.STATUSES[status][1]


EMPTY: Final = "no tasks yet: N makes one, or `orc task add TITLE`"
