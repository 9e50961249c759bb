"""Merges under way, as they are kept: one small file each, in the room of their repository.

Invariant: a note is replaced whole, so that whoever is killed leaves the one before or the one
after; there are never more than a bound of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from orc_core.code.room import Room
from orc_core.errors import GitError, UnknownName, UsageError
from orc_core.model.merging import CheckResult, Choice, MergeSide, Part, Take
from orc_storage.paths import sync_folder

PREFIX: Final = "M-"
OPEN_MAX: Final = 32
"""How many merges of one repository may be under way."""
VALUE_MAX_BYTES: Final = 1024 * 1024
"""How long a text may be that somebody wrote for one hunk."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is kept of a merge: its sides, what is chosen, and how far it is.

    `digest` tells for which decisions the choices were made. `commit` and `old` are what the
    branch `into` is being moved to and from, "" before that. `handed` is the agent that was asked
    to do the merge on `handed_ref`.
    """

    id: str
    at: float
    left: MergeSide
    right: MergeSide
    into: str
    into_why: str = ""
    check: tuple[str, ...] = ()
    choices: dict[int, Choice] = field(default_factory=dict)
    digest: str = ""
    checked: CheckResult | None = None
    handed: str = ""
    handed_ref: str = ""
    commit: str = ""
    old: str = ""


def renewed(note: Note, into: str, check: Sequence[str]) -> Note:
    """A merge that is begun once more, on another branch or with another check where one is given.

    What another check found tells nothing of this one.
    """
    wanted = tuple(check) or note.check
    checked = note.checked if wanted == note.check else None
    return replace(note, into=into or note.into, check=wanted, checked=checked)


def digest(parts: Sequence[Part]) -> str:
    """What tells these decisions from others."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()


def listing(room: Room) -> list[Note]:
    """The merges that are under way, the oldest first. Raises GitError for a damaged note."""
    if not _folder(room).is_dir():
        return []
    files = [one for one in _folder(room).iterdir() if one.suffix == ".json"]
    return sorted((_read(one) for one in files), key=lambda one: _number(one.id))


def find(room: Room, id: str) -> Note:
    """The merge of that id, or the only one; raises UnknownName, UsageError."""
    known = listing(room)
    if not id and len(known) == 1:
        return known[0]
    if not id and known:
        raise UsageError(f"{len(known)} merges are under way: name one of them, {_names(known)}")
    for one in known:
        if one.id.casefold() == id.casefold():
            return one
    hint = f"there are {_names(known)}" if known else "`orc code merge begin` begins one"
    raise UnknownName(f"no merge {id} is under way here: {hint}".replace("  ", " "))


def new_id(room: Room) -> str:
    """The next free id; raises UsageError where too many are under way."""
    known = listing(room)
    if len(known) >= OPEN_MAX:
        raise UsageError(
            f"{len(known)} merges are under way: `orc code merge abort {known[0].id}` ends one"
        )
    return f"{PREFIX}{max((_number(one.id) for one in known), default=0) + 1}"


def keep(room: Room, note: Note) -> None:
    """Write a note, in place of the one before. The caller is in the room. Blocks on the disk."""
    folder = _folder(room)
    folder.mkdir(mode=0o700, exist_ok=True)
    draft = folder / "draft"
    with draft.open("w", encoding="ascii") as file:
        json.dump(_told(note), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{note.id}.json")
    sync_folder(folder)


def drop(room: Room, note: Note) -> None:
    """Remove a note. The caller is in the room. Blocks on the disk."""
    (_folder(room) / f"{note.id}.json").unlink(missing_ok=True)
    sync_folder(_folder(room))


def _folder(room: Room) -> Path:
    return room.folder / "merges"


def _number(id: str) -> int:
    return int(id.removeprefix(PREFIX))


def _names(known: Sequence[Note]) -> str:
    return ", ".join(one.id for one in known)


def _told(note: Note) -> dict[str, Any]:
    told = asdict(note)
    told["choices"] = [
        [number, one.take.value, one.value.decode("latin-1")]
        for number, one in sorted(note.choices.items())
    ]
    return told


def _read(path: Path) -> Note:
    try:
        told = json.loads(path.read_text(encoding="ascii"))
        checked = told["checked"]
        return Note(
            **{
                **told,
                "left": MergeSide(**told["left"]),
                "right": MergeSide(**told["right"]),
                "check": tuple(told["check"]),
                "choices": {
                    int(number): Choice(Take(take), value.encode("latin-1"))
                    for number, take, value in told["choices"]
                },
                "checked": CheckResult(**checked) if checked is not None else None,
            }
        )
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise GitError(
            f"{path} cannot be read ({error}): remove that file; the branches are as they were"
        ) from None
