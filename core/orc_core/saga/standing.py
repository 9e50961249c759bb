"""How a workflow stands, in the words that a shell and the dashboard share.

Invariant: pure; what it says that rolling back undoes is what the machine would undo.
"""

from __future__ import annotations

from orc_core.saga.machine import is_incomplete, running_step, to_undo
from orc_storage.sagas import Phase, Saga, State, Step


def standing(saga: Saga) -> str:
    """Where a workflow stands: its state, the step, what was asked of it, and why."""
    parts = [saga.state.value]
    if step := running_step(saga):
        parts.append(step)
    if saga.wish:
        parts.append(f"asked to {saga.wish}")
    if is_incomplete(saga):
        parts.append("rollback: incomplete")
    if saga.reason:
        parts.append(saga.reason)
    return ", ".join(parts)


def undoing(saga: Saga) -> str:
    """What rolling back would undo, "" where that is nothing."""
    names = ", ".join(one.name for one in to_undo(saga))
    return f"rolling back undoes, in this order: {names}" if names else ""


def took(step: Step) -> str:
    """How long a step took, "" before its end."""
    if not step.begun_at or step.ended_at < step.begun_at:
        return ""
    return f"{step.ended_at - step.begun_at:.1f} s"


def waiting_gate(saga: Saga) -> Step | None:
    """The gate at which a workflow waits for a person."""
    if saga.state is not State.RUNNING:
        return None
    for one in saga.steps:
        if one.kind == "gate" and one.phase is Phase.DOING and not one.answer:
            return one
    return None


def question(saga: Saga, step: Step) -> str:
    """What a gate asks, "" for a step that asks nothing."""
    told = saga.definition.get("step")
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict) and one.get("name") == step.name:
            return str(one.get("gate") or "")
    return ""
