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

    `before` and `after` are where it begins on either side, counted from 1, and the counts how
    many lines it has there; a side without lines is placed after the line that it names.
    `number` is which hunk of its file it is, counted from 1.
    """

    before: int
    after: int
    lines: tuple[str, ...]
    before_count: int = 0
    after_count: int = 0
    number: int = 0


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
class Pick:
    """Some hunks of a file, counted from 1 as a preview shows them."""

    path: bytes
    hunks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A file in which another agent was at work, last at `at`, in seconds since the epoch."""

    path: bytes
    agent: str
    at: float


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do, to be shown first; all of it is done or nothing.

    `chosen` are the files and folders that were asked for, all where empty and no hunk is picked.
    `picked` are the files of which some hunks go back; `shares` those in which somebody else
    was since the checkpoint.

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
    picked: tuple[Pick, ...] = ()
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a branch is from another, in commits: `ahead` it alone has, `behind` it lacks."""

    of: str
    ahead: int
    behind: int


@dataclass(frozen=True, slots=True)
class TreeState:
    """A work tree as it is now; `at` is seconds since the epoch.

    `tree` is what it is called within the repository at `repository`. `branch` is "" where none
    is checked out, `head` where nothing was committed. `main` and `upstream` are the distances
    to the repository's main branch and to the branch's own upstream, None where there is none.
    `changed` and `untracked` are files with uncommitted work, the first ones of many; the counts
    go on. `added` and `removed` are lines against what is checked out, without those of new
    files. `under_way` names what git has begun and not ended. `trouble` says why nothing is
    known, then only `top` is.
    """

    top: str
    tree: str = ""
    repository: str = ""
    branch: str = ""
    head: str = ""
    main: Distance | None = None
    upstream: Distance | None = None
    changed: tuple[bytes, ...] = ()
    untracked: tuple[bytes, ...] = ()
    changed_count: int = 0
    untracked_count: int = 0
    added: int = 0
    removed: int = 0
    under_way: str = ""
    at: float = 0.0
    trouble: str = ""

    @property
    def dirty(self) -> int:
        """How many files have work that is not committed."""
        return self.changed_count + self.untracked_count

    @property
    def title(self) -> str:
        """What it is called on a screen: its branch, else the commit it is at."""
        return self.branch or (self.head[:10] if self.head else "no commit")


@dataclass(frozen=True, slots=True)
class Clash:
    """A file in which two branches conflict; `hunks` is 0 where it is not about lines."""

    path: bytes
    hunks: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What merging two branches would come to, before anybody does.

    `left` and `right` are branches by name, `left_commit` and `right_commit` what they are at;
    `repository` is where. `clashes` are the files in which they conflict. `trouble` says why it
    is not known.
    """

    repository: str
    left: str
    right: str
    left_commit: str
    right_commit: str
    clashes: tuple[Clash, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Touch:
    """An agent that was at a file last at `at`, in seconds since the epoch; in which work tree.

    `task` is what it works on, `prompt` what it was told last; "" where nothing tells.
    `is_told` is False where nobody told, and the tree that is its alone has the change.
    """

    agent: str
    at: float
    top: str
    task: str = ""
    prompt: str = ""
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class FileOverlap:
    """A file of a repository, from its top, in which several agents are at work."""

    repository: str
    path: bytes
    touches: tuple[Touch, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """What is known of the code that agents work on.

    `places` are the folders of agents, each with the top of its work tree. `trouble` says why
    there are no forecasts.
    """

    trees: tuple[TreeState, ...] = ()
    overlaps: tuple[FileOverlap, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    trouble: str = ""

    def tree_of(self, folder: str) -> TreeState | None:
        """The work tree in which an agent's folder is."""
        top = dict(self.places).get(folder)
        return next((one for one in self.trees if one.top == top), None)
