"""Real hooks in real panes: spooled by the real script, read by the real reader, judged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from orc_core.agents.folders import WAIT_FOR_FOLDER_S
from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.source import HookSource
from orc_core.agents.observer import Observer
from orc_core.agents.processes import system_processes
from orc_core.agents.rules import load
from orc_core.agents.sources import NOTHING, Subject
from orc_core.clock import SystemClock
from orc_core.model.agent import Agent, PaneRef, Signal, Source, State, Waiting
from orc_core.tmux.watcher import Watcher
from private_tmux import PrivateTmux
from spooling import fire, placed, told

PROGRAM = Path(__file__).with_name("programs") / "codex"


class Stage:
    """A Codex in a pane, watched; hooks are heard while the test waits."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux
        self.places = placed(tmux.folder)
        self.clock = SystemClock()
        self.watcher = Watcher(tmux.address, self.clock)
        self.source = HookSource(self.places.spool, system_processes(), self.clock)
        self.observer = Observer(load(), self.clock, tmux.folder, sources=[self.source])
        self.heard: list[Collection[str]] = []
        command = f"exec {sys.executable} {PROGRAM} '{self.places.hook}'"
        self.pane = tmux.start(command)

    def news(self, keys: Collection[str]) -> None:
        self.heard.append(keys)
        self.observer.judge_again(keys)

    @property
    def agent(self) -> Agent:
        (agent,) = self.observer.agents()
        return agent

    async def look(self, true: Callable[[Agent], object]) -> Agent:
        """The agent as soon as something holds of it; looks again and again."""
        deadline = self.clock.monotonic() + 15.0
        while True:
            self.observer.apply(await self.watcher.once())
            if true(self.agent):
                return self.agent
            if self.clock.monotonic() > deadline:
                pytest.fail(f"never so: {self.agent} {self.observer.explain(self.agent.key)}")

    def tell(self, line: str) -> None:
        self.tmux.run("send-keys", "-t", self.pane, "-l", line)
        self.tmux.run("send-keys", "-t", self.pane, "Enter")

    async def event(self, name: str, **payload: object) -> None:
        """Let the agent fire a hook, and wait until it was heard."""
        before = len(self.heard)
        self.tell(f"{name} {json.dumps(payload)}")
        await wait_for(lambda: len(self.heard) > before, 10.0)

    def hooks(self) -> list[Signal]:
        told = self.observer.explain(self.agent.key).signals
        return [one for one in told if one.evidence.source is Source.HOOK]


@pytest.fixture
async def stage(tmux: PrivateTmux) -> AsyncIterator[Stage]:
    stage = Stage(tmux)
    await wait_for(lambda: "ready" in tmux.screen(stage.pane))
    await stage.look(lambda agent: agent.kind == "codex")
    hearing = asyncio.ensure_future(stage.source.run(stage.news))
    try:
        yield stage
    finally:
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing


async def test_a_turn_is_followed_without_looking_at_the_pane(stage: Stage) -> None:
    await stage.event("UserPromptSubmit", prompt="bump eslint")
    agent = stage.agent
    assert (agent.state, agent.last_prompt) == (State.WORKING, "bump eslint")
    assert agent.evidence.source is Source.HOOK
    tool = {"tool_name": "Bash", "tool_input": {"command": "npm run migrate"}}
    await stage.event("PreToolUse", tool_use_id="t", **tool)
    assert (stage.agent.state, stage.agent.does) == (State.WORKING, "Bash  npm run migrate")
    await stage.event("PermissionRequest", **tool)
    agent = stage.agent
    assert (agent.state, agent.waiting) == (State.WAITING, Waiting.PERMISSION)
    assert agent.evidence.rule == "codex/PermissionRequest"
    assert agent.evidence.text == "Bash  npm run migrate"
    await stage.event("PostToolUse", tool_use_id="t", **tool)
    assert stage.agent.state is State.WORKING
    await stage.event("Stop", last_assistant_message="All migrated.")
    agent = await stage.look(lambda agent: agent.state is not State.WORKING)
    assert (agent.state, agent.does) == (State.DONE, "All migrated.")
    assert stage.observer.seen(agent.key)
    agent = await stage.look(lambda agent: agent.state is State.IDLE)
    assert agent.does == "ready for a task"


async def test_an_interruption_that_no_hook_tells_of_does_not_stick(stage: Stage) -> None:
    await stage.event("PermissionRequest", tool_name="Bash")
    assert stage.agent.state is State.WAITING
    stage.tell("show ■ Conversation interrupted - tell the model what to do differently")
    agent = await stage.look(lambda agent: agent.state is State.IDLE)
    assert agent.evidence.source is Source.SCREEN
    assert [one.state for one in stage.hooks()] == [State.WAITING]


async def test_an_answer_that_no_hook_tells_of_does_not_stick(stage: Stage) -> None:
    await stage.event("PermissionRequest", tool_name="Bash")
    stage.tell("show • Working (4s • esc to interrupt)")
    agent = await stage.look(lambda agent: agent.state is State.WORKING)
    assert agent.evidence.source is Source.SCREEN


async def test_an_agent_inside_a_tool_says_nothing_of_the_other(stage: Stage) -> None:
    await stage.event("UserPromptSubmit")
    stage.tell("inner Stop {}")
    await wait_for(lambda: len(told(stage.places)) == 2, 10.0)
    await wait_for(lambda: len(stage.heard) == 2, 10.0)
    assert [one.evidence.rule for one in stage.hooks()] == ["codex/UserPromptSubmit"]
    assert stage.agent.state is State.WORKING


async def test_events_of_others_do_not_count(stage: Stage) -> None:
    """Another kind, an agent that was there before, another pane, another server."""
    socket, pid = stage.tmux.socket_path, stage.tmux.pid

    def spool(number: int, agent: str, pane: str = stage.pane, at: float | None = None) -> None:
        head = f"orc-hook 1\n{agent}\n\n{socket},{pid},0\n{pane}\n\n\n\n"
        draft = stage.places.spool / f".{number}"
        draft.write_text(f'{head}{{"hook_event_name": "Stop"}}')
        if at is not None:
            os.utime(draft, (at, at))
        draft.rename(stage.places.spool / f"{number}-1-0")

    spool(1, "claude")
    await wait_for(lambda: len(stage.heard) == 1, 10.0)
    spool(2, "codex", at=stage.clock.now() - 600)
    await wait_for(lambda: len(stage.heard) == 2, 10.0)
    assert stage.hooks() == []
    spool(3, "codex", pane="%77")
    away = {"TMUX": f"/tmp/other,{pid},0", "TMUX_PANE": stage.pane}
    fire(stage.places, {"hook_event_name": "Stop"}, agent="codex", environ=away)
    await stage.event("UserPromptSubmit")
    assert stage.agent.state is State.WORKING
    assert [one.evidence.rule for one in stage.hooks()] == ["codex/UserPromptSubmit"]


async def test_an_agent_that_keeps_its_environment_to_itself_is_known_by_its_process(
    stage: Stage,
) -> None:
    stage.tell('bare UserPromptSubmit {"prompt": "bump"}')
    await wait_for(lambda: stage.agent.state is State.WORKING, 10.0)
    assert stage.agent.last_prompt == "bump"


async def test_a_process_that_died_clears_what_it_told(stage: Stage) -> None:
    await stage.event("PermissionRequest", tool_name="Bash")
    stage.tmux.run("set-option", "-g", "remain-on-exit", "on")
    os.kill(stage.agent.pane.pid, signal.SIGKILL)
    agent = await stage.look(lambda agent: agent.state is not State.WAITING)
    assert (agent.state, agent.evidence.source) == (State.CRASHED, Source.PROC)
    assert stage.hooks() == []
    command = f"exec {sys.executable} {PROGRAM} '{stage.places.hook}'"
    stage.tmux.run("respawn-pane", "-t", stage.pane, command)
    await stage.look(lambda agent: agent.kind == "codex" and agent.state is not State.CRASHED)
    assert stage.hooks() == []


async def test_a_dashboard_that_starts_later_reads_what_there_is(stage: Stage) -> None:
    await stage.event("UserPromptSubmit", prompt="bump eslint")
    await stage.event("PermissionRequest", tool_name="Bash", tool_input={"command": "ls"})
    first = await stage.look(lambda agent: agent.state is State.WAITING)
    source = HookSource(stage.places.spool, system_processes(), stage.clock)
    known = tuple(stage.observer.rows())
    observer = Observer(load(), stage.clock, stage.tmux.folder, known=known, sources=[source])
    source.catch_up()
    observer.apply(await stage.watcher.once())
    (agent,) = observer.agents()
    assert (agent.state, agent.last_prompt) == (State.WAITING, "bump eslint")
    assert agent.since == first.since, "it has waited all along"
    assert len(list(stage.places.spool.iterdir())) == 2


async def test_hostile_payloads_change_nothing(stage: Stage) -> None:
    await stage.event("PermissionRequest", tool_name="\x1b]0;x\x07\u202eBash")
    socket, pid = stage.tmux.socket_path, stage.tmux.pid
    here = {"TMUX": f"{socket},{pid},0", "TMUX_PANE": stage.pane}
    for payload in (b"", b"[]", b"\xff" * 9000, b'{"hook_event_name": {}}', b"{" * 60_000):
        fire(stage.places, payload, agent="codex", environ=here)
    (stage.places.spool / "999-1-1").write_bytes(b"orc-hook 1\n" * 20)
    (stage.places.spool / "998-1-1").mkdir()
    stage.tell('PermissionRequest {"tool_name": "\\u001b]0;x\\u0007\\u202eEdit"}')
    await wait_for(lambda: stage.agent.evidence.text == "Edit", 10.0)
    assert stage.agent.state is State.WAITING


async def test_a_spool_that_comes_and_goes_is_found_again(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    kind = load().kind("codex")
    assert kind is not None
    pane = PaneRef("/tmp/s", 1, "%1", os.getpid())
    subject = Subject(pane, kind, "codex-1", "", "/", os.getpid(), 0.0)
    places = Places.of({"HOME": str(tmux.folder)})
    source = HookSource(places.spool, system_processes(), clock)
    assert source.report(subject, clock.now()) == NOTHING
    heard: list[Collection[str]] = []
    hearing = asyncio.ensure_future(source.run(heard.append))
    try:
        for time in (1, 2):
            await wait_for(lambda: clock.sleepers)
            assert len(heard) == time - 1
            placed(tmux.folder)
            fire(places, {"hook_event_name": "Stop"}, agent="codex")
            clock.turn(WAIT_FOR_FOLDER_S)
            await wait_for(lambda: len(heard) == time)  # noqa: B023
            assert heard[-1] == {"/tmp/s:%1"}
            for file in places.spool.iterdir():
                file.unlink()
            places.spool.rmdir()
    finally:
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing
