"""A look at many panes on a real server: told in parts, and each change once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from clocks import wait_for
from orc_core.benchmark.usage import children
from orc_core.clock import SystemClock
from orc_core.errors import TmuxTimeout
from orc_core.tmux.link import CHUNK, Link, Listing
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


async def test_what_was_prepared_for_nothing_is_ended(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orc_core.tmux.link.DEADLINE_S", 25.0)  # none ends because of its age
    pane_id = tmux.start("printf 0; exec cat")
    await wait_for(lambda: tmux.screen(pane_id))
    link = Link(tmux.address, SystemClock(), "async")
    before = children()
    shots: list[Shot] = []
    try:
        await link.listing(0)
        connected, forks = children(), link.forks
        link.prepare()
        link.prepare()
        assert link.forks == forks + 1
        await link.withdraw()
        await link.withdraw()
        assert not children() - connected
        await link.captures([(pane_id, False)], shots.extend)
        assert link.forks == forks + 2, "the one that was withdrawn does nothing any more"
        link.prepare()
        await wait_for(lambda: children() - connected)
        await link.captures([(pane_id, False)], shots.extend)
        assert ([shot.pane_id for shot in shots], link.forks) == ([pane_id, pane_id], forks + 3)
        link.prepare()
    finally:
        await link.close()
    await wait_for(lambda: not children() - before)


async def test_a_written_terminal_has_its_process_start_while_the_list_is_asked(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[str] = []
    listing, prepare = Link.listing, Link.prepare

    async def asked(link: Link, since: int) -> Listing:
        prepared.append("list")
        return await listing(link, since)

    def ready(link: Link) -> None:
        prepared.append("ready")
        prepare(link)

    await look(watcher)
    monkeypatch.setattr(Link, "listing", asked)
    monkeypatch.setattr(Link, "prepare", ready)
    pane = next(iter(watcher._memory.panes.values()))
    await asyncio.to_thread(Path(pane.info.tty).write_text, "news")
    ticks = await look(watcher)
    assert prepared[:2] == ["ready", "list"]
    assert any("news" in "".join(one.lines or ()) for tick in ticks for one in tick.fresh)
    assert sum(tick.forks for tick in ticks) == 1


async def test_no_process_waits_on_after_a_look_that_failed(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    await look(watcher)
    before = children()

    async def late(link: Link, since: int) -> Listing:
        await wait_for(lambda: children() - before)
        raise TmuxTimeout("it does not answer")

    monkeypatch.setattr(Link, "listing", late)
    pane = next(iter(watcher._memory.panes.values()))
    await asyncio.to_thread(Path(pane.info.tty).write_text, "news")
    (tick,) = await look(watcher)
    assert not tick.complete
    assert not children() - before


async def test_one_whose_time_was_over_before_its_script_came_is_a_slow_server(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane_id = tmux.start()
    link = Link(tmux.address, SystemClock(), "async")
    shots: list[Shot] = []
    try:
        await link.listing(0)
        monkeypatch.setattr("orc_core.tmux.link.DEADLINE_S", 0.05)
        link.prepare()
        assert link._client is not None
        await asyncio.wait({link._client._run})
        monkeypatch.undo()
        with pytest.raises(TmuxTimeout):
            await link.captures([(pane_id, False)], shots.extend)
        await link.captures([(pane_id, False)], shots.extend)
        assert [shot.pane_id for shot in shots] == [pane_id]
    finally:
        await link.close()
