"""What is put off, from the key and from the command to the agent's pane."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_command import Done, orc
from orc_core.later.plans import GRACE_S
from orc_core.model.agent import Agent, State
from orc_storage.laters import Phase
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.later import LaterForm
from orc_tui.screens.menu import Menu
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).with_name("programs") / "claude"


@pytest.fixture
async def desk(tmux: PrivateTmux, tmp_path: Path) -> AsyncIterator[Desk]:
    tmux.start(f"exec {sys.executable} {PROGRAM} idle", size="100x30")
    async with seated(tmux, tmp_path) as desk:
        await wait_for(lambda: agent(desk) is not None and agent(desk).state in RESTS, 20)
        yield desk


RESTS = (State.IDLE, State.DONE)


def agent(desk: Desk) -> Agent:
    found = (one for one in desk.app.snapshot.agents if one.name == "claude-1")
    return next(found, None)  # type: ignore[return-value]


async def test_a_line_is_planned_told_typed_and_taken_back(desk: Desk, tmux: PrivateTmux) -> None:
    key = agent(desk).key
    await desk.act("later-agent", keymap.AGENTS, key)
    await desk.screen(Menu)
    await desk.press("l")
    await desk.screen(LaterForm)
    await desk.press(*"go on", "tab", *"noon", "enter")
    assert isinstance(desk.app.screen, LaterForm), "that is no time"
    await desk.press(*["backspace"] * 4, *"2h", "enter")
    await desk.says("claude-1: a line at ")
    await wait_for(lambda: agent(desk).line_at)

    await desk.act("later-agent", keymap.AGENTS, key)
    await desk.screen(Menu)
    await desk.press("k", "enter")
    await desk.says("L-1 is cancelled: nothing is typed to claude-1")
    await wait_for(lambda: not agent(desk).line_at)

    await desk.core.later.line(agent(desk), "go on", desk.app.now() + 1.5)
    await desk.says("claude-1, planned for ")
    assert desk.told.endswith("sent, went on")
    assert "❯ go on" in tmux.screen(agent(desk).pane.pane_id)
    (sent, *_) = await desk.core.later.listing()
    assert (sent.id, sent.phase) == ("L-2", Phase.SENT)


async def test_a_muted_agent_is_heard_of_again(desk: Desk) -> None:
    key = agent(desk).key
    await desk.act("later-agent", keymap.AGENTS, key)
    await desk.screen(Menu)
    await desk.press("m")
    await desk.says("claude-1 is muted until ")
    await wait_for(lambda: agent(desk).muted_until)
    await desk.act("later-agent", keymap.AGENTS, key)
    await desk.screen(Menu)
    await desk.press("k", "enter")
    await desk.says("claude-1 is told of again")
    await wait_for(lambda: not agent(desk).muted_until)


async def test_those_under_one_limit_go_on_together_after_one_question(
    desk: Desk, tmux: PrivateTmux
) -> None:
    for _ in range(2):
        tmux.window(f"exec {sys.executable} {PROGRAM} limit")

    def limited() -> list[Agent]:
        return [one for one in desk.app.snapshot.agents if one.state is State.LIMITED]

    await wait_for(lambda: len(limited()) == 2, 20)
    first, second = sorted(limited(), key=lambda one: one.name)
    await desk.act("later-agent", keymap.AGENTS, first.key)
    await desk.screen(Menu)
    await desk.press("g")
    await desk.screen(LaterForm)
    await desk.press("enter")
    await desk.screen(Dialog)
    await desk.press("enter")
    await desk.idle()
    assert await desk.core.later.listing() == [], "Cancel had the focus"
    await desk.act("later-agent", keymap.AGENTS, first.key)
    await desk.screen(Menu)
    await desk.press("g")
    await desk.screen(LaterForm)
    await desk.press("enter")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says(f"{first.name}, {second.name}: a line at ")
    planned = await desk.core.later.listing()
    assert {one.agent for one in planned} == {first.name, second.name}
    assert {(one.text, one.at) for one in planned} == {("continue", first.resets_at + GRACE_S)}


async def test_marked_agents_are_muted_and_told_of_again_together(
    desk: Desk, tmux: PrivateTmux
) -> None:
    tmux.window(f"exec {sys.executable} {PROGRAM} limit")
    await wait_for(lambda: len([a for a in desk.app.snapshot.agents if not a.is_other]) == 2, 20)
    keys = tuple(one.key for one in desk.app.snapshot.agents)

    async def later(key: str) -> None:
        await desk.idle()
        desk.app.post_message(Act("later-agent", keymap.AGENTS, keys[0], keys))
        await desk.screen(Menu)
        await desk.press(key)

    await later("t")
    await desk.says("are muted until ")
    await wait_for(lambda: all(one.muted_until for one in desk.app.snapshot.agents))
    await later("c")
    await wait_for(lambda: not any(one.muted_until for one in desk.app.snapshot.agents))


def test_orc_later(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane = tmux.start(f"exec {sys.executable} {PROGRAM} idle")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ORC_WORKSPACE": str(tmp_path / "ws"),
    }

    def run(*argv: str, code: int = 0) -> Done:
        done = orc([*argv, "--socket-path", tmux.socket_path], environ, tmp_path)
        assert done.code == code, done
        return done

    def settled() -> str:
        found = json.loads(run("agents", "--json").out)
        return str(next((one["state"] for one in found if one["name"] == "claude-1"), ""))

    while settled() not in RESTS:
        pass
    made = json.loads(run("later", "claude-1", "--at", "2h", "--text", "go on", "--json").out)
    assert (made["id"], made["phase"], made["text"]) == ("L-1", "waiting", "go on")
    assert made["watched"] is False
    told = run("later", pane, "--mute", "--at", "3h").out
    assert "claude-1 is muted until then" in told and "no dashboard is open" in told
    assert [one["id"] for one in json.loads(run("later", "list", "--json").out)] == ["L-1", "L-2"]
    assert "type to claude-1: go on" in run("later", "list").out
    assert "L-1 is cancelled" in run("later", "cancel", "L-1").out
    assert "cannot be taken back" in run("later", "cancel", "L-1", code=1).err
    assert (
        "does not say when its limit ends"
        in run("later", "claude-1", "--reset", "--text", "x", code=1).err
    )
    for wrong in (("--text", "x"), ("--at", "2h"), ("L-1", "--at", "2h", "--text", "x")):
        run("later", "claude-1", *wrong, code=2)
    run("later", "cancel", code=2)
    run("later", "nobody", "--at", "2h", "--text", "x", code=3)
    trail = json.loads(run("audit", "list", "--json").out)
    entries = trail["entries"] if isinstance(trail, dict) else trail
    assert [one["action"] for one in entries if one["kind"] == "later"] == [
        "cancelled",
        "mute",
        "line",
    ]


def test_orc_notify_test(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    assert "no notices are given" in orc(["notify", "test"], environ, tmp_path).out
    config = tmp_path / ".config" / "orc-tui"
    config.mkdir(parents=True)
    out = tmp_path / "out"
    (config / "config.toml").write_text(
        f'[notify]\ncommand = ["{sys.executable}", "-c", '
        f"\"import sys; open('{out}', 'w').write(sys.stdin.read())\"]\n"
    )
    done = orc(["notify", "test", "--json"], environ, tmp_path)
    assert done.code == 0 and json.loads(done.out)[0]["fault"] is None
    assert "agents need you" in json.loads(out.read_text())["text"]
    (config / "config.toml").write_text('[notify]\ncommand = ["/nonexistent/x"]\n')
    done = orc(["notify", "test"], environ, tmp_path)
    assert done.code == 1 and "cannot be run" in done.out
    (config / "config.toml").write_text('[notify]\nby = ["smoke"]\n')
    done = orc(["notify", "test"], environ, tmp_path)
    assert done.code == 2 and "config.toml: notify.by.0" in done.err
