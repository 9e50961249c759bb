"""Panes as a layer, on real private servers: what is published, and what counts as an edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from clocks import TurnedClock, wait_for
from orc_core.lifecycle.crew import Crew
from orc_core.lifecycle.rules import KIND as AGENT
from orc_core.lifecycle.rules import AgentRules
from orc_core.model.agent import Agent, PaneRef, State
from orc_core.model.health import Layer, LayerState
from orc_core.settings import Settings
from orc_core.sync.choices import Choices
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.synchronizer import Synchronizer
from orc_core.sync.tmux_layer import TmuxLayer
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND as TASK
from orc_core.tasks.rules import TaskRules
from orc_core.tmux.making import HOME, OURS
from orc_storage.database import Database
from orc_storage.records import OPERATOR, Conflict, ConflictState
from private_tmux import PrivateTmux
from scene import agent as drawn
from stores import open_store

RULES = {TASK: TaskRules(), AGENT: AgentRules()}


@dataclass
class Seen:
    """The agents that are seen, as a fleet tells them."""

    them: list[Agent] = field(default_factory=list)

    def agents(self) -> tuple[Agent, ...]:
        return tuple(self.them)

    def name_of(self, socket_path: str) -> str:
        return Path(socket_path).name


@dataclass
class Desk:
    """A store, its synchronizer, and the panes of one server."""

    db: Database
    clock: TurnedClock
    tmux: PrivateTmux
    fleet: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        self.tasks = Tasks(self.db)
        self.crew = Crew(self.db)
        self.anew()

    def anew(self) -> None:
        """Begin as another process does that leads from now on."""
        choices = Choices(self.db, Settings())
        layer = TmuxLayer(self.db, self.fleet, self.clock, lambda: choices.of("tmux").servers)
        self.sync = Synchronizer(self.db, [layer], self.clock, rules=RULES, choices=choices)

    async def hire(self, name: str, pane_id: str, state: State = State.WORKING) -> None:
        """Have an agent in a pane, with a document."""
        await self.crew.add(
            {}, name=name, base="", taken=(), actor=OPERATOR, cause="", label="adopt"
        )
        self.see(name, pane_id, state)

    def see(self, name: str, pane_id: str, state: State = State.WORKING) -> None:
        start = int(self.tmux.run("display-message", "-p", "#{start_time}"))
        pid = int(self.tmux.run("display-message", "-p", "-t", pane_id, "#{pane_pid}"))
        pane = PaneRef(self.tmux.socket_path, start, pane_id, pid)
        others = [one for one in self.fleet.them if one.name != name]
        self.fleet.them = [*others, replace(drawn(name, state, 1.0), pane=pane, key=pane.key)]

    async def give(self, title: str, assignee: str = "", **fields: Any) -> str:
        task = await self.tasks.add(title, actor=OPERATOR, cause="", assignee=assignee, **fields)
        return task.id

    async def edit(self, id: str, **fields: Any) -> None:
        await self.tasks.edit(id, fields, actor="codex-1", cause="orc task edit")

    async def once(self) -> None:
        self.clock.turn(1.0)
        await self.sync.once()

    def options(self, pane_id: str) -> dict[str, str]:
        lines = self.tmux.run("show-options", "-p", "-t", pane_id).splitlines()
        found = dict(line.split(" ", 1) for line in lines)
        return {name: value.strip('"') for name, value in found.items()}

    def set(self, pane_id: str, option: str, value: str) -> None:
        self.tmux.run("set-option", "-p", "-t", pane_id, option, value)

    async def assignee(self, id: str) -> str:
        return (await self.tasks.get(id)).assignee

    async def note(self, name: str) -> str:
        from orc_storage import documents

        found = await self.db.read(lambda conn: documents.get(conn, AGENT, name))
        assert found is not None
        return str(found.body["note"])

    async def conflicts(self) -> list[Conflict]:
        every = await Conflicts(self.db, self.clock, RULES).listing()
        return [one for one in every if one.state is ConflictState.OPEN]

    async def switch(self, **fields: Any) -> None:
        choices = Choices(self.db, Settings())
        await choices.load()
        await choices.change("tmux", fields, actor=OPERATOR, cause="")

    def health(self) -> Layer:
        return self.sync.health()[0]

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.sync.run(asyncio.Event()))
        try:
            await wait_for(lambda: self.health().state not in (LayerState.STARTING,))
            yield
        finally:
            running.cancel()
            await asyncio.wait({running})

    async def pass_s(self, seconds: int) -> None:
        """Let seconds pass, one by one, and let everybody do what they do then."""
        loop = asyncio.get_running_loop()
        for _ in range(seconds):
            self.clock.turn(1.0)
            for _ in range(3):
                step = loop.create_future()
                loop.call_later(0.01, step.set_result, None)
                await step


@pytest_asyncio.fixture
async def desk(tmp_path: Path, tmux: PrivateTmux) -> AsyncIterator[Desk]:
    clock = TurnedClock()
    async with open_store(tmp_path / "ws", clock) as db:
        yield Desk(db, clock, tmux)


def _ours(tmux: PrivateTmux) -> str:
    pane = tmux.start()
    tmux.run("set-option", "-s", OURS, "1")
    return pane


async def test_a_server_of_ours_says_who_does_what(desk: Desk, tmux: PrivateTmux) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    low = await desk.give("Low", "claude-1", priority=1)
    high = await desk.give("High", "Claude-1", priority=9)
    await desk.once()
    assert desk.options(pane) == {
        "@orc_agent": "claude-1",
        "@orc_state": "working",
        "@orc_task": high,
    }
    await desk.edit(low, status="running")
    desk.see("claude-1", pane, State.WAITING)
    await desk.once()
    said = desk.options(pane)
    assert (said["@orc_task"], said["@orc_state"]) == (low, "waiting")


async def test_nothing_is_written_twice(
    desk: Desk, tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _count_writes(monkeypatch)
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    await desk.give("Cart", "claude-1")
    for _ in range(4):
        await desk.once()
    assert len(written) == 1
    desk.anew()
    await desk.once()
    assert len(written) == 1


async def test_a_server_that_is_not_ours_is_never_touched(
    desk: Desk, tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _count_writes(monkeypatch)
    pane = tmux.start()
    await desk.hire("claude-1", pane)
    task = await desk.give("Cart", "claude-1")
    desk.set(pane, "@orc_task", "T-9")
    async with desk.leading():
        await desk.pass_s(3)
    await desk.once()
    assert written == []
    assert desk.options(pane) == {"@orc_task": "T-9"}
    assert await desk.assignee(task) == "claude-1"


async def test_a_server_that_a_person_names_is_written_to_and_let_go_again(
    desk: Desk, tmux: PrivateTmux
) -> None:
    pane = tmux.start()
    await desk.hire("claude-1", pane)
    await desk.switch(servers=["s"])
    async with desk.leading():
        await _until(desk, lambda: "@orc_agent" in desk.options(pane))
        await desk.switch(servers=None)
        await _until(desk, lambda: desk.options(pane) == {})


async def test_a_task_that_somebody_sets_is_given_to_the_agent(
    desk: Desk, tmux: PrivateTmux
) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    old, new = await desk.give("Old", "claude-1"), await desk.give("New")
    await desk.once()
    desk.set(pane, "@orc_task", new)
    await desk.once()
    assert (await desk.assignee(old), await desk.assignee(new)) == ("", "claude-1")
    assert desk.options(pane)["@orc_task"] == new
    revisions = await desk.db.read(lambda conn: _history(conn, new))
    assert (revisions[-1].actor, revisions[-1].cause) == ("tmux", f"tmux s:{pane}")
    await desk.once()
    assert await desk.assignee(new) == "claude-1"


async def test_a_task_that_somebody_takes_away_is_nobodys(desk: Desk, tmux: PrivateTmux) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    task = await desk.give("Cart", "claude-1")
    await desk.once()
    desk.set(pane, "@orc_task", "")
    await desk.once()
    assert await desk.assignee(task) == ""


async def test_a_note_is_an_edit_and_is_kept_clean(desk: Desk, tmux: PrivateTmux) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    await desk.once()
    desk.set(pane, "@orc_note", "mind the\tcart \x1b[31m#(date)")
    await desk.once()
    assert await desk.note("claude-1") == "mind the cart [31m#(date)"
    await desk.once()
    assert desk.options(pane)["@orc_note"] == "mind the cart [31m＃(date)"
    await desk.once()
    assert await desk.note("claude-1") == "mind the cart [31m#(date)"
    await desk.crew.edit("claude-1", {"note": "from the store"}, actor=OPERATOR, cause="")
    await desk.once()
    assert desk.options(pane)["@orc_note"] == "from the store"


async def test_an_edit_reaches_the_store_while_somebody_leads(
    desk: Desk, tmux: PrivateTmux
) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    task = await desk.give("Cart")
    async with desk.leading():
        await _until(desk, lambda: "@orc_agent" in desk.options(pane))
        desk.set(pane, "@orc_task", task)

        async def is_given() -> bool:
            return await desk.assignee(task) == "claude-1"

        await _until(desk, is_given)
        desk.see("claude-1", pane, State.IDLE)
        await _until(desk, lambda: desk.options(pane)["@orc_state"] == "idle")


async def test_both_sides_changed_is_a_conflict_and_each_keeps_its_own(
    desk: Desk, tmux: PrivateTmux
) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    task = await desk.give("Cart")
    await desk.once()
    desk.set(pane, "@orc_task", task)
    await desk.edit(task, assignee="codex-1")
    await desk.once()
    (conflict,) = await desk.conflicts()
    assert (conflict.left.layer, conflict.path) == ("tmux", "assignee")
    assert (conflict.left.value, conflict.right.value) == ("claude-1", "codex-1")
    await desk.once()
    assert desk.options(pane)["@orc_task"] == task
    deciding = Conflicts(desk.db, desk.clock, RULES)
    await deciding.resolve(conflict.id, "right", actor=OPERATOR)
    await desk.once()
    assert "@orc_task" not in desk.options(pane)
    assert await desk.assignee(task) == "codex-1"


async def test_a_task_that_is_none_is_a_fault_and_stays_as_it_was_set(
    desk: Desk, tmux: PrivateTmux
) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    task = await desk.give("Cart", "claude-1")
    await desk.once()
    desk.set(pane, "@orc_task", "T-99")
    running = asyncio.create_task(desk.sync.once())
    await _until(desk, running.done)
    report = await running
    assert "@orc_task of its pane is 'T-99'" in report.faults[0].text
    assert desk.options(pane)["@orc_task"] == "T-99"
    assert await desk.assignee(task) == "claude-1"
    desk.set(pane, "@orc_task", task)
    await desk.once()
    assert desk.health().faults == ()


@pytest.mark.parametrize("how", ["restarted", "another pane", "wiped"])
async def test_what_a_pane_says_that_was_given_nothing_is_never_read(
    desk: Desk, tmux: PrivateTmux, how: str
) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    mine, other = await desk.give("Mine", "claude-1"), await desk.give("Other")
    await desk.once()
    if how == "restarted":
        tmux.kill()
        pane = _ours(tmux)
    elif how == "another pane":
        pane = tmux.window()
    if how == "wiped":
        tmux.run("set-option", "-p", "-u", "-t", pane, "@orc_agent")
    else:
        desk.set(pane, "@orc_agent", "claude-1")  # as what restores sessions may do
    desk.set(pane, "@orc_task", other)
    desk.set(pane, "@orc_note", "stale")
    desk.see("claude-1", pane)
    await desk.once()
    assert (await desk.assignee(mine), await desk.assignee(other)) == ("claude-1", "")
    assert await desk.note("claude-1") == ""
    assert desk.options(pane) == {
        "@orc_agent": "claude-1",
        "@orc_state": "working",
        "@orc_task": mine,
    }


async def test_our_own_words_are_no_edit_though_we_ended_before_we_knew_they_arrived(
    desk: Desk, tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orc_core.sync import publication

    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    old = await desk.give("Old", "claude-1")
    await desk.once()
    await desk.edit(old, assignee="")
    new = await desk.give("New", "claude-1")
    real = publication.options.write

    async def ends(*args: Any, **given: Any) -> int:
        await real(*args, **given)
        raise RuntimeError("killed")

    monkeypatch.setattr(publication.options, "write", ends)
    with pytest.raises(RuntimeError):
        await desk.once()
    monkeypatch.undo()
    assert desk.options(pane)["@orc_task"] == new
    await desk.edit(new, assignee="")
    desk.anew()
    await desk.once()
    assert await desk.assignee(new) == ""
    assert "@orc_task" not in desk.options(pane)


async def test_switched_off_it_takes_our_options_away_and_reads_nothing(
    desk: Desk, tmux: PrivateTmux
) -> None:
    pane, made = _ours(tmux), tmux.window()
    desk.set(made, HOME, "w")
    await desk.hire("claude-1", pane)
    await desk.hire("codex-1", made)
    task, other = await desk.give("Cart", "claude-1"), await desk.give("Other", "codex-1")
    async with desk.leading():
        await _until(desk, lambda: "@orc_task" in desk.options(pane))
        await _until(desk, lambda: "@orc_task" in desk.options(made))
        await desk.switch(on=False)
        await _until(desk, lambda: desk.options(pane) == {})
        # What says who was started in it is not ours to take.
        assert desk.options(made) == {HOME: "w", "@orc_agent": "codex-1"}
        assert desk.health().state is LayerState.OFF
    await desk.once()
    assert await desk.assignee(task) == "claude-1"
    desk.anew()
    await desk.switch(on=True)
    await desk.once()
    assert desk.options(pane)["@orc_task"] == task
    assert (await desk.assignee(task), await desk.assignee(other)) == ("claude-1", "codex-1")


async def test_a_server_that_does_not_answer_changes_nothing(desk: Desk, tmux: PrivateTmux) -> None:
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    task = await desk.give("Cart", "claude-1")
    await desk.once()
    tmux.kill()
    await desk.once()
    assert await desk.assignee(task) == "claude-1"
    assert desk.health().state is LayerState.OK


async def test_in_batches_the_panes_are_written_once_an_interval(
    desk: Desk, tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _count_writes(monkeypatch)
    pane = _ours(tmux)
    await desk.hire("claude-1", pane)
    await desk.switch(strategy="batch", interval_s=10.0)
    async with desk.leading():
        for state in (State.IDLE, State.WAITING, State.WORKING, State.IDLE):
            desk.see("claude-1", pane, state)
            await desk.pass_s(2)
        assert written == []
        await _until(desk, lambda: written)
        assert desk.options(pane)["@orc_state"] == "idle"
        await desk.pass_s(3)
        assert len(written) == 1


def _count_writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    from orc_core.sync import publication

    written: list[int] = []
    real = publication.options.write

    async def write(*args: Any, **given: Any) -> int:
        written.append(await real(*args, **given))
        return written[-1]

    monkeypatch.setattr(publication.options, "write", write)
    return written


async def _until(desk: Desk, condition: Any, deadline_s: float = 10.0) -> None:
    """Turn the clock second by second until the condition holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    while True:
        found = condition()
        if await found if asyncio.iscoroutine(found) else found:
            return
        assert loop.time() < deadline, "not true in time"
        await desk.pass_s(1)


def _history(conn: Any, id: str) -> Any:
    from orc_storage import documents

    return documents.history(conn, TASK, id)
