"""The line mode: how things stand and what changed, in whole sentences without signs or colour.

Invariant: a line is a function of snapshots. It begins with whom it is about and ends with the
time, and it is one line whatever a program wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.model.agent import Agent, State
from orc_core.model.health import Link
from orc_core.model.snapshot import Snapshot
from orc_core.model.task import Task
from orc_core.text import clean
from orc_storage.records import WAITING, Conflict, ConflictState
from orc_tui.view_models.agents import face, needs_you, ordered
from orc_tui.view_models.spans import clock

TEXT_MAX: Final = 240
"""So many characters of a line are said; the time comes after them."""

CHANGES_MAX: Final = 40
"""So many changes are told at once; the rest is counted."""

STANDING_MAX: Final = 10
"""So many agents that need the operator are named at the start."""


def standing(snapshot: Snapshot) -> list[str]:
    """How things stand: the counts, then those that need the operator."""
    agents = _known(snapshot)
    needy = [agent for agent in agents if needs_you(agent)]
    waiting = sum(one.state in WAITING for one in snapshot.conflicts)
    told = (
        f"{snapshot.workspace or 'orc'}: {_link(snapshot.link)}, {len(agents)} agents, "
        f"{len(needy)} need you, {len(snapshot.tasks)} tasks, {waiting} open conflicts"
    )
    lines = [_line(told, snapshot.at)]
    lines += [_line(_agent(agent), agent.since) for agent in needy[:STANDING_MAX]]
    if len(needy) > STANDING_MAX:
        lines.append(_line(f"{len(needy) - STANDING_MAX} more need you", snapshot.at))
    return lines


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """What differs, in the order of its weight; at most CHANGES_MAX lines and one that counts."""
    lines = []
    if _link(before.link) != _link(after.link):
        lines.append(_line(_link(after.link), after.at))
    lines += _agents(before, after)
    lines += _conflicts(before, after)
    lines += _tasks(before, after)
    if len(lines) > CHANGES_MAX:
        left = len(lines) - CHANGES_MAX
        lines[CHANGES_MAX:] = [_line(f"{left} more changes", after.at)]
    return lines


def _known(snapshot: Snapshot) -> list[Agent]:
    return [agent for agent in ordered(snapshot.agents, snapshot.at) if not agent.is_other]


def _agents(before: Snapshot, after: Snapshot) -> list[str]:
    old = {agent.key: agent for agent in _known(before)}
    new = _known(after)
    lines = []
    for agent in new:
        was = old.pop(agent.key, None)
        if was is None:
            lines.append(_line(f"{_agent(agent)}, new", agent.since))
        elif _agent(was) != _agent(agent):
            named = f", was {was.name}" if was.name != agent.name else ""
            lines.append(_line(_agent(agent) + named, after.at))
    lines += [_line(f"{agent.name} left", after.at) for agent in old.values()]
    return lines


def _agent(agent: Agent) -> str:
    """Who it is and its state; what it does only where that asks for the operator."""
    if agent.is_lost:
        return f"{agent.name} lost"
    word = face(agent)[0]
    if agent.state is State.WAITING and agent.waiting:
        word += f" for {agent.waiting.value}"
    asks = needs_you(agent) and agent.does
    return f"{agent.name} {word}: {agent.does}" if asks else f"{agent.name} {word}"


def _conflicts(before: Snapshot, after: Snapshot) -> list[str]:
    old = {one.id: one.state for one in before.conflicts}
    return [
        _line(_conflict(one), after.at)
        for one in after.conflicts
        if old.get(one.id) is not one.state
    ]


def _conflict(one: Conflict) -> str:
    about = f"{one.id} {one.doc} {one.path}".rstrip()
    if one.state is ConflictState.RESOLVED:
        by = one.strategy or one.decided_by
        return f"conflict decided: {about}" + (f", by {by}" if by else "")
    word = "opened" if one.state is ConflictState.OPEN else one.state.value
    return f"conflict {word}: {about}"


def _tasks(before: Snapshot, after: Snapshot) -> list[str]:
    old = {task.id: task.status for task in before.tasks}
    changed: Sequence[Task] = [one for one in after.tasks if old.get(one.id) is not one.status]
    return [_line(f"{one.id} {one.status.value}: {one.title}", after.at) for one in changed]


def _link(link: Link) -> str:
    return f"{link.state.value} {link.server}".rstrip()


def _line(text: str, at: float) -> str:
    said = " ".join(clean(text).split())
    if len(said) > TEXT_MAX:
        said = said[: TEXT_MAX - 1] + "…"
    return f"{said}  {clock(at)}"
