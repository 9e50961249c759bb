"""The demo's workspace holds tasks, a past and conflicts, all made in earnest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.demo.plan import FLEET
from orc_core.demo.seed import seed
from orc_core.model.task import Status
from orc_core.tasks.desk import Tasks
from orc_storage import conflicts, documents, journal
from orc_storage.database import Database
from orc_storage.records import Clash, ConflictState


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


async def test_tasks_of_every_status_belong_to_agents_of_the_fleet(
    workspace: Path, clock: TurnedClock
) -> None:
    await seed(workspace, clock)
    async with await Database.open(workspace, now=clock.now) as store:
        tasks = await Tasks(store).listing()
    statuses = Counter(task.status for task in tasks)
    assert set(statuses) == set(Status) - {Status.CANCELLED}
    assert len(tasks) >= 12
    scenes = {plan.scene for plan in FLEET}
    assert {task.assignee for task in tasks if task.assignee} <= scenes
    assert {task.id: task.blocked_by for task in tasks if task.blocked_by} == {
        "T-9": ("T-2",),
        "T-10": ("T-2", "T-9"),
        "T-12": ("T-4",),
    }
    assert all(task.updated_at <= clock.now() for task in tasks)


async def test_conflicts_are_open_and_what_does_not_clash_is_merged(
    workspace: Path, clock: TurnedClock
) -> None:
    await seed(workspace, clock)
    async with await Database.open(workspace, now=clock.now) as store:
        found = await store.read(conflicts.listing)
        migration = await Tasks(store).get("T-2")
    assert {(one.doc, one.path) for one in found} == {
        ("T-2", "text#1"),
        ("T-3", "title"),
        ("T-11", "due"),
    }
    for one in found:
        assert one.state is ConflictState.OPEN
        assert one.kind is Clash.EDIT_EDIT
        assert one.left.layer == "file"
        assert one.right.writer
        assert one.left.value != one.right.value != one.base
        assert clock.now() - 1800 < one.left.at < one.right.at < clock.now()
    assert migration.needs == ("database", "staging")
    assert migration.labels == ("orders", "reviewed")


async def test_the_past_is_told_in_order_and_the_chain_holds(
    workspace: Path, clock: TurnedClock
) -> None:
    await seed(workspace, clock)
    async with await Database.open(workspace, now=clock.now) as store:
        history = await store.read(lambda conn: documents.history(conn, "task", "T-2"))
        entries = await store.read(lambda conn: journal.since(conn, 0))
        assert await store.read(journal.verify) == []
    assert len(history) >= 6
    assert {"operator", "claude-2", "codex-1"} <= {one.actor for one in history}
    assert all(one.cause for one in history)
    times = [one.at for one in entries]
    assert times == sorted(times)
    assert clock.now() - 7 * 3600 < times[0] < times[-1] <= clock.now()


async def test_a_workspace_that_holds_something_is_left_alone(
    workspace: Path, clock: TurnedClock
) -> None:
    await seed(workspace, clock)
    async with await Database.open(workspace, now=clock.now) as store:
        before = await store.read(journal.head)
    await seed(workspace, clock)
    async with await Database.open(workspace, now=clock.now) as store:
        assert await store.read(journal.head) == before
