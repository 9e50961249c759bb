"""Signals: what a pane, its title and its screen say of an agent, each on its own.

Invariant: pure: everything looked at is an argument. A signal names the rule
that made it and the piece of text that matched, and says when that was last seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from orc_core.agents.limits import reset_at
from orc_core.agents.patterns import found
from orc_core.agents.prompts import Layout, find_layout
from orc_core.agents.rules import BOTTOM_LINES, TAIL_LINES, Kind, RulePart, RuleSet
from orc_core.model.agent import Evidence, Signal, Source, State
from orc_core.text import clean

if TYPE_CHECKING:
    from orc_core.tmux.watcher import PaneInfo

TEXT_MAX: Final = 120
INPUT_LINES: Final = 6
"""How many non-empty lines from the bottom the input line may be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at an agent gave.

    `held_by` is the rule that says that the screen shows a view over the conversation. `until`
    is when time alone will change it, in epoch seconds.
    """

    signals: tuple[Signal, ...]
    held_by: str = ""
    until: float = float("inf")

    @property
    def hold(self) -> bool:
        """Whether the screen shows a view over the conversation."""
        return bool(self.held_by)


def signals(
    rules: RuleSet,
    kind: str,
    info: PaneInfo,
    lines: Sequence[str],
    now: float,
    *,
    title_at: float | None = None,
    screen_at: float | None = None,
    limited_since: float | None = None,
) -> Reading:
    """What the pane's title and screen say of an agent of that kind; see `read`."""
    known = rules.kind(kind)
    if known is None:
        return Reading(())
    return read(
        known,
        info.title,
        lines,
        now,
        title_at=title_at,
        screen_at=screen_at,
        limited_since=limited_since,
    )


def read(
    kind: Kind,
    title: str,
    lines: Sequence[str],
    now: float,
    *,
    title_at: float | None = None,
    screen_at: float | None = None,
    limited_since: float | None = None,
) -> Reading:
    """What a title and a screen say, strongest first.

    A prompt at the very bottom is stronger than any rule but one that holds.

    `title_at` is when the title last changed and `screen_at` when the screen was last read, in
    epoch seconds; by default both are new. `limited_since` is when a limit was first announced,
    where that was before: its time counts from then.
    """
    made: list[Signal] = []
    told = _first(kind, "title", {"title": _Region(kind.matched, (title,))})
    until = float("inf")
    if told is not None:
        at = now if title_at is None else title_at
        made.append(_signal(*told, Source.TITLE, at, now))
        if told[1].expires_s > 0 and not made[0].expired:
            until = at + told[1].expires_s
    at = now if screen_at is None else screen_at
    shown, held_by, expires_s = _of_screen(kind, lines, at, now, limited_since)
    if shown is not None:
        made.append(shown)
        if expires_s > 0 and not shown.expired:
            until = min(until, at + expires_s)
    return Reading(tuple(made), held_by, until)


def states(kind: Kind, lines: Sequence[str]) -> tuple[State, ...]:
    """The state that the screen alone tells, if any."""
    shown, _, _ = _of_screen(kind, lines, 0.0, 0.0, None)
    return (shown.state,) if shown is not None else ()


def _of_screen(
    kind: Kind, lines: Sequence[str], at: float, now: float, limited_since: float | None
) -> tuple[Signal | None, str, float]:
    """What the screen says, or the rule by which it shows a view over the conversation.

    With it for how many seconds it is believed while the screen stands still, 0 for the table's.
    """
    layout = find_layout(kind, lines)
    screen = _first(kind, "screen", _regions(kind, lines, layout))
    if screen is not None and screen[1].hold:
        return None, f"{kind.id}/{screen[1].id}", 0.0
    if layout is not None:
        asked = next((line for line in reversed(layout.body) if line.strip()), "")
        evidence = Evidence(Source.SCREEN, f"{kind.id}/{layout.part.id}", at, short(asked))
        part = layout.part
        signal = Signal(evidence, State.WAITING, part.waiting, substate=part.substate)
        return signal, "", 0.0
    if screen is None:
        return None, "", 0.0
    signal = _signal(*screen, Source.SCREEN, at, now, limited_since)
    return signal, "", screen[1].expires_s


def activity(kind: Kind, lines: Sequence[str]) -> str:
    """What the agent did last since it was told something, e.g. `Bash  npm test`, or ""."""
    told = _told_at(kind, lines)
    return _latest(kind, kind.reads.activity, lines if told is None else lines[told + 1 :])


def last_prompt(kind: Kind, lines: Sequence[str]) -> str:
    """What the agent was told last, as far as the screen still shows it."""
    at = _told_at(kind, lines)
    return _latest(kind, kind.reads.last_prompt, lines[at : at + 1]) if at is not None else ""


def input_at(kind: Kind, lines: Sequence[str]) -> int | None:
    """Which line is the agent's input line, or None where no such line is seen."""
    return _input_at(kind.told, kind.reads.input, lines)


def _input_at(
    told: Callable[[str], frozenset[str]], inputs: Sequence[str], lines: Sequence[str]
) -> int | None:
    seen = 0
    for at in range(len(lines) - 1, -1, -1):
        if seen == INPUT_LINES:
            break
        hits = told(lines[at])
        if hits and not hits.isdisjoint(inputs):
            return at
        seen += bool(lines[at].strip())
    return None


def input_text(kind: Kind, lines: Sequence[str]) -> str | None:
    """What stands in the agent's input line, or None where no such line is seen."""
    at = input_at(kind, lines)
    if at is None:
        return None
    hits = (found(pattern, lines[at]) for pattern in kind.reads.input)
    match = next(hit for hit in hits if hit is not None)
    return str(match.groupdict().get("text") or "").strip()


def _told_at(kind: Kind, lines: Sequence[str]) -> int | None:
    """The line of the last thing that the agent was told, above its input line."""
    return _last_told(kind.told, *map(tuple, (kind.reads.last_prompt, kind.reads.input, lines)))


@lru_cache(maxsize=4)
def _last_told(
    told: Callable[[str], frozenset[str]],
    prompts: tuple[str, ...],
    inputs: tuple[str, ...],
    lines: tuple[str, ...],
) -> int | None:
    """The same; one reading of a screen asks for it several times."""
    end = _input_at(told, inputs, lines)
    for at in range((len(lines) if end is None else end) - 1, -1, -1):
        hits = told(lines[at])
        if hits and not hits.isdisjoint(prompts):
            return at
    return None


class _Region:
    """Lines, and which patterns match each of them; looked at when a rule first asks."""

    def __init__(self, matched: Callable[[str], frozenset[str]], lines: Sequence[str]) -> None:
        self.lines = lines
        self._matched = matched

    @cached_property
    def hits(self) -> list[frozenset[str]]:
        return [self._matched(line) for line in self.lines]

    @cached_property
    def here(self) -> frozenset[str]:
        """Every pattern that matches some line."""
        return frozenset().union(*self.hits)


def _regions(kind: Kind, lines: Sequence[str], layout: Layout | None) -> dict[str, _Region]:
    told = _told_at(kind, lines)
    parts = {
        "turn": tail(lines if told is None else lines[told + 1 :], BOTTOM_LINES),
        "bottom": tail(lines, BOTTOM_LINES),
        "tail": tail(lines, TAIL_LINES),
        "last": tail(lines, 1),
        "prompt": layout.block if layout is not None else (),
    }
    regions = {name: _Region(kind.matched, part) for name, part in parts.items()}
    return regions | {"screen": _Region(kind.told, lines)}


def tail(lines: Sequence[str], count: int) -> list[str]:
    """The last non-empty lines, top to bottom."""
    kept: list[str] = []
    for line in reversed(lines):
        if line.strip():
            kept.append(line)
            if len(kept) == count:
                break
    return kept[::-1]


def _first(
    kind: Kind, source: str, regions: dict[str, _Region]
) -> tuple[Kind, RulePart, Sequence[str], str] | None:
    """The strongest rule of a source that matches, with its lines and the one that matched."""
    for rule in kind.rules:
        if rule.source != source:
            continue
        region = regions[rule.region]
        hit = _match(rule, region)
        if hit is not None:
            return kind, rule, region.lines, hit
    return None


def _match(rule: RulePart, region: _Region) -> str | None:
    """The lowest line that one of a rule's patterns matched, or None."""
    here = region.here
    told = rule.any or rule.all
    if here.isdisjoint(told) or not here.issuperset(rule.all) or not here.isdisjoint(rule.not_):
        return None
    for line, hits in zip(reversed(region.lines), reversed(region.hits), strict=True):
        if hits and not hits.isdisjoint(told):
            return line
    return None


def _signal(
    kind: Kind,
    rule: RulePart,
    lines: Sequence[str],
    hit: str,
    source: Source,
    at: float,
    now: float,
    limited_since: float | None = None,
) -> Signal:
    does = _does(rule, lines)
    resets_at = 0.0
    if rule.state is State.LIMITED:
        does = does or hit.strip()
        resets_at = reset_at(does, limited_since or at) or 0.0
    return Signal(
        evidence=Evidence(source, f"{kind.id}/{rule.id}", at, short(hit)),
        state=rule.state,
        waiting=rule.waiting,
        does=short(does),
        expired=rule.expires_s > 0 and now - at > rule.expires_s,
        attended=rule.attended,
        substate=rule.substate,
        resets_at=resets_at,
    )


def _does(rule: RulePart, lines: Sequence[str]) -> str:
    if rule.does is None:
        return ""
    hit = next((match for line in reversed(lines) if (match := found(rule.does, line))), None)
    return str(hit["does"] or "") if hit else ""


def _latest(kind: Kind, patterns: Sequence[str], lines: Sequence[str]) -> str:
    for match in _upwards(kind, patterns, lines):
        groups = match.groupdict()
        words = [str(groups.get(name) or "").strip() for name in ("tool", "does")]
        said = "  ".join(word for word in words if word)
        if said:
            return short(said)
    return ""


def _upwards(kind: Kind, patterns: Sequence[str], lines: Sequence[str]) -> Iterator[re.Match[str]]:
    for line in reversed(lines):
        hits = kind.told(line)
        for pattern in patterns:
            match = found(pattern, line) if pattern in hits else None
            if match is not None:
                yield match


def short(text: str) -> str:
    """A clean piece of a line that is no longer than evidence may be."""
    return clean(text, limit=TEXT_MAX).strip()
