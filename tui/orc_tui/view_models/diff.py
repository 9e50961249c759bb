"""Differences between two values, in words: what a person reads before deciding.

Invariant: the pieces of one side joined are that side's text, and the work is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from orc_core.model.history import FieldChange
from orc_core.text import clean
from orc_storage.records import Json
from orc_tui.view_models import box
from orc_tui.view_models.lines import Line

WORDS_MAX = 600
"""Words per side that are compared one by one; longer texts differ as a whole."""
LINES_MAX = 2_000
CONTEXT_LINES = 1

_WORD = re.compile(r"\s+|\w+|[^\w\s]")

Pieces: TypeAlias = "tuple[tuple[str, bool], ...]"
"""Text in pieces; True marks those that the other side does not have."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a difference; `sign` is `-`, `+`, blank, or `…` for lines left out."""

    sign: str
    pieces: Pieces


def words(before: str, after: str) -> tuple[Pieces, Pieces]:
    """Both texts in pieces, with the words marked in which they differ."""
    left, right = _WORD.findall(before), _WORD.findall(after)
    if len(left) > WORDS_MAX or len(right) > WORDS_MAX:
        return ((before, True),), ((after, True),)
    out: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    matcher = SequenceMatcher(a=left, b=right, autojunk=False)
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        differs = tag != "equal"
        for side, part in ((out[0], left[a0:a1]), (out[1], right[b0:b1])):
            if part:
                side.append(("".join(part), differs))
    return tuple(out[0]), tuple(out[1])


def value_text(value: Json, present: bool = True) -> str:
    """A value as people read it: text as it is, lists by commas, a missing one in brackets."""
    if not present:
        return "(not there)"
    if isinstance(value, str):
        return clean(value, limit=64_000, newlines=True) or "(empty)"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return clean(", ".join(str(item) for item in value), limit=4_000) or "(none)"
    text = json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict) else None)
    return clean(text, limit=64_000, newlines=True)


def lines(before: str, after: str, *, context: int = CONTEXT_LINES) -> list[DiffLine]:
    """The lines that differ, with `context` lines around them and word marks in replaced ones."""
    left, right = before.split("\n"), after.split("\n")
    if len(left) > LINES_MAX or len(right) > LINES_MAX:
        left, right = left[:LINES_MAX], right[:LINES_MAX]
    out: list[DiffLine] = []
    for group in SequenceMatcher(a=left, b=right, autojunk=False).get_grouped_opcodes(context):
        if out:
            out.append(DiffLine("…", (("", False),)))
        for tag, a0, a1, b0, b1 in group:
            if tag == "equal":
                out.extend(DiffLine(" ", ((text, False),)) for text in left[a0:a1])
            else:
                out.extend(_replaced(left[a0:a1], right[b0:b1]))
    return out


def _replaced(left: Sequence[str], right: Sequence[str]) -> list[DiffLine]:
    """Removed lines, then added ones; those that stand for each other are marked by words."""
    pairs = [words(a, b) for a, b in zip(left, right, strict=False)]
    shared = len(pairs)
    gone = [DiffLine("-", pair[0]) for pair in pairs]
    gone.extend(DiffLine("-", ((text, True),)) for text in left[shared:])
    come = [DiffLine("+", pair[1]) for pair in pairs]
    come.extend(DiffLine("+", ((text, True),)) for text in right[shared:])
    return gone + come


def change_lines(changes: Sequence[FieldChange], width: int) -> list[Line]:
    """Every changed path with its value before and after, word by word, wrapped to `width`."""
    out: list[Line] = []
    for change in changes:
        if out:
            out.append(())
        out.append(((clean(change.path, limit=200) or "the whole document", "bold"),))
        for line in _change(change):
            out.extend(drawn(line, width))
    return out or [(("no field differs from the revision before", "dim"),)]


def _change(change: FieldChange) -> list[DiffLine]:
    """The lines of one change; a whole document that goes is told by what its fields say."""
    if not change.path and not change.after_present and isinstance(change.before, dict):
        told = "\n".join(
            f"{name}: {value_text(held)}"
            for name, held in change.before.items()
            if held not in ("", [], {}, None)
        )
        return [DiffLine("-", ((line, False),)) for line in told.split("\n")]
    before = value_text(change.before, change.before_present)
    return lines(before, value_text(change.after, change.after_present))


_STYLES = {"-": "error", "+": "done", " ": "dim", "…": "dim"}


def drawn(line: DiffLine, width: int) -> list[Line]:
    """A line of a difference with its sign, wrapped to `width` cells."""
    style = _STYLES[line.sign]
    sign = (f"  {line.sign} ", style)
    return [
        (sign if index == 0 else ("    ", style), *part)
        for index, part in enumerate(wrapped(line.pieces, width - 4, style))
    ]


def wrapped(pieces: Pieces, width: int, style: str) -> list[Line]:
    """Pieces as lines of at most `width` cells; pieces that differ are underlined."""
    text = "".join(piece for piece, _ in pieces)
    out: list[Line] = []
    marks = [differs for piece, differs in pieces for _ in piece]
    at = 0
    for part in box.wrap(text, width):
        at = text.find(part, at) if part else at
        out.append(_marked(part, marks[at : at + len(part)], style))
        at += len(part)
    return out


def underlined(pieces: Pieces, style: str) -> Line:
    """Pieces as one line; those that differ are underlined."""
    marks = [differs for piece, differs in pieces for _ in piece]
    return _marked("".join(piece for piece, _ in pieces), marks, style)


def _marked(text: str, marks: Sequence[bool], style: str) -> Line:
    """A text whose marked runs are underlined, but for the blanks at their ends."""
    out: list[tuple[str, str]] = []
    start = 0
    for index in range(1, len(text) + 1):
        if index < len(text) and marks[index] == marks[start]:
            continue
        run = text[start:index]
        if marks[start] and (words := run.strip()):
            head, _, tail = run.partition(words)
            out += [(head, style), (words, f"{style} underline".strip()), (tail, style)]
        else:
            out.append((run, style))
        start = index
    return tuple((part, ink) for part, ink in out if part)


def marked_lines(value: str, base: str) -> list[tuple[bool, Pieces]]:
    """The lines of a value; those that differ from the base are True, their words marked."""
    left, right = base.split("\n")[:LINES_MAX], value.split("\n")[:LINES_MAX]
    out: list[tuple[bool, Pieces]] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes():
        if tag == "equal":
            out.extend((False, ((text, False),)) for text in right[b0:b1])
            continue
        for index, text in enumerate(right[b0:b1]):
            partner = left[a0 + index] if a0 + index < a1 else None
            pieces = words(partner, text)[1] if partner is not None else ((text, True),)
            out.append((True, pieces or ((text, True),)))
    return out
