"""What an agent is told that is to do a merge: files and sides, and when it is done. Pure.

Invariant: whatever a repository calls its files and branches is one line of plain text here, and
no word of it is a command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from orc_core.code.weaving import USUAL_MARKER
from orc_core.model.code import shown
from orc_core.model.merging import Merge, MergeSide, Part, PartKind, Take
from orc_core.text import clean

FILES_MAX: Final = 40
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_WORDS: Final[Mapping[Take, str]] = {
    Take.LEFT: "the left side",
    Take.RIGHT: "the right side",
    Take.BOTH: "both, left first",
    Take.SWAPPED: "both, right first",
    Take.BASE: "the base",
    Take.VALUE: "a text of the operator's own",
}


def prompt(merge: Merge, own: MergeSide, sizes: Mapping[bytes, int]) -> str:
    """What to tell the agent on the branch `own`; `sizes` are lengths of markers by path."""
    sides = [one for one in (merge.left, merge.right) if one.commit != own.commit]
    commands = " and ".join(f"`git merge --no-ff {_word(one)}`" for one in sides)
    lines = [
        f"Merge {' and '.join(one.title for one in sides)} into your branch {own.name}:"
        f" run {commands} in your work tree and resolve what conflicts.",
        f"The left side is {_told(merge.left)}, the right side is {_told(merge.right)}.",
    ]
    by_path: dict[bytes, list[Part]] = {}
    for part in merge.parts:
        by_path.setdefault(part.path, []).append(part)
    for path, parts in list(by_path.items())[:FILES_MAX]:
        lines.append(f"- {shown(path)}: {_what(parts)}{_decided(merge, parts)}")
        if sizes.get(path, USUAL_MARKER) != USUAL_MARKER:
            lines[-1] += f"; its conflict markers are {sizes[path]} signs long"
    if len(by_path) > FILES_MAX:
        lines.append(f"- and {len(by_path) - FILES_MAX} more files")
    lines.append(
        "Keep what both sides meant to do. Leave no conflict marker, change nothing else,"
        " and commit the merge with both parents; do not squash, rebase or push."
    )
    if merge.check:
        lines.append(f"Before you commit this has to pass: {clean(' '.join(merge.check))}")
    return "\n".join(lines)


def _word(side: MergeSide) -> str:
    return side.name if _PLAIN.fullmatch(side.name) else side.commit


def _told(side: MergeSide) -> str:
    task = f", task {side.task}" if side.task else ""
    return f"{side.title}{task} at {side.commit[:12]}"


def _what(parts: list[Part]) -> str:
    hunks = sum(part.kind is PartKind.LINES for part in parts)
    words = [f"{hunks} hunk{'s' if hunks > 1 else ''}"] if hunks else []
    words += [f"{part.kind} ({part.why})" for part in parts if part.kind is not PartKind.LINES]
    return ", ".join(words)


def _decided(merge: Merge, parts: list[Part]) -> str:
    taken = [
        f"{number}: {_WORDS[merge.choices[part.number].take]}"
        for number, part in enumerate(parts, 1)
        if part.number in merge.choices
    ]
    return f"; the operator wants for {', '.join(taken)}" if taken else ""
