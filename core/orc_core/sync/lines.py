"""Merging long texts by lines.

Invariant: either every change of both sides is in the result, or there is no result. Changes
that touch or overlap are left to a person, unless both sides made the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

COMPARISONS_MAX: Final = 1_000_000
"""Above this many pairs of differing lines a text is one value: comparing is quadratic."""


@dataclass(frozen=True, slots=True)
class _Hunk:
    start: int
    end: int
    lines: tuple[str, ...]


def merge_lines(base: str, ours: str, theirs: str) -> str | None:
    """Merge two edits of a text, or return None where they meet or the text is too long."""
    source = base.split("\n")
    mine = _hunks(source, ours.split("\n"))
    other = _hunks(source, theirs.split("\n"))
    if mine is None or other is None:
        return None
    for a in mine:
        for b in other:
            if a != b and a.start <= b.end and b.start <= a.end:
                return None
    merged = list(source)
    for hunk in sorted({*mine, *other}, key=lambda hunk: hunk.start, reverse=True):
        merged[hunk.start : hunk.end] = hunk.lines
    return "\n".join(merged)


def _hunks(source: list[str], target: list[str]) -> list[_Hunk] | None:
    head = 0
    shorter = min(len(source), len(target))
    while head < shorter and source[head] == target[head]:
        head += 1
    tail = 0
    while tail < shorter - head and source[-1 - tail] == target[-1 - tail]:
        tail += 1
    old, new = source[head : len(source) - tail], target[head : len(target) - tail]
    if len(old) * len(new) > COMPARISONS_MAX:
        return None
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        _Hunk(head + i1, head + i2, tuple(new[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]
