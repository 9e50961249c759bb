"""Merging long texts by lines.

Invariant: every change of both sides is in the result, or in one of its hunks. A hunk is a run
of lines that both sides changed, touching or overlapping; what is around it is merged, so that
the three texts of a `Woven` differ in their hunks and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final, TypeAlias

COMPARISONS_MAX: Final = 1_000_000
"""Above this many pairs of differing lines a text is one value: comparing is quadratic."""

Lines: TypeAlias = tuple[str, ...]


class Of(StrEnum):
    """Whose text is meant."""

    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that both sides changed differently; `at` counts from 0 in the base's text."""

    at: int
    base: Lines
    ours: Lines
    theirs: Lines

    def lines(self, of: Of) -> Lines:
        """Return one version of these lines."""
        return {Of.BASE: self.base, Of.OURS: self.ours, Of.THEIRS: self.theirs}[of]


@dataclass(frozen=True, slots=True)
class Woven:
    """Three texts that agree but for their hunks; the first of `agreed` stands before them all."""

    agreed: tuple[Lines, ...]
    hunks: tuple[Hunk, ...]

    def text(self, of: Of) -> str:
        """Return one of the three texts."""
        lines = list(self.agreed[0])
        for hunk, after in zip(self.hunks, self.agreed[1:], strict=True):
            lines += (*hunk.lines(of), *after)
        return "\n".join(lines)

    @property
    def is_whole(self) -> bool:
        """Whether one hunk is all there is."""
        return len(self.hunks) == 1 and not any(self.agreed)


@dataclass(frozen=True, slots=True)
class _Edit:
    """The lines `start` to `end` of the base became `lines`."""

    start: int
    end: int
    lines: Lines

    @property
    def growth(self) -> int:
        """How many lines there are more than before."""
        return len(self.lines) - (self.end - self.start)


def merge_lines(base: str, ours: str, theirs: str) -> str | None:
    """Merge two edits of a text, or return None where they meet or the text is too long."""
    woven = weave(base, ours, theirs)
    return None if woven is None or woven.hunks else woven.text(Of.OURS)


def weave(base: str, ours: str, theirs: str) -> Woven | None:
    """Merge two edits of a text line by line; None where it is too long to compare."""
    return weave_lines(base.split("\n"), ours.split("\n"), theirs.split("\n"))


def weave_lines(
    base: Sequence[str],
    ours: Sequence[str],
    theirs: Sequence[str],
    contested: Iterable[tuple[int, int]] = (),
) -> Woven | None:
    """Merge two edits of some lines; None where they are too many to compare.

    In `contested` runs of the base's lines (from, to) a change of theirs alone is a hunk too.
    """
    mine, other = _edits(base, ours), _edits(base, theirs)
    if mine is None or other is None:
        return None
    runs = tuple(contested)
    agreed: list[Lines] = []
    hunks: list[Hunk] = []
    here: list[str] = []
    at = length = 0  # in the base as it was, and how long the woven base is so far
    for start, end in _regions([*mine, *other]):
        here += base[at:start]
        before = tuple(base[start:end])
        one, two = _version(base, mine, start, end), _version(base, other, start, end)
        is_held = two != before and any(_touch(start, end, *run) for run in runs)
        at = end
        if one == two or two == before or (one == before and not is_held):
            here += one if two == before else two
            continue
        agreed.append(tuple(here))
        length += len(here)
        hunks.append(Hunk(length, before, one, two))
        length += len(before)
        here = []
    return Woven((*agreed, (*here, *base[at:])), tuple(hunks))


def joined(parts: Sequence[Woven], between: Sequence[Hunk]) -> Woven:
    """Put woven parts of a text one after the other, with a hunk of its own between each two."""
    agreed: list[Lines] = []
    hunks: list[Hunk] = []
    length = 0
    for part, border in zip(parts, (*between, None), strict=True):
        for lines, hunk in zip(part.agreed, (*part.hunks, border), strict=True):
            agreed.append(lines)
            length += len(lines)
            if hunk is not None:
                hunks.append(replace(hunk, at=length))
                length += len(hunk.base)
    return Woven(tuple(agreed), tuple(hunks))


def place_of(
    source: Sequence[str], start: int, end: int, target: Sequence[str]
) -> tuple[int, int] | None:
    """Find what became of the lines `start` to `end` of `source` in `target`: from, to.

    What was changed next to them counts in; None where it is too long to compare.
    """
    edits = _edits(source, target)
    if edits is None:
        return None
    touched = [edit for edit in edits if _touch(start, end, edit.start, edit.end)]
    before = sum(edit.growth for edit in edits if edit.end < start)
    first = min([start, *(edit.start for edit in touched)]) + before
    last = max([end, *(edit.end for edit in touched)]) + before
    return first, last + sum(edit.growth for edit in touched)


def find_run(lines: Sequence[str], run: Sequence[str]) -> list[int]:
    """Return where the lines of `run` stand one after the other in `lines`."""
    size = len(run)
    return [at for at in range(len(lines) - size + 1) if tuple(lines[at : at + size]) == tuple(run)]


def _touch(start: int, end: int, other_start: int, other_end: int) -> bool:
    return start <= other_end and other_start <= end


def _regions(edits: Sequence[_Edit]) -> list[tuple[int, int]]:
    """Join edits that touch or overlap into runs of the base's lines."""
    regions: list[tuple[int, int]] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if regions and edit.start <= regions[-1][1]:
            start, end = regions[-1]
            regions[-1] = (start, max(end, edit.end))
        else:
            regions.append((edit.start, edit.end))
    return regions


def _version(source: Sequence[str], edits: Sequence[_Edit], start: int, end: int) -> Lines:
    """Return what one side made of the lines `start` to `end`."""
    lines: list[str] = []
    at = start
    for edit in edits:
        if start <= edit.start and edit.end <= end:
            lines += (*source[at : edit.start], *edit.lines)
            at = edit.end
    return (*lines, *source[at:end])


def _edits(source: Sequence[str], target: Sequence[str]) -> list[_Edit] | None:
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
        _Edit(head + i1, head + i2, tuple(new[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]
