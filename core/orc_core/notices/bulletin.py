"""Which agents came to need somebody, gathered into one notice now and then.

Invariant: pure but for what it remembers. An agent is told once for each time that it comes to
need somebody, and not at all when it does not need them any more by then; notices are at least
`every_s` apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.model.agent import Agent, State
from orc_core.text import clean

GATHER_S: Final = 2.0
"""So long others are waited for, so that five that stop at once are one notice."""
NAMED_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told: a head, a line, and whom it is about."""

    head: str
    text: str
    agents: tuple[Agent, ...] = ()


class Bulletin:
    """Takes the agents as they are seen, and says when there is a notice to give."""

    def __init__(self, on: Collection[str], every_s: float) -> None:
        self._on = frozenset(on)
        self._every_s = every_s
        self._needing: dict[str, tuple[State, float]] | None = None
        self._fresh: dict[str, float] = {}
        self._told_at_s = float("-inf")

    def take(self, agents: Sequence[Agent], now_s: float) -> None:
        """Take the agents as they are at `now_s`, of a monotonic clock.

        Those that need somebody when this is called first are no news.
        """
        needing = {one.key: (one.state, one.since) for one in agents if self._needs(one)}
        before = self._needing if self._needing is not None else needing
        self._needing = needing
        for key, how in needing.items():
            if before.get(key) != how:
                self._fresh.setdefault(key, now_s)
        self._fresh = {key: at for key, at in self._fresh.items() if key in needing}

    def forget(self) -> None:
        """The operator is here: what they can see is not told any more."""
        self._fresh.clear()

    def due_in_s(self, now_s: float) -> float | None:
        """In how many seconds there is a notice to give; None where there is none."""
        if not self._fresh:
            return None
        gathered_s = min(self._fresh.values()) + GATHER_S
        return max(gathered_s - now_s, self._told_at_s + self._every_s - now_s, 0.0)

    def notice(self, agents: Sequence[Agent], workspace: str, now_s: float) -> Notice | None:
        """The notice that is due; None where nobody needs anybody any more."""
        fresh, self._fresh = self._fresh, {}
        about = tuple(one for one in agents if one.key in fresh and self._needs(one))
        if not about:
            return None
        self._told_at_s = now_s
        return compose(about, workspace)

    def _needs(self, agent: Agent) -> bool:
        return agent.state in self._on and not agent.is_other and not agent.muted_until


def compose(about: Sequence[Agent], workspace: str) -> Notice:
    """One notice about some agents, named as far as there is room."""
    head = f"orc {clean(workspace, limit=40)}".strip()
    if len(about) == 1:
        (one,) = about
        said = f" {one.task}" if one.task else ""
        told = f": {one.does}" if one.does else ""
        return Notice(head, clean(f"{one.name}{said} is {one.state.value}{told}"), (one,))
    names = ", ".join(one.name for one in about[:NAMED_MAX])
    more = f" and {len(about) - NAMED_MAX} more" if len(about) > NAMED_MAX else ""
    return Notice(head, clean(f"{len(about)} agents need you: {names}{more}"), tuple(about))
