"""A process that leads publishes what it sees, on servers that are ours and on no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from clocks import wait_for
from lives_on_stage import agent_in
from orc_core.config import CoreOptions
from orc_core.hub import open_core
from orc_core.lifecycle.wing import Wishes
from orc_core.model.health import LayerState
from orc_core.model.task import Task
from orc_core.tmux.making import OURS
from private_tmux import PrivateTmux


def _options(tmux: PrivateTmux, folder: Path) -> CoreOptions:
    return CoreOptions(
        workspace=folder / "ws",
        socket_paths=(tmux.socket_path,),
        home=folder,
        actor="operator",
        environ={"PATH": tmux.environ["PATH"], "HOME": str(folder)},
        cwd=folder,
    )


def _said(tmux: PrivateTmux, pane: str) -> str:
    form = "#{@orc_agent} #{@orc_state} #{@orc_task}"
    return tmux.run("display-message", "-p", "-t", pane, form).strip()


async def test_the_agents_of_our_server_are_published(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane = tmux.start("exec sleep 300")
    tmux.run("set-option", "-s", OURS, "1")
    async with open_core(_options(tmux, tmp_path)) as core:
        await core.lifecycle.adopt(
            agent_in(tmux, pane, "other", "main:0"), Wishes(name="old", kind="codex")
        )
        task = await core.tasks.add("Cart", assignee="old")
        await wait_for(lambda: _said(tmux, pane).startswith("old "), 15)
        await wait_for(lambda: _said(tmux, pane).endswith(task.id), 15)
        line = next(layer for layer in core.layers() if layer.name == "tmux")
        assert (line.state, line.strategy) == (LayerState.OK, "realtime")
        tmux.run("set-option", "-p", "-t", pane, "@orc_task", "")
        await wait_for(lambda: _of(core.snapshot.tasks, task.id) == "", 15)


async def test_a_users_server_is_left_as_it_is(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane = tmux.start("exec sleep 300")
    before = tmux.run("show-options", "-p", "-t", pane)
    async with open_core(_options(tmux, tmp_path), watch=False) as core:
        await core.agents.scan()
        await core.lifecycle.adopt(
            agent_in(tmux, pane, "other", "main:0"), Wishes(name="old", kind="codex")
        )
        await core.refresh()
        marked = tmux.run("show-options", "-p", "-t", pane)
        await core.sync_once()
        assert tmux.run("show-options", "-p", "-t", pane) == marked
        await core.layer_choices.change("tmux", {"servers": [tmux.socket_path]})
        await core.sync_once()
        assert _said(tmux, pane).startswith("old ")
        await core.layer_choices.change("tmux", {"servers": None})
        await core.sync_once()
        assert tmux.run("show-options", "-p", "-t", pane) == marked
    assert before == ""


@pytest.mark.parametrize("made", [True, False])
async def test_a_server_is_ours_where_the_first_agent_made_it(
    tmux: PrivateTmux, tmp_path: Path, made: bool
) -> None:
    if not made:
        tmux.start()
    async with open_core(_options(tmux, tmp_path), watch=False) as core:
        await core.lifecycle.spawn(["sleep", "300"], wishes=Wishes(name="one"))
    tmux.pids.append(int(tmux.run("display-message", "-p", "#{pid}")))
    assert tmux.run("show-options", "-sqv", OURS) == ("1" if made else "")


def _of(tasks: tuple[Task, ...], id: str) -> str:
    return next(one.assignee for one in tasks if one.id == id)
