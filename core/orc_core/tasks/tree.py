"""Tasks as a tree of what waits for what: pure.

Invariant: every task stands in it once, whatever waits for what: one that waits for several stands
under the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from orc_core.model.task import Status, Task

DEPTH_MAX: Final = 8
"""Deeper branches are drawn as deep as this."""


def planted(tasks: Sequence[Task], *, is_upside_down: bool = False) -> list[tuple[Task, str]]:
    """The tasks in the order of a tree, each with the branch before its title.

    Those that wait for nothing that is listed are on top, in the order given, and below each what
    waits for it. Upside down, what nothing depends on is on top, and below each all that it
    depends on, done or not.
    """
    known = {task.id.casefold(): task for task in tasks}
    above = _above_upside_down(tasks, known) if is_upside_down else _above(tasks, known)
    below: dict[str, list[Task]] = {}
    for task in tasks:
        below.setdefault(above.get(task.id.casefold(), ""), []).append(task)
    found = list(_grown(below))
    seen = {task.id for task, _ in found}
    # What stands in a circle hangs from nothing; it is shown all the same.
    return found + [(task, "") for task in tasks if task.id not in seen]


def _above(tasks: Sequence[Task], known: dict[str, Task]) -> dict[str, str]:
    """Under which other each task stands, both by id, case-folded."""
    found: dict[str, str] = {}
    for task in tasks:
        for id in task.depends_on:
            needed = known.get(id.casefold())
            if needed is not None and needed.status is not Status.DONE:
                found.setdefault(task.id.casefold(), id.casefold())
    return found


def _above_upside_down(tasks: Sequence[Task], known: dict[str, Task]) -> dict[str, str]:
    found: dict[str, str] = {}
    for task in tasks:
        for id in task.depends_on:
            if id.casefold() in known:
                found.setdefault(id.casefold(), task.id.casefold())
    return found


def _grown(below: dict[str, list[Task]]) -> Iterator[tuple[Task, str]]:
    """From the top, branch by branch; without recursion, since chains may be long."""
    stack = [(task, "", "") for task in reversed(below.get("", []))]
    while stack:
        task, branch, under = stack.pop()
        yield task, branch
        children = below.get(task.id.casefold(), [])
        for place, child in reversed(list(enumerate(children))):
            is_last = place == len(children) - 1
            deep = under[: 2 * (DEPTH_MAX - 1)]
            stack.append(
                (child, deep + ("└ " if is_last else "├ "), deep + ("  " if is_last else "│ "))
            )
