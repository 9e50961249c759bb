"""Lines of styled text: what every view model returns and every widget draws.

Invariant: a line is a value; equal lines look the same. An ink is a theme token with
modifiers (`waiting bold`), or the style that a pane's own screen carries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from orc_core.model.snapshot import Style
from orc_core.text import cells, fit

Ink: TypeAlias = str | Style
Part: TypeAlias = tuple[str, Ink]
Line: TypeAlias = tuple[Part, ...]

TEXT: Final = "text"
DIM: Final = "dim"
BLANK: Final[Line] = ()


def text_of(line: Line) -> str:
    """The characters of a line without its inks."""
    return "".join(text for text, _ in line)


def width_of(line: Line) -> int:
    """The cells a line takes."""
    return sum(cells(text) for text, _ in line)


def cut(line: Line, width: int, *, ellipsis: str = "…") -> Line:
    """Cut or pad a line to exactly `width` cells; a cut part ends in `ellipsis`."""
    kept: list[Part] = []
    room = width
    for text, ink in line:
        taken = cells(text)
        if taken > room:
            if room > 0:
                kept.append((fit(text, room, ellipsis=ellipsis), ink))
            return tuple(kept)
        kept.append((text, ink))
        room -= taken
    if room > 0:
        kept.append((" " * room, TEXT))
    return tuple(kept)


def shift(line: Line, columns: int) -> Line:
    """Leave away the first `columns` cells of a line."""
    if columns <= 0:
        return line
    kept: list[Part] = []
    skip = columns
    for text, ink in line:
        taken = cells(text)
        if skip >= taken:
            skip -= taken
            continue
        kept.append((_without_head(text, skip) if skip else text, ink))
        skip = 0
    return tuple(kept)


def _without_head(text: str, columns: int) -> str:
    """Drop `columns` cells; half of a wide character becomes a space."""
    used = 0
    for index, char in enumerate(text):
        if used >= columns:
            return " " * (used - columns) + text[index:]
        used += cells(char)
    return " " * (used - columns)


def ends(left: Line, right: Line, width: int, *, gap: int = 2, fill: Part = (" ", TEXT)) -> Line:
    """One line with `left` at its left and `right` at its right end, `width` cells in all.

    Where both do not fit, `left` is cut; `right` is left away when nothing would remain.
    """
    taken = width_of(right)
    if taken and taken + gap >= width:
        right, taken = BLANK, 0
    room = width - taken - (gap if taken else 0)
    if width_of(left) > room:
        left = cut(left, room)
    space = width - taken - width_of(left)
    char, ink = fill
    return (*left, (char * space, ink), *right) if space > 0 else (*left, *right)


def marked_up(line: Line, found: re.Pattern[str]) -> Line:
    """Underline what a pattern finds in the texts of a line; what a pane shows is left as it is."""
    parts: list[Part] = []
    for text, ink in line:
        at = 0
        for match in found.finditer(text) if isinstance(ink, str) else ():
            parts += [(text[at : match.start()], ink), (match[0], f"{ink} underline")]
            at = match.end()
        parts.append((text[at:], ink))
    return tuple((text, ink) for text, ink in parts if text)


def join(lines: Iterable[Line], gap: int) -> Line:
    """Put lines one after the other with `gap` spaces between them."""
    parts: list[Part] = []
    for line in lines:
        if not line:
            continue
        if parts:
            parts.append((" " * gap, TEXT))
        parts.extend(line)
    return tuple(parts)


def spread(lines: Sequence[Line], width: int, *, most: int = 3) -> Line:
    """Put lines side by side, sharing what is left of `width` between the gaps, left ones first.

    Lines that do not fit with two spaces between them are left away from the end.
    """
    kept = list(lines)
    while len(kept) > 1 and sum(map(width_of, kept)) + 2 * (len(kept) - 1) > width:
        kept.pop()
    gaps = len(kept) - 1
    free = max(width - sum(map(width_of, kept)), 0)
    parts: list[Part] = []
    for index, line in enumerate(kept):
        parts.extend(line)
        if index < gaps:
            share = free // gaps + (1 if index < free % gaps else 0)
            parts.append((" " * min(share, most), TEXT))
    return tuple(parts)


def wrap(text: str, width: int) -> list[str]:
    """Break text into lines of at most `width` cells, at spaces where there are any."""
    rows: list[str] = []
    for paragraph in text.split("\n"):
        row = ""
        for word in paragraph.split(" "):
            piece = word
            while True:
                candidate = f"{row} {piece}" if row else piece
                if cells(candidate) <= width:
                    row = candidate
                    break
                if row:
                    rows.append(row)
                    row = ""
                    continue
                head = _head(piece, width)
                rows.append(head)
                piece = piece[len(head) :]
        rows.append(row)
    return rows


def _head(text: str, width: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += cells(char)
        if used > width and index:
            return text[:index]
    return text
