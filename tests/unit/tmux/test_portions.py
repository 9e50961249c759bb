"""A look with many news comes as several ticks, so that none of them takes long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orc_core.model.agent import PaneRef
from orc_core.model.health import LinkState
from orc_core.tmux.memory import Sighting
from orc_core.tmux.panes import PaneInfo
from orc_core.tmux.ticks import NEWS_MAX, Tick, joined, portions

pytest_plugins = ("agents_on_stage",)


def test_many_news_come_in_portions_and_costs_are_told_once(pane: Callable[..., PaneInfo]) -> None:
    refs = [PaneRef("/s", 7, f"%{number}", number) for number in range(2 * NEWS_MAX + 1)]
    seen = tuple(Sighting(pane(pane=ref), None, None, 1.0) for ref in refs)
    tick = Tick(1.0, LinkState.LIVE, seen, (refs[0],), True, 2, 0.5, news=seen)
    parts = list(portions(tick))
    assert [len(part.fresh) for part in parts] == [NEWS_MAX, NEWS_MAX, 1]
    assert tuple(one for part in parts for one in part.fresh) == seen
    assert [(part.gone, part.forks, part.wall_s) for part in parts] == [
        ((refs[0],), 2, 0.5),
        ((), 0, 0.0),
        ((), 0, 0.0),
    ]
    assert all(part.panes is seen for part in parts)
    assert joined(parts) == tick
    again = replace(seen[1], lines=("news",))
    (part,) = portions(replace(tick, news=(again,)))
    assert part.sightings == (seen[0], again, *seen[2:])


def test_few_news_are_one_tick_and_without_word_everything_is_new(
    pane: Callable[..., PaneInfo],
) -> None:
    seen = (Sighting(pane(), None, None, 1.0),)
    quiet = Tick(1.0, LinkState.LIVE, seen, (), True, 0, 0.0, news=())
    assert list(portions(quiet)) == [quiet]
    assert quiet.fresh == ()
    assert Tick(1.0, LinkState.LIVE, seen, (), True, 0, 0.0).fresh == seen
