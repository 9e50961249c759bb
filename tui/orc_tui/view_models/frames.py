"""Frames: a box with a title, or a rule over a list where there is no room for boxes.

Invariant: a frame is exactly as wide and high as its place, whatever its title and body are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import BLANK, TEXT, Line, Part, cut, text_of, width_of


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands on the edges of a pane; `right` is left away where there is no room."""

    name: str
    focused: bool
    beside: Line = BLANK
    right: Line = BLANK
    foot: Line = BLANK
    foot_right: Line = BLANK

    @property
    def ink(self) -> str:
        """The ink of the edges."""
        return "accent" if self.focused else "border"

    @property
    def title(self) -> Line:
        """The name, reversed where the pane has the focus, and what stands beside it."""
        ink = "accent bold reverse" if self.focused else "text bold"
        title: Line = ((f" {self.name} ", ink),)
        return (*title, *self.beside, (" ", self.ink)) if self.beside else title


def inside(place: Place) -> tuple[int, int]:
    """Width and height of the room within a frame."""
    if place.shape is Shape.BOXED:
        return max(place.width - 2, 0), max(place.height - 2, 0)
    return place.width, max(place.height - 1, 0)


def draw(frame: Frame, body: Sequence[Line], place: Place) -> list[Line]:
    """The frame with its body, one line per line of the place; the body is cut and padded."""
    width, height = inside(place)
    rows = [cut(line, width, ellipsis="") for line in body[:height]]
    rows += [cut(BLANK, width)] * (height - len(rows))
    if place.shape is Shape.RULED:
        return [_edge(frame, "─", "─", frame.title, frame.right, place.width), *rows]
    side: Part = ("│", frame.ink)
    return [
        _edge(frame, "╭─", "─╮", frame.title, frame.right, place.width),
        *((side, *row, side) for row in rows),
        _edge(frame, "╰─", "─╯", _spaced(frame.foot), frame.foot_right, place.width),
    ]


def divider(frame: Frame, width: int) -> Line:
    """A line across a box, joined to its sides by the caller's frame."""
    return (("─" * width, frame.ink),)


def join_sides(lines: list[Line], at: int, frame: Frame) -> None:
    """Turn the sides of one line of a box into tees."""
    line = lines[at]
    lines[at] = (("├", frame.ink), *line[1:-1], ("┤", frame.ink))


def rule(width: int) -> Line:
    """A line across the screen."""
    return (("─" * width, "border"),)


def _spaced(line: Line) -> Line:
    return ((" ", "text"), *line, (" ", "text")) if line else BLANK


def _shorter(line: Line, width: int) -> Line:
    """A line of facts with as many of them as fit, whole ones only."""
    facts = text_of(line).strip().split(" · ")
    while facts and width_of(_spaced(((" · ".join(facts), TEXT),))) > width:
        facts.pop()
    return _spaced(((" · ".join(facts), line[-2][1]),)) if facts else BLANK


def _edge(frame: Frame, start: str, end: str, left: Line, right: Line, width: int) -> Line:
    room = width - len(start) - len(end)
    right = _spaced(right)
    if width_of(left) + width_of(right) + 1 > room:
        right = _shorter(right, room - width_of(left) - 1)
    if width_of(left) > room:
        left = cut(left, room)
    dashes = room - width_of(left) - width_of(right)
    middle: Line = (("─" * dashes, frame.ink),) if dashes else BLANK
    return ((start, frame.ink), *left, *middle, *right, (end, frame.ink))
