"""Columns yield to the width: never wider than the pane, and name and state never go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scene
from orc_core.model.agent import Agent
from orc_core.text import cells
from orc_tui.view_models import agents
from orc_tui.view_models.agents import columns, face, heading, row
from orc_tui.view_models.layout import BOXED_WIDTH, WIDTH_MIN, left_width
from orc_tui.view_models.lines import text_of, width_of
from orc_tui.view_models.lists import MODELS

WORDS = st.text(st.sampled_from("ab-1 日é"), max_size=24)


def inner(screen: int) -> int:
    """The room for a row and the sign before it, in a terminal of that width."""
    return screen if screen < BOXED_WIDTH else left_width(screen) - 2


@pytest.mark.parametrize("screen", range(WIDTH_MIN, 221))
def test_every_list_fits_at_every_width(screen: int) -> None:
    snapshot, width, boxed = scene.snapshot(), inner(screen), screen >= BOXED_WIDTH
    for model in MODELS:
        entries = model.entries(snapshot, scene.AT)
        drawn = model.draw(entries, entries, width, scene.AT, boxed=boxed)
        assert len(drawn.rows) == len(entries)
        wide = {width_of(line) for line in drawn.rows}
        assert max(wide) <= width - 1, (model.pane, wide)
        assert drawn.heading is None or width_of(drawn.heading) <= width
        for entry, line in zip(entries, drawn.rows, strict=True):
            if isinstance(entry.item, Agent):
                assert text_of(line).startswith(f"{face(entry.item)[1]} {face(entry.item)[0]}")
                assert entry.item.name in text_of(line)


@settings(max_examples=200)
@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4), st.integers(58, 220))
def test_whatever_the_names_the_columns_stay_in_line(
    told: list[tuple[str, str, str]], width: int
) -> None:
    first = scene.agents()[0]
    fleet = [replace(first, name=a or "x", task=b, where=c) for a, b, c in told]
    for boxed in (False, True):
        at = columns(fleet, width, boxed=boxed)
        shown = [row(one, at, scene.AT) for one in fleet]
        wide = {width_of(line) for line in shown}
        assert len(wide) == 1 and max(wide) < width
        assert width_of(heading(at)) <= width
        assert at.agent >= min(max(cells(one.name) for one in fleet), 10)


def test_where_and_context_come_with_the_width() -> None:
    fleet = scene.agents()
    narrow, wide = (columns(fleet, inner(screen), boxed=True) for screen in (160, 200))
    assert (narrow.where, narrow.context) == (0, 0)
    assert wide.where and wide.context and "where" in text_of(heading(wide))
    assert agents.columns(fleet, inner(160), boxed=True).with_age
    assert not agents.columns(fleet, inner(120), boxed=True).with_age
