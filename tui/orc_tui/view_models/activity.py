"""What an agent did: the lines of the tabs History and Figures.

Invariant: a figure names what it counts and since when; where nothing told there is a line that
says so, and no zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from time import localtime, strftime
from typing import Final

from orc_core.model.activity import Activity, Deed
from orc_core.model.agent import Agent, State
from orc_core.text import age, clean, fit
from orc_storage.records import StateChange
from orc_tui.view_models import agents, glyphs
from orc_tui.view_models.lines import BLANK, Line, cut, ends, wrap
from orc_tui.view_models.spans import clock
from orc_tui.view_models.why import field

_STATE: Final = 10
_LASTED: Final = 6
_BAR_MAX: Final = 24
_NAME: Final = 12
_PROMPT_LINES_MAX: Final = 3
_ACTIVE: Final = frozenset({State.WORKING.value, State.STARTING.value})
_KNOWN: Final = frozenset(State)

ASKED: Final = "asking what it did"
"""What stands there until the core has told."""


def history_lines(
    agent: Agent, told: Activity | None, now: float, width: int, home: str
) -> list[Line]:
    """The states of an agent and the prompts it was given, newest first, then its files."""
    if told is None or told.key != agent.key:
        return [((ASKED, "dim"),)]
    lines: list[Line] = []
    past = sorted(_past(told, now, width), key=lambda one: -one[0])
    for day, rows in groupby(past, key=lambda one: _day(one[0], now)):
        if day:
            lines += [BLANK, ((day, "text bold"),)]
        lines += [line for _, shown in rows for line in shown]
    if not lines:
        lines.append((("no state of it was written down yet", "dim"),))
    deeds = told.deeds
    if deeds is not None and deeds.files:
        lines += [BLANK, (("files it was at", "text bold"),)]
        lines += [_file(one, agent.cwd, home, width) for one in reversed(deeds.files)]
    if deeds is None:
        lines.append(BLANK)
        hint = f"Prompts and files are told by hooks: `orc hooks install {agent.kind}`."
        lines += [((row, "dim"),) for row in wrap(hint, width)]
    return lines


def _past(told: Activity, now: float, width: int) -> Iterator[tuple[float, list[Line]]]:
    """Each state and each prompt with when it was."""
    ends_at = [now, *(one.at for one in told.states)]
    for change, until in zip(told.states, ends_at, strict=False):
        yield change.at, [_change(change, until - change.at, width)]
    for deed in told.deeds.prompts if told.deeds is not None else ():
        yield deed.at, _prompt(deed, width)


def _change(change: StateChange, lasted_s: float, width: int) -> Line:
    head, _, why = clean(change.evidence, limit=300).partition(": ")
    source, _, rule = head.partition(" ")
    sign, ink = glyphs.STATES[State(change.state)] if change.state in _KNOWN else ("?", "dim")
    left: Line = (
        (f"{clock(change.at)}  ", "dim"),
        (fit(f"{sign} {change.state}", _STATE), ink),
        (f"{age(lasted_s):>{_LASTED}}  ", "text"),
        (why, "text"),
    )
    room = width - 7 - _STATE - _LASTED - 4 - len(why)
    right = f"{source} {rule}" if len(source) + 1 + len(rule) <= room else source
    return ends(left, ((right, "dim"),), width)


def _prompt(deed: Deed, width: int) -> list[Line]:
    rows = wrap(f"“{deed.text}”", max(width - 9, 1))
    if len(rows) > _PROMPT_LINES_MAX:
        last = fit(" ".join(rows[_PROMPT_LINES_MAX - 1 :]), max(width - 9, 1))
        rows = [*rows[: _PROMPT_LINES_MAX - 1], last]
    first: Line = ((f"{clock(deed.at)}  ", "dim"), ("❯ ", "accent"), (rows[0], "text"))
    return [first, *((("         ", "dim"), (row, "text")) for row in rows[1:])]


def _file(deed: Deed, cwd: str, home: str, width: int) -> Line:
    path = deed.text.removeprefix(cwd.rstrip("/") + "/") if cwd else deed.text
    if home and path.startswith(home.rstrip("/") + "/"):
        path = "~" + path[len(home.rstrip("/")) :]
    return cut(((f"{clock(deed.at)}  ", "dim"), (path, "text")), width)


def _day(at: float, now: float) -> str:
    """The day of a time, "" for today."""
    same = localtime(at)[:3] == localtime(now)[:3]
    return "" if same else strftime("%a %d %b", localtime(at))


def figure_lines(agent: Agent, told: Activity | None, width: int) -> list[Line]:
    """What an agent used and how its day was: time in each state, prompts, errors, output."""
    lines = _used(agent, width)
    if told is None or told.key != agent.key:
        return [*lines, ((ASKED, "dim"),)]
    lines += _times(told, width)
    lines += [BLANK, (("what it did", "text bold"),)]
    if told.today.uptime_s is not None:
        lines.append(field("runs for", f"{age(told.today.uptime_s):>6}"))
    lines += _counts(told)
    return lines


def _used(agent: Agent, width: int) -> list[Line]:
    used = agent.usage
    lines: list[Line] = []
    if used.context is not None:
        share = agents.context_share(agent)
        bar = _bar(used.context, min(_BAR_MAX, width - _NAME - 8))
        lines.append(((fit("context", _NAME), "dim"), (f"{share:>6}  ", "text"), *bar))
    facts = (
        ("cost", f"{used.cost_usd:.2f} USD" if used.cost_usd is not None else ""),
        ("tokens", f"{used.tokens:,}" if used.tokens is not None else ""),
        ("model", used.model),
        ("account", used.account),
        ("told", f"at {clock(used.at)}" if used.at else ""),
    )
    lines += [field(name, value) for name, value in facts if value]
    if not lines:
        hint = f"Nothing tells what {agent.name} uses: docs/hooks.md says for which agents it can."
        lines += [((row, "dim"),) for row in wrap(hint, width)]
    return [(("what it uses", "text bold"),), *lines, BLANK]


def _times(told: Activity, width: int) -> list[Line]:
    """How long it was in each state today, the longest first."""
    today = told.today
    lines: list[Line] = [(("today", "text bold"),)]
    if today.span_s < 1.0:
        return [*lines, (("no state of it was written down today", "dim"),)]
    active_s = sum(spent for state, spent in today.by_state.items() if state in _ACTIVE)
    lines.append(field("active", f"{age(active_s):>6}  of {age(today.span_s)} that were seen"))
    for state, spent_s in sorted(today.by_state.items(), key=lambda one: -one[1]):
        sign, ink = glyphs.STATES[State(state)] if state in _KNOWN else ("?", "dim")
        name: Line = ((f"{sign} ", ink), (fit(state, _NAME - 2), "text"))
        bar = _bar(spent_s / today.span_s, min(_BAR_MAX, width - _NAME - 8))
        lines.append((*name, (f"{age(spent_s):>6}  ", "text"), *bar))
    return lines


def _bar(share: float, width: int) -> Line:
    """A bar of `width` cells that is full at 1.0; what is more than nothing is seen."""
    filled = min(max(round(share * width), 1 if share > 0 else 0), width)
    return (("━" * filled, "text"), ("─" * (width - filled), "border"))


def _counts(told: Activity) -> Iterator[Line]:
    today, deeds, sight = told.today, told.deeds, told.sight
    if deeds is not None:
        since = f"since {clock(deeds.since)}"
        yield field("prompts", f"{deeds.prompted:>6,}  {since}, by its hooks")
        yield field("tool calls", f"{deeds.calls:>6,}")
        yield field("failures", f"{deeds.failures:>6,}")
    yield field("states", f"{today.changes:>6,}  changes today{_errors(told)}")
    yield field("crashes", f"{today.crashes:>6,}  today")
    yield field("restarts", f"{today.restarts:>6,}  today")
    if sight.since:
        seen = f"{sight.screens:>6,}  since {clock(sight.since)}, {sight.lines:,} lines of it"
        yield field("new screens", seen)


def _errors(told: Activity) -> str:
    """How many of the states of today were errors."""
    errors = sum(one.state == State.ERROR for one in told.states[: told.today.changes])
    return f", {errors:,} of them errors" if errors else ""
