"""Texts with open hunks: what each side was given, what moved since, what is to decide now.

Invariant: the base's text and its open hunks say what layer and store were given. What cannot
be told from them any more becomes one conflict of the whole text, with each side as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from orc_core.sync.lines import (
    Hunk,
    Lines,
    Of,
    Woven,
    joined,
    merge_lines,
    place_of,
    weave_lines,
)
from orc_core.sync.merge import (
    Conflicting,
    conflicting,
    conflicting_hunk,
    lines_value,
    value_lines,
)
from orc_core.sync.paths import MISSING, Value, field_of, hunk_number, hunk_path, same
from orc_storage.records import Conflict, Side


@dataclass(frozen=True, slots=True)
class Text:
    """The text of one field with open hunks, as everybody holds it.

    `seen` is what the layer held when it was last looked at. `is_newer` says that the layer's
    copy is one of what it was given after that, `is_old` that it is older than what it had.
    """

    field: str
    base: Value
    ours: Value
    theirs: Value
    seen: Value
    opens: tuple[Conflict, ...]
    is_newer: bool = False
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class Rewoven:
    """What each side should hold now, and what becomes of the hunks.

    `kept` are the open ones with their lines in the new base; `is_stale` says that the layer
    did not move while the store did.
    """

    ours: Value
    theirs: Value
    base: Value
    kept: tuple[Conflict, ...] = ()
    superseded: tuple[Conflict, ...] = ()
    openings: tuple[Conflicting, ...] = ()
    is_stale: bool = False


def hunks_of(opens: Iterable[Conflict]) -> dict[str, tuple[Conflict, ...]]:
    """Return the conflicts that are hunks, by the path of their text."""
    found: dict[str, tuple[Conflict, ...]] = {}
    for conflict in opens:
        if hunk_number(conflict.path):
            field = field_of(conflict.path)
            found[field] = (*found.get(field, ()), conflict)
    return found


def side_lines(side: Side) -> Lines:
    """Return the lines that one side of a hunk has."""
    return value_lines(side.value if side.present else MISSING)


def base_lines(conflict: Conflict) -> Lines:
    """Return the lines that both sides of a hunk come from."""
    return value_lines(conflict.base if conflict.base_present else MISSING)


def given_text(base: Value, opens: Sequence[Conflict], of: Of) -> Value:
    """Return the text that a side was given: the base with that side of each open hunk.

    MISSING where the hunks are not in this base.
    """
    if not isinstance(base, str):
        return MISSING
    source = base.split("\n")
    lines: list[str] = []
    at = 0
    for conflict in sorted(opens, key=lambda one: one.line):
        start, before = conflict.line - 1, base_lines(conflict)
        if start < at or tuple(source[start : start + len(before)]) != before:
            return MISSING
        side = conflict.left if of is Of.THEIRS else conflict.right
        lines += (*source[at:start], *side_lines(side))
        at = start + len(before)
    return "\n".join((*lines, *source[at:]))


def reweave(now: Text) -> Rewoven:
    """Look at a text with open hunks again."""
    given = given_text(now.base, now.opens, Of.THEIRS)
    known = given_text(now.base, now.opens, Of.OURS)
    left = _left(now, given)
    if left is MISSING or known is MISSING or not isinstance(now.ours, str):
        return as_a_whole(now, now.theirs)
    if same(left, given) and same(now.ours, known):
        return Rewoven(now.ours, left, now.base, kept=now.opens)
    woven = _weave(now, left, given, known)
    if woven is None:
        return as_a_whole(now, left)
    kept, openings = _match(now, woven)
    if woven.is_whole and openings:
        return as_a_whole(now, left)
    stay = {conflict.id for conflict in kept}
    return Rewoven(
        woven.text(Of.OURS),
        woven.text(Of.THEIRS),
        woven.text(Of.BASE),
        kept,
        tuple(conflict for conflict in now.opens if conflict.id not in stay),
        openings,
        is_stale=same(left, given),
    )


def _left(now: Text, given: Value) -> Value:
    """What the layer holds, as if it had got all that it was given; MISSING if none can say."""
    if same(now.theirs, now.seen) and not now.is_old and not now.is_newer:
        return given
    if same(now.theirs, given):
        return given
    if now.is_old or not isinstance(now.theirs, str):
        return MISSING
    if now.is_newer or same(now.seen, given):
        return now.theirs
    if not isinstance(now.seen, str) or not isinstance(given, str):
        return MISSING
    merged = merge_lines(now.seen, given, now.theirs)
    return MISSING if merged is None else merged


def _weave(now: Text, left: Value, given: Value, known: Value) -> Woven | None:
    """Weave what stands between the hunks that nobody touched; these stay as they are."""
    texts = (now.base, now.ours, left, known, given)
    if not all(isinstance(text, str) for text in texts):
        return None
    base, ours, theirs, known_lines, given_lines = (str(text).split("\n") for text in texts)
    parts: list[Woven] = []
    between: list[Hunk] = []
    at = (0, 0, 0)
    known_growth = given_growth = 0
    loose: list[tuple[int, int]] = []
    for one in (*sorted(now.opens, key=lambda one: one.line), None):
        if one is None:
            till, then = (len(base), len(ours), len(theirs)), at
        else:
            hunk = Hunk(one.line - 1, base_lines(one), side_lines(one.right), side_lines(one.left))
            start = hunk.at
            right = _still(known_lines, start + known_growth, hunk.ours, ours)
            layers = _still(given_lines, start + given_growth, hunk.theirs, theirs)
            known_growth += len(hunk.ours) - len(hunk.base)
            given_growth += len(hunk.theirs) - len(hunk.base)
            if right is None or layers is None:
                loose.append((start, start + len(hunk.base)))
                continue
            till = (start, right, layers)
            then = (start + len(hunk.base), right + len(hunk.ours), layers + len(hunk.theirs))
            between.append(hunk)
        runs = [(run[0] - at[0], run[1] - at[0]) for run in loose]
        part = weave_lines(
            base[at[0] : till[0]], ours[at[1] : till[1]], theirs[at[2] : till[2]], runs
        )
        if part is None:
            return None
        parts.append(part)
        at, loose = then, []
    return joined(parts, between)


def _still(source: Sequence[str], at: int, lines: Lines, target: Sequence[str]) -> int | None:
    """Where in `target` the lines stand that began at `at`; None where they were touched."""
    found = place_of(source, at, at + len(lines), target)
    if found is None or tuple(target[found[0] : found[1]]) != lines:
        return None
    return found[0]


def _match(now: Text, woven: Woven) -> tuple[tuple[Conflict, ...], tuple[Conflicting, ...]]:
    """Tell which hunks are open already, and number the others past them."""
    waiting = sorted(now.opens, key=lambda one: one.line)
    kept: list[Conflict] = []
    fresh = []
    for hunk in woven.hunks:
        versions = (hunk.base, hunk.ours, hunk.theirs)
        for one in waiting:
            if versions == (base_lines(one), side_lines(one.right), side_lines(one.left)):
                waiting.remove(one)
                kept.append(replace(one, line=hunk.at + 1))
                break
        else:
            fresh.append(hunk)
    taken = {hunk_number(one.path) for one in kept}
    numbers = (number for number in count(1) if number not in taken)
    openings = (conflicting_hunk(now.field, next(numbers), hunk) for hunk in fresh)
    return tuple(kept), tuple(openings)


def as_a_whole(now: Text, left: Value) -> Rewoven:
    """Give the hunks up for one conflict of the whole text."""
    if same(now.ours, left):
        return Rewoven(now.ours, left, now.ours, superseded=now.opens)
    whole = conflicting(now.field, now.base, now.ours, left)
    return Rewoven(now.ours, left, now.base, superseded=now.opens, openings=(whole,))


def find_hunk(
    source: Value, start: int, length: int, target: Value, *wanted: Lines
) -> tuple[int, Lines] | None:
    """Find a run of the lines of `source` in `target`: where it begins, and its lines there.

    None where these are not `wanted`, so that somebody changed them since.
    """
    if not isinstance(source, str) or not isinstance(target, str):
        return None
    lines = target.split("\n")
    found = place_of(source.split("\n"), start, start + length, lines)
    if found is None:
        return None
    there = tuple(lines[found[0] : found[1]])
    return (found[0], there) if there in wanted else None


def replace_lines(text: str, at: int, before: Lines, after: Lines) -> str:
    """Put the lines `after` in place of the lines `before` that begin at `at`."""
    lines = text.split("\n")
    return "\n".join((*lines[:at], *after, *lines[at + len(before) :]))


def shifted(conflict: Conflict, at: int, growth: int) -> Conflict:
    """Move a hunk that stands below line `at` (from 0) by `growth` lines."""
    return replace(conflict, line=conflict.line + growth) if conflict.line - 1 > at else conflict


__all__ = [
    "Rewoven",
    "Text",
    "as_a_whole",
    "base_lines",
    "find_hunk",
    "given_text",
    "hunk_path",
    "hunks_of",
    "lines_value",
    "replace_lines",
    "reweave",
    "shifted",
    "side_lines",
]
