"""Classifying a screen of which nothing is known but what stands on it, and perhaps a title.

Invariant: pure. A screen that no rule knows, or that ends in a shell, a pager or an editor, is
`other`: there somebody looks at what an agent once showed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.agents.detect import fold
from orc_core.agents.endings import BELOW_LINES, TYPED_OVER
from orc_core.agents.patterns import found
from orc_core.agents.rules import Kind, RuleSet
from orc_core.agents.signals import read, tail
from orc_core.errors import UnknownName
from orc_core.model.agent import OTHER, State, Waiting

NO_RULE: Final = "no-rule"

_FOREIGN_FOOT: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # A shell that waits for a command, a pager, vi, nano, and what runs tests.
        r"^(\(\w+\) )?[\w.@:~/\[\]*+-]{0,80}( \S{1,40}){0,3} ?([$#]|(?<!\d)%)( .{0,200})?$",
        r"^(\(END\)|:|~|--More--.{0,20}|(\S{1,80} )?lines \d+-\d+.{0,60}|.{1,80} \(END\))$",
        r"^-- (INSERT|NORMAL|VISUAL|REPLACE)\b|^:\w{1,20}$",
        r"^\"[^\"]{1,120}\" .{0,20}\d+L, \d+[BC]|^\S{1,80}\s+\d+,\d+(-\d+)?\s+(\d+%|All|Top|Bot)$",
        r"^\^[GXK] (Help|Exit|Cut)\b",
        r"^\s*(Tests?|Test Files|Test Suites|Snapshots|Time|Duration|Ran all)\b.{0,80}\d",
        r"^=+ .{0,80}\b(passed|failed)\b.{0,60}=+$",
    )
)
_SHELL_BACK: Final = re.compile(r"^\w*sh-\d[\d.]*[$#]( |$)|^[\w.-]+@[\w.-]+[:~ ]\S{0,80}[$#%]( |$)")
_SHELL_LINES: Final = 4
"""A shell's prompt may have lines of the agent that ended left below it."""


@dataclass(frozen=True, slots=True)
class Classified:
    """What one screen tells. `hold` is a view over the conversation: it tells no state."""

    agent: str
    state: State
    waiting: Waiting
    substate: str
    rule: str
    text: str
    does: str
    resets_at: float
    hold: bool = False


def classify(
    rules: RuleSet, lines: Sequence[str], now: float, *, title: str = "", agent: str = ""
) -> Classified:
    """Tell the state that a screen shows; `agent` is found out where it is "".

    Raises UnknownName for an agent that no rule file describes.
    """
    kind = rules.kind(agent) if agent else kind_of_screen(rules, lines, title)
    if kind is None:
        if agent and agent != OTHER:
            known = ", ".join(one.id for one in rules.kinds)
            raise UnknownName(f"no rule file describes an agent {agent!r}: known are {known}")
        return Classified(OTHER, State.UNKNOWN, Waiting.NONE, "", NO_RULE, "", "", 0.0)
    reading = read(kind, title, lines, now)
    if reading.hold:
        does = "a view over the conversation: the state stays what it was"
        return Classified(
            kind.id, State.UNKNOWN, Waiting.NONE, "", reading.held_by, "", does, 0.0, hold=True
        )
    live = fold(None, reading.signals, now)
    return Classified(
        agent=kind.id,
        state=live.state,
        waiting=live.waiting,
        substate=live.substate,
        rule=live.evidence.rule,
        text=live.evidence.text,
        does=live.does,
        resets_at=live.resets_at,
    )


def kind_of_screen(rules: RuleSet, lines: Sequence[str], title: str = "") -> Kind | None:
    """The agent whose screen this is: by its title, then by the marks that the screen bears."""
    last = tail(lines, _SHELL_LINES)
    if not last or any(pattern.search(last[-1]) for pattern in _FOREIGN_FOOT):
        return None
    if any(_SHELL_BACK.search(line) for line in last):
        return None
    if any(re.search(TYPED_OVER, line) for line in tail(lines, BELOW_LINES)):
        return None
    for kind in rules.kinds:
        if any(found(pattern, title) for pattern in kind.agent.titles):
            return kind
    scores = sorted((_marks(kind, lines), at) for at, kind in enumerate(rules.kinds))
    best, second = scores[-1], scores[-2] if len(scores) > 1 else (0, 0)
    return rules.kinds[best[1]] if best[0] > second[0] else None


def _marks(kind: Kind, lines: Sequence[str]) -> int:
    """How many of an agent's marks a screen bears."""
    return sum(any(found(mark, line) for line in lines) for mark in kind.agent.marks)
