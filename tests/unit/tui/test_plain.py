"""The line mode: what is said of a snapshot, and of the way from one to the next."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import scene
from orc_core.model.agent import State, Waiting
from orc_core.model.health import Link, LinkState
from orc_core.model.task import Status
from orc_storage.records import ConflictState
from orc_tui.view_models.plain import CHANGES_MAX, TEXT_MAX, changes, standing
from orc_tui.view_models.spans import clock

NOW = clock(scene.AT)


def test_it_begins_with_how_things_stand_and_who_needs_you() -> None:
    lines = standing(scene.snapshot())
    assert lines[0].startswith("shop: live, 17 agents, 7 need you, ")
    assert lines[0].endswith(f" open conflicts  {NOW}")
    since = clock(scene.AT - 4 * scene.MINUTE)
    asks = "claude-2 waiting for permission: Bash npm run migrate --env staging"
    assert lines[1].startswith(asks[:40]) and lines[1].endswith(f"  {since}")
    assert len(lines) == 8


def test_nothing_is_said_where_nothing_that_counts_changed() -> None:
    before = scene.snapshot()
    busy = tuple(
        replace(one, does="Edit other.py", changed_at=scene.AT)
        if one.state is State.WORKING
        else one
        for one in before.agents
    )
    assert changes(before, before) == []
    assert changes(before, replace(before, agents=busy, at=scene.AT + 1)) == []


def test_agents_come_change_and_go() -> None:
    one = scene.agent("claude-2", State.WORKING, 0, number=2)
    asks = scene.agent(
        "claude-2",
        State.WAITING,
        0,
        number=2,
        waiting=Waiting.PERMISSION,
        does="npm run migrate  --\n--env \x1b[31mstaging",
    )
    gone = scene.agent("codex-1", State.IDLE, 0, number=3)
    new = scene.agent("codex-2", State.WORKING, 0, number=4)
    before = replace(scene.empty(), agents=(one, gone))
    after = replace(scene.empty(), agents=(new, asks))
    assert changes(before, after) == [
        f"claude-2 waiting for permission: npm run migrate -- --env staging  {NOW}",
        f"codex-2 working, new  {NOW}",
        f"codex-1 left  {NOW}",
    ]
    renamed = replace(before, agents=(replace(one, name="mig"), gone))
    assert changes(before, renamed) == [f"mig working, was claude-2  {NOW}"]


def test_the_link_conflicts_and_tasks() -> None:
    before = scene.snapshot()
    task = before.tasks[0]
    clash, *rest = sorted(before.conflicts, key=lambda one: one.state is not ConflictState.OPEN)
    assert clash.state is ConflictState.OPEN and task.status is not Status.CANCELLED
    decided = replace(clash, state=ConflictState.RESOLVED, decided_by="ada")
    opened = replace(clash, id="C-99", state=ConflictState.OPEN)
    after = replace(
        before,
        link=Link(LinkState.GONE),
        conflicts=(decided, opened, *rest),
        tasks=(replace(task, status=Status.CANCELLED), *before.tasks[1:]),
    )
    about = f"{clash.doc} {clash.path}"
    assert changes(before, after) == [
        f"tmux gone  {NOW}",
        f"conflict decided: {clash.id} {about}, by ada  {NOW}",
        f"conflict opened: C-99 {about}  {NOW}",
        f"{task.id} cancelled: {task.title}  {NOW}",
    ]
    assert changes(after, before)[0] == f"live  {NOW}"


def test_what_is_said_at_once_is_bounded() -> None:
    many = tuple(
        replace(scene.task(f"T-{number}", "x" * 1000, Status.READY, 1)) for number in range(100)
    )
    lines = changes(scene.empty(), replace(scene.empty(), tasks=many))
    assert len(lines) == CHANGES_MAX + 1
    assert lines[-1] == f"{100 - CHANGES_MAX} more changes  {NOW}"
    assert max(map(len, lines)) == TEXT_MAX + len(f"  {NOW}")


def test_it_loads_no_screen() -> None:
    told = "import sys, orc_tui.main, orc_tui.plain, orc_core.hub; print('textual' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", told], text=True) == "False\n"
