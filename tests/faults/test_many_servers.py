"""Several tmux servers at once, of which one stops, dies, comes back, appears or leaves."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from dataclasses import replace
from pathlib import Path

from clocks import TurnedClock, wait_for
from many_tmux import Lookout, claude, watched
from orc_core.agents.names import NameBook
from orc_core.agents.processes import system_processes
from orc_core.agents.rules import load
from orc_core.fleet import LEAVE_AFTER_S
from orc_core.model.agent import Agent, Source, State
from orc_core.model.health import LayerState, Link, LinkState
from orc_core.switches import Switches
from orc_core.tmux.link import INTRODUCTIONS
from orc_core.tmux.server import Address
from orc_core.watch import SHY_S, ServerWatch, WatchSetup
from orc_storage.lock import lives
from private_tmux import PrivateTmux, Sockets


def all_live(lookout: Lookout, count: int) -> bool:
    """Whether so many servers are there and all are well."""
    fleet = lookout.fleet
    states = [layer.state for layer in fleet.layers()]
    return fleet.link() == Link(LinkState.LIVE) and states == [LayerState.OK] * count


def lines_of(lookout: Lookout, server: PrivateTmux, pane_id: str = "%0") -> tuple[str, ...]:
    return lookout.fleet.lines(f"{server.socket_path}:{pane_id}")


def layer_of(lookout: Lookout, name: str) -> tuple[LayerState, str]:
    (layer,) = [one for one in lookout.fleet.layers() if one.name == name]
    return layer.state, layer.trouble


async def test_one_that_stops_is_stale_and_the_other_goes_on(sockets: Sockets) -> None:
    work = sockets.server("work", claude("ask"))
    api = sockets.server("api", claude("ask"))
    plain = api.window("exec cat")
    async with watched(sockets, work, api) as lookout:
        await lookout.until(
            lambda: (
                all(a.state is State.WAITING for a in lookout.fleet.agents() if a.name != "x")
                or _waiting(lookout) == 2
            )
        )
        await lookout.until(lambda: all_live(lookout, 2))
        before = lookout.on(work)["%0"]
        work.signal(signal.SIGSTOP)
        await lookout.until(lambda: lookout.fleet.link().state is LinkState.STALE)
        assert lookout.fleet.link().server == "work"
        api.write(plain, "goes on")
        await lookout.until(lambda: "goes on" in lines_of(lookout, api, plain))
        assert lookout.fleet.link().state is LinkState.STALE
        after = lookout.on(work)["%0"]
        assert after == replace(before, stale_since=after.stale_since)
        assert 0.0 < after.stale_since <= lookout.clock.now()
        assert {agent.stale_since for agent in lookout.on(api).values()} == {0.0}
        state, trouble = layer_of(lookout, "tmux work")
        assert state is LayerState.DEGRADED and "did not answer" in trouble
        assert layer_of(lookout, "tmux api") == (LayerState.OK, "")
        work.signal(signal.SIGCONT)
        await lookout.until(lambda: all_live(lookout, 2))
        assert lookout.on(work)["%0"].name == before.name
        assert lookout.on(work)["%0"].stale_since == 0.0


def _waiting(lookout: Lookout) -> int:
    return sum(agent.state is State.WAITING for agent in lookout.fleet.agents())


async def test_one_that_is_killed_is_one_trouble_and_no_crash_of_its_agents(
    sockets: Sockets,
) -> None:
    three = [sockets.server(name, claude("ask")) for name in ("work", "api", "ops")]
    async with watched(sockets, *three) as lookout:
        await lookout.until(lambda: _waiting(lookout) == 3 and all_live(lookout, 3))
        work = three[0]
        _say_busy(sockets, lookout.on(work)["%0"].pane.pid)
        await lookout.until(lambda: lookout.on(work)["%0"].evidence.source is Source.LEVEL)
        before = lookout.on(work)["%0"]
        born = int(work.run("display-message", "-p", "#{start_time}"))
        work.signal(signal.SIGKILL)
        await lookout.until(lambda: lookout.fleet.link().state is LinkState.GONE)
        assert lookout.fleet.link().server == "work"
        await lookout.until(lambda: not lives(before.pane.pid))
        # what a hook tells then is of processes that ended with their server
        assert not lookout.fleet.judge_again([before.key])
        after = lookout.on(work)["%0"]
        assert after == replace(before, stale_since=after.stale_since) and after.stale_since
        assert layer_of(lookout, "tmux work") == (
            LayerState.OFFLINE,
            f"no tmux server at {work.socket_path}",
        )
        assert (after.state, _waiting(lookout)) == (State.WORKING, 2)
        await wait_for(lambda: time.time() >= born + 1)
        work.start("exec cat")
        await lookout.until(lambda: all_live(lookout, 3) and not _stale(lookout))
        await lookout.until(lambda: [a.name for a in lookout.on(work).values()] == ["work:main:0"])
        again = lookout.on(work)["%0"]
        assert again.key == before.key and again.pane != before.pane
        assert _waiting(lookout) == 2


def _say_busy(sockets: Sockets, pid: int) -> None:
    """Let the agent with this process tell that it works."""
    facts = system_processes().facts(pid)
    assert facts is not None
    folder = sockets.root / ".claude" / "sessions"
    folder.mkdir(parents=True)
    told = {"pid": pid, "procStart": facts.start, "status": "busy"}
    (folder / f"{pid}.json").write_text(json.dumps(told))


def _stale(lookout: Lookout) -> list[Agent]:
    return [agent for agent in lookout.fleet.agents() if agent.stale_since]


async def test_when_all_are_gone_what_was_seen_stays(sockets: Sockets) -> None:
    both = [sockets.server(name, claude("ask")) for name in ("default", "work")]
    async with watched(sockets) as lookout:
        await lookout.until(lambda: _waiting(lookout) == 2 and all_live(lookout, 2))
        for server in both:
            server.signal(signal.SIGKILL)
        await lookout.until(lambda: lookout.fleet.link() == Link(LinkState.GONE))
        await lookout.until(lambda: not any(lives(a.pane.pid) for a in lookout.fleet.agents()))
        lookout.clock.ahead_s += 10 * LEAVE_AFTER_S
        assert lookout.fleet._take_leave() == []
        assert _waiting(lookout) == 2
        assert len(_stale(lookout)) == 2


async def test_the_same_numbers_and_names_on_two_servers_are_told_apart(sockets: Sockets) -> None:
    work = sockets.server("work", claude("idle"))
    api = sockets.server("api", claude("idle"))
    sessions = {server: server.window("exec cat") for server in (work, api)}
    async with watched(sockets, work, api) as lookout:
        await lookout.until(lambda: len(lookout.fleet.agents()) == 4 and all_live(lookout, 2))
        fleet = lookout.fleet
        await lookout.until(
            lambda: (
                {a.name for a in fleet.agents()}
                == {"claude-1", "claude-2", "work:main:1", "api:main:1"}
            )
        )
        for server, name in ((work, "work"), (api, "api")):
            there = lookout.on(server)
            assert {agent.place for agent in there.values()} == {
                f"{name}:main:0.0",
                f"{name}:main:1.0",
            }
            other = there[sessions[server]]
            assert fleet.find(f"{name}:{other.pane.pane_id}") == other
            assert fleet.find(other.key) == other
            assert fleet.find(other.name.upper()) == other
            assert fleet.watch_of(other.key).address == server.address
        agent = lookout.on(api)["%0"]
        await lookout.until(lambda: lines_of(lookout, api))
        report = await fleet.send(agent.key, "for the second one")
        assert report.sent
        assert "for the second one" in (api.folder / "keys").read_text()
        assert not (work.folder / "keys").exists()


async def test_a_server_that_appears_is_watched_and_one_without_agents_leaves(
    sockets: Sockets,
) -> None:
    main = sockets.server("default")
    async with watched(sockets) as lookout:
        await lookout.until(lambda: all_live(lookout, 1) and lookout.fleet.agents())
        assert [agent.name for agent in lookout.fleet.agents()] == ["main:0"]
        assert [layer.name for layer in lookout.fleet.layers()] == ["tmux"]
        work = sockets.server("work", claude("ask"))
        api = sockets.server("api")
        await lookout.until(lambda: _waiting(lookout) == 1 and len(lookout.fleet.agents()) == 3)
        assert [one.name for one in lookout.fleet.layers()] == ["tmux", "tmux api", "tmux work"]
        assert {agent.name for agent in lookout.fleet.agents()} == {
            "main:0",
            "api:main:0",
            "claude-1",
        }
        await lookout.until(lambda: all_live(lookout, 3))
        for server in (work, api):
            server.signal(signal.SIGKILL)
        await lookout.until(lambda: len(lookout.fleet.servers) == 2)
        (lost,) = _stale(lookout)
        assert (lost.name, lost.pane.server) == ("claude-1", work.socket_path)
        await lookout.until(lambda: lookout.fleet.link() == Link(LinkState.GONE, server="work"))
        lookout.clock.ahead_s += LEAVE_AFTER_S + 1
        await lookout.until(lambda: lookout.fleet.link() == Link(LinkState.LIVE))
        assert [agent.name for agent in lookout.fleet.agents()] == ["main:0"]
        again = sockets.server("later", claude("ask"))
        await lookout.until(lambda: "%0" in lookout.on(again) and _waiting(lookout) == 1)
        assert lookout.on(again)["%0"].name == "claude-1"
    await wait_for(lambda: main.sessions() == again.sessions() == ["main"])


async def test_only_those_that_are_named_are_watched(sockets: Sockets) -> None:
    work, _ = sockets.server("work"), sockets.server("default")
    async with watched(sockets, work) as lookout:
        await lookout.until(lambda: all_live(lookout, 1) and lookout.fleet.agents())
        sockets.server("late")
        assert not await lookout.fleet._discover()
        assert [watch.address for watch in lookout.fleet.watches] == [work.address]


async def test_the_own_server_that_never_was_there_is_no_trouble(sockets: Sockets) -> None:
    work = sockets.server("work")
    async with watched(sockets) as lookout:
        await lookout.until(lambda: all_live(lookout, 1) and lookout.fleet.agents())
        assert lookout.fleet.link() == Link(LinkState.LIVE)
        assert [layer.name for layer in lookout.fleet.layers()] == ["tmux"]
        assert lookout.fleet.title() == work.socket_path
        default = sockets.server("default")
        await lookout.until(lambda: lookout.on(default) and all_live(lookout, 2))
        assert [agent.name for agent in lookout.on(default).values()] == ["main:0"]
        assert [agent.name for agent in lookout.on(work).values()] == ["work:main:0"]


async def test_a_server_that_was_found_without_agents_is_asked_rarely(sockets: Sockets) -> None:
    work = sockets.server("work", "exec cat")
    clock = TurnedClock()
    setup = WatchSetup(clock, load(), sockets.root, NameBook(), set, Switches())
    watch = ServerWatch(Address(work.socket_path), setup, found=True)
    looks: list[object] = []
    running = asyncio.ensure_future(watch.run(lambda *all: looks.append(all), None))
    try:
        for _ in range(16):
            await wait_for(lambda: clock.sleepers)
            clock.turn(1.0)
        await wait_for(lambda: clock.sleepers)
        assert watch.link_state is LinkState.LIVE and watch.observer.agents()
        assert 3 <= len(looks) <= 8
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_a_server_that_was_found_is_left_alone_until_an_agent_is_on_it(
    sockets: Sockets,
) -> None:
    sockets.server("default")
    plain, busy = sockets.server("plain"), sockets.server("busy", claude("ask"))
    async with watched(sockets) as lookout:
        await lookout.until(lambda: all_live(lookout, 3) and _waiting(lookout) == 1)
        assert plain.sessions() == busy.sessions() == ["main"]
        lookout.clock.ahead_s += SHY_S
        await lookout.until(lambda: len(busy.sessions()) == 2)
        await lookout.until(lambda: "seen at last" in lines_of(lookout, plain) or _write(plain))
        assert all_live(lookout, 3)
        assert plain.sessions() == ["main"]
        pane = plain.window(claude("ask"))
        await lookout.until(lambda: len(plain.sessions()) == 2)
        assert lookout.on(plain)[pane].name == "claude-2"
        assert all_live(lookout, 3)
    await wait_for(lambda: plain.sessions() == busy.sessions() == ["main"])


def _write(server: PrivateTmux) -> None:
    server.write("%0", "\r\nseen at last")


async def test_a_pause_of_the_connection_is_told_beside_its_server(
    tmux: PrivateTmux, clock: TurnedClock, tmp_path: Path
) -> None:
    tmux.start()
    setup = WatchSetup(clock, load(), tmp_path, NameBook(), set, Switches())
    watch = ServerWatch(tmux.address, setup)
    watch.take(await watch.watcher.look())
    assert (watch.layer("tmux").state, watch.layer("tmux").trouble) == (LayerState.OK, "")
    for _ in range(INTRODUCTIONS.failures):
        tmux.run("kill-session", "-t", f"={watch.watcher._link.session}")
        watch.take(await watch.watcher.look())  # finds out, and answers by a process
        watch.take(await watch.watcher.look())
    layer = watch.layer("tmux")
    assert layer.state is LayerState.DEGRADED
    assert layer.trouble.startswith("connection paused, tries again in 60s: ")
    clock.turn(52.0)
    assert watch.layer("tmux").trouble.startswith("connection paused, tries again in 10s: ")
    clock.turn(8.0)
    watch.take(await watch.watcher.look())
    assert watch.layer("tmux").state is LayerState.OK
    assert "paused" not in watch.layer("tmux").trouble
    await watch.watcher.close()
