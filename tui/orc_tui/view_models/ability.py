"""Why a key cannot act on a row right now.

Invariant: the footer shows an action exactly where `reason` is empty; everywhere else the
reason is what the operator is told.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from orc_core.model.agent import Agent, State
from orc_core.model.health import Layer
from orc_core.model.task import Status, Task
from orc_storage.records import WAITING, Conflict, ConflictState
from orc_tui.keyboard import DEFAULT, Keyboard, label
from orc_tui.keymap import PANE_NAMES, SEARCH

Row: TypeAlias = Agent | Task | Conflict | Layer | None

_ON_ROW: Final = frozenset(
    {
        "mark",
        "mark-range",
        "answer",
        "refuse",
        "attach",
        "type",
        "interrupt",
        "edit",
        "assign",
        "end",
        "end-agent",
        "pace",
        "switch",
        "again",
        "restart",
        "adopt",
        "supervise",
        "listen",
        "record",
        "history",
        "rollback",
        "why",
        "later",
        "later-agent",
        "due",
        "take-left",
        "take-right",
        "take-both",
        "take-base",
    }
)
_STOPPED: Final = frozenset({State.CRASHED, State.GONE})
_BUSY: Final = frozenset({State.WORKING, State.WAITING, State.STARTING, State.UNKNOWN})
_OVER: Final = frozenset({Status.DONE, Status.CANCELLED})


def reason(action_id: str, row: Row) -> str:
    """One line that says why the action cannot be done on the row; "" where it can."""
    if action_id in _ON_ROW and row is None:
        return "there is no row here to do that to"
    if isinstance(row, Agent):
        return _agent(action_id, row)
    if isinstance(row, Task):
        return _task(action_id, row)
    if isinstance(row, Conflict):
        return _conflict(action_id, row)
    if isinstance(row, Layer) and action_id in ("pace", "switch") and not row.strategy:
        return f"{row.name} has no strategy: it is always on"
    return ""


def _agent(action_id: str, agent: Agent) -> str:
    name, state = agent.name, agent.state
    if action_id in ("answer", "refuse") and state is not State.WAITING:
        return f"{name} is {state.value}: it asks nothing"
    if action_id == "type" and state in _STOPPED:
        return f"{name} is {state.value}: nobody would read it"
    if action_id == "interrupt" and state not in _BUSY:
        return f"{name} is {state.value}: there is nothing to interrupt"
    if action_id == "later-agent" and agent.is_other:
        return f"{name} is no agent that is known: nothing is planned for it"
    if action_id in ("adopt", "listen", "supervise", "record") and agent.is_lost:
        return f"{name} is gone: `r` resumes it, `x` forgets it"
    if action_id == "attach" and state is State.GONE:
        return f"{name} is gone, and its pane with it"
    if action_id == "rollback" and not (agent.task or agent.cwd):
        return f"{name} has no task and is in no folder: there is nothing to go back in"
    return ""


def _task(action_id: str, task: Task) -> str:
    if action_id in ("attach", "type", "interrupt") and not task.assignee:
        return f"nobody works on {task.id}"
    if action_id == "end" and task.status in _OVER:
        return f"{task.id} is {task.status.value} already"
    if action_id == "again" and task.status not in (Status.FAILED, Status.CANCELLED):
        return f"{task.id} is {task.status.value}: only what failed is tried again"
    return ""


def _conflict(action_id: str, conflict: Conflict) -> str:
    if conflict.of_code:
        if action_id in ("take-left", "take-right", "take-both", "take-base", "edit", "history"):
            return f"{conflict.id} is about code, not a document: Enter tells what can be done"
        return ""
    decides = ("take-left", "take-right", "take-both", "take-base", "edit", "later")
    if action_id in decides and conflict.state not in WAITING:
        return f"{conflict.id} is {conflict.state.value}: z takes a decision back"
    if action_id == "take-both" and not conflict.line:
        return f"{conflict.id} is one value: o, t or B takes a side, e writes another"
    if action_id == "later" and conflict.state is ConflictState.DEFERRED:
        return f"{conflict.id} is deferred already"
    return ""


_PLACES: Final = {pane: name for pane, name in PANE_NAMES.items() if pane != SEARCH}


def elsewhere(key: str, pane: str, keyboard: Keyboard = DEFAULT) -> str:
    """What to say of a key that does nothing in the pane."""
    acting = keyboard.panes_of(key)
    *first, last = [name for one, name in _PLACES.items() if one in acting] or [""]
    named = f"{', '.join(first)} and {last}" if first else last
    where = f"; it acts in {named}" if named else ""
    return f"{label(key)} does nothing in {PANE_NAMES.get(pane, pane)}{where}"
