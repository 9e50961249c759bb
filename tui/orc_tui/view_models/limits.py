"""Agents under one usage limit, which are one matter to the operator.

Invariant: agents are grouped only where the same kind says the same account and the same end of
the limit, to the minute; what is not told is not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

from orc_core.model.agent import Agent, State


def same_limit(agent: Agent, agents: Sequence[Agent]) -> list[Agent]:
    """All who are under the agent's limit, in the order in which they are given; [] for none."""
    wanted = _limit(agent)
    return [one for one in agents if _limit(one) == wanted] if wanted is not None else []


def heads(agents: Sequence[Agent]) -> dict[str, Agent]:
    """By an agent's key the first of its group, for those that are in a group and not its first."""
    first: dict[object, Agent] = {}
    found: dict[str, Agent] = {}
    for agent in agents:
        limit = _limit(agent)
        if limit is None:
            continue
        head = first.setdefault(limit, agent)
        if head is not agent:
            found[agent.key] = head
    return found


def going_on(agent: Agent, head: Agent | None) -> str:
    """What is to become of a limited agent; "" where the first of its group says it already."""
    if head is not None and bool(head.line_at) == bool(agent.line_at):
        return ""
    if agent.line_at:
        return ", goes on"
    return ", stays" if head is not None else ""


def _limit(agent: Agent) -> object | None:
    if agent.state is not State.LIMITED or not agent.resets_at:
        return None
    return (agent.kind, agent.usage.account, int(agent.resets_at // 60))
