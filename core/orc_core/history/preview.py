"""What going back would do, in lines for people.

Invariant: a preview has three lists: what comes back, what stays, what cannot be taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from orc_core.model.history import FieldChange, Plan, Standing, Step
from orc_core.sync.paths import MISSING
from orc_core.sync.wording import place, word
from orc_core.text import clean
from orc_storage.records import Json

NOT_TOUCHED: Final = "files in the work tree are not touched"
WORKERS: Final = "whoever works on it goes on"
LIVE: Final = "where agents are and what they do now"
MESSAGES: Final = "messages already sent to agents"
BACK: Final = "comes back whole: it was deleted"
GONE: Final = "is deleted: it was not there then"
SPANS_MAX: Final = 3
"""How many documents are named with the revisions that stay in their histories."""
LINES_MAX: Final = 200
"""How many lines one list of a preview has; the rest is counted."""


def line(change: FieldChange) -> str:
    """Say one change: `title: Cart -> Basket`."""
    if not change.path:
        return GONE
    path = clean(change.path, limit=80)
    if lines := _lines_changed(change.before, change.after):
        return f"{path}: {lines}"
    before = word(change.before if change.before_present else MISSING)
    after = word(change.after if change.after_present else MISSING)
    return f"{path}: {before} -> {after}"


def make_plan(
    label: str,
    action: str,
    steps: Iterable[Step],
    *,
    stays: Sequence[str] = (),
    checkpoint: str = "",
    act: int = 0,
) -> Plan:
    """Plan steps together; `stays` are further lines of what is left as it is."""
    planned = tuple(step for step in steps if step.diff or step.standing)
    kept = [f"in its history: {span}" for step in planned if (span := _span(step))]
    if len(kept) > SPANS_MAX:
        kept = [f"in their histories: every later revision of {len(kept)} documents"]
    return Plan(
        label=label,
        action=action,
        steps=planned,
        returns=_bounded(_returns(planned)),
        stays=_bounded((NOT_TOUCHED, *_undecided(planned), *stays, *kept, WORKERS)),
        lost=(MESSAGES,),
        checkpoint=checkpoint,
        act=act,
    )


def standing_line(id: str, one: Standing) -> str:
    """Say what does not go back by itself, and why."""
    if one.path:
        done = f"changed to {word(one.now if one.now_present else MISSING)}"
    else:
        done = "edited" if one.now_present else "deleted"
    return f"{place(id, one.path)} was {done} by {one.by} at revision {one.rev} since"


def _lines_changed(before: Json, after: Json) -> str:
    """Count the lines of a long text that go and come; "" where it is no long text."""
    if not (isinstance(before, str) and isinstance(after, str)):
        return ""
    if "\n" not in before or "\n" not in after:
        return ""
    now, then = Counter(before.split("\n")), Counter(after.split("\n"))
    back, gone = (then - now).total(), (now - then).total()
    return f"{_count(back)} back, {_count(gone)} gone" if back + gone else ""


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


def _returns(steps: Sequence[Step]) -> Iterable[str]:
    for step in steps:
        of = "" if len(steps) == 1 else f"{step.id} "
        if any(change.path == "id" and not change.before_present for change in step.diff):
            yield f"{step.id} {BACK}"
            continue
        for change in step.diff:
            yield f"{of}{line(change)}" if change.path else f"{step.id} {GONE}"


def _undecided(steps: Sequence[Step]) -> Iterable[str]:
    for step in steps:
        for one in step.standing:
            yield f"{standing_line(step.id, one)}: a conflict for you to decide"


def _span(step: Step) -> str:
    first, last = step.to_rev + 1, step.from_rev
    if not step.to_rev or first > last:
        return ""
    span = f"revision {last}" if first == last else f"revisions {first} to {last}"
    return f"{span} of {step.id}"


def _bounded(lines: Iterable[str]) -> tuple[str, ...]:
    found = tuple(lines)
    if len(found) <= LINES_MAX:
        return found
    return (*found[: LINES_MAX - 1], f"and {len(found) - LINES_MAX + 1} more")
