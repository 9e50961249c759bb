"""What a dashboard and `orc` show of agents that were spawned, adopted and registered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from clocks import TurnedClock, wait_for
from lives_on_stage import agent_in, end, lives, living
from orc_cli.main import main
from orc_core.config import CoreOptions
from orc_core.errors import UnknownName, UsageError
from orc_core.hub import Core, open_core
from orc_core.lifecycle.presence import EVERY_S
from orc_core.lifecycle.registration import Registrar
from orc_core.lifecycle.wing import Wishes
from orc_core.model.agent import Agent, State
from orc_core.model.life import Policy, Presence, Restart
from private_tmux import PrivateTmux


@asynccontextmanager
async def opened(tmux: PrivateTmux, folder: Path, *, watch: bool = True) -> AsyncIterator[Core]:
    options = CoreOptions(
        workspace=folder / "workspace",
        socket_paths=(tmux.socket_path,),
        home=folder,
        cwd=folder,
        environ={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)},
    )
    async with open_core(options, watch=watch) as core:
        yield core


def shown(core: Core, name: str) -> Agent | None:
    return next((one for one in core.snapshot.agents if one.name == name), None)


def program(folder: Path, text: str, name: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_a_dashboard_calls_them_by_their_names(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane_id = tmux.start("exec sleep 300")
    async with opened(tmux, tmp_path) as core:
        program(tmp_path, "while :; do sleep 0.1; done", "claude")
        life = core.lifecycle
        await life.spawn(["claude"], wishes=Wishes(name="planner"))
        await life.spawn(["sleep", "300"], wishes=Wishes(name="helper"))
        found = agent_in(tmux, pane_id, "other", "main:0")
        await life.adopt(found, Wishes(name="old", kind="codex"))
        kinds = {"planner": "claude", "helper": "other", "old": "codex"}
        await wait_for(lambda: {one.name: one.kind for one in core.snapshot.agents} == kinds, 10)
        await life.stop(await life.crew.get("planner"))
        await wait_for(lambda: (one := shown(core, "planner")) and one.state is State.GONE, 10)
        told = shown(core, "planner")
        assert told is not None and told.does.startswith("stopped: ")
        await life.restart("planner")
        await wait_for(lambda: (one := shown(core, "planner")) and one.state is not State.GONE, 10)
        registrar, noted = life.registrar, list[str]()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 10.0
        while "gone" not in noted:
            assert loop.time() < deadline, noted
            noted = [one.state for one in await registrar.changes("planner")]
        assert "crashed" not in noted


async def test_a_dashboard_that_leads_brings_back_what_died(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with opened(tmux, tmp_path) as core:
        policy = Policy(restart=Restart.ALWAYS, backoff_s=0.0)
        life = core.lifecycle
        await life.spawn(["sleep", "300"], wishes=Wishes(name="w", policy=policy))
        before = (await life.crew.get("w")).pane
        assert before is not None
        await wait_for(lambda: core.leads, 10)
        end(before.pid)
        await wait_for(lambda: (one := shown(core, "w")) and one.pane.pid != before.pid, 15)
        after = (await life.crew.get("w")).pane
        assert after is not None and lives(after.pid)
        assert (await life.registrar.record("w")).restarts == 1


async def test_who_beats_is_online_and_who_stops_is_not(
    tmux: PrivateTmux, tmp_path: Path, clock: TurnedClock
) -> None:
    async with living(tmux, tmp_path, clock=clock) as life:
        registrar = life.wing.registrar
        for name in ("going", "stopped"):
            await registrar.register(None, name=name, capabilities=["tests"], version="2.1")
        await life.wing.crew.add(
            {}, name="mute", base="x", taken=(), actor="operator", cause="test"
        )
        seq = len(await life.entries())
        for _ in range(3):
            clock.turn(EVERY_S)
            await registrar.beat("going", progress="3/4")
        clock.jump(-7200.0)
        clock.turn(1.0)
        told = {one.known.name: one for one in await registrar.records()}
        assert told["going"].presence is Presence.ONLINE
        assert told["stopped"].presence is Presence.OFFLINE
        assert told["mute"].presence is Presence.SILENT
        assert told["going"].known.capabilities == ("tests",)
        assert told["going"].beat is not None and told["going"].beat.progress == "3/4"
        assert len(await life.entries()) == seq, "a beat was journalled"
        await registrar.beat("stopped")
        assert (await registrar.record("stopped")).presence is Presence.ONLINE
        with pytest.raises(UnknownName):
            await registrar.beat("nobody")
        with pytest.raises(UnknownName, match="whose heartbeat"):
            await registrar.beat()


async def test_one_pane_is_one_agent(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane_id, other = tmux.start(), tmux.window()
    async with living(tmux, tmp_path) as life:
        agent = agent_in(tmux, pane_id, "claude", "claude-1")
        registrar = life.wing.registrar
        done = await registrar.register(agent, capabilities=["a"])
        assert done.name == "claude-1" and done.undoable
        await registrar.register(agent, version="3")
        known = await life.known("claude-1")
        assert (known.capabilities, known.version, known.origin) == (("a",), "3", "registered")
        with pytest.raises(UsageError, match=f"{pane_id} is claude-1, not x"):
            await registrar.register(agent, name="x")
        second = agent_in(tmux, other, "claude", "claude-2")
        with pytest.raises(UsageError, match="taken"):
            await registrar.register(second, name="Claude-1")
        inside = Registrar(
            *(life.db, life.wing.crew, life.wing._clock, life.wing.processes),
            actor="claude-1",
            environ={"ORC_AGENT": "claude-1"},
        )
        assert (await inside.register(second)).name == "claude-2"
        assert (await inside.beat()).name == "claude-1"


class Shell:
    """`orc` as a person calls it, in this process."""

    def __init__(
        self,
        tmux: PrivateTmux,
        folder: Path,
        patch: pytest.MonkeyPatch,
        captured: pytest.CaptureFixture[str],
    ) -> None:
        self._socket_path, self._patch, self._captured = tmux.socket_path, patch, captured
        patch.chdir(folder)
        for name in ("TMUX", "TMUX_PANE", "ORC_ACTOR", "ORC_AGENT", "XDG_STATE_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        patch.setenv("HOME", str(folder))
        patch.setenv("ORC_WORKSPACE", str(folder / "workspace"))

    def __call__(self, *argv: str, code: int = 0, **environ: str) -> Any:
        """Run a command and return its JSON, or what it said on stderr where it fails."""
        with self._patch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            found = main(["--socket-path", self._socket_path, *argv])
        out, err = self._captured.readouterr()
        assert found == code, out + err
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(out)
        return err or out


@pytest.fixture
def orc(
    tmux: PrivateTmux,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    return Shell(tmux, tmp_path, monkeypatch, capsys)


def test_a_life_from_the_command_line(tmux: PrivateTmux, tmp_path: Path, orc: Shell) -> None:
    tmux.start()
    program(tmp_path, "while :; do sleep 0.1; done", "claude")
    spawned = orc(
        *("spawn", "--json", "--label", "blue", "--env", "KEY"),
        *("--restart", "on-failure", "--memory-max", "1G", "--", "claude", "--model", "x"),
        KEY="v",
    )
    assert spawned["name"] == "claude-1" and spawned["way_back"] == "orc stop claude-1"
    assert lives(spawned["pid"])
    said = orc(
        *("register", "--json", "--capability", "tests", "--version", "9"),
        TMUX=f"{tmux.socket_path},0,0",
        TMUX_PANE=spawned["pane"],
    )
    assert said["name"] == "claude-1"
    listed = {one["name"]: one["life"] for one in orc("agents", "--json")}
    told = listed["claude-1"]
    assert (told["capabilities"], told["version"], told["presence"]) == (["tests"], "9", "online")
    assert told["supervision"]["memory_max"] == 2**30 and told["env"] == ["KEY"]
    never = ("--restart", "never", "--memory-max", "0")
    assert orc("supervise", "claude-1", *never, "--json")["undoable"]
    told = orc("agent", "show", "claude-1", "--json")
    assert told["supervision"]["restart"] == "never" and told["figures"]["uptime_s"] >= 0
    did = orc("agent", "activity", "claude-1", "--json")
    assert (did["key"], did["today"]["uptime_s"] >= 0, did["hooks"]) == (
        f"{tmux.socket_path}:{spawned['pane']}",
        True,
        None,
    )
    assert told["labels"] == ["blue"], "registering again forgot what was said before"


def test_stopped_restarted_and_forgotten_from_the_command_line(
    tmux: PrivateTmux, orc: Shell
) -> None:
    tmux.start()
    spawned = orc("spawn", "--name", "w", "--json", "--", "sleep", "300")
    stopped = orc("stop", "w", "--json")
    assert stopped["ok"] and stopped["steps"] and not lives(spawned["pid"])
    again = orc("restart", "w", "--json")
    assert again["pane"] == spawned["pane"] and lives(again["pid"])
    assert "lives: stop it first" in orc("forget", "w", code=2)
    assert orc("forget", "w", "--living", "--json")["undoable"]
    assert orc("undo", "--json")
    assert lives(again["pid"])
    assert "no agent" in orc("stop", "nobody", code=3)


def test_resumed_from_the_command_line(tmux: PrivateTmux, tmp_path: Path, orc: Shell) -> None:
    tmux.start()
    program(tmp_path, "while :; do sleep 0.1; done", "claude")
    orc("spawn", "--json", "--env", "KEY", "--", "claude", "hello", KEY="v")
    end(tmux.pid)
    assert orc("agents") == "orc: an agent is lost: see `orc agents --lost`\n"
    lost = orc("agents", "--lost", "--json")
    assert [(one["name"], one["argv"]) for one in lost] == [("claude-1", ["claude", "--continue"])]
    assert "name the agent to resume" in orc("resume", code=2)
    assert orc("resume", "--all", "--json", code=1)[0]["ok"] is False
    [resumed] = orc("resume", "--all", "--json", KEY="v")
    tmux.pids.append(int(tmux.run("display-message", "-p", "#{pid}")))
    assert resumed["ok"] and lives(resumed["pid"])
