"""Where each pane stands: one layout that grows with the terminal.

Invariant: the places never overlap and fill the body exactly; every pane is reachable at every
size, as a box, a ruled list or one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orc_tui.keymap import AGENTS, CONFLICTS, LIVE, SYNC, TASKS

WIDTH_MIN: Final = 60
HEIGHT_MIN: Final = 15
BOXED_WIDTH: Final = 120

LISTS: Final = (AGENTS, TASKS, CONFLICTS, SYNC)
RULE: Final = "rule"
_BOX_MIN: Final = 3
_KEEP: Final = 5
"""Lines that Conflicts and Sync get before Tasks and Agents share the rest."""


class Shape(StrEnum):
    """How a pane is drawn."""

    BOXED = "boxed"
    RULED = "ruled"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of the screen in cells, and the shape of what stands there."""

    x: int
    y: int
    width: int
    height: int
    shape: Shape


def too_small(width: int, height: int) -> bool:
    """Whether nothing useful can be drawn."""
    return width < WIDTH_MIN or height < HEIGHT_MIN


def places(
    width: int, height: int, rows: Mapping[str, int], focus: str, *, zoomed: bool
) -> dict[str, Place]:
    """Give every visible pane its place; `rows` is how many lines each list would like.

    The header is line 0, the footer the last one; neither is among the places.
    """
    body = height - 2
    if zoomed:
        shape = Shape.BOXED if width >= BOXED_WIDTH else Shape.RULED
        return {focus: Place(0, 1, width, body, shape)}
    if width >= BOXED_WIDTH:
        return _boxed(width, body, rows, focus)
    return _ruled(width, body, rows, focus)


def _ruled(width: int, body: int, rows: Mapping[str, int], focus: str) -> dict[str, Place]:
    lower = focus if focus in (TASKS, CONFLICTS, SYNC) else LIVE
    lines = [name for name in (TASKS, CONFLICTS, SYNC) if name != lower]
    if lower != LIVE:
        lines.insert(0, LIVE)
    room = body - len(lines) - 1
    most = -(-room * 55 // 100)
    upper = max(min(rows[AGENTS] + 1, most), _BOX_MIN)
    found = {
        AGENTS: Place(0, 1, width, upper, Shape.RULED),
        lower: Place(0, 1 + upper, width, room - upper, Shape.RULED),
        RULE: Place(0, 1 + room, width, 1, Shape.LINE),
    }
    for index, name in enumerate(lines):
        found[name] = Place(0, 2 + room + index, width, 1, Shape.LINE)
    return found


def left_width(width: int) -> int:
    """The width of the lists' column."""
    if width >= 200:
        return 100
    return 79 if width >= 160 else 66


def _boxed(width: int, body: int, rows: Mapping[str, int], focus: str) -> dict[str, Place]:
    left = left_width(width)
    heights = _heights(body, {name: rows[name] + 2 for name in LISTS}, focus)
    found: dict[str, Place] = {}
    y = 1
    for name in LISTS:
        found[name] = Place(0, y, left, heights[name], Shape.BOXED)
        y += heights[name]
    found[LIVE] = Place(left + 1, 1, width - left - 1, body, Shape.BOXED)
    return found


def _heights(body: int, needs: Mapping[str, int], focus: str) -> dict[str, int]:
    """Share the column: Agents 45 %, Conflicts and Sync what they need, Tasks the rest."""
    heights = dict.fromkeys(LISTS, _BOX_MIN)
    free = body - _BOX_MIN * len(LISTS)

    def grow(name: str, upto: int) -> None:
        nonlocal free
        more = min(max(upto - heights[name], 0), free)
        heights[name] += more
        free -= more

    fifth = max(body // 5, _KEEP)
    grow(AGENTS, min(needs[AGENTS], body * 45 // 100))
    grow(SYNC, min(needs[SYNC], fifth))
    grow(CONFLICTS, min(needs[CONFLICTS], fifth))
    for name in (TASKS, AGENTS, CONFLICTS, SYNC):
        grow(name, needs[name])
    heights[AGENTS] += free
    _lend(heights, needs, focus, body)
    return heights


def _lend(heights: dict[str, int], needs: Mapping[str, int], focus: str, body: int) -> None:
    """Let the focused list take lines from Agents and Tasks, which keep a third and a few."""
    if focus not in heights:
        return
    for name, least in ((TASKS, _KEEP), (AGENTS, body // 3)):
        if name != focus:
            spare = max(heights[name] - least, 0)
            taken = min(spare, max(needs[focus] - heights[focus], 0))
            heights[name] -= taken
            heights[focus] += taken
