"""What Live shows: an agent's screen or reasons, a task, a conflict's sides, a layer's errors.

Invariant: a screen is cut, never wrapped; what people wrote is wrapped, never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.model.agent import DASHBOARD, Agent
from orc_core.model.code import Code
from orc_core.model.health import Layer, LinkState
from orc_core.model.snapshot import Snapshot
from orc_core.model.task import Status, Task
from orc_core.text import age, cells, clean, fit
from orc_storage.records import Conflict, ConflictState, Json, Side
from orc_tui.view_models import agents, conflicts, glyphs
from orc_tui.view_models import code as code_view
from orc_tui.view_models.conflict_view import base_origin
from orc_tui.view_models.lines import BLANK, Line, Part, cut, ends, join, text_of, width_of, wrap
from orc_tui.view_models.spans import brief, clock, lag
from orc_tui.view_models.tasks import person
from orc_tui.view_models.why import field

TABS: Final = ("Screen", "Why", "History", "Figures")
_SHORT: Final = ("Screen", "Why", "Hist", "Fig")
OF_ACTIVITY: Final = frozenset({"History", "Figures"})
"""The tabs that tell what an agent did."""
_INDENT: Final = 3


def tabs(active: str, room: int = 1_000) -> Line:
    """The tabs of Live in `room` cells, the active one in brackets, alone where no more fits."""
    forms = (_tabs(active, TABS, 2), _tabs(active, TABS, 1), _tabs(active, _SHORT, 1))
    return next((one for one in forms if width_of(one) <= room), _tabs(active, TABS, 0)[:1])


def _tabs(active: str, words: Sequence[str], gap: int) -> Line:
    if not gap:
        return ((f"[{active}]", "text bold"),)
    parts: list[Part] = []
    for at, word in enumerate(words):
        if parts:
            beside = active in (TABS[at], TABS[at - 1])
            parts.append((" " if beside else " " * gap, "dim"))
        parts.append((f"[{word}]", "text bold") if TABS[at] == active else (word, "dim"))
    return tuple(parts)


def recorded(paused: bool | None) -> Line:
    """The sign of a recording beside the name, nothing where None goes on."""
    if paused is None:
        return BLANK
    return (("  ‖ rec paused", "dim"),) if paused else (("  ● rec", "crashed"),)


def tab_at(line: Line, column: int) -> str:
    """The tab whose name stands in this cell of a frame's upper edge; "" for none."""
    text = text_of(line)
    for name, short in zip(TABS, _SHORT, strict=True):
        word = name if name in text else short
        at = text.rfind(word)
        first = cells(text[:at]) if at >= 0 else column + 1
        if first <= column < first + len(word):
            return name
    return ""


def agent_head(
    agent: Agent,
    task: Task | None,
    now: float,
    width: int,
    home: str,
    code: Code | None = None,
) -> list[Line]:
    """The lines over an agent's screen: its task, where it works, and who is in its way there."""
    lasts = f"{agent.state.value} {age(now - agent.since)}"
    if task is not None and task.status is Status.RUNNING:
        lasts += f" of {age(now - task.since)}"
    if task is not None:
        name: Line = ((task.id, "text bold"), (f"  {task.title}", "text"))
    elif agent.task:
        name = ((agent.task, "text bold"),)
    else:
        name = ((agents.does(agent, now) or agent.title, "text"),)
    place: Line = (
        (f"{agent.place}   ", "text"),
        (short_path(agent.cwd, home), "dim"),
    )
    if code is not None and (branch := code_view.branch(code.tree_of(agent.cwd))):
        place = (*place, ("   ", "text"), *branch)
    return [
        ends(name, ((lasts, "dim"),), width),
        ends(place, ((context(agent) or agent.kind, "dim"),), width),
        *(cut(line, width) for line in (code_view.warnings(agent, code) if code else ())),
    ]


def context(agent: Agent) -> str:
    """`context 62 % used`, or "" where nothing tells."""
    share = agents.context_share(agent)
    return f"context {share} used" if share else ""


def short_path(path: str, home: str) -> str:
    """A path with the home folder written as `~`."""
    inside = home and (path == home or path.startswith(home.rstrip("/") + "/"))
    return "~" + path[len(home.rstrip("/")) :] if inside else path


def reading(agent: Agent) -> list[Line]:
    """What stands there until the screen was read."""
    told = agent.does if agent.does == DASHBOARD else f"reading the screen of {agent.name}"
    return [((told, "dim"),)]


def missing_lines(agent: Agent, now: float, width: int, home: str) -> list[Line]:
    """An agent that should run and is not there: why, and what would resume it."""
    return [
        ((f"{agent.name} is not there: {agent.does}.", "text"),),
        BLANK,
        field("noticed", f"{age(now - agent.since)} ago" if now - agent.since >= 60 else "now"),
        field("would run", agent.evidence.text),
        field("in", short_path(agent.cwd, home)),
        BLANK,
        *(((row, "dim"),) for row in wrap("r resumes it, after asking. x forgets it.", width)),
    ]


def task_lines(task: Task, tasks: Sequence[Task], now: float, width: int) -> list[Line]:
    """A task: its text, what it needs and what it waits for."""
    sign, ink = glyphs.STATUSES[task.status]
    lines: list[Line] = [
        ((task.id, "text bold"), (f"  {task.title}", "text bold")),
        (
            (f"{sign} {task.status.value} {age(now - task.since)}", ink),
            (f"  priority {task.priority}", "dim"),
        ),
    ]
    if task.fault:
        lines += [((text, "error"),) for text in wrap(f"▲ {task.fault}", width)]
    lines.append(BLANK)
    titles = {one.id: one for one in tasks}
    for name, values in (("needs", task.needs), ("labels", task.labels)):
        if values:
            lines.append(field(name, ", ".join(values)))
    if task.assignee:
        lines.append(field("agent", person(task.assignee)))
    if task.due:
        lines.append(field("due", task.due))
    for index, ident in enumerate(task.depends_on):
        known = titles.get(ident)
        says = f"{ident} {known.title} ({known.status.value})" if known else f"{ident} (not here)"
        lines.append(field("after" if index == 0 else "", says))
    lines.append(field("revision", f"{task.rev}, {person(task.updated_by)} {_at(task, now)}"))
    if task.text:
        lines.append(BLANK)
        lines += [((text, "text"),) for text in wrap(task.text, width)]
    return lines


def _at(task: Task, now: float) -> str:
    return f"at {clock(task.updated_at)}" if now - task.updated_at < 86_400 else "before today"


def conflict_lines(conflict: Conflict, now: float, width: int) -> list[Line]:
    """Both sides of a conflict and its base, with who wrote what and when."""
    sign, ink = glyphs.CONFLICTS[conflict.state]
    lines: list[Line] = [
        ((f"{conflict.id}  {conflicts.place(conflict)}", "text bold"),),
        (
            (f"{sign} {conflict.state.value}", ink),
            (f"  {conflict.kind.value}  for {age(now - conflict.opened_at)}", "dim"),
        ),
        BLANK,
    ]
    if conflict.of_code:
        return [*lines, *_encounter(conflict, width)]
    lines += _side("o", conflict.left, width)
    lines += _side("t", conflict.right, width)
    lines.append((("B  base", "text bold"), (f"  {base_origin(conflict, now)}", "dim")))
    lines += _told(conflict.base, conflict.base_present, width, "dim")
    lines.append(BLANK)
    if conflict.why:
        lines += [((text, "dim"),) for text in wrap(conflict.why, width)]
    if conflict.state is ConflictState.RESOLVED:
        by = conflict.strategy or person(conflict.decided_by)
        lines.append((("decided by ", "dim"), (f"{by} at {clock(conflict.decided_at)}", "text")))
    return lines


def _encounter(conflict: Conflict, width: int) -> list[Line]:
    """Who meets in code: each agent with its task, branch, and what it was told last."""
    lines: list[Line] = []
    for side in (conflict.left, conflict.right):
        facts = [side.layer, f"at {clock(side.at)}" if side.at else ""]
        told = " · ".join(fact for fact in facts if fact)
        task = f" ({side.cause})" if side.cause else ""
        lines.append(((f"{side.writer}{task}", "text bold"), (f"  {told}", "dim")))
        if side.present:
            lines += [((f"“{part}”", "text"),) for part in wrap(str(side.value), width - 2)]
    told = f"{conflict.left.writer} and {conflict.right.writer} {conflict.why}"
    lines += [BLANK, *(((part, "waiting"),) for part in wrap(told, width))]
    return [*lines, *(((part, "dim"),) for part in wrap(conflicts.WAYS, width))]


def _side(key: str, side: Side, width: int) -> list[Line]:
    facts = [side.layer, clock(side.at) if side.at else "", side.cause]
    told = " · ".join(fact for fact in facts if fact)
    head: Line = ((f"{key}  {conflicts.who(side)}", "text bold"), (f"  {told}", "dim"))
    return [head, *_told(side.value, side.present, width, "text"), BLANK]


def _told(value: Json, present: bool, width: int, ink: str) -> list[Line]:
    """A value, a text line by line."""
    if not present or not isinstance(value, str):
        return _value(conflicts.shown(value, present=present), width, ink)
    return [line for text in value.split("\n") for line in _value(clean(text) or " ", width, ink)]


def _value(text: str, width: int, ink: str) -> list[Line]:
    return [((" " * _INDENT + row, ink),) for row in wrap(text, max(width - _INDENT, 1))]


def layer_lines(layer: Layer, now: float, width: int) -> list[Line]:
    """One layer: how far it is behind, and every fault with its remedy."""
    sign, ink = glyphs.LAYERS[layer.state]
    lines: list[Line] = [
        ((f"{sign} {layer.name} {layer.state.value}", f"{ink} bold"),),
        BLANK,
    ]
    if layer.strategy:
        lines += [field("strategy", layer.strategy), field("behind", lag(layer.behind_s))]
    lines += [field("queued", str(layer.queued)), field("failed", str(layer.failed))]
    if layer.passes:
        took = f"{brief(layer.latency_s)}, nearly all within {brief(layer.p95_s)}"
        lines += [field("took", took), field("errors", str(layer.errors))]
    if layer.rests_s:
        lines.append(field("rests", f"tried again in {layer.rests_s:.0f} s, or with r"))
    if layer.trouble:
        when = f"{clock(layer.trouble_at)}  " if layer.trouble_at else ""
        lines += [BLANK, ((f"{when}{layer.trouble}", "text"),)]
    for fault in layer.faults:
        lines += [BLANK, ((f"▲ {fault.kind} {fault.id}", "error"), (f"  {clock(fault.at)}", "dim"))]
        lines += _value(fault.text, width, "text")
    if not layer.faults:
        lines += [BLANK, (("no faults", "dim"),)]
    return lines


def empty_fleet(snapshot: Snapshot, width: int) -> list[Line]:
    """What to do when there is no agent at all."""
    if snapshot.link.state is LinkState.STARTING:
        return []
    gone = snapshot.link.state is LinkState.GONE
    steps = [
        ("tmux new -s work", "start a tmux server") if gone else ("tmux", "open a pane"),
        ("claude", "start an agent in it: codex, aider, opencode, gemini …"),
        ("orc-tui --demo", "or look at a fleet of scripted agents first"),
    ]
    lines: list[Line] = [
        (("Agents show up here by themselves.", "text bold"),),
        BLANK,
        *(((fit(name, 19), "text bold"), (text, "dim")) for name, text in steps),
        BLANK,
    ]
    told = f"Watching {snapshot.server}. Looking changes nothing in it."
    return [*lines, *(((row, "dim"),) for row in wrap(told, width))]


def title(agent: Agent, now: float) -> Line:
    """Live's title in a ruled layout: the agent and its state."""
    state, _ = agents.summary(agent, now)
    ink = agents.face(agent)[2]
    return ((f" {agent.name}", "text bold"), (" · ", "dim"), (state, ink))


def summary(name: str, detail: str, width: int) -> Line:
    """Live as one line, where a list has its rows."""
    left: Line = ((name, "text"),)
    return ends(left, ((detail, "dim"),), width) if cells(detail) else join([left], 0)
