"""How long each source is believed.

Invariant: one table says it for every signal; a rule or a source may believe a signal for less
time than the table, never for more. A level lives as long as its process; an edge expires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from types import MappingProxyType
from typing import Final

from orc_core.model.agent import Signal, Source, State

UNCONFIRMED_S: Final = 60.0
"""A title and a screen are believed this long after tmux was last heard."""

_BUSY: Final = (State.WORKING, State.STARTING)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a signal is believed: `busy_s` where it tells of work, `rest_s` otherwise."""

    busy_s: float
    rest_s: float
    seen: bool
    """Whether it is read off the pane, so that tmux has to confirm that it still stands there."""


FRESHNESS: Final[Mapping[Source, Freshness]] = MappingProxyType(
    {
        # What is read while the process lives, by who reads it.
        Source.PROC: Freshness(inf, inf, seen=False),
        Source.LEVEL: Freshness(inf, inf, seen=False),
        # An event: work that no further event tells of may have been interrupted in silence.
        Source.HOOK: Freshness(600.0, 86_400.0, seen=False),
        # A busy title turns, a busy screen counts: what stands still is no sign of work.
        Source.TITLE: Freshness(600.0, inf, seen=True),
        Source.SCREEN: Freshness(600.0, inf, seen=True),
    }
)


def aged(signal: Signal, now: float, confirmed_at: float) -> Signal:
    """The signal, expired where the table says so.

    `confirmed_at` is when tmux last told of the pane; times are epoch seconds.
    """
    if signal.expired:
        return signal
    rule = FRESHNESS[signal.evidence.source]
    limit_s = rule.busy_s if signal.state in _BUSY else rule.rest_s
    late = now - signal.evidence.at > limit_s
    if late or (rule.seen and now - confirmed_at > UNCONFIRMED_S):
        return replace(signal, expired=True)
    return signal
