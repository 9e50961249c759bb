"""Ticks: what one look at a tmux server told, as much at a time as is taken in quickly.

Invariant: pure; what a look found is told once, and in the order in which it was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orc_core.model.agent import PaneRef
from orc_core.model.health import LinkState
from orc_core.tmux.memory import Sighting

NEWS_MAX: Final = 40
"""News in one tick: what comes of them must not hold up the loop for long."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One look at a server, or a part of it.

    `panes` has all that are there, without their screens, `news` those of them that are new, whose
    screen or whose other facts are new. `gone` are those that are not there any more, after two
    lists without them. A pane whose number was given to another is not in `gone`: the sighting
    carries the new `PaneRef`. Of a look with many news come several ticks, each with its share, the
    first of them while it goes on. Where `complete` is False nothing was learned. `wall_s` is how
    long the look took, `forks` how many processes it started: one of its ticks tells that.
    `trouble` says what tmux said.
    """

    at: float
    state: LinkState
    panes: tuple[Sighting, ...]
    gone: tuple[PaneRef, ...]
    complete: bool
    forks: int
    wall_s: float
    trouble: str = ""
    news: tuple[Sighting, ...] | None = None

    @property
    def fresh(self) -> tuple[Sighting, ...]:
        """The news; where nobody said what is new, everything is."""
        return self.panes if self.news is None else self.news

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """All panes that are there, with what is fresh in the place of what is not."""
        fresh = {one.info.pane.pane_id: one for one in self.news or ()}
        return tuple(fresh.get(one.info.pane.pane_id, one) for one in self.panes)


def portions(tick: Tick) -> Iterator[Tick]:
    """One look as ticks of no more than NEWS_MAX news each; its costs stand in the first."""
    fresh = tick.fresh
    yield replace(tick, news=fresh[:NEWS_MAX]) if len(fresh) > NEWS_MAX else tick
    for first in range(NEWS_MAX, len(fresh), NEWS_MAX):
        news = fresh[first : first + NEWS_MAX]
        yield replace(tick, news=news, gone=(), forks=0, wall_s=0.0)


def joined(parts: Sequence[Tick]) -> Tick:
    """The parts of one look as one tick."""
    return replace(
        parts[-1],
        news=tuple(one for part in parts for one in part.fresh),
        gone=tuple(pane for part in parts for pane in part.gone),
        forks=sum(part.forks for part in parts),
        wall_s=sum(part.wall_s for part in parts),
    )
