"""A dashboard that starts again finds its agents by server, start, number and process."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator

import pytest

from clocks import wait_for
from many_tmux import Lookout, claude, watched
from orc_core.model.health import LinkState
from orc_storage import live
from orc_storage.database import Database
from private_tmux import PrivateTmux, Sockets


@pytest.fixture
async def store(sockets: Sockets) -> AsyncIterator[Database]:
    opened = await Database.open(sockets.root / "ws", runtime=sockets.root / "run")
    yield opened
    await opened.close()


def names(lookout: Lookout, server: PrivateTmux) -> dict[str, str]:
    return {pane: agent.name for pane, agent in lookout.on(server).items()}


async def settled(lookout: Lookout, count: int) -> None:
    """Wait until so many agents are known for what they are."""
    await lookout.until(lambda: sum(a.kind == "claude" for a in lookout.fleet.agents()) == count)


async def written(store: Database) -> dict[tuple[str, str], str]:
    """The names in the store, by the last part of the socket and pane."""
    rows = await store.read(live.listing)
    return {(row.server.rpartition("/")[2], row.pane_id): row.name for row in rows}


async def test_names_outlive_the_dashboard_whatever_server_answers_first(
    sockets: Sockets, store: Database
) -> None:
    work, api = sockets.server("work", claude("idle")), sockets.server("api", claude("idle"))
    async with watched(sockets, work, store=store) as lookout:
        await settled(lookout, 1)
    async with watched(sockets, api, work, store=store) as lookout:
        await settled(lookout, 2)
        late = work.window(claude("idle"))
        await settled(lookout, 3)
        first = {**names(lookout, work), "api": names(lookout, api)["%0"]}
    assert first == {"%0": "claude-1", "api": "claude-2", late: "claude-3"}
    assert await written(store) == {
        ("work", "%0"): "claude-1",
        ("api", "%0"): "claude-2",
        ("work", late): "claude-3",
    }
    work.run("kill-pane", "-t", "%0")
    async with watched(sockets, api, work, store=store) as lookout:
        await settled(lookout, 2)
        assert names(lookout, work) == {late: "claude-3"}
        assert names(lookout, api) == {"%0": "claude-2"}


async def test_a_number_used_again_is_another_agent(sockets: Sockets, store: Database) -> None:
    work, api = sockets.server("work", claude("idle")), sockets.server("api", claude("idle"))
    async with watched(sockets, work, api, store=store) as lookout:
        await settled(lookout, 2)
        old = lookout.on(work)["%0"]
    work.run("respawn-pane", "-k", "-t", "%0", claude("busy"))
    async with watched(sockets, work, api, store=store) as lookout:
        await settled(lookout, 2)
        new = lookout.on(work)["%0"]
        assert new.pane.server_start == old.pane.server_start and new.pane.pid != old.pane.pid
        assert new.evidence.rule != "known from before"
        assert new.since > old.since


async def test_a_restarted_server_has_other_agents(sockets: Sockets, store: Database) -> None:
    work, api = sockets.server("work", claude("idle")), sockets.server("api", claude("idle"))
    api.window(claude("idle"))
    async with watched(sockets, work, api, store=store) as lookout:
        await settled(lookout, 3)
        old = lookout.on(api)
        born = int(api.run("display-message", "-p", "#{start_time}"))
        api.signal(signal.SIGKILL)
        await lookout.until(lambda: lookout.fleet.link().state is LinkState.GONE)
        await wait_for(lambda: time.time() >= born + 1)
        api.start("exec cat")
        api.window(claude("idle"))
        await lookout.until(lambda: lookout.fleet.link().state is LinkState.LIVE)
        await settled(lookout, 2)
        new = lookout.on(api)
        assert new["%1"].pane.server_start > old["%1"].pane.server_start
        assert new["%1"].since > old["%1"].since
        assert names(lookout, work)["%0"] not in names(lookout, api).values()
