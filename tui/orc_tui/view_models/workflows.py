"""Workflows as lines: each in the list, and one with its steps and the way back.

Invariant: pure; every line is as wide as it was asked for, or less.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from orc_core.saga.machine import running_step
from orc_core.saga.standing import question, standing, took, undoing, waiting_gate
from orc_core.text import age, clean, fit
from orc_storage.sagas import Saga, Step
from orc_tui.view_models import box
from orc_tui.view_models.glyphs import PHASES, WORKFLOW_WAITS, WORKFLOWS
from orc_tui.view_models.lines import Line, cut
from orc_tui.view_models.timeline import actor

_WHO = 10
_WHO_FROM = 56
"""A list that is narrower does not say who started it: the detail does."""
_ONE_LINE = 66
_INDENT = "    "


def found(sagas: Sequence[Saga], query: str) -> list[Saga]:
    """Those of which every word of the query is said."""
    words = query.casefold().split()
    return [one for one in sagas if all(word in _said(one) for word in words)]


def _said(saga: Saga) -> str:
    parts = (saga.id, saga.name, standing(saga), actor(saga.made_by))
    return " ".join(parts).casefold()


def row(saga: Saga, now: float, width: int) -> Line:
    """One of the list in `width` cells, without the sign of the cursor."""
    sign, ink = _sign(saga)
    state = " ".join(part for part in (saga.state.value, running_step(saga)) if part)
    who = _WHO + 1 if width >= _WHO_FROM else 0
    room = max(width - 2 - 7 - 6 - who, 8)
    name = max(room * 2 // 5 - 1, 3)
    line: Line = (
        (f"{sign} ", ink),
        (f"{fit(saga.id, 6)} ", "accent"),
        (f"{fit(clean(saga.name, limit=100), name)} ", "text"),
        (fit(clean(state, limit=120), room - name - 1), ink),
        (f"{age(max(now - saga.made_at, 0.0)):>5} ", "dim"),
    )
    if who:
        line = (*line, (f" {fit(actor(saga.made_by), _WHO)}", "dim"))
    return cut(line, width)


def _sign(saga: Saga) -> tuple[str, str]:
    return WORKFLOW_WAITS if waiting_gate(saga) is not None else WORKFLOWS[saga.state]


def detail(saga: Saga, width: int) -> list[Line]:
    """One workflow whole: how it stands, what it asks, its steps, and the way back."""
    out = _wrapped(standing(saga), width, _sign(saga)[1])
    gate = waiting_gate(saga)
    if gate is not None:
        out += _wrapped(f"asks: {question(saga, gate)}", width, "waiting bold")
    if told := undoing(saga):
        out += _wrapped(told, width, "text")
    round_ = f", round {saga.round}" if saga.round > 1 else ""
    out += _wrapped(f"started {_at(saga.made_at)} by {actor(saga.made_by)}{round_}", width, "dim")
    out.append(())
    for step in saga.steps:
        out += _step(saga, step, width)
    return out


def _step(saga: Saga, step: Step, width: int) -> list[Line]:
    sign, ink = PHASES[step.phase]
    head: Line = ((f"{sign} {fit(step.phase.value, 11)} ", ink),)
    name = clean(step.name, limit=100)
    tries = f"{step.attempts} attempt{'' if step.attempts == 1 else 's'}" if step.attempts else ""
    facts = [step.kind, tries, _clock(step.begun_at), took(step)]
    if width >= _ONE_LINE:
        columns = zip(facts, (9, 11, 8, 9), strict=True)
        told = " ".join(fit(text, room) for text, room in columns)
        out = [cut((*head, (f"{fit(name, width - 14 - 41)} ", "text"), (told, "dim")), width)]
    else:
        out = [cut((*head, (name, "text")), width)]
        out += _wrapped(" · ".join(one for one in facts if one), width, "dim", _INDENT)
    asked = question(saga, step)
    if asked and step != waiting_gate(saga):  # of that one it stands above
        answer = f" · {step.answer}" if step.answer else ""
        out += _wrapped(f"asks: {asked}{answer}", width, "text", _INDENT)
    if step.reason:
        out += _wrapped(step.reason, width, "error", _INDENT)
    return out


def preview(saga: Saga, wish: str) -> list[str]:
    """What `cancel`, `rollback` or `retry` would do to it, before it is asked for."""
    told = undoing(saga)
    if wish == "rollback":
        return [told or "nothing was done that could be undone"]
    if wish == "cancel":
        kept = "it stops at once, and what was done stays"
        return [kept, f"afterwards {told}"] if told else [kept]
    again = ", ".join(one.name for one in saga.steps if one.phase.value != "done")
    lines = [f"done again, in this order: {again}" if again else "every step is done"]
    return [*lines, f"until then {told}"] if told else [*lines, "nothing is undone"]


def _wrapped(text: str, width: int, ink: str, indent: str = "") -> list[Line]:
    room = max(width - len(indent), 8)
    parts = box.wrap(clean(text, limit=1_000), room)
    return [((f"{indent}{part}", ink),) for part in parts]


def _at(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) if at else ""
