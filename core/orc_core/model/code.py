"""Work trees as they are seen: checkpoints of them, what differs, what goes back.

Invariant: names of files are bytes, as git and the disk have them; they become text in one way,
`shown`, which is fit for a screen and never a way back to the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orc_core.text import clean

NAME_MAX: Final = 1024


def shown(path: bytes) -> str:
    """The name of a file as a person reads it."""
    return clean(path, limit=NAME_MAX)


class Cause(StrEnum):
    """Why a checkpoint of a work tree was made."""

    ASKED = "asked"
    PROMPT = "prompt"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that a checkpoint does not hold, and why in a few words."""

    path: bytes
    why: str


@dataclass(frozen=True, slots=True)
class TreeCheckpoint:
    """The files of one work tree at one moment, kept by a private ref of its repository.

    `at` is seconds since the epoch. `tree` is what the work tree is called within its
    repository, `top` where it was. `branch` and `head` are what was checked out then, "" for
    none. `commit` and `content` are the names of git's objects, `new_bytes` the size of the
    files that were read for it.
    """

    id: str
    at: float
    actor: str
    note: str
    cause: Cause
    tree: str
    top: str
    branch: str
    head: str
    commit: str
    content: str
    new_bytes: int = 0
    left_out: tuple[LeftOut, ...] = ()
    ignored: tuple[bytes, ...] | None = ()
    """Files and, with a slash at the end, folders that were ignored; None where too many."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a file is: git's mode (0o100644, 0o100755, 0o120000), and the name of its content."""

    mode: int
    object: str


@dataclass(frozen=True, slots=True)
class FileStep:
    """What a restore does to one file: `before` is replaced by `after`; None is no file."""

    path: bytes
    before: Held | None
    after: Held | None

    @property
    def verb(self) -> str:
        """What is done, in one word."""
        if self.before is None:
            return "comes back"
        return "is removed" if self.after is None else "goes back"

    @property
    def reversed(self) -> FileStep:
        """The step that takes this one back."""
        return FileStep(self.path, self.after, self.before)


@dataclass(frozen=True, slots=True)
class Hunk:
    """A part of a file that differs; lines begin with `+`, `-` or a blank, and are clean.

    `before` and `after` are where it begins on either side, counted from 1.
    """

    before: int
    after: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How one file differs; a binary one has no hunks. `is_cut` where there are more lines."""

    path: bytes
    verb: str
    added: int
    removed: int
    is_binary: bool
    hunks: tuple[Hunk, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do, to be shown first; all of it is done or nothing.

    `stays` are files made since the checkpoint, which a restore leaves alone unless it is to be
    exact. `kept_back` are files that it cannot or may not touch, and why. `not_undone` are lines
    on what a restore of files never takes back. `agents` are those at work in the tree.
    """

    checkpoint: TreeCheckpoint
    top: str
    is_exact: bool
    chosen: tuple[bytes, ...]
    steps: tuple[FileStep, ...]
    stays: tuple[bytes, ...]
    kept_back: tuple[LeftOut, ...]
    not_undone: tuple[str, ...]
    diffs: tuple[FileDiff, ...] = ()
    agents: tuple[str, ...] = ()
