"""A captured screen as styled spans.

Invariant: colours and attributes come from SGR alone; all other escapes and every character
that does not print are gone. tmux has drawn the screen already: nothing here moves a cursor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Final
from unicodedata import category

from orc_core.model.snapshot import Span, Style
from orc_core.text import clean

LINES_MAX: Final = 1000
COLUMNS_MAX: Final = 4000
"""Bounds of one screen; tmux lets a pane be 10,000 wide."""

KNOWN_SCREENS: Final = 3
"""Of how many screens of a pane its rows are known, about."""
KNOWN_ROWS_MIN: Final = 100

_LINE_BYTES_MAX: Final = 200_000
_CACHED_LINES: Final = 4096

_PLAIN: Final = Style()
_SGR: Final = re.compile(r"\x1b\[([0-9;:]*)m")
_PARAMS_MAX: Final = 64
_SHIFTS: Final = re.compile("([\x0e\x0f])")

_JOINED: Final = re.compile("\u200d[^\x00-\x7f]?\ufe0f?")
"""What a joiner ties to the sign before it: to tmux both are one cell, however wide it is."""

_MARKS: Final = ("Mn", "Me", "Cn")

_LINE_DRAWING: Final = str.maketrans("`afghijklmnopqrstuvwxyz{|}~", "◆▒°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")
"""The alternate character set, which `capture-pane -e` sets off by SO and SI."""

_ON: Final[dict[int, dict[str, bool]]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
    29: {"strike": False},
}


def parse_lines(raw: str, *, limit: int = LINES_MAX) -> tuple[tuple[Span, ...], ...]:
    """Turn what `capture-pane -e -p` printed into spans, line by line, at most `limit` of them."""
    lines: list[tuple[Span, ...]] = []
    style, drawing = _PLAIN, False
    for line in raw.removesuffix("\n").split("\n")[:limit]:
        spans, style, drawing = _parse_line(line[:_LINE_BYTES_MAX], style, drawing)
        lines.append(spans)
    return tuple(lines)


def plain(lines: Iterable[Sequence[Span]]) -> tuple[str, ...]:
    """The text of a screen; blank ends of lines and blank lines at the end are cut."""
    texts = ["".join(span.text for span in line).rstrip() for line in lines]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def clean_lines(raw: str, known: dict[str, str] | None = None) -> tuple[str, ...]:
    """Turn what `capture-pane -p` printed into clean text lines, trailing blank cut.

    `known` has what rows of the pane's last screens became, of which most stand there still: it
    is added to, and made anew before it holds more than a few screens.
    """
    rows = raw.removesuffix("\n").split("\n")[:LINES_MAX]
    known = {} if known is None else known
    if len(known) > KNOWN_ROWS_MIN and len(known) > KNOWN_SCREENS * len(rows):
        known.clear()
    for row in rows:
        if row not in known:
            known[row] = clean(row[:_LINE_BYTES_MAX], limit=COLUMNS_MAX).rstrip()
    lines = [known[row] for row in rows]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


@lru_cache(maxsize=_CACHED_LINES)
def _parse_line(line: str, style: Style, drawing: bool) -> tuple[tuple[Span, ...], Style, bool]:
    """One line and the state that tmux carries over to the next."""
    spans: list[Span] = []
    # The captured group of the pattern makes every second piece the parameters of one SGR.
    for index, piece in enumerate(_SGR.split(line)):
        if index % 2:
            style = _apply(style, piece)
            continue
        for part in _SHIFTS.split(piece):
            if part in ("\x0e", "\x0f"):
                drawing = part == "\x0e"
            elif part:
                text = _with_base(clean(_JOINED.sub("", part), limit=COLUMNS_MAX))
                spans.append(Span(text.translate(_LINE_DRAWING) if drawing else text, style))
    return _joined(spans), style, drawing


def _with_base(text: str) -> str:
    """Drop marks that stand at the start of a run: they would pile up on the run before it."""
    first = next((i for i, char in enumerate(text) if category(char) not in _MARKS), len(text))
    return text[first:]


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Join neighbours of one style and drop what is empty."""
    runs = ((s, "".join(x.text for x in run)) for s, run in groupby(spans, key=lambda x: x.style))
    return tuple(Span(text, style) for style, text in runs if text)


@lru_cache(maxsize=1024)
def _apply(style: Style, parameters: str) -> Style:
    """The style after one SGR; codes that we do not draw change nothing."""
    codes = _codes(parameters)
    for code in codes:
        if code == 0:
            style = _PLAIN
        elif code in _ON:
            style = replace(style, **_ON[code])
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = replace(style, fg=code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = replace(style, bg=code - 40 if code < 100 else code - 92)
        elif code == 39:
            style = replace(style, fg=None)
        elif code == 49:
            style = replace(style, bg=None)
        elif code in (38, 48, 58):
            colour = _colour(codes)
            if colour is not None and code != 58:
                style = replace(style, fg=colour) if code == 38 else replace(style, bg=colour)
    return style


def _codes(parameters: str) -> Iterator[int]:
    """The numbers of an SGR, the colon forms of colours brought into the semicolon form."""
    for field in parameters.split(";")[:_PARAMS_MAX]:
        parts = field.split(":")
        if len(parts) == 1:
            yield _number(field)
        elif parts[0] == "4":
            yield 24 if parts[1] == "0" else 4
        elif parts[0] in ("38", "48", "58"):
            # 38:2::r:g:b has a colour space that 38:2:r:g:b leaves out
            values = parts[:2] + parts[-3:] if parts[1] == "2" else parts[:3]
            yield from map(_number, values)


def _number(digits: str) -> int:
    return int(digits) if digits and len(digits) <= 4 else 0


def _colour(codes: Iterator[int]) -> int | str | None:
    """Read what follows 38, 48 or 58: `5;n` or `2;r;g;b`."""
    form = next(codes, -1)
    if form == 5:
        index = next(codes, -1)
        return index if 0 <= index <= 255 else None
    if form == 2:
        channels = [next(codes, -1) for _ in range(3)]
        if all(0 <= channel <= 255 for channel in channels):
            return "#{:02x}{:02x}{:02x}".format(*channels)
    return None
