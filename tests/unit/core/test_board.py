"""Joining agents with their tasks."""

from __future__ import annotations

from orc_core.board import join_tasks
from orc_core.model.agent import Agent, Evidence, PaneRef, Source, State, Waiting
from orc_core.model.task import Status, Task


def agent(name: str) -> Agent:
    return Agent(
        key=f"/s:%{name}",
        name=name,
        kind="claude",
        pane=PaneRef("/s", 1, "%1", 2),
        where="a:0.0",
        session="a",
        cwd="/",
        command="claude",
        title="",
        state=State.IDLE,
        waiting=Waiting.NONE,
        since=0.0,
        changed_at=0.0,
        evidence=Evidence(Source.SCREEN, "r", 0.0),
    )


def task(id: str, assignee: str, status: Status, priority: int) -> Task:
    return Task(
        id=id,
        rev=1,
        title=id,
        text="",
        status=status,
        priority=priority,
        needs=(),
        labels=(),
        depends_on=(),
        blocked_by=(),
        assignee=assignee,
        due="",
        since=0.0,
        updated_at=0.0,
        updated_by="operator",
    )


def test_an_agent_shows_the_most_urgent_task_that_it_runs_else_the_one_it_failed() -> None:
    tasks = [
        task("T-5", "claude-1", Status.FAILED, 15),
        task("T-6", "aider-1", Status.FAILED, 1),
        task("T-1", "claude-1", Status.RUNNING, 3),
        task("T-2", "Claude-1", Status.RUNNING, 9),
        task("T-3", "claude-1", Status.DONE, 15),
        task("T-4", "", Status.RUNNING, 15),
    ]
    joined = join_tasks([agent("claude-1"), agent("codex-1"), agent("aider-1")], tasks)
    assert [one.task for one in joined] == ["T-2", "", "T-6"]
