"""What an agent does to the code, in few words: its branch, who else is in its files, what merging
would come to.

Invariant: nothing known is nothing said; a line here never says that all is well.
"""

from __future__ import annotations

from typing import Final

from orc_core.model.agent import Agent
from orc_core.model.code import Code, FileOverlap, Forecast, TreeState, shown
from orc_tui.view_models.lines import BLANK, Line

OVERLAPS_MAX: Final = 2
"""How many shared files are named over a screen; the rest are counted."""


def branch(tree: TreeState | None) -> Line:
    """`feat/orders +214 -38`, and what git has begun there and not ended; nothing if unknown."""
    if tree is None or tree.trouble:
        return BLANK
    line: Line = ((tree.title, "text"),)
    if tree.added or tree.removed:
        line = (*line, (f" +{tree.added} -{tree.removed}", "dim"))
    if tree.untracked_count:
        line = (*line, (f" {tree.untracked_count} new", "dim"))
    return (*line, (f" {tree.under_way}", "waiting")) if tree.under_way else line


def warnings(agent: Agent, code: Code) -> list[Line]:
    """The files that others are in, too, and the merges of its branch that will conflict."""
    shared = [one for one in code.overlaps if any(t.agent == agent.name for t in one.touches)]
    lines = [_overlap(agent, one) for one in shared[:OVERLAPS_MAX]]
    if more := len(shared) - len(lines):
        lines.append(((f"and {more} more: `orc code overlap`", "dim"),))
    tree = code.tree_of(agent.cwd)
    if tree is not None and tree.branch:
        clashing = [one for one in code.forecasts if _is_of(one, tree) and one.clashes]
        lines += [_forecast(one, tree, len(clashing)) for one in clashing[:1]]
    return lines


def _overlap(agent: Agent, overlap: FileOverlap) -> Line:
    others = [
        f"{touch.agent} ({touch.task})" if touch.task else touch.agent
        for touch in overlap.touches
        if touch.agent != agent.name
    ]
    return ((shown(overlap.path), "waiting"), (f"  {', '.join(others)} is in it, too", "text"))


def _is_of(forecast: Forecast, tree: TreeState) -> bool:
    sides = (forecast.left, forecast.right)
    return forecast.repository == tree.repository and tree.branch in sides


def _forecast(forecast: Forecast, tree: TreeState, all: int) -> Line:
    other = forecast.right if forecast.left == tree.branch else forecast.left
    first = forecast.clashes[0]
    where = shown(first.path)
    if len(forecast.clashes) > 1:
        where += f" and {len(forecast.clashes) - 1} more"
    others = f" and {all - 1} other" if all > 1 else ""
    return ((f"will conflict with {other}{others}", "waiting"), (f"  in {where}", "text"))
