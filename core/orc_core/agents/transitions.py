"""The life of an agent: which state may follow which, and what a step means.

Invariant: a pure table. An agent that has crashed or is gone comes back only as another process;
done comes after work or a question and nothing else; starting is the beginning of a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from orc_core.model.agent import Evidence, State

_LIVING: Final = frozenset(State) - {State.CRASHED, State.GONE}
_SETTLED: Final = _LIVING - {State.STARTING}

FIRST_SEEN: Final = "first seen"
BEGAN_ANEW: Final = "began anew in its pane"


@dataclass(frozen=True, slots=True)
class Entry:
    """How a state is entered: from which states by the same process, and what that means."""

    sources: frozenset[State]
    reason: str


INTO: Final[Mapping[State, Entry]] = MappingProxyType(
    {
        State.STARTING: Entry(frozenset({State.UNKNOWN}), "its program began"),
        State.WORKING: Entry(_LIVING, "took up work"),
        State.WAITING: Entry(_LIVING, "asks"),
        State.IDLE: Entry(_LIVING, "is ready"),
        State.DONE: Entry(frozenset({State.WORKING, State.WAITING}), "its turn ended"),
        State.ERROR: Entry(_LIVING, "failed"),
        State.LIMITED: Entry(_LIVING, "hit a limit"),
        State.CRASHED: Entry(_LIVING, "its program ended badly"),
        State.GONE: Entry(_LIVING | {State.CRASHED}, "it is there no more"),
        State.UNKNOWN: Entry(_SETTLED | {State.STARTING}, "nothing tells"),
    }
)


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an agent's life; `at` is in epoch seconds, `before` None when first seen."""

    at: float
    before: State | None
    after: State
    evidence: Evidence
    reason: str

    @property
    def told(self) -> str:
        """The evidence in one line: `screen claude/spinner: took up work`."""
        return f"{self.evidence.source.value} {self.evidence.rule}: {self.reason}"


def reason(before: State | None, after: State, *, renewed: bool = False) -> str | None:
    """Why an agent goes from one state into another; None where it cannot.

    `renewed` says that another process is in the pane than before.
    """
    if before is None:
        return FIRST_SEEN
    if before is after:
        return None
    entry = INTO[after]
    if before in entry.sources:
        return entry.reason
    return BEGAN_ANEW if renewed else None
