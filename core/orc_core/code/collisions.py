"""Files in which two branches collide: told from what git tried, decided as a person chose.

Invariant: every path that git left unmerged belongs to exactly one collision, and each collision
says what its paths hold for every way to decide it. Pure.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from orc_core.code.weaving import Woven
from orc_core.errors import GitError
from orc_core.model.code import Held
from orc_core.model.merging import Choice, Part, PartKind, Take, Version
from orc_core.text import clean

MODULE: Final = 0o160000
LINK: Final = 0o120000
PROGRAM: Final = 0o100755
_TAKES: Final[Mapping[PartKind, tuple[Take, ...]]] = {
    PartKind.LINES: (Take.LEFT, Take.RIGHT, Take.BOTH, Take.SWAPPED, Take.BASE, Take.VALUE),
    PartKind.MODE: (Take.LEFT, Take.RIGHT),
}
_RENAMES: Final = b"CONFLICT (rename/rename)"
_KINDS: Final = b"CONFLICT (distinct modes)"


@dataclass(frozen=True, slots=True)
class Message:
    """What git said of some paths; `kind` is like `CONFLICT (contents)`."""

    paths: tuple[bytes, ...]
    kind: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """A merge that git tried: the tree it wrote, what is unmerged there, and why.

    `stages` has for each path what the base (1), the left (2) and the right side (3) hold.
    """

    tree: str
    stages: Mapping[bytes, Mapping[int, Held]]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Collision:
    """One file in which the sides collide.

    `paths` are all that it governs in the result. `kept` is what git left there: the way to have
    both. `woven` is its text where lines collide or were merged; `text` is the object of a
    content that is the same whichever name is taken.
    """

    path: bytes
    why: str
    paths: tuple[bytes, ...]
    left: Version | None
    base: Version | None
    right: Version | None
    kept: tuple[Version, ...] = ()
    is_renamed: bool = False
    woven: Woven | None = None

    @property
    def is_text(self) -> bool:
        """Whether both sides have a plain file, so that lines can be merged."""
        return all(one and stat.S_ISREG(one.held.mode) for one in (self.left, self.right))

    @property
    def has_modes(self) -> bool:
        """Whether the sides disagree on its being a program."""
        if not self.is_text or self.woven is None or self.left is None or self.right is None:
            return False
        modes = self.left.held.mode, self.right.held.mode
        return modes[0] != modes[1] and (self.base is None or self.base.held.mode not in modes)


def parse(told: bytes) -> Attempt:
    """Read what `git merge-tree --write-tree -z` printed; raises GitError."""
    try:
        fields = told.split(b"\0")
        stages: dict[bytes, dict[int, Held]] = {}
        at = 1
        while at < len(fields) and fields[at]:
            facts, path = fields[at].split(b"\t", 1)
            mode, name, stage = facts.split(b" ")
            held = Held(int(mode, 8), name.decode("ascii"))
            stages.setdefault(path, {})[int(stage)] = held
            at += 1
        messages: list[Message] = []
        at += 1
        while at < len(fields) and fields[at].isdigit():  # advice to people may follow
            count = int(fields[at])
            paths = tuple(fields[at + 1 : at + 1 + count])
            kind, text = fields[at + 1 + count : at + 3 + count]
            messages.append(Message(paths, kind, text))
            at += 3 + count
        return Attempt(fields[0].decode("ascii"), stages, tuple(messages))
    except (ValueError, IndexError) as error:
        raise GitError(f"git merge-tree printed what cannot be read: {error}") from None


def find(attempt: Attempt) -> list[Collision]:
    """The files in which the sides collide, by name."""
    left = dict(attempt.stages)
    found: list[Collision] = []
    for message in attempt.messages:
        group = tuple(path for path in message.paths if path in left)
        if message.kind == _RENAMES and len(group) == 3 and _is_renamed(group, attempt):
            found.append(_renamed(group, attempt))
        elif message.kind == _KINDS and len(group) > 1:
            found.append(_of_kinds(message.paths[0], group, attempt))
        else:
            continue
        for path in group:
            del left[path]
    found += [_single(path, attempt) for path in left]
    return sorted(found, key=lambda one: one.path)


def _is_renamed(group: Sequence[bytes], attempt: Attempt) -> bool:
    return [set(attempt.stages[path]) for path in group] == [{1}, {2}, {3}]


def _renamed(group: Sequence[bytes], attempt: Attempt) -> Collision:
    base, left, right = (
        Version(path, attempt.stages[path][stage])
        for path, stage in zip(group, (1, 2, 3), strict=True)
    )
    return Collision(
        base.path, "renamed by both", tuple(group), left, base, right, (left, right), True
    )


def _of_kinds(path: bytes, group: Sequence[bytes], attempt: Attempt) -> Collision:
    """A file that is of another kind on each side; git puts one of them beside it."""
    held: dict[int, Held] = {}
    kept: list[Version] = []
    for one in group:
        held |= attempt.stages[one]
        kept += [Version(one, what) for stage, what in attempt.stages[one].items() if stage > 1]
    base, left, right = (
        Version(path, held[stage]) if stage in held else None for stage in (1, 2, 3)
    )
    paths = tuple(dict.fromkeys((path, *group)))
    return Collision(path, "of different kinds", paths, left, base, right, tuple(kept))


def _single(path: bytes, attempt: Attempt) -> Collision:
    held = attempt.stages[path]
    base, left, right = (
        Version(path, held[stage]) if stage in held else None for stage in (1, 2, 3)
    )
    said = [one for one in attempt.messages if path in one.paths and b"CONFLICT" in one.kind]
    why = _words(said, path)
    return Collision(path, why, (path,), left, base, right)


def _words(said: Iterable[Message], path: bytes) -> str:
    """Git's word for a conflict, `modify/delete`; the first that is not about contents."""
    kinds = [
        clean(one.kind.removeprefix(b"CONFLICT (").removesuffix(b")"), limit=60) for one in said
    ]
    other = [kind for kind in kinds if kind != "contents"]
    return (other or kinds or ["changed by both"])[0].replace("contents", "changed by both")


def parts(collisions: Sequence[Collision]) -> tuple[Part, ...]:
    """The decisions that some collisions ask for, in the order of the screen."""
    found: list[Part] = []
    for one in collisions:
        for kind, sides, line in _asked(one):
            takes = _TAKES.get(kind) or _file_takes(one, kind)
            number = len(found) + 1
            found.append(Part(number, one.path, kind, one.why, *sides, takes, line))
    return tuple(found)


_Sides: TypeAlias = "tuple[bytes | None, bytes | None, bytes | None]"


def _asked(one: Collision) -> list[tuple[PartKind, _Sides, int]]:
    """What is to decide on a file: of which kind, what each side has, from which line on."""
    if one.woven is None and not one.is_renamed:
        return [(PartKind.FILE, _each(one, _told), 0)]
    out: list[tuple[PartKind, _Sides, int]] = []
    if one.is_renamed:
        out.append((PartKind.NAME, _each(one, lambda side: side.path), 0))
    if one.has_modes:
        out.append((PartKind.MODE, _each(one, lambda side: _mode(side.held.mode)), 0))
    if one.woven is not None:
        for hunk, line in zip(one.woven.hunks, one.woven.lines(), strict=True):
            sides = (hunk.left or None, hunk.base or None, hunk.right or None)
            out.append((PartKind.LINES, sides, line))
    return out


def _each(one: Collision, told: Callable[[Version], bytes]) -> _Sides:
    left, base, right = one.left, one.base, one.right
    return (
        told(left) if left else None,
        told(base) if base else None,
        told(right) if right else None,
    )


def _file_takes(one: Collision, kind: PartKind) -> tuple[Take, ...]:
    both = (Take.BOTH,) if one.kept or kind is PartKind.NAME else ()
    return (Take.LEFT, Take.RIGHT, *both, Take.BASE)


def _told(side: Version) -> bytes:
    """A whole file in words."""
    kind = {MODULE: b"submodule at", LINK: b"symlink", PROGRAM: b"program"}.get(side.held.mode)
    return (kind or b"file") + b" " + side.held.object[:12].encode()


def _mode(mode: int) -> bytes:
    return b"a program" if mode == PROGRAM else b"no program"


def outcome(
    one: Collision, asked: Sequence[Part], choices: Mapping[int, Choice]
) -> tuple[list[tuple[bytes, int, str | None]], bytes | None]:
    """What the paths of a collision hold as chosen: name, mode, object; and the text woven.

    An object is None where it is the text. Raises KeyError where a part is not decided.
    """
    by_kind = {part.kind: choices[part.number] for part in asked if part.kind is not PartKind.LINES}
    if (chosen := by_kind.get(PartKind.FILE)) is not None:
        return [(side.path, side.held.mode, side.held.object) for side in _of(one, chosen)], None
    text: bytes | None = None
    if one.woven is not None:
        lines = [choices[part.number] for part in asked if part.kind is PartKind.LINES]
        text = one.woven.text(dict(enumerate(lines)))
    mode = _merged_mode(one, by_kind.get(PartKind.MODE))
    name = by_kind.get(PartKind.NAME)
    sides = _of(one, name) if name is not None else [side for side in (one.left,) if side]
    return [
        (side.path, mode, None if text is not None else side.held.object) for side in sides
    ], text


def _of(one: Collision, chosen: Choice) -> list[Version]:
    match chosen.take:
        case Take.LEFT:
            sides: tuple[Version | None, ...] = (one.left,)
        case Take.RIGHT:
            sides = (one.right,)
        case Take.BASE:
            sides = (one.base,)
        case _:
            sides = one.kept
    return [side for side in sides if side is not None]


def _merged_mode(one: Collision, chosen: Choice | None) -> int:
    left, right = (side.held.mode if side else 0 for side in (one.left, one.right))
    if chosen is not None:
        return right if chosen.take is Take.RIGHT else left
    base = one.base.held.mode if one.base else left
    return right if left == base else left
