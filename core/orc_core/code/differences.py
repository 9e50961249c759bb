"""What differs between two trees of git's: as steps on files, and as lines to read.

Invariant: what is read here comes from git and is bounded; the texts of files are cleaned.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from orc_core.code.files import LINK, PLAIN, PROGRAM, SUBMODULE
from orc_core.code.lens import Lens
from orc_core.model.code import FileDiff, FileStep, Held, Hunk, LeftOut
from orc_core.text import clean

FILES_MAX: Final = 500
"""How many files are shown with their lines; the others are only counted."""
LINES_MAX: Final = 2_000
"""How many lines of one file are shown."""
LINE_MAX: Final = 400

BIG_BYTES: Final = 1024 * 1024
"""Larger files count as binary: their lines are not shown."""

_Lines = tuple[int, int, bool, tuple[Hunk, ...], bool]
_NO_LINES: Final[_Lines] = (0, 0, False, (), False)
_PATCH: Final = ("-r", "-p", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
_DIFF_TIMEOUT_S: Final = 60.0
_HUNK: Final = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_KINDS: Final = frozenset({PLAIN, PROGRAM, LINK})


async def steps(
    look: Lens, now: str, then: str
) -> tuple[tuple[FileStep, ...], tuple[LeftOut, ...]]:
    """The steps that make tree `then` of tree `now`, and what no step can do. Raises GitError."""
    told = await look.run(
        "diff-tree", "-r", "-z", "--raw", "--no-renames", now, then, timeout_s=_DIFF_TIMEOUT_S
    )
    parts = told.split(b"\0")
    found: list[FileStep] = []
    other: list[LeftOut] = []
    for facts, path in zip(parts[:-1:2], parts[1::2], strict=True):
        modes = facts.lstrip(b":").split(b" ")
        before, after = (_held(int(modes[at], 8), modes[at + 2].decode("ascii")) for at in (0, 1))
        if SUBMODULE in {one.mode for one in (before, after) if one is not None}:
            other.append(LeftOut(path, "a submodule: it is not touched"))
        else:
            found.append(FileStep(path, before, after))
    return tuple(found), tuple(other)


def _held(mode: int, name: str) -> Held | None:
    if not mode:
        return None
    return Held(mode if mode in _KINDS or mode == SUBMODULE else PLAIN, name)


async def diffs(look: Lens, now: str, then: str, some: Sequence[FileStep]) -> tuple[FileDiff, ...]:
    """The lines in which files differ, of the first ones of `some`.

    A file that becomes a symlink, or was one, has no lines. Raises GitError.
    """
    listed = sorted(some[:FILES_MAX], key=lambda step: step.path)
    of_lines = [step for step in listed if not _changes_kind(step)]
    found: dict[bytes, _Lines] = {}
    if of_lines:
        paths = [step.path for step in of_lines]
        told = await look.run(
            "-c",
            f"core.bigFileThreshold={BIG_BYTES}",
            "diff-tree",
            *_PATCH,
            now,
            then,
            "--",
            *paths,
            timeout_s=_DIFF_TIMEOUT_S,
        )
        # One part for each file, in the order of their names.
        found = dict(zip(paths, map(_file, _per_file(told)), strict=False))
    return tuple(
        FileDiff(step.path, step.verb, *found.get(step.path, _NO_LINES)) for step in listed
    )


def _changes_kind(step: FileStep) -> bool:
    both = (step.before, step.after)
    return len({one.mode == LINK for one in both if one is not None}) > 1


def _per_file(told: bytes) -> list[list[bytes]]:
    parts: list[list[bytes]] = []
    for line in told.split(b"\n"):
        if line.startswith(b"diff --git "):
            parts.append([])
        elif parts:
            parts[-1].append(line)
    return parts


def _file(lines: Sequence[bytes]) -> _Lines:
    """What one file's part tells: added, removed, whether it is binary, its hunks, if it is cut."""
    hunks: list[tuple[tuple[int, ...], list[str]]] = []
    added = removed = shown = 0
    is_binary = False
    for line in lines:
        begin = _HUNK.match(line)
        if begin is not None:
            hunks.append((tuple(int(one or 1) for one in begin.groups()), []))
        elif not hunks:
            is_binary = is_binary or line.startswith(b"Binary files ")
        elif line[:1] in (b"+", b"-", b" "):
            added += line[:1] == b"+"
            removed += line[:1] == b"-"
            if shown < LINES_MAX:
                hunks[-1][1].append(line[:1].decode() + clean(line[1:], limit=LINE_MAX))
            shown += 1
    done = tuple(
        Hunk(before, after, tuple(some), before_count, after_count, number)
        for number, ((before, before_count, after, after_count), some) in enumerate(hunks, 1)
    )
    return added, removed, is_binary, done, shown > LINES_MAX


def chosen(path: bytes, wanted: Collection[bytes]) -> bool:
    """Whether a file is one of those wanted, or lies below one; all are where none is named."""
    return not wanted or any(
        path == one or path.startswith(one.rstrip(b"/") + b"/") or one in (b"", b".")
        for one in wanted
    )
