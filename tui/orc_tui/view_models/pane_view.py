"""What of a pane is in view: its end as it comes, or what was there when somebody began to read.

Invariant: pure. While it is held nothing that comes moves a line that is read; rows are counted
from the end of what is held, which never moves, so that lines put above change no place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from orc_core.model.snapshot import Screen, Scrollback, Span, Style
from orc_core.text import cells
from orc_tui.view_models.lines import Line, Part, text_of

Row: TypeAlias = tuple[Span, ...]

STEP_LINES: Final = 1_000
"""So many lines are asked for when the top of what is known comes into view, then all."""
ALL_LINES: Final = 10_000
NEAR_LINES: Final = 50
"""Lines are asked for when fewer than these are left above."""
MATCHES_MAX: Final = 10_000
QUERY_MAX: Final = 200
_SEAM_LINES: Final = 6
_CURSOR: Final = Style(reverse=True)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a search found something: the row, counted from the end, and its characters."""

    row: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Search:
    """What was searched and found, oldest first; `at` is the match that is looked at."""

    query: str
    matches: tuple[Match, ...] = ()
    at: int = 0

    @property
    def current(self) -> Match | None:
        """The match that is looked at."""
        return self.matches[self.at] if self.matches else None

    @property
    def told(self) -> str:
        """`3 of 17`."""
        return f"{self.at + 1} of {len(self.matches)}" if self.matches else "no match"


@dataclass(frozen=True, slots=True)
class PaneView:
    """How a pane is looked at. `held` is None while its end is followed.

    `above` are the lines over the held screen as far as they were asked for, `whole` says that
    there are no more. `offset` counts the lines below the view, `fresh` those that came since.
    """

    held: Screen | None = None
    above: tuple[Row, ...] = ()
    whole: bool = False
    asked: int = 0
    pinned: bool = False
    """Held by a key: it stays so when its end comes into view."""
    offset: int = 0
    fresh: int = 0
    differs: bool = False
    last: Screen | None = None
    search: Search | None = None

    @property
    def mode(self) -> str:
        """What the frame says of it: `following`, `holding · 12 new lines`."""
        if self.held is None:
            return "following"
        if self.fresh:
            return f"holding · {self.fresh:,} new line{'s' if self.fresh > 1 else ''}"
        return "holding · it changed" if self.differs else "holding"

    @property
    def wanted(self) -> int:
        """How many lines above the screen are to be asked for; 0 for none."""
        if self.held is None or self.whole or not self.held.history:
            return 0
        more = STEP_LINES if not self.asked and self.search is None else ALL_LINES
        return more if more > self.asked else 0


def hold(view: PaneView, screen: Screen, *, pinned: bool = False) -> PaneView:
    """Keep what is in view."""
    if view.held is not None:
        return replace(view, pinned=view.pinned or pinned)
    return PaneView(held=screen, last=screen, pinned=pinned, whole=not screen.history)


def scroll(view: PaneView, by: int, rows: int, room: int) -> PaneView:
    """Scroll what is held, `rows` in all of which `room` are seen; positive goes down.

    Its end follows again, unless a key holds it or something is searched.
    """
    offset = min(max(view.offset - by, 0), max(rows - room, 0))
    if not offset and not view.pinned and view.search is None:
        return PaneView()
    return replace(view, offset=offset)


def is_near_top(view: PaneView, rows: int, room: int) -> bool:
    """Whether the first line that is known is in view, or nearly."""
    return view.held is not None and rows - room - view.offset < NEAR_LINES


def advance(view: PaneView, screen: Screen) -> PaneView:
    """Count what came since; nothing that is read moves."""
    if view.held is None or view.last is None or screen is view.last:
        return view
    fresh = view.fresh + new_lines(view.last, screen)
    differs = view.differs or screen.lines != view.held.lines
    return replace(view, last=screen, fresh=fresh, differs=differs)


def new_lines(before: Screen, now: Screen) -> int:
    """How many lines were added from one screen to the next, as far as that can be told.

    A program that draws over its own screen adds none, however much it changes.
    """
    return max(now.history - before.history, 0) + max(_used(now) - _used(before), 0)


def _used(screen: Screen) -> int:
    """The lines of a screen down to its last one with text."""
    return next((y for y in range(len(screen.lines), 0, -1) if _text(screen.lines[y - 1])), 0)


def _text(row: Row) -> str:
    return "".join(span.text for span in row).rstrip()


def lift(view: PaneView, told: Scrollback, asked: int) -> PaneView:
    """Put what lies above the held screen over it."""
    held = view.held
    if held is None or held.key != told.key:
        return view
    known = len(told.lines) - told.height
    # Lines that scrolled off since lie between: the held screen begins above the present one.
    at = known - max(told.history - held.history, 0)
    above = told.lines[: max(_seam(told.lines, held.lines, at), 0)]
    view = replace(view, above=above, whole=told.whole or asked >= ALL_LINES, asked=asked)
    return look_for(view, view.search.query) if view.search is not None else view


def _seam(lines: tuple[Row, ...], held: tuple[Row, ...], guess: int) -> int:
    """The row in which the held screen begins: where it was reckoned, else where it is alike."""
    first = held[:_SEAM_LINES]

    def alike(at: int) -> int:
        return sum(one == other for one, other in zip(lines[at:], first, strict=False))

    if 0 <= guess <= len(lines) and alike(guess) == len(first):
        return guess
    near = range(max(guess - len(held), 0), min(guess + len(held), len(lines)) + 1)
    best = max(near, key=lambda at: (alike(at), -abs(at - guess)), default=guess)
    return best if best < len(lines) and alike(best) * 2 > len(first) else guess


def rows_of(view: PaneView, screen: Screen, *, dead: bool = False) -> list[Row]:
    """All rows that can be looked at, without the blank ones under the text.

    tmux writes how a dead pane ended on its last line: that line moves up to the text.
    """
    shown = view.held or screen
    rows = [*view.above, *shown.lines]
    first, used = len(view.above), _used(shown)
    if not dead and shown.cursor is not None and shown.cursor[1] == used:
        used += 1  # the line that is about to be written
    del rows[first + used :]
    while dead and len(rows) - first > 2 and not any(map(_text, rows[-3:-1])):
        del rows[-2]
    return rows


def lines_of(view: PaneView, screen: Screen, rows: list[Row], first: int, room: int) -> list[Line]:
    """The rows in view as lines, with the cursor's cell and what was found."""
    shown = view.held or screen
    found: dict[int, list[Match]] = {}
    search = view.search
    for match in search.matches if search is not None else ():
        at = len(rows) - match.row
        if first <= at < first + room:
            found.setdefault(at, []).append(match)
    lines: list[Line] = []
    for at, row in enumerate(rows[first : first + room], first):
        line: Line = tuple((span.text, span.style) for span in row)
        for match in found.get(at, ()):
            line = _marked(line, match, is_current=search is not None and match == search.current)
        lines.append(line)
    if shown.cursor is not None:
        column, y = shown.cursor[0], shown.cursor[1] + len(view.above) - first
        if 0 <= y < len(lines):
            lines[y] = with_cursor(lines[y], column)
    return lines


def with_cursor(line: Line, column: int) -> Line:
    """The line with the cell at a column reversed, as a terminal draws its cursor."""
    parts: list[Part] = []
    used, done = 0, False
    for text, ink in line:
        width = cells(text)
        if done or used + width <= column or not isinstance(ink, Style):
            parts.append((text, ink))
            used += width
            continue
        start = _index(text, column - used)
        end = start + 1
        while end < len(text) and not cells(text[end]):
            end += 1  # what combines belongs to the cell
        turned = replace(ink, reverse=not ink.reverse)
        pieces: tuple[Part, ...] = ((text[:start], ink), (text[start:end], turned))
        parts += [part for part in (*pieces, (text[end:], ink)) if part[0]]
        used, done = used + width, True
    if not done:
        parts += [(" " * (column - used), Style())] if column > used else []
        parts.append((" ", _CURSOR))
    return tuple(parts)


def _index(text: str, column: int) -> int:
    """The character that covers a column of a text."""
    used = 0
    for index, char in enumerate(text):
        used += cells(char)
        if used > column:
            return index
    return len(text)


def _marked(line: Line, match: Match, *, is_current: bool) -> Line:
    """The line with what was found set off; the one that is looked at reversed."""
    parts: list[Part] = []
    at = 0
    for text, ink in line:
        begin, end = max(match.start - at, 0), min(match.end - at, len(text))
        at += len(text)
        if begin >= end or not isinstance(ink, Style):
            parts.append((text, ink))
            continue
        style = replace(ink, underline=True, bold=True)
        style = replace(style, reverse=not ink.reverse) if is_current else style
        pieces: tuple[Part, ...] = (
            (text[:begin], ink),
            (text[begin:end], style),
            (text[end:], ink),
        )
        parts += [part for part in pieces if part[0]]
    return tuple(parts)


def look_for(view: PaneView, query: str) -> PaneView:
    """Search what is held; the match that is looked at stays, else it is the last one in view."""
    if view.held is None or not query:
        return replace(view, search=Search("")) if view.held is not None else view
    rows = rows_of(view, view.held)
    # A word in small letters finds capitals, too, as people expect it of an editor.
    exact = re.IGNORECASE if query == query.lower() else 0
    pattern = re.compile(re.escape(query[:QUERY_MAX]), exact)
    matches: list[Match] = []
    for at in range(len(rows) - 1, -1, -1):
        text = "".join(span.text for span in rows[at])
        found = [Match(len(rows) - at, one.start(), one.end()) for one in pattern.finditer(text)]
        matches += reversed(found)
        if len(matches) >= MATCHES_MAX:
            break
    matches = matches[:MATCHES_MAX][::-1]
    before = view.search.current if view.search is not None else None
    if before in matches:
        at = matches.index(before)
    else:
        at = next((i for i in range(len(matches) - 1, -1, -1) if matches[i].row > view.offset), 0)
    return replace(view, search=Search(query, tuple(matches), at))


def turn(view: PaneView, by: int) -> PaneView:
    """Go to a match further up (negative) or down, round and round."""
    search = view.search
    if search is None or not search.matches:
        return view
    return replace(view, search=replace(search, at=(search.at + by) % len(search.matches)))


def show_match(view: PaneView, rows: int, room: int) -> PaneView:
    """Bring the match that is looked at into view, if it is not."""
    match = view.search.current if view.search is not None else None
    if match is None or view.offset < match.row <= view.offset + room:
        return view
    offset = min(max(match.row - (room + 1) // 2, 0), max(rows - room, 0))
    return replace(view, offset=offset)


def text_lines(rows: list[Row]) -> list[str]:
    """Rows as text, for copying: without blanks at the ends of lines."""
    return [text_of(tuple((span.text, "") for span in row)).rstrip() for row in rows]
