"""A pane's output heard on a real server: sequences become signals, and nothing is in the way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clocks import wait_for
from orc_command import orc
from orc_core.agents.observer import Observer
from orc_core.agents.processes import ProcFolder
from orc_core.agents.rules import load
from orc_core.agents.sequences import Sequences
from orc_core.clock import SystemClock
from orc_core.errors import TmuxError
from orc_core.model.agent import Agent, Source, State, Waiting
from orc_core.tmux.listening import listen, record_path, unlisten
from orc_core.tmux.server import child_environment
from orc_core.tmux.watcher import Watcher
from private_tmux import PrivateTmux


class Ear:
    """An agent's pane that is listened to; a script named `claude` stands for the program."""

    def __init__(self, tmux: PrivateTmux, records: Path) -> None:
        script = tmux.folder / "claude"
        script.write_text("#!/bin/sh\nstty -echo -opost\ncat\n")
        script.chmod(0o755)
        self.tmux, self.records = tmux, records
        self.pane_id = tmux.start(f"exec {script}")
        self.clock = SystemClock()
        self.watcher = Watcher(tmux.address, self.clock)
        self.sequences = Sequences(records, self.clock)
        sources = [self.sequences]
        self.observer = Observer(load(), self.clock, tmux.folder, sources=sources)

    async def agent(
        self, pane_id: str = "", true: Callable[[Agent], object] = lambda _: True
    ) -> Agent:
        """The agent of a pane as soon as something holds of it; looks again and again."""
        end = self.clock.monotonic() + 8.0
        while True:
            self.observer.apply(await self.watcher.once())
            for agent in self.observer.agents():
                if agent.pane.pane_id == (pane_id or self.pane_id) and true(agent):
                    return agent
            if self.clock.monotonic() > end:
                pytest.fail(f"never so: {self.observer.agents()}")

    async def record(self, key: str, pane_id: str = "") -> Path:
        """The file of the pane, once it holds a record of that key."""
        path = record_path((await self.agent(pane_id)).pane, self.records)
        await wait_for(lambda: path.exists() and f"\n{key} " in path.read_text(), 8.0)
        return path

    def says(self, text: bytes, pane_id: str = "") -> None:
        """The program writes to its terminal."""
        self.tmux.write(pane_id or self.pane_id, text)


@pytest.fixture
def ear(tmux: PrivateTmux, tmp_path: Path) -> Ear:
    return Ear(tmux, tmp_path / "heard #{pid} 100%d")


async def test_records_of_panes_that_are_long_gone_are_removed(ear: Ear, tmux: PrivateTmux) -> None:
    ear.records.mkdir(mode=0o700)
    over = subprocess.Popen(["true"])
    over.wait()
    ended = {name: ear.records / name for name in ("old", "recent", "held")}
    for path in ended.values():
        path.write_text(f"listener {os.getpid() if path.name == 'held' else over.pid}\n")
    for name in ("old", "held"):
        os.utime(ended[name], (1.0, 1.0))
    await listen(tmux.address, (await ear.agent()).pane, ear.records)
    assert [name for name, path in ended.items() if path.exists()] == ["recent", "held"]


async def test_a_status_decides_what_the_agent_is(ear: Ear, tmux: PrivateTmux) -> None:
    agent = await ear.agent()
    await listen(tmux.address, agent.pane, ear.records)
    ear.says(b"\x1b]7501;state=blocked:kind=permission\x1b\\")
    path = await ear.record("status/")
    agent = await ear.agent()
    assert (agent.state, agent.waiting) == (State.WAITING, Waiting.PERMISSION)
    assert (agent.evidence.source, agent.evidence.rule) == (Source.LEVEL, "osc-7501")
    assert path.stat().st_mode & 0o777 == 0o600
    ear.says(b"\x1b]7501;state=working\x1b\\")
    await wait_for(lambda: b"working".hex() in path.read_text(), 8.0)
    assert (await ear.agent()).state is State.WORKING


async def test_listening_twice_is_one_pipe_and_ends_when_asked(ear: Ear, tmux: PrivateTmux) -> None:
    pane = (await ear.agent()).pane
    await listen(tmux.address, pane, ear.records)
    ear.says(b"\x07")
    path = await ear.record("bell")
    first = path.read_text().splitlines()[0]
    await listen(tmux.address, pane, ear.records)
    ear.says(b"\x1b]9;hello\x07")
    await ear.record("notice")
    assert path.read_text().splitlines()[0] == first
    assert await unlisten(tmux.address, pane, ear.records)
    assert not path.exists()
    assert tmux.run("display-message", "-p", "-t", pane.pane_id, "#{pane_pipe}") == "0"
    assert not await unlisten(tmux.address, pane, ear.records)


async def test_a_pipe_of_someone_else_is_left_alone(ear: Ear, tmux: PrivateTmux) -> None:
    pane = (await ear.agent()).pane
    log = tmux.folder / "log"
    tmux.run("pipe-pane", "-O", "-t", pane.pane_id, f"exec cat >>{log}")
    with pytest.raises(TmuxError, match="piped already"):
        await listen(tmux.address, pane, ear.records)
    assert not await unlisten(tmux.address, pane, ear.records)
    ear.says(b"still logged\n")
    await wait_for(lambda: log.exists() and b"still logged" in log.read_bytes(), 8.0)


async def test_a_flood_is_heard_to_its_end(ear: Ear, tmux: PrivateTmux) -> None:
    pane = (await ear.agent()).pane
    await listen(tmux.address, pane, ear.records)
    for _ in range(40):
        ear.says(b"\x1b]7501;state=idle\x1b\\" * 400 + b"x" * 4000)
    ear.says(b"\x1b]9;the end\x07")
    path = await ear.record("notice")
    assert len(path.read_text().splitlines()) == 3
    assert (await ear.agent()).state is State.IDLE


async def test_a_shell_that_tells_exit_codes_tells_of_a_crash(ear: Ear, tmux: PrivateTmux) -> None:
    login = tmux.folder / "login"
    told = r"printf '\033]133;D;%s\033\\' $?"
    login.write_text(f"{tmux.folder}/claude\n{told}\nexec sh\n")
    pane_id = tmux.window(f"exec sh {login}")
    agent = await ear.agent(pane_id, lambda agent: agent.kind == "claude")
    await listen(tmux.address, agent.pane, ear.records)
    ear.says(b"\x07", pane_id)
    await ear.record("bell", pane_id)
    (program,) = ProcFolder().children(agent.pane.pid)
    os.kill(program, signal.SIGKILL)
    agent = await ear.agent(pane_id, lambda agent: agent.evidence.rule == "shell-told")
    assert (agent.state, agent.does[:17]) == (State.CRASHED, "exit 137, killed ")


async def test_what_is_heard_is_news_although_the_screen_stays_the_same(
    ear: Ear, tmux: PrivateTmux
) -> None:
    agent = await ear.agent()
    await listen(tmux.address, agent.pane, ear.records)
    heard: set[str] = set()
    following = asyncio.create_task(ear.sequences.run(heard.update))
    try:
        ear.says(b"\x1b]7501;state=working\x1b\\")
        await wait_for(lambda: heard and ear.observer.judge_again(heard), 8.0)
        assert heard == {agent.key}
        assert ear.observer.agents()[0].state is State.WORKING
        await wait_for(lambda: not ear.sequences.catch_up(), 8.0)
    finally:
        following.cancel()
        await asyncio.wait({following})


async def told_by(tmux: PrivateTmux, *argv: str) -> tuple[object, dict[str, object], str]:
    """Run `orc`: its exit code, the JSON that it printed, and its messages."""
    options = ["--socket-path", tmux.socket_path, "--workspace", str(tmux.folder / "w")]
    environ = child_environment() | {"HOME": str(tmux.folder)}
    done = await asyncio.to_thread(orc, [*argv, "--json", *options], environ, tmux.folder)
    return done.code, json.loads(done.out or "{}"), done.err


async def test_orc_listens_and_explains_what_it_heard(ear: Ear, tmux: PrivateTmux) -> None:
    pane = (await ear.agent()).pane
    assert (await told_by(tmux, "listen", "claude-1"))[:2] == (
        0,
        {"agent": "claude-1", "listening": True, "changed": True},
    )
    ear.records = tmux.folder / ".local" / "state" / "orc-tui" / "listeners"
    ear.says(b"\x1b]7501;state=working\x1b\\\x1b]9;look here\x07")
    await ear.record("notice")
    code, told, _ = await told_by(tmux, "explain", "claude-1")
    assert code == 0
    signals = told["signals"]
    assert isinstance(signals, list)
    assert [(one["rule"], one["won"]) for one in signals] == [
        ("osc-7501", True),
        ("osc-notice", False),
    ]
    assert (await told_by(tmux, "listen", "claude-1", "--off"))[1]["changed"]
    assert not (await told_by(tmux, "listen", "claude-1", "--off"))[1]["changed"]
    tmux.run("pipe-pane", "-t", pane.pane_id, "exec cat >/dev/null")
    code, _, message = await told_by(tmux, "listen", "claude-1")
    assert (code, "piped already" in message) == (1, True)
