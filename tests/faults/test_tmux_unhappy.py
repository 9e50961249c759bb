"""Servers that stop, stutter, return, or only pretend: deadlines, states, steps of recovery."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from orc_core.errors import TmuxGone, TmuxTimeout
from orc_core.model.health import LinkState
from orc_core.tmux.guests import HIDDEN
from orc_core.tmux.link import INTRODUCTIONS, STEADY_S, Link, Strategy
from orc_core.tmux.server import Address
from private_tmux import PrivateTmux
from watches import watching

BOTH = pytest.mark.parametrize("strategy", ["async", "sync"])


def ours(tmux: PrivateTmux) -> list[str]:
    return [name for name in tmux.sessions() if HIDDEN.fullmatch(name)]


@asynccontextmanager
async def linked(
    address: Address, clock: TurnedClock, strategy: Strategy = "async"
) -> AsyncIterator[Link]:
    link = Link(address, clock, strategy)
    try:
        yield link
    finally:
        await link.close()


def wedge(link: Link) -> None:
    """Let the connection, and it alone, answer no more."""
    assert link._control is not None
    link._control._process.pause_reading()


async def test_the_strategy_is_switched_while_it_runs(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    pane = tmux.start()
    async with watching(tmux.address, clock) as watch:
        assert (watch.last.state, len(ours(tmux))) == (LinkState.LIVE, 1)
        watch.watcher.use("sync")
        await watch.turn()
        assert (watch.last.state, ours(tmux)) == (LinkState.SYNC, [])
        tmux.write(pane, "by processes")
        await watch.turn_until(lambda: watch.lines[pane] == ("by processes",))
        watch.watcher.use("async")
        await watch.turn()
        assert (watch.last.state, len(ours(tmux))) == (LinkState.LIVE, 1)
        tmux.write(pane, "\rover the connection")
        await watch.turn_until(lambda: watch.lines[pane] == ("over the connection",))
        assert all(tick.complete for tick in watch.ticks)
    assert tmux.sessions() == ["main"]


async def test_switching_back_and_forth_is_no_failure(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with linked(tmux.address, clock) as link:
        for _ in range(8):
            link.use("async")
            await link.listing(0)
            assert link.state is LinkState.LIVE
            link.use("sync")
            await link.listing(0)
            assert link.state is LinkState.SYNC


async def test_introductions_to_a_server_are_rare(tmux: PrivateTmux, clock: TurnedClock) -> None:
    tmux.start()
    opened: list[float] = []
    async with linked(tmux.address, clock) as link:
        while clock.monotonic() < 1000.0 + 200.0:
            await link.listing(0)
            if link.state is LinkState.LIVE:
                opened.append(clock.monotonic())
                tmux.run("kill-session", "-t", f"={link.session}")
            clock.turn(1.0)
    assert opened[2] - opened[0] <= 4.0
    gaps = [late - early for early, late in pairwise(opened[2:])]
    assert 2 <= len(gaps) <= 3 and min(gaps) >= INTRODUCTIONS.reset_s


async def test_a_connection_that_held_is_replaced_at_once(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with linked(tmux.address, clock) as link:
        for _ in range(6):
            await link.listing(0)
            assert link.state is LinkState.LIVE
            clock.turn(STEADY_S)
            tmux.run("kill-session", "-t", f"={link.session}")
            await link.listing(0)  # finds out, and answers by a process


async def test_a_connection_that_wedges_again_and_again_is_left_alone(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with linked(tmux.address, clock) as link:
        for _ in range(INTRODUCTIONS.failures):
            await link.listing(0)
            wedge(link)
            with pytest.raises(TmuxTimeout):
                await link.listing(0)
            await link.listing(0)  # by a process: the server answers
            assert link.state is LinkState.SYNC
        for left in range(59, 0, -1):
            clock.turn(1.0)
            await link.listing(0)
            assert (link.state, link.paused_s) == (LinkState.SYNC, left)
        clock.turn(1.0)
        await link.listing(0)
        assert (link.state, link.paused_s) == (LinkState.LIVE, 0.0)


async def test_nobody_is_introduced_to_a_server_that_is_stopped(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with linked(tmux.address, clock) as link:
        await link.listing(0)
        forks = link.forks
        tmux.signal(signal.SIGSTOP)
        try:
            for _ in range(2):
                with pytest.raises(TmuxTimeout):
                    await link.listing(0)
                assert link.state is LinkState.SYNC
            assert link.forks == forks + 1  # the one that asked the second time, no other
        finally:
            tmux.signal(signal.SIGCONT)
        # It is back: first an answer by a process, then the connection, in two lists.
        listing = await link.listing(0)
        assert link.state is LinkState.SYNC and len(listing.rows) >= 1
        again = await link.listing(0)
        assert link.state is LinkState.LIVE
        assert (again.pid, again.start) == (listing.pid, listing.start)
    await wait_for(lambda: tmux.sessions() == ["main"])


async def test_a_server_found_stopped_is_asked_before_anyone_is_introduced(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with linked(tmux.address, clock) as link:
        tmux.signal(signal.SIGSTOP)
        try:
            for asked in (1, 2):
                with pytest.raises(TmuxTimeout):
                    await link.listing(0)
                assert link.forks == asked
        finally:
            tmux.signal(signal.SIGCONT)
        await link.listing(0)
        await link.listing(0)
        assert link.state is LinkState.LIVE
        assert len(ours(tmux)) == 1  # and none that had been waiting


@BOTH
async def test_a_stopped_server_is_one_trouble_and_no_loss(
    tmux: PrivateTmux, clock: TurnedClock, strategy: Strategy
) -> None:
    panes = [tmux.start(), *(tmux.window() for _ in range(4))]
    async with watching(tmux.address, clock, strategy=strategy) as watch:
        await watch.turn(2)
        before = [sighting.info.pane for sighting in watch.last.sightings]
        seen = len(watch.ticks)
        tmux.signal(signal.SIGSTOP)
        try:
            await watch.turn_until(lambda: watch.last.state is LinkState.STALE)
            await watch.turn()
        finally:
            tmux.signal(signal.SIGCONT)
        await watch.turn_until(lambda: watch.last.complete)
        await watch.turn(2)
        states = [tick.state for tick in watch.ticks[seen:]]
        # one change to stale, however many panes there are, and one way back
        changes = [state for state, _ in groupby(states)]
        assert changes[0] is LinkState.STALE or changes[1] is LinkState.STALE
        assert changes.count(LinkState.STALE) == 1
        assert LinkState.GONE not in states and watch.gone == []
        assert [sighting.info.pane for sighting in watch.last.sightings] == before
        assert {pane.pane_id for pane in before} == set(panes)


async def test_a_server_that_stutters_is_not_asked_for_more_than_it_can(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    pane = tmux.start()
    async with watching(tmux.address, clock) as watch:
        await watch.turn(2)
        for round_number in range(3):
            tmux.signal(signal.SIGSTOP)
            try:
                await watch.turn_until(lambda: watch.last.state is LinkState.STALE)
            finally:
                tmux.signal(signal.SIGCONT)
            await watch.turn_until(lambda: watch.last.complete)
            tmux.write(pane, f"\rround {round_number}")
            await watch.turn_until(lambda: watch.lines[pane] == (f"round {round_number}",))  # noqa: B023
        assert len(ours(tmux)) <= 1
        assert watch.gone == []


async def test_a_killed_server_that_returns_is_met_afresh(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with linked(tmux.address, clock) as link:
        for _ in range(INTRODUCTIONS.failures + 2):
            first = await link.listing(0)
            assert link.state is LinkState.LIVE
            tmux.signal(signal.SIGKILL)
            with pytest.raises(TmuxGone):
                await link.listing(0)
            tmux.start()
            again = await link.listing(0)
            assert link.state is LinkState.LIVE
            assert again.pid == tmux.pid != first.pid


async def test_a_server_replaced_between_two_looks_is_met_afresh(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with linked(tmux.address, clock) as link:
        for _ in range(INTRODUCTIONS.failures + 2):
            await link.listing(0)
            tmux.signal(signal.SIGKILL)
            await wait_for(lambda: link._control is None or link._control.closed.is_set())
            tmux.start()
            assert (await link.listing(0)).pid == tmux.pid
            await link.listing(0)
            assert link.state is LinkState.LIVE


@BOTH
async def test_a_removed_socket_is_a_server_out_of_reach(
    tmux: PrivateTmux, clock: TurnedClock, strategy: Strategy
) -> None:
    tty = Path(tmux.tty(tmux.start()))
    async with watching(tmux.address, clock, strategy=strategy) as watch:
        await watch.turn(2)
        before = [sighting.info.pane for sighting in watch.last.sightings]
        Path(tmux.socket_path).unlink()
        tty.write_bytes(b"still here")
        await watch.turn_until(lambda: not watch.last.complete)
        # Over the connection the server still answers; a process finds nobody.
        reached = strategy == "async"
        assert watch.last.state is (LinkState.STALE if reached else LinkState.GONE)
        remedy = f"but tmux runs: kill -USR1 {tmux.pid} brings back"
        assert (remedy in watch.last.trouble) is reached
        await watch.turn(2)
        assert watch.gone == []
        tmux.signal(signal.SIGUSR1)  # tmux makes its socket anew
        await wait_for(lambda: Path(tmux.socket_path).exists())
        await watch.turn_until(lambda: watch.last.complete)
        assert [sighting.info.pane for sighting in watch.last.sightings] == before


@contextmanager
def pretender(path: Path, *, accepts: bool) -> Iterator[None]:
    """Something that listens at a socket and never says a word."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(64 if accepts else 0)
    try:
        yield
    finally:
        listener.close()
        path.unlink()


@BOTH
@pytest.mark.parametrize("accepts", [True, False])
async def test_a_server_that_never_answers_is_stale(
    tmux: PrivateTmux, clock: TurnedClock, strategy: Strategy, accepts: bool
) -> None:
    path = Path(tmux.socket_path)
    with pretender(path, accepts=accepts):
        async with watching(tmux.address, clock, strategy=strategy) as watch:
            await watch.turn(2)
            assert {tick.state for tick in watch.ticks} == {LinkState.STALE}
            assert not any(tick.complete for tick in watch.ticks)
            assert "did not answer in" in watch.last.trouble
            assert [tick.forks for tick in watch.ticks] == [1, 1, 1]
    tmux.start()  # whoever comes to that place later is met afresh
    async with watching(tmux.address, clock, strategy=strategy) as watch:
        assert watch.last.complete


async def test_the_loop_goes_on_while_a_server_hangs(tmux: PrivateTmux, clock: TurnedClock) -> None:
    tmux.start()
    loop, beats = asyncio.get_running_loop(), 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            step = loop.create_future()
            loop.call_later(0.002, step.set_result, None)
            await step

    async with watching(tmux.address, clock) as watch:
        tmux.signal(signal.SIGSTOP)
        heart = asyncio.ensure_future(beat())
        try:
            for _ in range(3):
                seen = beats
                await watch.turn()
                assert beats > seen + 100
        finally:
            heart.cancel()
            tmux.signal(signal.SIGCONT)
        assert watch.last.state is LinkState.STALE


async def test_floods_do_not_drown_the_quiet(tmux: PrivateTmux, clock: TurnedClock) -> None:
    quiet = tmux.start()
    floods = [tmux.window("exec yes " + "flood " * 10) for _ in range(4)]
    async with watching(tmux.address, clock) as watch:
        for round_number in range(4):
            tmux.write(quiet, f"\rword {round_number}")
            await watch.turn_until(lambda: watch.lines[quiet] == (f"word {round_number}",))  # noqa: B023
        assert set(watch.lines) == {quiet, *floods}
        assert all(tick.complete and tick.forks <= 1 for tick in watch.ticks[1:])
        assert watch.last.state is LinkState.LIVE


async def test_two_watchers_of_one_stopped_server_come_back_both(tmux: PrivateTmux) -> None:
    tmux.start()
    clocks = TurnedClock(), TurnedClock()
    async with watching(tmux.address, clocks[0]) as one, watching(tmux.address, clocks[1]) as two:
        tmux.signal(signal.SIGSTOP)
        try:
            for watch in (one, two):
                await watch.turn_until(lambda: watch.last.state is LinkState.STALE)  # noqa: B023
        finally:
            tmux.signal(signal.SIGCONT)
        for watch in (one, two):
            await watch.turn_until(lambda: watch.last.state is LinkState.LIVE)  # noqa: B023
        # what was given up is ended by its guard
        await wait_for(lambda: len(ours(tmux)) == 2)
    await wait_for(lambda: tmux.sessions() == ["main"])
