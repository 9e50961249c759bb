"""Recordings as files: asciicast v2, one JSON value a line, and screens as what a player draws.

Invariant: pure. A file is valid after each of its lines, so that it is whole wherever it ends.
What is drawn of a screen is text, colours and the cursor's place, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.errors import OrcError
from orc_core.model.snapshot import Screen, Span, Style
from orc_core.text import clean
from orc_core.tmux.screen import COLUMNS_MAX, LINES_MAX, parse_lines

VERSION: Final = 2
OUTPUT: Final = "o"
RESIZE: Final = "r"
MARKER: Final = "m"
CLEAR: Final = "\x1b[0m\x1b[2J"
PAUSED: Final = "paused"
ENDED: Final = "ended: "

_ROW: Final = re.compile(r"\x1b\[(\d{1,4});1H\x1b\[0m\x1b\[2K")
_CURSOR: Final = re.compile(r"\x1b\[0m\x1b\[(\d{1,5});(\d{1,5})H\x1b\[\?25([lh])\Z")
_SAFE: Final = re.compile(
    r"\x1b\[[0-9;:]*[HJKmABCDGdXPLM@]|\x1b\[\?(?:25|7|1049)[hl]|\r|\n|\t|\x08"
)
_CODES: Final = (
    ("bold", 1),
    ("dim", 2),
    ("italic", 3),
    ("underline", 4),
    ("reverse", 7),
    ("strike", 9),
)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a file: cells, when it began (seconds since the epoch), of whom.

    `key` and `pid` are the pane's key and the recorder's process, where orc made it; `since` is
    when that process started, in the kernel's ticks.
    """

    width: int
    height: int
    at: float
    title: str
    key: str = ""
    pid: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One line after the first: `at` in seconds since the beginning, what it is, and its data."""

    at: float
    code: str
    data: str


def header_line(header: Header) -> str:
    """The first line of a file."""
    told: dict[str, object] = {
        "version": VERSION,
        "width": header.width,
        "height": header.height,
        "timestamp": int(header.at),
        "title": header.title,
        "env": {"TERM": "xterm-256color"},
        "orc": {"pane": header.key, "pid": header.pid, "start": header.since},
    }
    return json.dumps(told, ensure_ascii=False) + "\n"


def event_line(event: Event) -> str:
    """One line of a file."""
    return json.dumps([round(event.at, 6), event.code, event.data], ensure_ascii=False) + "\n"


def parse_header(line: str) -> Header:
    """Read the first line; raises OrcError where it is not that of an asciicast v2."""
    try:
        told = json.loads(line)
        if told["version"] != VERSION:
            raise OrcError(f"asciicast version {told['version']}: only version {VERSION} is read")
        own = told.get("orc") or {}
        header = Header(
            int(told["width"]),
            int(told["height"]),
            float(told.get("timestamp") or 0),
            clean(str(told.get("title") or ""), limit=200),
            str(own.get("pane") or ""),
            int(own.get("pid") or 0),
            int(own.get("start") or 0),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise OrcError(f"no asciicast: its first line is no header ({error})") from None
    if not (0 < header.width <= COLUMNS_MAX and 0 < header.height <= LINES_MAX):
        raise OrcError(f"no asciicast: {header.width}x{header.height} is no size of a terminal")
    return header


def parse_event(line: str) -> Event | None:
    """Read one line; None for one that is cut short or says nothing that we know."""
    try:
        at, code, data = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    numbers = isinstance(at, int | float) and not isinstance(at, bool) and at >= 0
    if not numbers or not isinstance(code, str) or not isinstance(data, str):
        return None
    return Event(float(at), code, data)


class Drawer:
    """Draws screens one after another: what changed of each, or the whole of it."""

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._cursor = ""
        self._size = (0, 0)

    def draw(self, screen: Screen, rows: Sequence[Sequence[Span]], *, whole: bool = False) -> str:
        """What makes a terminal show these rows and the screen's cursor; "" where it does."""
        size = (screen.width, screen.height)
        drawn = [drawn_row(row) for row in rows[: screen.height]]
        drawn += [""] * (screen.height - len(drawn))
        whole = whole or size != self._size
        before = [""] * screen.height if whole else self._rows
        changed = [
            f"\x1b[{y};1H\x1b[0m\x1b[2K{row}"
            for y, (old, row) in enumerate(zip(before, drawn, strict=True), 1)
            if row != old
        ]
        cursor = _drawn_cursor(screen)
        if not whole and not changed and cursor == self._cursor:
            return ""
        self._rows, self._cursor, self._size = drawn, cursor, size
        return "".join([CLEAR if whole else "", *changed, cursor])


def _drawn_cursor(screen: Screen) -> str:
    if screen.cursor is None:
        return "\x1b[0m\x1b[1;1H\x1b[?25l"
    return f"\x1b[0m\x1b[{screen.cursor[1] + 1};{screen.cursor[0] + 1}H\x1b[?25h"


def drawn_row(row: Iterable[Span]) -> str:
    """The text of a row with its colours; blank cells at its end are left away."""
    spans = list(row)
    while spans and not spans[-1].text.strip() and _is_plain(spans[-1].style):
        spans.pop()
    return "".join(sgr(span.style) + span.text for span in spans)


def _is_plain(style: Style) -> bool:
    return style.bg is None and not (style.reverse or style.underline or style.strike)


def sgr(style: Style) -> str:
    """The sequence that turns this style on, whatever was on before."""
    codes = ["0", *(str(code) for name, code in _CODES if getattr(style, name))]
    for base, colour in ((38, style.fg), (48, style.bg)):
        if isinstance(colour, int):
            codes.append(f"{base};5;{colour}")
        elif colour is not None:
            red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
            codes.append(f"{base};2;{red};{green};{blue}")
    return f"\x1b[{';'.join(codes)}m"


@dataclass(slots=True)
class Shown:
    """What a terminal shows after some events of a file that a `Drawer` made."""

    width: int
    height: int
    rows: list[str]
    cursor: tuple[int, int] | None = None

    @classmethod
    def blank(cls, header: Header) -> Shown:
        return cls(header.width, header.height, [""] * header.height)

    def take(self, event: Event) -> None:
        """Show one event; what is no drawing of ours changes nothing."""
        if event.code == RESIZE:
            width, _, height = event.data.partition("x")
            if width.isdecimal() and height.isdecimal():
                self.width, self.height = min(int(width), COLUMNS_MAX), min(int(height), LINES_MAX)
                self.rows = (self.rows + [""] * self.height)[: self.height]
            return
        if event.code != OUTPUT:
            return
        data = event.data
        if data.startswith(CLEAR):
            self.rows = [""] * self.height
        if (cursor := _CURSOR.search(data)) is not None:
            shown = cursor[3] == "h"
            self.cursor = (int(cursor[2]) - 1, int(cursor[1]) - 1) if shown else None
            data = data[: cursor.start()]
        # The captured group makes every second piece the number of a row.
        pieces = _ROW.split(data)
        for number, text in zip(pieces[1::2], pieces[2::2], strict=True):
            if 0 < int(number) <= self.height:
                self.rows[int(number) - 1] = text

    def screen(self, key: str, at: float) -> Screen:
        """The same as a screen; `at` is when it stood there, in seconds since the epoch."""
        lines = parse_lines("\n".join("\x1b[0m" + row for row in self.rows), limit=self.height)
        return Screen(key, self.width, self.height, lines, self.cursor, at)


def harmless(data: str) -> str:
    """What may be printed of a file that anybody made: text, colours, places of the cursor."""
    kept: list[str] = []
    at = 0
    for match in _SAFE.finditer(data):
        kept += [clean(data[at : match.start()], limit=len(data)), match[0]]
        at = match.end()
    return "".join([*kept, clean(data[at:], limit=len(data))])
