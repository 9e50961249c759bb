"""Colour and width of terminal text, as the real programs use them.

Invariant: a line returned from here ends in the default style and fits the width it was
asked for.
"""

from __future__ import annotations

import textwrap
import unicodedata
from typing import Final

RESET: Final = "\x1b[0m"
_STYLES: Final = {
    "accent": "38;5;173",
    "add": "32",
    "ask": "38;5;147",
    "blue": "34",
    "bold": "1",
    "cyan": "36",
    "dim": "2",
    "green": "32",
    "grey": "38;5;246",
    "magenta": "35",
    "red": "31",
    "remove": "31",
    "reverse": "7",
    "user": "48;5;237",
    "yellow": "33",
}


def ink(style: str, text: str) -> str:
    """Return text in a style, a few names parted by blanks; "" leaves it plain."""
    codes = ";".join(_STYLES[name] for name in style.split())
    return f"\x1b[{codes}m{text}{RESET}" if codes and text else text


def cells(text: str) -> int:
    """Return how many cells plain text takes."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def cut(text: str, width: int) -> str:
    """Cut plain text to a width, with an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    kept = ""
    for each in text:
        if cells(kept + each) > width - 1:
            break
        kept += each
    return kept + "…" if width > 0 else ""


def wrapped(
    text: str, width: int, *, first: str = "", rest: str = "", style: str = ""
) -> list[str]:
    """Wrap plain text, each line in the style, behind a first prefix and one for the rest."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        room = max(width - max(cells(first), cells(rest)), 8)
        for line in textwrap.wrap(paragraph, room) or [""]:
            lines.append((rest if lines else first) + ink(style, cut(line, room)))
    return lines


def rule(width: int, style: str = "dim") -> str:
    """Return a horizontal line over the whole width."""
    return ink(style, "─" * width)


def minutes(seconds: float) -> str:
    """Word a span of working time: `12s`, `2m 5s`."""
    whole = int(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m {whole % 60}s"
