"""Some hunks of a file taken back and the others left: pure, over both contents.

Invariant: with no hunk picked a content is what it was, with all of them it is the other one,
byte by byte; what is between the hunks is never touched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from orc_core.code.files import LINK
from orc_core.errors import UsageError
from orc_core.model.code import FileDiff, FileStep, Held, Hunk, Pick, shown


def pick(now: bytes, then: bytes, hunks: Sequence[Hunk], wanted: Collection[int]) -> bytes:
    """`now` with the wanted hunks, counted from 1, as they are in `then`."""
    old, new = _lines(now), _lines(then)
    out: list[bytes] = []
    at = 0
    for number, hunk in enumerate(hunks, 1):
        if number not in wanted:
            continue
        begin = _index(hunk.before, hunk.before_count)
        out += old[at:begin]
        other = _index(hunk.after, hunk.after_count)
        out += new[other : other + hunk.after_count]
        at = begin + hunk.before_count
    return b"".join([*out, *old[at:]])


def part(diff: FileDiff, wanted: Collection[int]) -> FileDiff:
    """A difference with the wanted hunks alone."""
    hunks = tuple(one for one in diff.hunks if one.number in wanted)
    signs = [line[:1] for one in hunks for line in one.lines]
    return replace(diff, hunks=hunks, added=signs.count("+"), removed=signs.count("-"))


def check(step: FileStep | None, one: Pick, hunks: Sequence[Hunk]) -> tuple[Held, Held]:
    """Both contents of a file of which hunks are picked; raises UsageError where it has none."""
    name = shown(one.path)
    if step is None:
        raise UsageError(f"{name}: nothing goes back there, so there are no hunks to pick")
    before, after = step.before, step.after
    if before is None or after is None or LINK in (before.mode, after.mode) or not hunks:
        raise UsageError(f"{name} {step.verb} as a whole: name the file instead of its hunks")
    strange = [number for number in one.hunks if not 1 <= number <= len(hunks)]
    if strange or not one.hunks:
        raise UsageError(
            f"{name} has the hunks 1 to {len(hunks)}, not {strange[0] if strange else 'none'}"
        )
    return before, after


def _index(line: int, count: int) -> int:
    """Where lines begin in a list of them; without any, after the line that is named."""
    return line - 1 if count else line


def _lines(data: bytes) -> list[bytes]:
    """The lines as git has them: a line feed ends one and nothing else does."""
    parts = data.split(b"\n")
    whole = [part + b"\n" for part in parts[:-1]]
    return [*whole, parts[-1]] if parts[-1] else whole
