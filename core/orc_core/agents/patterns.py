"""Patterns of rule files: which are safe, and how a line is searched.

Invariant: no pattern takes more than linear time on a line, and no line is looked at beyond
LINE_MAX characters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

LINE_MAX: Final = 400
PATTERNS_MAX: Final = 4096


def safe_pattern(text: str) -> str:
    """Refuse what does not compile, and repetitions inside repetitions."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if _nests_repetition(text):
        raise ValueError(
            "a repetition inside a repeated group can take for ever: repeat only one of them"
        )
    return text


def _nests_repetition(text: str) -> bool:
    """Whether a group that holds an unbounded repetition is itself repeated without bound."""
    groups = [False]
    at = 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 2
            continue
        if sign == "[":
            at = _class_end(text, at)
            continue
        if sign == "(":
            groups.append(False)
        elif sign == ")" and len(groups) > 1:
            inner = groups.pop()
            if inner and _unbounded(text, at + 1):
                return True
            groups[-1] = groups[-1] or inner
        elif _unbounded(text, at):
            groups[-1] = True
        at += 1
    return False


def _class_end(text: str, at: int) -> int:
    """The position after the character class that starts at `at`."""
    at += 2 if text[at + 1 : at + 2] == "^" else 1
    if text[at : at + 1] == "]":
        at += 1
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _unbounded(text: str, at: int) -> bool:
    return text[at : at + 1] in ("*", "+") or re.match(r"\{\d*,\}", text[at:]) is not None


@lru_cache(maxsize=PATTERNS_MAX)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of a rule file, compiled once."""
    return re.compile(pattern)


def found(pattern: str, line: str) -> re.Match[str] | None:
    """Search a line, of which no more than LINE_MAX characters are looked at."""
    return compiled(pattern).search(line[:LINE_MAX])
