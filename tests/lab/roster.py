"""What the lab knows of one agent: its program, its fresh home, and its scenarios."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.programs import Program
from tests.lab.script import Scenario


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent is set up: a fresh home, the folder it works in, the server's port."""

    home: Path
    work: Path
    port: int
    version: str
    setup: frozenset[str] = frozenset()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Launch:
    """How the agent is started: arguments after its name, and what is added to its environment."""

    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def no_level(place: Place) -> str:
    """The word of an agent that keeps no level file."""
    return ""


@dataclass(frozen=True, slots=True)
class LabAgent:
    """One agent of the lab. `id` is that of its rule file, `command` what is typed to start it.

    `prepare` fills the home and says how to launch; `level` is what the agent's own state file
    says now, "" where it says nothing.
    """

    id: str
    command: str
    program: Program
    prepare: Callable[[Place], Launch]
    scenarios: tuple[Scenario, ...]
    level: Callable[[Place], str] = no_level
