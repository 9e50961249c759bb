"""The boxes that dialogs are drawn in, and the keys on their edges.

Invariant: every edge and row is exactly as wide as it was asked for, in cells. The ink
`press:KEY` makes a click do what the key does.
"""

from __future__ import annotations

from collections.abc import Sequence

from orc_core.text import cells
from orc_tui.view_models.lines import Line, Part, cut, width_of

CORNERS_TOP = ("╭", "╮")
CORNERS_BOTTOM = ("╰", "╯")
RULE = "─"
WALL = "│"


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` at the left and `right` at the right edge; the left one is cut first."""
    room = max(width - width_of(right), 0)
    return cut((*cut(left, room), *right), width)


def top(left: Line, right: Line, width: int, style: str = "") -> Line:
    """The upper edge of a box, with a title and what stands at its right end."""
    return _edge(left, right, width, style, CORNERS_TOP)


def bottom(left: Line, right: Line, width: int, style: str = "") -> Line:
    """The lower edge of a box."""
    return _edge(left, right, width, style, CORNERS_BOTTOM)


def rule(left: Line, right: Line, width: int, style: str = "") -> Line:
    """A rule with a title: what stands for a box where the screen is narrow."""
    return _edge(left, right, width, style, ("", ""))


def _edge(left: Line, right: Line, width: int, style: str, corners: tuple[str, str]) -> Line:
    inner = width - sum(cells(corner) for corner in corners)
    end: Line = ((" ", ""), *right, (f" {RULE}", style)) if right else ((RULE, style),)
    room = max(inner - width_of(end) - 3, 0)
    shown = cut(left, room) if width_of(left) > room else left
    start: Line = ((f"{RULE} ", style), *shown, (" ", "")) if left else ()
    fill = max(inner - width_of(start) - width_of(end), 0)
    return cut(
        ((corners[0], style), *start, (RULE * fill, style), *end, (corners[1], style)), width
    )


def row(line: Line, width: int, style: str = "") -> Line:
    """One line between the walls of a box."""
    return ((WALL, style), *cut(line, width - 2), (WALL, style))


def boxed(
    lines: Sequence[Line], width: int, *, head: Line, foot: tuple[Line, Line], style: str = ""
) -> list[Line]:
    """Lines in a whole box; `head` is its title, `foot` what stands in the lower edge."""
    return [
        top(head, (), width, style),
        *(row(line, width, style) for line in lines),
        bottom(foot[0], foot[1], width, style),
    ]


def key(name: str, word: str, *, press: str = "") -> Line:
    """One key of a footer with its word; a click on it presses the key."""
    to = f"press:{press or name}"
    return ((name, f"accent {to}"), (f" {word}", f"{to}"))


def pressing(line: Line, name: str) -> Line:
    """The line, on which a click presses a key wherever nothing else is pressed already."""
    return tuple(
        (text, f"{ink} press:{name}".strip())
        if isinstance(ink, str) and "press:" not in ink
        else (text, ink)
        for text, ink in line
    )


def keys(pairs: Sequence[Line], width: int) -> Line:
    """As many keys of a footer as fit, in order, two blanks apart."""
    out: list[Part] = []
    used = 0
    for pair in pairs:
        if not pair:
            continue
        gap = 2 if out else 0
        if used + gap + width_of(pair) > width:
            continue
        if gap:
            out.append(("  ", ""))
        out.extend(pair)
        used += gap + width_of(pair)
    return tuple(out)


def wrap(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` cells, broken at blanks where that can be done."""
    out: list[str] = []
    for line in text.split("\n"):
        rest = line.rstrip()
        while cells(rest) > width > 0:
            head = _head(rest, width)
            blank = head.rfind(" ")
            if blank > width // 3 and not rest[len(head) :].startswith(" "):
                head = head[:blank]
            out.append(head.rstrip())
            rest = rest[len(head) :].lstrip(" ")
        out.append(rest)
    return out


def _head(text: str, width: int) -> str:
    """The longest start of the text that takes at most `width` cells, at least one character."""
    used = 0
    for index, char in enumerate(text):
        used += cells(char)
        if used > width:
            return text[: max(index, 1)]
    return text
