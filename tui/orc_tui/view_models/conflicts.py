"""The list of conflicts: what is to decide, between whom, since when.

Invariant: a side is named by who wrote it; an unknown writer is said to be unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.model.snapshot import Snapshot
from orc_core.text import cells, clean, fit
from orc_storage.records import OPERATOR, Conflict, ConflictState, Json, Side
from orc_tui.view_models import glyphs
from orc_tui.view_models.agents import natural
from orc_tui.view_models.lines import Line, Part, spread
from orc_tui.view_models.spans import clock, coarse
from orc_tui.view_models.tasks import person

_ORDER: Final[Mapping[ConflictState, int]] = {
    ConflictState.OPEN: 0,
    ConflictState.DEFERRED: 1,
    ConflictState.RESOLVED: 2,
    ConflictState.SUPERSEDED: 3,
}
_FOR: Final = 4
_DAY_S: Final = 86_400.0
_LONG_S: Final = 3600.0
"""From here on the age of the oldest stands in the title."""
EMPTY: Final = "no conflicts: two sides that change one field show up here"
WAYS: Final = "Enter tells what can be done; R takes one back, L puts it off"


def needs_you(conflict: Conflict) -> bool:
    """Whether somebody has to decide."""
    return conflict.state is ConflictState.OPEN


def ordered(conflicts: Sequence[Conflict]) -> list[Conflict]:
    """Conflicts as the list shows them: open, deferred, resolved."""
    return sorted(conflicts, key=lambda one: (_ORDER[one.state], natural(one.id)))


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells."""

    ident: int
    subject: int
    sides: int


def columns(conflicts: Sequence[Conflict], width: int) -> Columns:
    """Share `width` between the columns."""
    ident = min(max(max((cells(one.id) for one in conflicts), default=0), 4), 8)
    room = max(width - 3 - ident - 1 - 1 - 1 - _FOR - 1, 0)
    subject = min(max(room * 27 // 62, 14), room)
    return Columns(ident, subject, room - subject)


def row(conflict: Conflict, at: Columns, now: float) -> Line:
    """One conflict, without the sign of the cursor."""
    sign, ink = glyphs.CONFLICTS[conflict.state]
    plain = "text" if needs_you(conflict) else "dim"
    began = conflict.decided_at if conflict.state is ConflictState.RESOLVED else conflict.opened_at
    parts: list[Part] = [
        (f"{sign} ", ink),
        (f"{fit(conflict.id, at.ident)} ", ink if needs_you(conflict) else plain),
        (f"{fit(_subject(conflict), at.subject)} ", plain),
        (f"{fit(_between(conflict, at.sides, now), at.sides)} ", plain),
        (f"{coarse(now - began).rjust(_FOR)} ", "dim"),
    ]
    return tuple(parts)


def place(conflict: Conflict) -> str:
    """What the conflict is about: `T-14 title`."""
    if not conflict.line:
        return f"{conflict.doc} {conflict.path}".strip()
    return f"{conflict.doc} {conflict.path.rpartition('#')[0]} line {conflict.line}"


def _subject(conflict: Conflict) -> str:
    deferred = conflict.state is ConflictState.DEFERRED
    return place(conflict) + (", deferred" if deferred else "")


def _between(conflict: Conflict, width: int, now: float) -> str:
    left, right = conflict.left, conflict.right
    if conflict.of_code:
        until = _until(conflict.deferred_until, now)
        both = f"{left.writer} and {right.writer}"
        told = f"{both} {conflict.why}"
        brief = conflict.why.partition(",")[0]
        if cells(told) > width:
            told = f"{both} {brief}"
        if cells(told) > width:
            told = f"{left.writer}, {right.writer} {brief.removeprefix('are ')}"
        return f"{both}, until {until}" if until else told
    if conflict.state is ConflictState.RESOLVED:
        return _decided(conflict)
    if conflict.state is ConflictState.DEFERRED:
        until = _until(conflict.deferred_until, now)
        return f"{who(left)} / {who(right)}" + (f", until {until}" if until else "")
    for name in (who, short):
        values = f"{name(left)}: {value(left)} / {name(right)}: {value(right)}"
        if cells(values) <= width:
            return values
    layers = f"{_where(left)} / {_where(right)}"
    return layers if cells(layers) <= width else f"{short(left)} / {short(right)}"


def short(side: Side) -> str:
    """A side by its layer where its writer is not known."""
    return person(side.writer) if side.writer else side.layer


def _where(side: Side) -> str:
    """A side with its layer."""
    return f"{who(side)} ({side.layer})" if side.writer else who(side)


def _decided(conflict: Conflict) -> str:
    took = {
        "left": f"took {short(conflict.left)} over {short(conflict.right)}",
        "right": f"took {short(conflict.right)} over {short(conflict.left)}",
        "base": "took the base",
        "both": "took both",
    }.get(conflict.decision, "took another value")
    if conflict.strategy:
        return f"{took} by {conflict.strategy}"
    # `z` goes by what the person at the screen did, and by nobody else's decisions.
    mine = conflict.decided_by in ("", OPERATOR)
    return f"{took}; z undoes" if mine else f"{took}, by {person(conflict.decided_by)}"


def _until(at: float, now: float) -> str:
    if not at:
        return ""
    if at - now > _DAY_S:
        return f"in {int((at - now) // _DAY_S) + 1} days"
    return clock(at) if clock(at) > clock(now) else "tomorrow"


def who(side: Side) -> str:
    """Who wrote a side."""
    return person(side.writer) if side.writer else f"{side.layer}, writer unknown"


def value(side: Side) -> str:
    """A side's value on one line."""
    return shown(side.value, present=side.present)


def shown(value: Json, *, present: bool = True) -> str:
    """A value on one line: text as it is, everything else as JSON."""
    if not present:
        return "(absent)"
    if isinstance(value, str):
        return clean(value) or "(empty)"
    return clean(json.dumps(value, ensure_ascii=False, sort_keys=True))


def title(snapshot: Snapshot) -> str:
    """The right end of the list's title: what waits, how long when that is long, what did not."""
    words = [
        f"{count} {state.value}"
        for state in (ConflictState.OPEN, ConflictState.DEFERRED)
        if (count := sum(one.state is state for one in snapshot.conflicts))
    ]
    opened = [one.opened_at for one in snapshot.conflicts if needs_you(one)]
    if opened and snapshot.at - min(opened) >= _LONG_S:
        words[0] += f", the oldest {coarse(snapshot.at - min(opened)).strip()}"
    if snapshot.merged_today:
        words.append(f"{snapshot.merged_today} merged by themselves today")
    if snapshot.ruled_today:
        words.append(f"{snapshot.ruled_today} by rule")
    return " · ".join(words)


def summary(conflicts: Sequence[Conflict], width: int) -> Line:
    """The list as one line, where there is no room for rows."""
    waiting = [one for one in ordered(conflicts) if needs_you(one)]
    if not waiting:
        later = sum(one.state is ConflictState.DEFERRED for one in conflicts)
        return ((f"none open, {later} deferred" if later else "none open", "dim"),)
    count: Line = ((f"◆ {len(waiting)} open", "waiting"),)
    named: list[Line] = [((f"{one.id} {place(one)}", "text"),) for one in waiting]
    return spread([count, *named], width)
