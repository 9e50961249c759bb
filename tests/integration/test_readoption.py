"""A dashboard that starts again finds its agents by server, start, number and process."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clocks import wait_for
from many_tmux import Lookout, claude, watched
from orc_core.model.health import LinkState
from orc_core.tmux.server import child_environment
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


async def test_names_on_a_server_that_is_over_are_free_and_others_wait(
    sockets: Sockets, store: Database
) -> None:
    servers = [sockets.server(name, claude("idle")) for name in ("work", "api", "ops")]
    for count in (1, 2, 3):
        async with watched(sockets, *servers[:count], store=store) as lookout:
            await settled(lookout, count)
    work, api, ops = servers
    assert (await written(store))["ops", "%0"] == "claude-3"
    api.signal(signal.SIGKILL)
    await wait_for(lambda: not api.sessions())
    async with watched(sockets, work, store=store) as lookout:
        await settled(lookout, 1)
        late = work.window(claude("idle"))
        await settled(lookout, 2)
        later = work.window(claude("idle"))
        await settled(lookout, 3)
        assert names(lookout, work) == {"%0": "claude-1", late: "claude-2", later: "claude-4"}
    assert ops.sessions() == ["main"]


DASHBOARD = """
import asyncio, sys
from pathlib import Path
from orc_core.config import CoreOptions
from orc_core.hub import open_core
from orc_storage import live
async def main():
    root, *paths = sys.argv[1:]
    options = CoreOptions(
        workspace=Path(root) / "ws", socket_paths=tuple(paths), home=Path(root), cwd=Path(root),
        environ={"HOME": root, "XDG_STATE_HOME": root},
    )
    async with open_core(options) as core:
        while len(await core.store.read(live.listing)) < 2:
            await asyncio.sleep(0.05)
        print("written", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_killed_dashboard_leaves_one_that_finds_its_agents_by_id(
    sockets: Sockets, store: Database
) -> None:
    work, api = sockets.server("work", claude("idle")), sockets.server("api", claude("idle"))
    argv = [sys.executable, "-c", DASHBOARD, str(sockets.root)]
    with subprocess.Popen(
        [*argv, api.socket_path, work.socket_path],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=child_environment(sockets.environ) | {"XDG_RUNTIME_DIR": str(sockets.root)},
    ) as dashboard:
        try:
            assert dashboard.stdout is not None
            told = await asyncio.to_thread(dashboard.stdout.readline)
            assert told == b"written\n"
        finally:
            dashboard.kill()
    before = await written(store)
    for server in (work, api):
        server.run(
            "rename-session", "-t", "=main", f"was {before[Path(server.socket_path).name, '%0']}"
        )
        server.run("rename-window", "-t", "%0", "claude-9")
    async with watched(sockets, work, api, store=store) as lookout:
        await settled(lookout, 2)
        for name, server in (("work", work), ("api", api)):
            agent = lookout.on(server)["%0"]
            assert agent.name == before[name, "%0"]
            assert agent.session == f"was {agent.name}"


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
