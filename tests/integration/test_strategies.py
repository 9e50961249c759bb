"""The switches, from the environment to what the header says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from clocks import wait_for
from orc_core.doctor import examine
from orc_core.errors import OrcError, UnknownName, UsageError
from orc_core.hub import Core, CoreOptions, open_core
from orc_core.model.health import LayerState, LinkState
from orc_core.switches import is_within
from private_tmux import PrivateTmux


@asynccontextmanager
async def core_at(tmux: PrivateTmux, **environ: str) -> AsyncIterator[Core]:
    options = CoreOptions(
        workspace=tmux.folder / "work",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        cwd=tmux.folder,
        host="devbox",
        environ={"PATH": os.environ["PATH"], "HOME": str(tmux.folder)} | environ,
    )
    async with open_core(options) as core:
        await wait_for(lambda: core.snapshot.link.state is not LinkState.STARTING)
        yield core


def state(core: Core) -> LinkState:
    return core.snapshot.link.state


def hidden(tmux: PrivateTmux) -> int:
    return sum(name.startswith("_orc-") for name in tmux.sessions())


@pytest.mark.parametrize(
    "environ",
    [
        {"TMUX_ORC_ASYNC_DISABLED": "1"},
        {"TMUX_ORC_FORCE_SYNC": "1", "TMUX_ORC_ASYNC_ROLLOUT": "1.0"},
        {"TMUX_ORC_ASYNC_ROLLOUT": "0.0"},
    ],
)
async def test_a_switch_leads_to_sync_and_no_session(
    tmux: PrivateTmux, environ: dict[str, str]
) -> None:
    pane = tmux.start("exec cat")
    async with core_at(tmux, **environ) as core:
        assert state(core) is LinkState.SYNC and hidden(tmux) == 0
        assert [agent.pane.pane_id for agent in core.snapshot.agents] == [pane]
        (layer, *_) = core.layers()
        assert (layer.state, layer.trouble) == (LayerState.OK, "")  # it is as it was asked for


@pytest.mark.parametrize("share", ["0.1", "0.5", "1.0"])
async def test_a_rollout_takes_in_servers_by_name(tmux: PrivateTmux, share: str) -> None:
    tmux.start("exec cat")
    async with core_at(tmux, TMUX_ORC_ASYNC_ROLLOUT=share) as core:
        within = is_within(f"devbox:{tmux.socket_path}", float(share))
        assert state(core) is (LinkState.LIVE if within else LinkState.SYNC)


async def test_the_strategy_is_chosen_while_it_runs(tmux: PrivateTmux) -> None:
    tmux.start("exec cat")
    async with core_at(tmux, TMUX_ORC_ASYNC_DISABLED="1") as core:
        agents = core.snapshot.agents
        core.agents.use_strategy("async")
        await wait_for(lambda: state(core) is LinkState.LIVE and hidden(tmux) == 1)
        core.agents.use_strategy("sync", tmux.socket_path)
        await wait_for(lambda: state(core) is LinkState.SYNC and hidden(tmux) == 0)
        assert [one.pane for one in core.snapshot.agents] == [one.pane for one in agents]
        with pytest.raises(UnknownName, match="no tmux server 'nowhere' is watched"):
            core.agents.use_strategy("async", "nowhere")


async def test_what_is_forced_cannot_be_chosen_away(tmux: PrivateTmux) -> None:
    tmux.start("exec cat")
    async with core_at(tmux, TMUX_ORC_FORCE_SYNC="1") as core:
        with pytest.raises(UsageError, match="TMUX_ORC_FORCE_SYNC=1 keeps every server on sync"):
            core.agents.use_strategy("async")
        core.agents.use_strategy("sync")


async def test_a_value_that_means_nothing_opens_nothing(tmux: PrivateTmux) -> None:
    tmux.start("exec cat")
    with pytest.raises(OrcError, match="TMUX_ORC_ASYNC_ROLLOUT is '10%'"):
        async with core_at(tmux, TMUX_ORC_ASYNC_ROLLOUT="10%"):
            pass
    assert not (tmux.folder / "work").exists()


@pytest.mark.parametrize(
    ("environ", "verdict", "found"),
    [
        ({}, "ok", "async"),
        ({"TMUX_ORC_FORCE_SYNC": "1"}, "ok", "sync, by TMUX_ORC_FORCE_SYNC"),
        (
            {"TMUX_ORC_ASYNC_DISABLED": "1"},
            "ok",
            "sync until it is switched, by TMUX_ORC_ASYNC_DISABLED",
        ),
        (
            {"TMUX_ORC_ASYNC_ROLLOUT": "0.25"},
            "ok",
            "async for 25% of servers, by TMUX_ORC_ASYNC_ROLLOUT",
        ),
        (
            {"TMUX_ORC_FORCE_SYNC": "on"},
            "fail",
            "TMUX_ORC_FORCE_SYNC is 'on': set it to 1, or unset it",
        ),
    ],
)
async def test_the_doctor_says_what_is_switched(
    tmux: PrivateTmux, environ: dict[str, str], verdict: str, found: str
) -> None:
    findings = await examine(
        folder=tmux.folder / "work",
        socket_paths=[tmux.socket_path],
        socket_names=[],
        environ={"HOME": str(tmux.folder)} | environ,
        cwd=tmux.folder,
    )
    (watching,) = [one for one in findings if one.check == "watching"]
    assert (watching.verdict, watching.found) == (verdict, found)
