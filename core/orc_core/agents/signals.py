"""Signals: what a pane, its title and its screen say of an agent, each on its own.

Invariant: pure: everything looked at is an argument. A signal names the rule
that made it and the piece of text that matched, and says when that was last seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from orc_core.agents.limits import reset_at
from orc_core.agents.patterns import found
from orc_core.agents.prompts import Layout, find_layout
from orc_core.agents.rule_parts import RulePart
from orc_core.agents.rules import BLANK, BOTTOM_LINES, TAIL_LINES, Kind, RuleSet, Wanted, is_blank
from orc_core.agents.sieve import Hits
from orc_core.model.agent import Evidence, Signal, Source, State
from orc_core.text import clean

if TYPE_CHECKING:
    from orc_core.tmux.watcher import PaneInfo

TEXT_MAX: Final = 120
_NONE: Final[frozenset[str]] = frozenset()
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
    last_prompt: str = ""
    """What the agent was told last, as far as the screen shows it."""
    activity: str = ""
    """What it did last since then, e.g. `Bash  npm test`."""
    layout: Layout | None = None
    """The prompt at the bottom of the screen."""

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
    told = _first(kind.told_by["title"], _Regions(_page_of(kind, (title,)), None))
    until = float("inf")
    if told is not None:
        at = now if title_at is None else title_at
        made.append(_signal(kind, *told, Source.TITLE, at, now))
        if told[0].expires_s > 0 and not made[0].expired:
            until = at + told[0].expires_s
    at = now if screen_at is None else screen_at
    page = _page(kind, lines)
    layout = find_layout(kind, lines, page.here)
    shown, held_by, expires_s = _of_screen(page, layout, at, now, limited_since)
    if shown is not None:
        made.append(shown)
        if expires_s > 0 and not shown.expired:
            until = min(until, at + expires_s)
    if held_by:
        return Reading(tuple(made), held_by, until, layout=layout)
    return Reading(tuple(made), "", until, _last_prompt(page), _activity(page), layout)


def states(kind: Kind, lines: Sequence[str]) -> tuple[State, ...]:
    """The state that the screen alone tells, if any."""
    page = _page(kind, lines)
    shown, _, _ = _of_screen(page, find_layout(kind, lines, page.here), 0.0, 0.0, None)
    return (shown.state,) if shown is not None else ()


def activity(kind: Kind, lines: Sequence[str]) -> str:
    """What the agent did last since it was told something, e.g. `Bash  npm test`, or ""."""
    return _activity(_page(kind, lines))


def last_prompt(kind: Kind, lines: Sequence[str]) -> str:
    """What the agent was told last, as far as the screen still shows it."""
    return _last_prompt(_page(kind, lines))


def input_at(kind: Kind, lines: Sequence[str]) -> int | None:
    """Which line is the agent's input line, or None where no such line is seen."""
    return _input_at(kind, lines, kind.sieve.lines(lines))


def input_text(kind: Kind, lines: Sequence[str]) -> str | None:
    """What stands in the agent's input line, or None where no such line is seen."""
    at = input_at(kind, lines)
    if at is None:
        return None
    hits = (found(pattern, lines[at]) for pattern in kind.reads.input)
    match = next(hit for hit in hits if hit is not None)
    return str(match.groupdict().get("text") or "").strip()


@dataclass(frozen=True, slots=True)
class _Page:
    """A screen, which patterns match each of its lines, and where the agent was told last."""

    kind: Kind
    lines: Sequence[str]
    hits: Hits
    here: frozenset[str]
    told_at: int | None


def _page(kind: Kind, lines: Sequence[str]) -> _Page:
    page = _page_of(kind, lines)
    prompts = kind.reads.last_prompt
    if page.here.isdisjoint(prompts):
        return page
    end = _input_at(kind, lines, page.hits)
    for at in range((len(lines) if end is None else end) - 1, -1, -1):
        if not page.hits[at].isdisjoint(prompts):
            return replace(page, told_at=at)
    return page


def _page_of(kind: Kind, lines: Sequence[str]) -> _Page:
    hits = kind.sieve.lines(lines)
    return _Page(kind, lines, hits, _NONE.union(*hits), None)


def _input_at(kind: Kind, lines: Sequence[str], hits: Hits) -> int | None:
    seen = 0
    for at in range(len(lines) - 1, -1, -1):
        if seen == INPUT_LINES:
            break
        if not hits[at].isdisjoint(kind.reads.input):
            return at
        seen += bool(lines[at].strip())
    return None


def _activity(page: _Page) -> str:
    since = 0 if page.told_at is None else page.told_at + 1
    return _latest(page, page.kind.reads.activity, range(len(page.lines) - 1, since - 1, -1))


def _last_prompt(page: _Page) -> str:
    at = page.told_at
    return _latest(page, page.kind.reads.last_prompt, (at,)) if at is not None else ""


def _of_screen(
    page: _Page, layout: Layout | None, at: float, now: float, limited_since: float | None
) -> tuple[Signal | None, str, float]:
    """What the screen says, or the rule by which it shows a view over the conversation.

    With it for how many seconds it is believed while the screen stands still, 0 for the table's.
    """
    kind = page.kind
    screen = _first(kind.told_by["screen"], _Regions(page, layout))
    if screen is not None and screen[0].hold:
        return None, f"{kind.id}/{screen[0].id}", 0.0
    if layout is not None:
        asked = next((line for line in reversed(layout.body) if line.strip()), "")
        evidence = Evidence(Source.SCREEN, f"{kind.id}/{layout.part.id}", at, short(asked))
        part = layout.part
        signal = Signal(evidence, State.WAITING, part.waiting, substate=part.substate)
        return signal, "", 0.0
    if screen is None:
        return None, "", 0.0
    signal = _signal(kind, *screen, Source.SCREEN, at, now, limited_since)
    return signal, "", screen[0].expires_s


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines from `start` on, where patterns match some of them, and which patterns do."""

    lines: Sequence[str]
    start: int
    hits: Hits
    here: frozenset[str]


def _region(lines: Sequence[str], hits: Hits, start: int = 0) -> _Region:
    return _Region(lines, start, hits, _NONE.union(*(hits[start:] if start else hits)))


class _Regions:
    """The parts of a screen by their names, made when a rule asks for one."""

    def __init__(self, page: _Page, layout: Layout | None) -> None:
        self.here = page.here
        """What matches anywhere on the screen."""
        self._page = page
        self._layout = layout
        whole = _Region(page.lines, 0, page.hits, page.here)
        self._made: dict[str, _Region] = {"screen": whole, "title": whole}
        self._starts: list[int] = []
        self._filled: Hits = []

    def with_any(self, patterns: frozenset[str], name: str) -> _Region | None:
        """The region of that name, if one of the patterns matches there."""
        region = self._made.get(name)
        if region is None:
            region = self._made[name] = self._make(name)
        return None if region.here.isdisjoint(patterns) else region

    def _make(self, name: str) -> _Region:
        page = self._page
        if name == "prompt":
            block = self._layout.block if self._layout is not None else ()
            return _region(block, page.kind.sieve.lines(block))
        if not self._starts:
            self._starts = _starts(page.hits, (1, TAIL_LINES, BOTTOM_LINES))
            self._filled = [_NONE if BLANK in hits else hits for hits in page.hits]
        last, tail, bottom = self._starts
        turn = bottom if page.told_at is None else max(bottom, page.told_at + 1)
        starts = {"last": last, "tail": tail, "bottom": bottom, "turn": turn}
        return _region(page.lines, self._filled, starts[name])


def _starts(hits: Hits, counts: Sequence[int]) -> list[int]:
    """Where so many lines that are not blank begin at the end, for each count in rising order."""
    starts: list[int] = []
    seen = 0
    for at in range(len(hits) - 1, -1, -1):
        if BLANK not in hits[at]:
            seen += 1
            if seen == counts[len(starts)]:
                starts.append(at)
                if len(starts) == len(counts):
                    return starts
    return starts + [0] * (len(counts) - len(starts))


def tail(lines: Sequence[str], count: int) -> list[str]:
    """The last non-empty lines, top to bottom; a bar to scroll by is nothing on a line."""
    kept: list[str] = []
    for line in reversed(lines):
        if not is_blank(line):
            kept.append(line)
            if len(kept) == count:
                break
    return kept[::-1]


def _first(rules: Sequence[Wanted], regions: _Regions) -> tuple[RulePart, _Region, str] | None:
    """The strongest of the rules that matches, with its region and the line that matched."""
    here = regions.here
    for wanted in rules:
        # A prompt is read without the box around it, where other patterns match.
        if here.isdisjoint(wanted.told) and wanted.region != "prompt":
            continue
        region = regions.with_any(wanted.told, wanted.region)
        if region is None:
            continue
        if wanted.all <= region.here and region.here.isdisjoint(wanted.not_):
            return wanted.rule, region, _lowest(wanted.told, region)
    return None


def _lowest(told: frozenset[str], region: _Region) -> str:
    """The lowest line that one of the patterns matches; some line there does."""
    places = range(len(region.lines) - 1, region.start - 1, -1)
    return next(region.lines[at] for at in places if not region.hits[at].isdisjoint(told))


def _signal(
    kind: Kind,
    rule: RulePart,
    region: _Region,
    hit: str,
    source: Source,
    at: float,
    now: float,
    limited_since: float | None = None,
) -> Signal:
    does = _does(rule, region)
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


def _does(rule: RulePart, region: _Region) -> str:
    """What the lowest line says of which the rule makes words."""
    if rule.does is None or rule.does not in region.here:
        return ""
    for at in range(len(region.lines) - 1, region.start - 1, -1):
        if rule.does in region.hits[at] and BLANK not in region.hits[at]:
            hit = found(rule.does, region.lines[at])
            return str(hit["does"] or "") if hit else ""
    return ""


def _latest(page: _Page, patterns: Sequence[str], places: Iterable[int]) -> str:
    """What the first of these lines says to which one of the patterns gives words."""
    for at in places:
        hits = page.hits[at]
        if hits.isdisjoint(patterns):
            continue
        for pattern in patterns:
            match = found(pattern, page.lines[at]) if pattern in hits else None
            said = _words(match) if match is not None else ""
            if said:
                return short(said)
    return ""


def _words(match: re.Match[str]) -> str:
    groups = match.groupdict()
    words = [str(groups.get(name) or "").strip() for name in ("tool", "does")]
    return "  ".join(word for word in words if word)


def short(text: str) -> str:
    """A clean piece of a line that is no longer than evidence may be."""
    return clean(text, limit=TEXT_MAX).strip()
