"""Screens are read as if every rule looked at every line of its region, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.agents import signals
from orc_core.agents.patterns import found
from orc_core.agents.prompts import find_layout
from orc_core.agents.rule_parts import RulePart
from orc_core.agents.rules import BOTTOM_LINES, TAIL_LINES, Kind, load
from orc_core.agents.signals import INPUT_LINES, tail

CORPUS: Final = Path(__file__).parents[2] / "corpus"
KINDS: Final = load().kinds
SCREENS: Final = [path.read_text("utf-8").splitlines() for path in CORPUS.glob("*/*.txt")]
LINES: Final = sorted({line for screen in SCREENS for line in screen})

pieces = st.one_of(
    st.sampled_from(LINES).map(lambda line: [line]),
    st.sampled_from(SCREENS).flatmap(
        lambda screen: st.tuples(st.integers(0, len(screen)), st.integers(1, 14)).map(
            lambda cut: screen[cut[0] : sum(cut)]
        )
    ),
    st.just(["", ""]),
    st.sampled_from(SCREENS),
)
screens = st.lists(pieces, min_size=1, max_size=5).map(
    lambda some: tuple(line.rstrip() for piece in some for line in piece)
)


def hit(patterns: Sequence[str], line: str) -> bool:
    return any(found(pattern, line) for pattern in patterns)


def told_at(kind: Kind, lines: Sequence[str]) -> int | None:
    """Where the agent was told something last, above its input line."""
    end, seen = len(lines), 0
    for at in reversed(range(len(lines))):
        if seen == INPUT_LINES:
            break
        if hit(kind.reads.input, lines[at]):
            end = at
            break
        seen += bool(lines[at].strip())
    return next((at for at in reversed(range(end)) if hit(kind.reads.last_prompt, lines[at])), None)


def plainly(kind: Kind, lines: Sequence[str]) -> tuple[str, str] | None:
    """The first rule that matches, and the lowest line that it names."""
    at, layout = told_at(kind, lines), find_layout(kind, lines)
    regions = {
        "screen": lines,
        "bottom": tail(lines, BOTTOM_LINES),
        "turn": tail(lines if at is None else lines[at + 1 :], BOTTOM_LINES),
        "tail": tail(lines, TAIL_LINES),
        "last": tail(lines, 1),
        "prompt": layout.block if layout is not None else (),
    }
    for rule in kind.rules:
        if rule.source == "screen" and (line := matches(rule, regions[rule.region])) is not None:
            return rule.id, line
    return None


def matches(rule: RulePart, region: Sequence[str]) -> str | None:
    if any(hit(rule.not_, line) for line in region):
        return None
    if not all(any(found(pattern, line) for line in region) for pattern in rule.all):
        return None
    told = rule.any or rule.all
    return next((line for line in reversed(region) if hit(told, line)), None)


def read_so(kind: Kind, lines: tuple[str, ...]) -> None:
    """Both ways tell the same rule and line."""
    page, layout = signals._page(kind, lines), find_layout(kind, lines)
    told = signals._first(kind.told_by["screen"], signals._Regions(page, layout))
    assert (told and (told[0].id, told[2])) == plainly(kind, lines)
    assert page.told_at == told_at(kind, lines)


@given(st.sampled_from(KINDS), screens)
def test_any_mix_of_lines_is_read_as_if_all_were_searched(
    kind: Kind, lines: tuple[str, ...]
) -> None:
    read_so(kind, lines)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_every_screen_of_an_agent_is_read_so(kind: Kind) -> None:
    for path in CORPUS.glob(f"{kind.id}/*.txt"):
        read_so(kind, tuple(path.read_text("utf-8").splitlines()))


def test_a_blank_line_is_no_part_of_the_bottom(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        '[agent]\nid = "mine"\nlabel = "Mine"\n[[rule]]\nid = "blank"\nsource = "screen"\n'
        'region = "bottom"\nany = [\'^\\s*$\']\nstate = "idle"\n'
    )
    mine = load([tmp_path]).kind("mine")
    assert mine is not None
    assert signals.read(mine, "", ("a", "", "b"), 1.0).signals == ()
    rule = replace(mine.told_by["screen"][0], region="screen")
    anywhere = replace(mine, told_by={"title": (), "screen": (rule,)})
    assert signals.read(anywhere, "", ("a", "", "b"), 1.0).signals != ()
