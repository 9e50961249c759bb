"""The words a scene is written in.

Invariant: a scene is data. It says what an agent does and how long it takes, never how that
looks; the look belongs to the faces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody gave the agent this line; a turn begins."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """The agent says something."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """The agent works without a tool for some seconds; the label stands by its spinner."""

    label: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Use:
    """The agent uses a tool: what it works on, how long, and the lines that come back."""

    tool: str
    subject: str
    result: tuple[str, ...]
    seconds: float = 4.0


@dataclass(frozen=True, slots=True)
class Ask:
    """The agent asks leave to use a tool.

    `whole_kind` is what "don't ask again" covers. Refused, it says `instead` and waits.
    """

    use: Use
    note: str
    whole_kind: str
    instead: str


@dataclass(frozen=True, slots=True)
class Question:
    """The agent asks which way to go; each option has a label, a remark, and what it then says."""

    topic: str
    text: str
    options: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """The agent hits the usage limit of its account and stands still."""

    resets: str


@dataclass(frozen=True, slots=True)
class Crash:
    """The program ends with these last lines and this exit status."""

    lines: tuple[str, ...]
    status: int


@dataclass(frozen=True, slots=True)
class Done:
    """The turn ends; the agent waits at its prompt."""


Step: TypeAlias = Told | Say | Think | Use | Ask | Question | Limit | Crash | Done


@dataclass(frozen=True, slots=True)
class Scene:
    """What one agent plays: steps once, then `again` over and over.

    `title` is what it calls its work. A frozen picture of the scene is taken at `still_s`
    seconds.
    """

    title: str
    steps: tuple[Step, ...]
    still_s: float
    again: tuple[Step, ...] = ()
    files: tuple[str, ...] = field(default=())
