"""Texts in which two sides collide: read from what git merged, and woven again as chosen.

Invariant: a text woven with one side in every hunk has that side's lines there, byte by byte,
line ends and a missing one at the end included. A marker of ours is longer than any that a
side's text could hold, so that nothing in it is taken for one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.model.merging import Choice, Take

USUAL_MARKER: Final = 7
MARKER_MAX: Final = 2_000
"""A text with a longer run of such signs at the start of a line is not merged by lines."""
_NEXT: Final[Mapping[str, str]] = {"": "l", "l": "b", "b": "r", "r": "e"}
_RUN: Final = re.compile(rb"^(<+|=+|>+|\|+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Collided:
    """Lines in which both sides differ from their base, and from each other."""

    left: bytes
    base: bytes
    right: bytes


@dataclass(frozen=True, slots=True)
class Woven:
    """A text in pieces: bytes that nobody has to decide on, and lines that collide."""

    pieces: tuple[bytes | Collided, ...]

    @property
    def hunks(self) -> tuple[Collided, ...]:
        """The lines that collide, from the top."""
        return tuple(one for one in self.pieces if isinstance(one, Collided))

    def lines(self) -> tuple[int, ...]:
        """Where each hunk begins, from 1, in the text that has the base in all of them."""
        found: list[int] = []
        at = 1
        for piece in self.pieces:
            if isinstance(piece, Collided):
                found.append(at)
            at += (piece.base if isinstance(piece, Collided) else piece).count(b"\n")
        return tuple(found)

    def text(self, choices: Mapping[int, Choice]) -> bytes:
        """The text with what was chosen for each hunk, counted from 0; raises KeyError."""
        out: list[bytes] = []
        number = 0
        for piece in self.pieces:
            if isinstance(piece, Collided):
                out.append(taken(piece, choices[number]))
                number += 1
            else:
                out.append(piece)
        return joined(out)


def taken(hunk: Collided, choice: Choice) -> bytes:
    """The lines that a choice makes of a hunk."""
    match choice.take:
        case Take.LEFT:
            return hunk.left
        case Take.RIGHT:
            return hunk.right
        case Take.BASE:
            return hunk.base
        case Take.BOTH:
            return joined((hunk.left, hunk.right))
        case Take.SWAPPED:
            return joined((hunk.right, hunk.left))
        case Take.VALUE:
            return choice.value


def joined(pieces: Sequence[bytes]) -> bytes:
    """Pieces one after the other; a line that lacks its end gets one where more follows."""
    out = bytearray()
    for piece in pieces:
        if out and piece and not out.endswith(b"\n"):
            out += b"\r\n" if b"\r\n" in out or b"\r\n" in piece else b"\n"
        out += piece
    return bytes(out)


def marker_size(texts: Sequence[bytes]) -> int:
    """How long markers have to be that none of these texts holds; 0 where that is too long."""
    longest = max(
        (len(run[0]) for text in texts for run in _RUN.finditer(text)), default=USUAL_MARKER
    )
    size = max(longest, USUAL_MARKER) + 1
    return size if size <= MARKER_MAX else 0


def read(merged: bytes, size: int, left: bytes, base: bytes, right: bytes) -> Woven:
    """Read what `git merge-file --zdiff3` printed with markers of `size`.

    The three texts tell how each ended. Raises ValueError where markers are out of order.
    """
    signs = {bytes((char,)) * size: name for char, name in zip(b"<|=>", "lbre", strict=True)}
    pieces: list[bytes | Collided] = []
    held: dict[str, list[bytes]] = {"": []}
    at = ""
    for line in _lines(merged):
        name = signs.get(line[:size])
        if name is None:
            held[at].append(line)
            continue
        if name != _NEXT[at]:
            raise ValueError("the markers of a merge are out of order")
        if name == "l":
            pieces.append(b"".join(held[""]))
        if name == "e":
            pieces.append(Collided(*(b"".join(held[one]) for one in "lbr")))
            held, at = {"": []}, ""
        else:
            held[name], at = [], name
    if at:
        raise ValueError("a marker of a merge is missing")
    pieces.append(b"".join(held[""]))
    if pieces[-1] == b"" and len(pieces) > 1 and isinstance(last := pieces[-2], Collided):
        pieces[-2] = Collided(_end(last.left, left), _end(last.base, base), _end(last.right, right))
    return Woven(tuple(one for one in pieces if one != b""))


def marked(text: bytes, size: int) -> frozenset[bytes]:
    """The lines of a text that are markers of a conflict of that size."""
    opening, closing = b"<" * size, b">" * size
    return frozenset(
        bare
        for line in text.split(b"\n")
        if (bare := line.rstrip(b"\r"))[:size] in (opening, closing)
        and bare[size : size + 1] in (b"", b" ")
    )


def _lines(text: bytes) -> list[bytes]:
    """Lines as git counts them: only a line feed ends one."""
    lines = [line + b"\n" for line in text.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _end(lines: bytes, whole: bytes) -> bytes:
    """The last lines of a text without the end that git gave them before its marker."""
    if whole.endswith(b"\n") or not lines.endswith(b"\n"):
        return lines
    bare = lines[:-1]
    return bare if whole.endswith(bare) else bare.removesuffix(b"\r")
