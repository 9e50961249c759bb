"""Patterns of rule files: which are safe, and how a line is searched.

Invariant: no pattern is searched that could take for ever, or more than STEPS_MAX steps on one
line, and no line is looked at beyond LINE_MAX characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from orc_core.agents.backtracking import steps

LINE_MAX: Final = 400
PATTERNS_MAX: Final = 4096
STEPS_MAX: Final = 12_000_000
"""A search may try so many ways at worst, which takes a tenth of a second."""
SHOWN_MAX: Final = 80

_OPENS: Final = re.compile(r"\((?:\?(?::|=|!|<=|<!|P<\w+>|[a-zA-Z-]+[:)]))?")
_VERBOSE: Final = re.compile(r"\(\?[a-wyz]*x")
_VARYING: Final = re.compile(r"[*+?]|\{\d*,\d*\}")
_MANY: Final = re.compile(r"[*+]|\{\d*,\}|\{\d*,?(?:\d{2,}|[5-9])\}")
"""What repeats a group so often that every variation in it counts."""


def safe_pattern(text: str) -> str:
    """Refuse what does not compile, and what may take too long on some line."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if _VERBOSE.search(text):
        raise ValueError("the flag x hides what is repeated: write it without")
    if _nests_repetition(text):
        raise ValueError(
            f"a repetition inside a repeated group can take for ever in {_shown(text)}: "
            "repeat only one of them"
        )
    ways = steps(text, LINE_MAX)
    if ways > STEPS_MAX:
        raise ValueError(
            f"{_shown(text)} may be tried in {ways:,} ways on one line (at most {STEPS_MAX:,}): "
            "begin it with ^, or bound what repeats, as .{0,60} for .*"
        )
    return text


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def _nests_repetition(text: str) -> bool:
    """Whether a group is repeated in which something varies: a repetition, or alike branches."""
    groups: list[_Group] = [_Group()]
    at = 0
    while at < len(text):
        sign = text[at]
        if sign == "(":
            at = _group_start(text, at)
            if text[at - 1] != ")":  # flags alone open no group
                groups.append(_Group([_first(text, at)]))
            continue
        if sign == "|":
            groups[-1].firsts.append(_first(text, at + 1))
        elif sign == ")" and len(groups) > 1:
            inner = groups.pop()
            if inner.varies and _MANY.match(text, at + 1):
                return True
            groups[-1].repeats = groups[-1].repeats or inner.varies
        elif _VARYING.match(text, at):
            groups[-1].repeats = True
        at = _class_end(text, at) if sign == "[" else at + (2 if sign == "\\" else 1)
    return False


@dataclass(slots=True)
class _Group:
    """A group that is read: what its branches begin with, "" for what may be several things."""

    firsts: list[str] = field(default_factory=list)
    repeats: bool = False

    @property
    def varies(self) -> bool:
        alike = "" in self.firsts or len({*self.firsts}) < len(self.firsts)
        return self.repeats or (len(self.firsts) > 1 and alike)


def _group_start(text: str, at: int) -> int:
    """The position after what opens the group there."""
    match = _OPENS.match(text, at)
    return match.end() if match is not None else at + 1


def _first(text: str, at: int) -> str:
    """The letter that a branch begins with; "" where it may begin with several things."""
    sign = text[at : at + 1]
    if sign == "\\":
        literal = text[at + 1 : at + 2]
        return "" if literal.isalnum() else literal
    return "" if sign in ("", *".[(^$|)") else sign.casefold()


def _class_end(text: str, at: int) -> int:
    """The position after the character class that starts at `at`."""
    at += 2 if text[at + 1 : at + 2] == "^" else 1
    if text[at : at + 1] == "]":
        at += 1
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1


@lru_cache(maxsize=PATTERNS_MAX)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of a rule file, compiled once."""
    return re.compile(pattern)


def found(pattern: str, line: str) -> re.Match[str] | None:
    """Search a line, of which no more than LINE_MAX characters are looked at."""
    return compiled(pattern).search(line[:LINE_MAX])
