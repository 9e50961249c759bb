"""Keys that start, end, restart and adopt agents: the dashboard on a real server."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_core.model.agent import Agent, State
from orc_core.model.health import LinkState
from orc_tui import keymap
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.menu import Menu
from orc_tui.screens.newagent import NewAgent
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).with_name("programs") / "claude"
COMMAND = f"{sys.executable} {PROGRAM} ask"


@pytest.fixture
async def desk(tmux: PrivateTmux, tmp_path: Path) -> AsyncIterator[Desk]:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        yield desk


def agent(desk: Desk, name: str) -> Agent | None:
    return next((one for one in desk.app.snapshot.agents if one.name == name), None)


def named(desk: Desk, name: str) -> list[Agent]:
    return [one for one in desk.app.snapshot.agents if one.name == name]


async def shown(desk: Desk, name: str, state: State) -> Agent:
    await wait_for(lambda: (one := agent(desk, name)) and one.state is state, 20)
    found = agent(desk, name)
    assert found is not None
    return found


async def spawned(desk: Desk) -> Agent:
    """An agent that was started by `N`."""
    await desk.act("spawn", keymap.AGENTS)
    await desk.screen(NewAgent)
    screen = desk.app.screen
    assert isinstance(screen, NewAgent)
    screen.query_one("#command").insert(COMMAND)  # type: ignore[attr-defined]
    await desk.press("tab", "tab", *"sky", "enter")
    await desk.says("sky was started in orc, pane ")
    return await shown(desk, "sky", State.WAITING)


async def test_an_agent_is_started_stopped_and_started_again(desk: Desk, tmux: PrivateTmux) -> None:
    first = await spawned(desk)
    assert first.cwd == str(desk.folder)

    await desk.act("end-agent", keymap.AGENTS, first.key)
    await desk.screen(Menu)
    await desk.press("s")
    await desk.screen(Dialog)
    await desk.press("enter")
    await desk.idle()
    assert tmux.run("display-message", "-p", "-t", first.pane.pane_id, "#{pane_dead}") == "0"
    await desk.act("end-agent", keymap.AGENTS, first.key)
    await desk.screen(Menu)
    await desk.press("s")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("sky was stopped")
    assert tmux.run("display-message", "-p", "-t", first.pane.pane_id, "#{pane_dead}") == "1"

    await wait_for(lambda: (one := agent(desk, "sky")) and one.has_ended, 20)
    await desk.act("restart", keymap.AGENTS, first.key)
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("sky was started again in pane ")
    again = await shown(desk, "sky", State.WAITING)
    assert again.pane.pid != first.pane.pid


async def test_an_agent_of_ones_own_is_adopted_and_forgotten(desk: Desk, tmux: PrivateTmux) -> None:
    tmux.window(f"exec {COMMAND}")
    found = await shown(desk, "claude-1", State.WAITING)
    await desk.act("end-agent", keymap.AGENTS, found.key)
    await desk.screen(Menu)
    await desk.press("f")
    await desk.says("nothing to forget")
    await desk.act("restart", keymap.AGENTS, found.key)
    await desk.says("claude-1 was not started from here")

    await desk.act("adopt", keymap.AGENTS, found.key)
    await desk.says("claude-1 was adopted: pane ")
    await desk.act("supervise", keymap.AGENTS, found.key)
    await desk.screen(Menu)
    await desk.press("f")
    await desk.says("claude-1 is restarted on-failure")
    await desk.act("end-agent", keymap.AGENTS, found.key)
    await desk.screen(Menu)
    await desk.press("f")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("claude-1 was forgotten")
    assert agent(desk, "claude-1") is not None, "it runs on"


async def test_a_program_that_no_rule_knows_is_stopped_once_it_is_adopted(
    desk: Desk, tmux: PrivateTmux
) -> None:
    pane = tmux.window("exec sleep 300")
    key = f"{tmux.socket_path}:{pane}"
    await wait_for(lambda: any(one.key == key for one in desk.app.snapshot.agents), 20)
    await desk.act("end-agent", keymap.AGENTS, key)
    await desk.says("runs no agent that is known: adopt it by `:` first")
    await desk.act("adopt", keymap.AGENTS, key)
    await desk.says("was adopted: pane ")
    await desk.act("end-agent", keymap.AGENTS, key)
    await desk.screen(Menu)
    await desk.press("s")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("was stopped")


async def test_a_lost_agent_is_offered_and_resumed_only_when_asked(
    desk: Desk, tmux: PrivateTmux
) -> None:
    first = await spawned(desk)
    tmux.run("kill-pane", "-t", first.pane.pane_id)
    lost = await shown(desk, "sky", State.GONE)
    assert lost.does == "its pane was closed"
    assert lost.evidence.text == f"{sys.executable} {PROGRAM} --continue"
    await desk.act("restart", keymap.AGENTS, lost.key)
    await desk.screen(Dialog)
    await desk.press("enter")
    await desk.idle()
    assert "sky was resumed" not in desk.told
    await desk.act("restart", keymap.AGENTS, lost.key)
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("sky was resumed in pane ")
    # The program of the test knows no --continue and ends at once: what was run is what counts.
    await wait_for(lambda: [one.is_lost for one in named(desk, "sky")] == [False], 20)
    again = agent(desk, "sky")
    assert again is not None
    assert again.pane.pane_id not in ("", first.pane.pane_id)


async def test_an_agent_whose_server_is_gone_is_resumed_and_not_restarted(
    desk: Desk, tmux: PrivateTmux
) -> None:
    first = await spawned(desk)
    tmux.kill()
    await wait_for(lambda: desk.app.snapshot.link.state is LinkState.GONE, 20)
    await desk.act("restart", keymap.AGENTS, first.key)
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("sky was resumed in pane ")
    tmux.pids.append(int(tmux.run("display-message", "-p", "#{pid}")))


async def test_a_lost_agent_is_forgotten(desk: Desk, tmux: PrivateTmux) -> None:
    first = await spawned(desk)
    tmux.run("kill-pane", "-t", first.pane.pane_id)
    lost = await shown(desk, "sky", State.GONE)
    await desk.act("end-agent", keymap.AGENTS, lost.key)
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("sky was forgotten")
    await wait_for(lambda: not named(desk, "sky"), 20)


async def test_a_command_that_cannot_run_says_so_and_keeps_the_form(desk: Desk) -> None:
    await desk.act("spawn", keymap.AGENTS)
    await desk.screen(NewAgent)
    await desk.press("enter")
    assert isinstance(desk.app.screen, NewAgent)
    await desk.press(*"claude 'x", "enter")
    assert isinstance(desk.app.screen, NewAgent)
    await desk.press("backspace", "backspace", *" no-such-program", "enter")
    await desk.idle()
    assert not isinstance(desk.app.screen, NewAgent)
    assert not any("was started" in line for line in desk.app.told)


async def test_the_strategy_is_switched_by_hand(desk: Desk) -> None:
    await wait_for(lambda: desk.app.snapshot.link.state.value == "live", 10)
    await desk.act("strategy", keymap.AGENTS)
    await desk.says("watching by plain processes")
    await wait_for(lambda: desk.app.snapshot.link.state.value == "Mode: sync", 10)
    await desk.act("strategy", keymap.AGENTS)
    await wait_for(lambda: desk.app.snapshot.link.state.value == "live", 20)
