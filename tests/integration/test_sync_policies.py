"""Owners and strategies: what is decided without a person, how it is told and taken back."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import UsageError
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.policies import AUTO, Policy
from orc_core.sync.rules import govern
from orc_core.sync.synchronizer import Synchronizer, SyncReport
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import journal
from orc_storage.database import Connection
from orc_storage.records import OPERATOR, Body, Conflict, ConflictState
from stores import Turned
from workspaces import RULES, Workspace, open_workspace


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as workspace:
        yield workspace


def _govern(ws: Workspace, policy: Policy) -> None:
    """Let the workspace run as if its settings said so."""
    rules = govern(RULES, policy)
    ws.conflicts = Conflicts(ws.db, ws.clock, rules)
    ws.synchronizer = Synchronizer(ws.db, [FileLayer(ws.mirror)], ws.clock, ws._tell, rules=rules)


async def _clash(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(title="Basket", due="soon")
    await ws.edit(title="Trolley", priority=9)
    await ws.sync()


async def _only(ws: Workspace) -> Conflict:
    (conflict,) = await ws.conflicts.listing()
    return conflict


async def _assert_in_step(ws: Workspace) -> None:
    assert await ws.sync() == SyncReport()
    assert await ws.open_conflicts() == []
    newest = (await ws.revisions())[-1]
    assert ws.file() == newest.body | {"rev": newest.rev}
    assert await ws.db.read(journal.verify) == []


async def test_what_people_write_waits_unless_told_otherwise(ws: Workspace) -> None:
    await _clash(ws)
    assert (await _only(ws)).state is ConflictState.OPEN
    rule = (await ws.conflicts.policy()).rule("task.title")
    assert (rule.strategy, rule.source, rule.owner) == ("MANUAL", "default", "people")


async def test_the_last_write_stands_is_recorded_and_can_be_taken_back(ws: Workspace) -> None:
    report = await ws.conflicts.set_strategy("task.title", "last_write", actor=OPERATOR)
    assert report.text == "task.title: LAST_WRITE, by command"
    await _clash(ws)
    conflict = await _only(ws)
    assert (conflict.state, conflict.decision, conflict.strategy, conflict.decided_by) == (
        ConflictState.RESOLVED,
        "left",
        "LAST_WRITE",
        AUTO,
    )
    task = await ws.tasks.get("T-1")
    assert (task.title, task.due, task.priority) == ("Basket", "soon", 9)
    assert (await ws.revisions())[-1].cause == "conflict C-1, LAST_WRITE"
    await _assert_in_step(ws)

    report = await ws.history.undo(OPERATOR)
    assert report.text == "undone: C-1, T-1 title from the file by LAST_WRITE"
    for _ in range(2):
        assert (await _only(ws)).state is ConflictState.OPEN
        assert ((await ws.tasks.get("T-1")).title, ws.file()["title"]) in (
            ("Trolley", "Basket"),
            ("Basket", "Basket"),
        )
        await ws.sync()
    assert ((await ws.tasks.get("T-1")).title, ws.file()["title"]) == ("Trolley", "Basket")
    await ws.conflicts.resolve("C-1", "right", actor=OPERATOR)
    await ws.sync()
    await _assert_in_step(ws)
    assert (await _only(ws)).strategy == ""


async def test_what_a_person_did_last_is_taken_back_before_what_was_decided_for_them(
    ws: Workspace,
) -> None:
    """One act of theirs, then what came since; nothing that came by itself ends their redo."""
    await ws.conflicts.set_strategy("task.title", "LAST_WRITE", actor=OPERATOR)
    await ws.add("Cart")
    await ws.add("Own")
    await ws.edit("T-2", actor=OPERATOR, priority=8)
    await ws.edit("T-2", actor=OPERATOR, priority=7)
    await ws.history.undo(OPERATOR)
    await ws.sync()
    ws.change(title="Basket")
    await ws.edit(title="Trolley")
    await ws.sync()
    decided = "C-1, T-1 title from the file by LAST_WRITE"
    told = [act.label for act in await ws.history.acts(OPERATOR, 10)]
    assert told[1:4] == [decided, "edit T-2 priority", "add T-2"], "the last one was undone"
    assert (await ws.history.redo(OPERATOR)).text == "done again: edit T-2 priority"
    told = [act.label for act in await ws.history.acts(OPERATOR, 2)]
    assert told == ["edit T-2 priority", decided], "it is the last act again"
    assert (await ws.history.undo(OPERATOR)).text == "undone: edit T-2 priority"
    assert (await ws.history.undo(OPERATOR)).text == f"undone: {decided}"
    assert (await _only(ws)).state is ConflictState.OPEN


@pytest.mark.parametrize("skew_s", [-1e9, 0.0, 1e9])
async def test_no_clock_decides_which_write_was_last(ws: Workspace, skew_s: float) -> None:
    """The file was written before the store, and reached it after: it is the last."""
    await ws.conflicts.set_strategy("task", "LAST_WRITE", actor=OPERATOR)
    await ws.add()
    await ws.sync()
    ws.change(title="Basket")
    at = ws.clock.now() + skew_s
    os.utime(ws.path(), (at, at))
    await ws.edit(title="Trolley")
    await ws.sync()
    assert (await ws.tasks.get("T-1")).title == "Basket"
    await _assert_in_step(ws)


async def test_a_store_that_moves_on_over_a_waiting_file_is_the_last_write(ws: Workspace) -> None:
    await _clash(ws)
    await ws.conflicts.set_strategy("task", "LAST_WRITE", actor=OPERATOR)
    await ws.sync()
    assert (await _only(ws)).state is ConflictState.OPEN, "what waits goes on waiting"
    await ws.edit(title="Cart 2")
    await ws.sync()
    second = await ws.conflict("C-2")
    assert (second.state, second.decision) == (ConflictState.RESOLVED, "right")
    assert ws.file()["title"] == "Cart 2"
    await _assert_in_step(ws)


async def test_an_old_copy_never_wins_by_being_written_back(ws: Workspace) -> None:
    await ws.conflicts.set_strategy("task", "LAST_WRITE", actor=OPERATOR)
    await ws.add(priority=4)
    await ws.sync()
    old = ws.path().read_bytes()
    await ws.edit(title="Basket", status="running", labels=["shop"])
    await ws.sync()
    ws.path().write_bytes(old)
    await ws.sync()
    task = await ws.tasks.get("T-1")
    assert (task.title, task.status, task.labels) == ("Basket", "running", ("shop",))
    found = await ws.conflicts.listing()
    assert {(c.path, c.decision, c.strategy) for c in found} == {
        ("labels", "right", "LAST_WRITE"),
        ("status", "right", "OWNER"),
        ("title", "right", "LAST_WRITE"),
    }
    await _assert_in_step(ws)


async def test_the_last_write_of_lines_takes_them_alone(ws: Workspace) -> None:
    await ws.add(text="a\nb\nc\nd\ne")
    await ws.sync()
    ws.change(text="A\nb\nc\nfile\ne")
    await ws.edit(text="a\nB!\nc\nstore\ne\nf")
    await ws.sync()
    assert [c.path for c in await ws.open_conflicts()] == ["text#1", "text#2"]
    await ws.conflicts.set_strategy("task.text", "LAST_WRITE", actor=OPERATOR)
    ws.change(text=ws.file()["text"].replace("file", "file again"))
    await ws.sync()
    assert [c.path for c in await ws.open_conflicts()] == ["text#1"]
    assert (await ws.tasks.get("T-1")).text == "a\nB!\nc\nfile again\ne\nf"


async def test_a_manual_field_is_not_merged_inside(ws: Workspace) -> None:
    await ws.conflicts.set_strategy("task.labels", "MANUAL", actor=OPERATOR)
    await ws.add(labels=["a"], needs=["x"])
    await ws.sync()
    ws.change(labels=["a", "b"], needs=["x", "y"])
    await ws.edit(labels=["a", "c"], needs=[])
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert conflict.path == "labels"
    assert (await ws.tasks.get("T-1")).needs == ("y",)


async def test_a_status_is_a_request_to_the_task_machine(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(status="done")
    await ws.edit(status="running")
    await ws.sync()
    conflict = await _only(ws)
    assert (conflict.state, conflict.strategy, conflict.decision) == (
        ConflictState.RESOLVED,
        "OWNER",
        "left",
    )
    assert (await ws.tasks.get("T-1")).status == "done"
    await _assert_in_step(ws)


async def test_an_illegal_status_is_a_fault_and_loses_nothing(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    ws.change(status="running", due="soon")
    written = ws.path().read_bytes()
    await ws.edit(status="done")
    report = await ws.sync()
    (fault,) = report.faults
    assert (fault.kind, fault.id) == ("task", "T-1")
    assert "done and cannot become running" in fault.text
    assert (await ws.tasks.get("T-1")).status == "done"
    assert ws.path().read_bytes() == written
    assert await ws.conflicts.listing() == []
    ws.change(status="done")
    await ws.sync()
    assert (await ws.tasks.get("T-1")).due == "soon"
    await _assert_in_step(ws)


async def test_what_tmux_owns_is_not_voted_on(ws: Workspace) -> None:
    _govern(ws, Policy.of({}, {"task.assignee": "tmux"}))
    await ws.add(assignee="codex-1")
    await ws.sync()
    ws.change(assignee="claude-2", due="soon")
    await ws.sync()
    task = await ws.tasks.get("T-1")
    assert (task.assignee, task.due) == ("codex-1", "soon")
    conflict = await _only(ws)
    assert (conflict.left.value, conflict.decision, conflict.strategy) == (
        "claude-2",
        "right",
        "OWNER",
    )
    await _assert_in_step(ws)


async def test_settings_come_under_what_was_set_by_command(ws: Workspace) -> None:
    _govern(ws, Policy.of({"task": "LAST_WRITE", "task.due": "MANUAL"}, {}))
    policy = await ws.conflicts.policy()
    told = {rule.subject: (rule.strategy, rule.source) for rule in policy.rules()}
    assert told["task.title"] == ("LAST_WRITE", "config")
    assert told["task.due"] == ("MANUAL", "config")
    await ws.conflicts.set_strategy("task.title", "MANUAL", actor=OPERATOR)
    policy = await ws.conflicts.policy()
    assert policy.rule("task.title").source == "command"
    report = await ws.conflicts.set_strategy("task.title", None, actor=OPERATOR)
    assert report.text == "task.title: LAST_WRITE, by config"
    await ws.history.undo(OPERATOR)
    assert (await ws.conflicts.policy()).rule("task.title").strategy == "MANUAL"
    await ws.history.undo(OPERATOR)
    assert (await ws.conflicts.policy()).rule("task.title").strategy == "LAST_WRITE"
    with pytest.raises(UsageError, match="no strategy: use TMUX_WINS, LAST_WRITE"):
        await ws.conflicts.set_strategy("task", "guess", actor=OPERATOR)
    with pytest.raises(UsageError, match=r"no KIND or KIND\.FIELD: the kinds are task"):
        await ws.conflicts.set_strategy("tsk.title", "MERGE", actor=OPERATOR)


class _Refusing(TaskRules):
    """Rules by which no Trolley becomes a Basket."""

    def check(self, conn: Connection, before: Body | None, after: Body) -> None:
        super().check(conn, before, after)
        if before is not None and (before["title"], after["title"]) == ("Trolley", "Basket"):
            raise UsageError("a trolley is no basket")


async def test_what_the_rules_refuse_waits_for_a_person(ws: Workspace) -> None:
    rules = govern({KIND: _Refusing()}, Policy.of({"task.title": "LAST_WRITE"}, {}))
    ws.synchronizer = Synchronizer(ws.db, [FileLayer(ws.mirror)], ws.clock, ws._tell, rules=rules)
    await _clash(ws)
    assert (await _only(ws)).state is ConflictState.OPEN
    assert ((await ws.tasks.get("T-1")).title, ws.file()["title"]) == ("Trolley", "Basket")


async def test_all_at_once_is_one_act(ws: Workspace) -> None:
    for number in (1, 2, 3):
        await ws.add(text="a\nb\nc\nd\ne")
        await ws.sync()
        ws.change(f"T-{number}", title="Basket", text="a\nfile\nc\nd\ne")
        await ws.edit(f"T-{number}", title="Trolley", text="a\nstore\nc\nd\ne")
    await ws.sync()
    assert len(await ws.open_conflicts()) == 6
    (later, *_) = [c.id for c in await ws.open_conflicts() if c.path == "title"]
    await ws.conflicts.defer(later, ws.clock.now() + 60, actor=OPERATOR)
    report = await ws.conflicts.resolve_all("left", actor=OPERATOR)
    assert len(report.done) == 5
    assert report.left == ()
    assert report.text == f"{', '.join(report.done[:3])} and 2 more decided: take left"
    again = await ws.conflicts.resolve_all("both", actor=OPERATOR, ids=[later, "c-3"])
    assert again.done == ()
    assert [told.split(":")[0] for told in again.left] == [
        f"{later} is one value, not lines of a text",
        "C-3 is resolved",
    ]
    await ws.sync()
    assert [c.id for c in await ws.open_conflicts()] == [later]
    assert (await ws.tasks.get("T-3")).text == "a\nfile\nc\nd\ne"
    undone = await ws.history.undo(OPERATOR)
    assert undone.text == f"undone: resolve {', '.join(report.done[:3])} and 2 more: take left"
    assert len(await ws.open_conflicts()) == 6
    await ws.sync()
    assert (await ws.tasks.get("T-3")).text == "a\nstore\nc\nd\ne"
    assert ws.file("T-3")["text"] == "a\nfile\nc\nd\ne"
    await ws.history.redo(OPERATOR)
    await ws.sync()
    assert (await ws.tasks.get("T-3")).text == "a\nfile\nc\nd\ne"


async def test_who_comes_second_is_told(ws: Workspace) -> None:
    await _clash(ws)
    await ws.conflicts.resolve("C-1", "left", actor="codex-1")
    with pytest.raises(UsageError, match="C-1 is resolved: codex-1 took the file already"):
        await ws.conflicts.resolve("C-1", "right", actor=OPERATOR)
    await ws.sync()
    assert (await ws.tasks.get("T-1")).title == "Basket"


async def test_figures_tell_what_decided_and_what_waits(ws: Workspace) -> None:
    await _clash(ws)
    ws.clock.turn(90)
    found = await ws.conflicts.figures()
    assert (found.merged, found.open, found.resolved, found.detected) == (1, 1, 0, 2)
    assert (found.oldest, found.automatic) == ("C-1", 0.5)
    assert found.oldest_s >= 90
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    await ws.conflicts.set_strategy("task.title", "LAST_WRITE", actor=OPERATOR)
    await ws.sync()
    ws.change(title="x")
    await ws.edit(title="y")
    await ws.sync()
    found = await ws.conflicts.figures()
    assert found.by_strategy == {"LAST_WRITE": 1, "MANUAL": 1, "MERGE": 1}
    assert found.by_whom == {"auto": 1, "you": 1}
    assert (found.open, found.oldest_s) == (0, 0.0)
    for _ in ("the strategy, which was the person's own act", "the decision"):
        await ws.history.undo(OPERATOR)
    assert (await ws.conflicts.figures()).by_strategy == {"MANUAL": 1, "MERGE": 1}
