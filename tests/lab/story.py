"""What came of a scenario: its shots, what orc said and when, and where it got stuck."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.lab.script import Shot

from orc_core.model.agent import State, Waiting


@dataclass(frozen=True, slots=True)
class Verdict:
    """What orc made of a pane: state, kind of waiting, substate, the rule that decided."""

    state: State
    waiting: Waiting = Waiting.NONE
    substate: str = ""
    rule: str = ""
    does: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """One shot with everything that is needed to judge it."""

    agent: str
    version: str
    scenario: str
    shot: Shot
    lines: tuple[str, ...]
    title: str
    command: str
    level: str
    live: Verdict
    took_s: float


@dataclass(slots=True)
class Story:
    """What came of one scenario."""

    agent: str
    version: str
    scenario: str
    shots: list[Taken] = field(default_factory=list)
    timeline: list[tuple[float, Verdict]] = field(default_factory=list)
    trouble: str = ""
    took_s: float = 0.0
    unscripted: int = 0
    meant: frozenset[State] = frozenset()
    """States that the scenario leads through, whether it takes a shot of them or not."""
