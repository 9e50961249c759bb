"""The list of agents: its order, its columns and what its title says.

Invariant: who needs the operator stands on top; a pane that no rule knows stands last, dim,
and is counted apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from orc_core.model.agent import OTHER, Agent, State
from orc_core.model.history import Digest
from orc_core.model.snapshot import Snapshot
from orc_core.model.task import Status
from orc_core.text import age, cells, fit
from orc_tui.view_models import glyphs
from orc_tui.view_models.limits import going_on
from orc_tui.view_models.lines import Line, Part
from orc_tui.view_models.spans import clock, coarse, evidence_age, short

READY: Final = "ready for a task"
STOPPED: Final = "at its prompt, task not done"
STOPPED_WORD: Final = "stopped"
STALE: Final = "stale"
"""Stands for the evidence where the agent's server does not answer."""
SILENT_S: Final = 15 * 60.0
AWAY_S: Final = 10 * 60.0
"""After this long without a key the title tells what happened since."""

NEEDS_YOU: Final = frozenset({State.WAITING, State.CRASHED, State.ERROR, State.LIMITED, State.DONE})

_ORDER: Final[Mapping[State, int]] = {
    State.WAITING: 0,
    State.CRASHED: 1,
    State.ERROR: 1,
    State.LIMITED: 2,
    State.DONE: 3,
    State.WORKING: 5,
    State.STARTING: 6,
    State.UNKNOWN: 7,
    State.IDLE: 8,
    State.GONE: 10,
}
_LOST: Final = 4
_MUTED: Final = 9
_BY_NAME: Final = frozenset({State.WORKING, State.STARTING})
_DIGITS: Final = re.compile(r"(\d+)")


def is_other(agent: Agent) -> bool:
    """Whether neither a rule nor a person says that an agent is in the pane."""
    return agent.is_other


def face(agent: Agent) -> tuple[str, str, str]:
    """The word, the sign and the ink of an agent's state."""
    if is_other(agent):
        return OTHER, glyphs.OTHER, "dim"
    if agent.is_stopped:
        return STOPPED_WORD, *glyphs.STOPPED
    if agent.muted_until:
        return agent.state.value, glyphs.STATES[agent.state][0], "dim"
    return agent.state.value, *glyphs.STATES[agent.state]


def needs_you(agent: Agent) -> bool:
    """Whether the agent waits for something that only the operator gives."""
    return agent.state in NEEDS_YOU and not is_other(agent) and not agent.muted_until


def is_silent(agent: Agent, now: float) -> bool:
    """Whether a working agent's pane has been still for 15 minutes."""
    return agent.state is State.WORKING and now - agent.changed_at >= SILENT_S


@lru_cache(maxsize=4096)
def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `claude-9` comes before `claude-10`."""
    return tuple(
        (0, int(piece), "") if piece.isdecimal() else (1, 0, piece.casefold())
        for piece in _DIGITS.split(name)
        if piece
    )


def ordered(agents: Sequence[Agent], now: float) -> list[Agent]:
    """Agents as the list shows them, those that need the operator first."""
    return sorted(agents, key=lambda agent: _rank(agent, now))


def _rank(agent: Agent, now: float) -> tuple[object, ...]:
    silent = is_silent(agent, now)
    within: float = 0.0
    if is_other(agent):
        return (True, 0, False, 0.0, natural(agent.name))
    if silent:
        within = agent.changed_at
    elif agent.state in (State.IDLE, State.GONE):
        within = -agent.since
    elif agent.state not in _BY_NAME:
        within = agent.since
    order = _LOST if agent.is_lost else _ORDER[agent.state]
    if agent.muted_until:
        order, silent = _MUTED, False
    return (False, order, not silent, within, natural(agent.name))


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the cells of a row go; every figure is a width in cells."""

    agent: int
    task: int
    does: int
    gap: int
    where: int
    why: int
    context: int = 0

    @property
    def with_age(self) -> bool:
        """Whether `why` has room for the age of the evidence."""
        return self.why > _WHY_WORD


_WHY_WORD: Final = 6
_WHY_AGE: Final = 4
_CONTEXT: Final = 7
_WHERE: Final = 12
_WHERE_MAX: Final = 20
_STATE: Final = 8
_FOR: Final = 4


def columns(agents: Sequence[Agent], width: int, *, boxed: bool) -> Columns:
    """Share `width` between the columns; names and ids get what the longest needs."""
    name = max(map(cells, [agent.name for agent in agents]), default=0)
    task = max(map(cells, {agent.task for agent in agents}), default=0)
    agent_w = min(max(name, 10), 10 if width < 76 else 18)
    task_w = min(max(task, 4), 4 if width < 64 else 12)
    why = _WHY_WORD if width < 76 else _WHY_WORD + _WHY_AGE
    where = _where(agents) if width >= 96 else 0
    told = any(agent.usage.context is not None for agent in agents)
    context = _CONTEXT if width >= 96 and told else 0
    gap = 1 if boxed or width < 80 else 4
    fixed = 3 + _STATE + 1 + agent_w + 1 + _FOR + 1 + task_w + 1 + gap + why + 1
    does = width - fixed - (where + 1 if where else 0) - (context + 1 if context else 0)
    return Columns(agent_w, task_w, max(does, 0), gap, where, why, context)


def _where(agents: Sequence[Agent]) -> int:
    """The cells for the place; more where it may begin with the name of a server."""
    away = (cells(agent.place) for agent in agents if agent.server)
    return min(max([_WHERE, *away]), _WHERE_MAX)


def heading(at: Columns) -> Line:
    """The names of the columns."""
    names = [
        "   ",
        fit("state", _STATE),
        " ",
        fit("agent", at.agent + _FOR - 2),
        "for ",
        fit("task", at.task),
        " ",
        fit("asks or does", at.does),
        " " * at.gap,
        fit("where", at.where) + " " if at.where else "",
        "context " if at.context else "",
        fit("why", at.why),
    ]
    return (("".join(names), "dim"),)


def row(agent: Agent, at: Columns, now: float, head: Agent | None = None) -> Line:
    """One agent, without the sign of the cursor, which the list puts before it.

    `head` is the first of those under the same usage limit, where that is another one.
    """
    other = is_other(agent)
    word, sign, ink = face(agent)
    plain = "dim" if other or agent.is_stopped or agent.muted_until else "text"
    parts: list[Part] = [
        (f"{sign} {fit(word, _STATE)} ", ink),
        (fit(agent.name, at.agent), f"{plain} bold" if needs_you(agent) else plain),
        (f" {short(now - agent.since).rjust(_FOR)} ", "dim"),
        (fit(agent.task, at.task) + " ", plain),
        (fit(does(agent, now, head), at.does), plain),
        (" " * at.gap, plain),
    ]
    if at.where:
        parts.append((fit(agent.place, at.where) + " ", "dim"))
    if at.context:
        parts.append((context_share(agent).rjust(at.context) + " ", "dim"))
    parts.append((_why(agent, at, now), "dim"))
    return tuple(parts)


def context_share(agent: Agent) -> str:
    """How much of its context window is used, `62 %`; "" where nothing tells."""
    share = agent.usage.context
    return "" if share is None else f"{min(max(share, 0.0), 1.0) * 100:.0f} %"


def _why(agent: Agent, at: Columns, now: float) -> str:
    """What decided and how old that is; of a server that does not answer, since when."""
    if agent.stale_since:
        word, at_s = STALE, agent.stale_since
    else:
        word, at_s = agent.evidence.source.value, agent.evidence.at
    word = fit(word, _WHY_WORD)
    return word + evidence_age(now - at_s).rjust(_WHY_AGE) if at.with_age else word


def does(agent: Agent, now: float, head: Agent | None = None) -> str:
    """What stands in `asks or does`; `head` is the first of its group under a usage limit."""
    told = _does(agent, now)
    if agent.muted_until:
        told = f"muted until {clock(agent.muted_until)}" + (f": {told}" if told else "")
    if agent.state is State.LIMITED:
        return told + going_on(agent, head)
    return f"{told}, a line at {clock(agent.line_at)}" if agent.line_at else told


def _does(agent: Agent, now: float) -> str:
    if is_silent(agent, now):
        still = f"silent {age(now - agent.changed_at)}"
        return f"{still}: {agent.busy_child}" if agent.busy_child else still
    if agent.state in (State.WORKING, State.STARTING) and not agent.task and agent.last_prompt:
        return f"“{agent.last_prompt}”"
    if agent.state is State.IDLE and not is_other(agent) and agent.does in ("", READY):
        return STOPPED if agent.task else READY
    if agent.does:
        return agent.does
    if agent.last_prompt and not agent.task:
        return f"“{agent.last_prompt}”"
    return agent.command if is_other(agent) else ""


def is_away(last_key_at: float, now: float) -> bool:
    """Whether the last key is so long ago that what happened since is told."""
    return bool(last_key_at) and now - last_key_at >= AWAY_S


def since(digest: Digest, snapshot: Snapshot) -> str:
    """What happened since the last key; "" for nothing that the operator would want to know."""
    others = {agent.name for agent in snapshot.agents if is_other(agent)}
    met = {state: names - others for state, names in digest.states.items()}
    none = frozenset[str]()
    counts = {
        "done": _count_done(met.get(State.DONE, none), snapshot, digest.since),
        "crashed": len(met.get(State.CRASHED, none) | met.get(State.ERROR, none)),
        "limited": len(met.get(State.LIMITED, none)),
    }
    told = [f"{count} {word}" for word, count in counts.items() if count]
    if digest.conflicts:
        told.append(f"{digest.conflicts} conflict" + ("s" if digest.conflicts > 1 else ""))
    return f"since {clock(digest.since)}: {', '.join(told)}" if told else ""


def _count_done(names: Collection[str], snapshot: Snapshot, since_at: float) -> int:
    """Agents that finished, and tasks done by others."""
    works_on = {agent.name: agent.task for agent in snapshot.agents}
    done = {works_on.get(name) or name for name in names}
    for task in snapshot.tasks:
        if task.status is Status.DONE and task.since > since_at and task.assignee not in names:
            done.add(task.id)
    return len(done)


def summary(agent: Agent, now: float) -> tuple[str, str]:
    """The left and right end of Live's rule: the state and what decided it."""
    state = face(agent)[0] if agent.is_stopped else agent.state.value
    state += f": {agent.waiting.value}" if agent.waiting.value else ""
    evidence = agent.evidence
    old = now - evidence.at
    said = evidence.source.value + (f" {coarse(old)}" if evidence_age(old) else "")
    if agent.stale_since:
        since = coarse(now - agent.stale_since)
        said += f" · {STALE}" if since == "now" else f" · {STALE} {since}"
    elif evidence.source.value not in ("screen", "proc"):
        said += " · the screen agrees" if agent.agrees else " · the screen disagrees"
    return state, said
