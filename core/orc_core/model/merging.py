"""Merges of two branches as they are seen: who collides where, and what is chosen.

Invariant: contents and names of files are bytes, as git has them; a part that nobody decided has
no result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orc_core.model.code import Held


class Take(StrEnum):
    """What is taken for a part: a side, both in either order, their base, a text of one's own."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    SWAPPED = "swapped"
    BASE = "base"
    VALUE = "value"


class PartKind(StrEnum):
    """What a decision is about: lines of a text, a whole file, its name, whether it is run."""

    LINES = "lines"
    FILE = "file"
    NAME = "name"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose for one part; `value` counts only for a text of their own."""

    take: Take
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class MergeSide:
    """One side of a merge: `name` is its branch as people call it, else its commit.

    `ref` is the branch's full name, "" for a commit; `agent` and `task` are who is at work there.
    """

    name: str
    ref: str
    commit: str
    agent: str = ""
    task: str = ""

    @property
    def title(self) -> str:
        """Who it is, with the branch where that is somebody."""
        return f"{self.agent} ({self.name})" if self.agent else self.name


@dataclass(frozen=True, slots=True)
class Version:
    """A file as one side has it, under the name that it has there."""

    path: bytes
    held: Held


@dataclass(frozen=True, slots=True)
class Part:
    """One decision in a merge, counted from 1 over all files.

    `left`, `base` and `right` are the lines of each, or for another kind what it is in words;
    None where there is nothing. `line` is where lines begin, from 1, in a text that has the base
    of every part.
    """

    number: int
    path: bytes
    kind: PartKind
    why: str
    left: bytes | None
    base: bytes | None
    right: bytes | None
    takes: tuple[Take, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the check command came to on the files of `tree`; `said` is the end of its output."""

    tree: str
    passed: bool
    text: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge under way, as it is now.

    `into` is the branch that gets the commit, `into_why` why it is that one. `texts` are files
    with lines to decide, as they would be with every part as the right side has it. `moved` names
    sides that went on since; `notes` are what else git had to say. `check` is the command to run,
    `checked` what it came to, None where it was not run on what is chosen now. `handed` is the
    agent who was asked to do it.
    """

    id: str
    repository: str
    left: MergeSide
    right: MergeSide
    into: str
    into_why: str = ""
    parts: tuple[Part, ...] = ()
    choices: dict[int, Choice] = field(default_factory=dict)
    texts: dict[bytes, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    checked: CheckResult | None = None
    handed: str = ""
    at: float = 0.0

    @property
    def open(self) -> tuple[Part, ...]:
        """The parts that nobody decided yet."""
        return tuple(one for one in self.parts if one.number not in self.choices)


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge that is committed: the branch, and the way back where there is one."""

    text: str
    branch: str
    commit: str
    way_back: str
