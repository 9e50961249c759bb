"""The fleet as a grid: one tile per agent with the last lines of its screen.

Invariant: tiles never overlap and fill the view; each says who it is, in which state and for how
long, whatever its width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.model.agent import PANE_DEAD, Agent
from orc_core.model.snapshot import Screen
from orc_tui.view_models import agents, frames, live
from orc_tui.view_models.frames import Frame
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import BLANK, Line, cut
from orc_tui.view_models.pane_view import PaneView, lines_of, rows_of
from orc_tui.view_models.spans import short

TILE_WIDTH: Final = 40
"""The least width of a tile, where the view is wide enough for two."""
TILE_HEIGHT: Final = 9
COLUMNS_MAX: Final = 5
NONE: Final = "no agent is there yet: N on the main view starts one"


@dataclass(frozen=True, slots=True)
class Grid:
    """How many tiles there are side by side, and under each other in view."""

    columns: int
    rows: int

    @property
    def size(self) -> int:
        """How many tiles are in view."""
        return self.columns * self.rows


def grid(count: int, width: int, height: int) -> Grid:
    """The grid for so many agents in a room; few of them get larger tiles."""
    most = min(max(width // TILE_WIDTH, 1), COLUMNS_MAX)
    rows = max(height // TILE_HEIGHT, 1)
    columns = next((n for n in range(1, most) if n * min(rows, n) >= count), most)
    return Grid(columns, min(rows, max(-(-count // columns), 1)))


def places(of: Grid, width: int, height: int) -> list[Place]:
    """Where the tiles stand, row by row, in a room that they fill."""
    found: list[Place] = []
    for row in range(of.rows):
        top, end = row * height // of.rows, (row + 1) * height // of.rows
        for column in range(of.columns):
            left, right = column * width // of.columns, (column + 1) * width // of.columns
            found.append(Place(left, top, right - left, end - top, Shape.BOXED))
    return found


def tile(
    agent: Agent, screen: Screen | None, place: Place, now: float, *, here: bool
) -> list[Line]:
    """One tile: name, state and age on its edge, what it does below, its last lines inside."""
    word, sign, ink = agents.face(agent)
    state: Line = ((f" {sign} {word}", ink),)
    age: Line = ((short(max(now - agent.since, 0.0)), "dim"),)
    told = agents.does(agent, now)
    foot: Line = cut(((told, "dim"),), min(len(told), max(place.width - 8, 0))) if told else BLANK
    frame = Frame(agent.name, here, state, age, foot)
    return frames.draw(frame, _inside(agent, screen, place), place)


def _inside(agent: Agent, screen: Screen | None, place: Place) -> Sequence[Line]:
    width, height = frames.inside(place)
    if agent.is_lost:
        return live.missing_lines(agent, now=agent.since, width=width, home="")
    if screen is None:
        return [((" ", "text"), *line) for line in live.reading(agent)]
    view = PaneView()
    rows = rows_of(view, screen, dead=agent.evidence.rule == PANE_DEAD)
    first = max(len(rows) - height, 0)
    return [cut(line, width, ellipsis="") for line in lines_of(view, screen, rows, first, height)]


def lines(
    shown: Sequence[Agent],
    screens: Mapping[str, Screen],
    of: Grid,
    width: int,
    height: int,
    now: float,
    *,
    cursor: str,
) -> list[Line]:
    """The tiles in view, `width` by `height`."""
    if not shown:
        return [((f"  {NONE}", "dim"),), *[BLANK] * (height - 1)]
    out: list[Line] = []
    spots = places(of, width, height)
    for row in range(of.rows):
        spans = spots[row * of.columns : (row + 1) * of.columns]
        inside = shown[row * of.columns : (row + 1) * of.columns]
        tiles = [
            tile(agent, screens.get(agent.key), place, now, here=agent.key == cursor)
            for agent, place in zip(inside, spans, strict=False)
        ]
        tiles += [[cut(BLANK, one.width)] * one.height for one in spans[len(inside) :]]
        out += [
            tuple(part for line in beside for part in line) for beside in zip(*tiles, strict=True)
        ]
    return out
