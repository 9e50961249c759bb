"""A workspace with a past, read through the history wing as the dashboard reads it."""

from __future__ import annotations

from orc_core.history.actions import History
from orc_core.history.checkpoints import Checkpoints
from orc_core.history.timeline import Timeline
from orc_core.wings import HistoryWing
from orc_storage import live
from orc_storage.records import OPERATOR
from workspaces import Workspace


def wing(ws: Workspace, actor: str = OPERATOR) -> HistoryWing:
    """The wing that a dashboard over this workspace has."""
    return HistoryWing(History(ws.db), Timeline(ws.db), Checkpoints(ws.db), actor)


async def step(ws: Workspace, name: str, state: str, evidence: str) -> None:
    """Note that an agent went into a state now."""
    at = ws.clock.now()
    await ws.db.write(lambda tx: live.transition(tx, name, at, state, evidence))


async def past(ws: Workspace) -> None:
    """Two hours of a day: tasks edited by three hands, agents at work, a checkpoint."""
    turn = ws.clock.turn
    await ws.add("Staging migration for orders", priority=9)
    await ws.add("Price rules: stacked discounts")
    await ws.add("Invoices as PDF", text="One page, A4.\nWith the logo.")
    turn(1500)
    await step(ws, "claude-2", "working", "hook PreToolUse: Bash")
    await ws.edit("T-1", actor="claude-2", status="running", assignee="claude-2")
    turn(600)
    await ws.edit("T-2", actor="codex-1", title="Price rules: discounts that stack", priority=7)
    points = Checkpoints(ws.db)
    await points.create("before-lunch", note="all three read once", actor=OPERATOR)
    turn(1800)
    await step(ws, "claude-2", "waiting", "permission: Bash npm run migrate")
    await ws.edit("T-3", actor="codex-1", text="Two pages, A4.\nWith the logo.\nAnd a total.")
    turn(900)
    await ws.edit("T-1", actor=OPERATOR, title="Staging migration for orders and refunds")
    await step(ws, "codex-1", "done", "title: cart totals round")
    await ws.edit("T-1", actor="codex-1", priority=11)
    turn(240)
    plan = await ws.history.plan("task", "T-2", 1)
    await ws.history.revert(plan, actor=OPERATOR)
    turn(60)
