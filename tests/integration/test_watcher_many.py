"""A look at many panes on a real server: told in parts, and each change once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

import pytest

from clocks import wait_for
from orc_core.clock import SystemClock
from orc_core.errors import TmuxTimeout
from orc_core.tmux.link import CHUNK, Link
from orc_core.tmux.panes import Shot
from orc_core.tmux.ticks import Tick
from orc_core.tmux.watcher import Watcher
from private_tmux import PrivateTmux

MANY = CHUNK + 5


@pytest.fixture
async def watcher(tmux: PrivateTmux) -> AsyncIterator[Watcher]:
    """A watcher of many panes that has looked at none of them yet."""
    panes = [tmux.start("printf 0; exec cat")]
    panes += [tmux.window(f"printf {number}; exec cat") for number in range(1, MANY)]
    await wait_for(lambda: all(map(tmux.screen, panes)))
    watcher = Watcher(tmux.address, SystemClock())
    try:
        yield watcher
    finally:
        await watcher.close()


async def look(watcher: Watcher) -> list[Tick]:
    async with aclosing(watcher.look_in_parts()) as told:
        return [tick async for tick in told]


def told(ticks: Sequence[Tick]) -> list[tuple[str, str]]:
    seen = (one for tick in ticks for one in tick.fresh)
    return [(one.info.pane.pane_id, one.lines[0]) for one in seen if one.lines]


async def test_many_screens_are_told_in_parts_and_once(watcher: Watcher) -> None:
    ticks = await look(watcher)
    assert len(ticks) > 2
    assert sorted(int(text) for _, text in told(ticks)) == list(range(MANY))
    assert len({pane for pane, _ in told(ticks)}) == MANY
    assert [bool(tick.forks) for tick in ticks] == [False] * (len(ticks) - 1) + [True]
    assert all(one.lines for tick in ticks for one in tick.fresh), "no pane before its screen"
    assert not watcher.backlog


async def test_what_was_not_there_when_a_look_failed_is_looked_at_again(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = Link.captures

    async def late(
        link: Link, panes: Sequence[tuple[str, bool]], taken: Callable[[list[Shot]], None]
    ) -> None:
        await captures(link, panes[:-3], taken)
        raise TmuxTimeout("late")

    monkeypatch.setattr(Link, "captures", late)
    ticks = await look(watcher)
    assert not ticks[-1].complete
    assert len(told(ticks)) == MANY - 3
    assert watcher.backlog
    monkeypatch.undo()
    rest = [one for _ in range(3) for one in told(await look(watcher))]
    missed = {str(number) for number in range(MANY)} - {text for _, text in told(ticks)}
    assert len(missed) == 3
    assert missed <= {text for _, text in rest}
