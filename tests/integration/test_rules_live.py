"""Rule files that change while the core runs, and what is written down of an agent's life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clocks import wait_for
from orc_core.agents.rule_watch import rule_changes
from orc_core.clock import SystemClock
from orc_core.config import CoreOptions
from orc_core.hub import Core, open_core
from orc_core.model.agent import OTHER, Agent, State
from orc_core.model.health import LayerState
from orc_storage.records import StateChange
from private_tmux import PrivateTmux

RULES = """
[agent]
id = "mine"
label = "Mine"
commands = ['cat']

[[rule]]
id = "busy"
source = "screen"
any = ['^busy']
state = "working"

[[rule]]
id = "ready"
source = "screen"
priority = 40
any = ['^ready']
state = "idle"
"""


@pytest.fixture
async def core(tmux: PrivateTmux) -> AsyncIterator[Core]:
    tmux.start()
    options = CoreOptions(
        workspace=tmux.folder / "ws",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        actor="operator",
        environ={"HOME": str(tmux.folder)},
        cwd=tmux.folder,
    )
    async with open_core(options) as core:
        await wait_for(core.agents.agents)
        yield core


def agent(core: Core) -> Agent:
    (one,) = core.agents.agents()
    return one


def folder_of(tmux: PrivateTmux) -> Path:
    return tmux.folder / ".config" / "orc-tui" / "rules"


async def test_a_rule_file_takes_effect_while_the_core_runs(core: Core, tmux: PrivateTmux) -> None:
    assert agent(core).kind == OTHER
    assert not (tmux.folder / ".config").exists()
    folder = folder_of(tmux)
    folder.mkdir(parents=True)
    tmux.write("%0", "busy\r\n")
    (folder / "mine.toml").write_text(RULES)
    await wait_for(lambda: agent(core).state is State.WORKING)
    assert (agent(core).kind, agent(core).evidence.rule) == ("mine", "mine/busy")
    (folder / "mine.toml").write_text(RULES.replace('"working"', '"error"'))
    await wait_for(lambda: agent(core).state is State.ERROR)
    (folder / "mine.toml").unlink()
    await wait_for(lambda: agent(core).kind == OTHER)


async def test_a_broken_file_is_one_trouble_and_changes_nothing(
    core: Core, tmux: PrivateTmux
) -> None:
    folder = folder_of(tmux)
    folder.mkdir(parents=True)
    tmux.write("%0", "busy\r\n")
    (folder / "mine.toml").write_text(RULES)
    await wait_for(lambda: agent(core).state is State.WORKING)
    await wait_for(lambda: core.layers()[0].state is LayerState.OK)
    (folder / "mine.toml").write_text(RULES.replace("'^busy'", "'(a+)+'"))
    await wait_for(lambda: core.snapshot.layers[0].trouble)
    layer = core.snapshot.layers[0]
    assert "mine.toml: rule[busy].any[0]: a repetition inside" in layer.trouble
    assert "until then these rules stand" in layer.trouble
    assert layer.state is LayerState.DEGRADED
    assert (agent(core).kind, agent(core).state) == ("mine", State.WORKING)
    (folder / "mine.toml").write_text(RULES)
    await wait_for(lambda: not core.snapshot.layers[0].trouble)


async def test_each_step_of_a_life_is_written_down_once(core: Core, tmux: PrivateTmux) -> None:
    folder = folder_of(tmux)
    folder.mkdir(parents=True)
    tmux.write("%0", "busy\r\n")
    await wait_for(lambda: "busy" in core.agents.lines(agent(core).key))
    (folder / "mine.toml").write_text(RULES)
    await wait_for(lambda: agent(core).state is State.WORKING)
    tmux.write("%0", "\x1b[2J\x1b[Hready\r\n")
    await wait_for(lambda: agent(core).state is State.DONE)
    core.agents.seen(agent(core).key)
    told: list[StateChange] = []
    async with asyncio.timeout(10.0):
        while len(told) < 3:
            told = await core.steps("mine-1")
    assert [one.state for one in reversed(told)] == ["working", "done", "idle"]
    assert [one.evidence for one in reversed(told)] == [
        "screen mine/busy: first seen",
        "screen mine/ready: its turn ended",
        "screen mine/ready: it was looked at",
    ]


async def test_a_core_opens_with_a_broken_rule_file(tmux: PrivateTmux) -> None:
    tmux.start()
    folder = folder_of(tmux)
    folder.mkdir(parents=True)
    (folder / "claude.toml").write_text("[agent")
    options = CoreOptions(
        workspace=tmux.folder / "ws",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        environ={"HOME": str(tmux.folder)},
        cwd=tmux.folder,
    )
    async with open_core(options, watch=False) as core:
        await core.agents.scan()
        trouble = core.layers()[0].trouble
        assert "claude.toml: not TOML" in trouble
        assert "the built-in rules stand" in trouble


async def test_a_folder_is_waited_for_without_being_made(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "orc-tui" / "rules"
    changes = rule_changes([folder], SystemClock())
    told = 0

    async def follow() -> None:
        nonlocal told
        async for _ in changes:
            told += 1

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    assert not (tmp_path / "config").exists()
    folder.mkdir(parents=True)
    target = tmp_path / "dotfiles"
    target.mkdir()
    (target / "mine.toml").write_text("one")
    (folder / "mine.toml").symlink_to(target / "mine.toml")
    await wait_for(lambda: told == 1)
    (target / "mine.toml").write_text("two, and longer")
    await wait_for(lambda: told == 2)
    (folder / "notes.txt").write_text("no rule file")
    (folder / "mine.toml").unlink()
    await wait_for(lambda: told == 3)
    following.cancel()
    await asyncio.wait([following])
    assert told == 3
