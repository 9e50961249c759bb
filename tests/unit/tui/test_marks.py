"""Marks: of rows by key, kept under a filter, and acted on together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scene
from orc_core.model.history import Tally
from orc_tui.view_models import marks
from stage import Stage

KEYS = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


@given(KEYS, st.frozensets(st.sampled_from("abcdefgh")), st.data())
def test_a_range_goes_from_the_nearest_mark_to_the_cursor(
    keys: list[str], marked: frozenset[str], data: st.DataObject
) -> None:
    here = data.draw(st.integers(0, len(keys) - 1))
    found = marks.bounds(keys, marked, here)
    if not marked & set(keys):
        assert found is None
        return
    assert found is not None
    span = keys[slice(*found)]
    assert keys[here] in (span[0], span[-1])
    assert {span[0], span[-1]} - {keys[here]} <= marked
    # Nothing between its ends is marked, else it would not be the nearest.
    assert not set(span[1:-1]) & marked


@given(st.frozensets(st.integers(0, 9)), st.frozensets(st.integers(0, 9)))
def test_all_that_is_shown_is_marked_or_nothing(
    before: frozenset[int], shown: frozenset[int]
) -> None:
    old, rows = frozenset(map(str, before)), frozenset(map(str, shown))
    assert marks.all_or_none(old, rows) == (frozenset() if old >= rows else old | rows)


async def test_marks_are_of_keys_and_stay_under_a_filter() -> None:
    stage = Stage()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        await pilot.press("v")
        assert stage.told[-1] == "mark one end first: space marks"
        await pilot.press("space", "j", "v")
        await stage.settled(pilot)
        pane = stage.main.lists["agents"]
        keys = pane.roll.keys
        assert list(pane.marked) == keys[:3] and pane.roll.cursor == keys[2]
        lines = stage.lines()
        assert "3 marked" in lines[0] and "1 Agents  3 marked ─" in lines[1]
        assert lines[3].startswith("│+◆ waiting") and lines[5].startswith("│»◆ waiting")
        assert "x end 3" in lines[-1] and "I interrupt 3" in lines[-1]
        # A filter hides marked rows, and they stay marked; `*` marks what is shown.
        await pilot.press("slash", *"gemini", "enter")
        await stage.settled(pilot)
        assert "1 Agents  3 marked, 3 hidden /gemini" in stage.lines()[1]
        await pilot.press("asterisk")
        shown = len(pane.roll.keys)
        assert shown and len(pane.marks) == 3 + shown and pane.marks_hidden == 3
        await pilot.press("asterisk")
        assert not pane.marks
        await pilot.press("space", "escape")
        assert len(pane.marks) == 1
        # An agent that is gone takes its mark along; Esc takes the rest.
        await pilot.press("g", "space")
        gone = pane.roll.keys[0]
        rest = tuple(one for one in scene.snapshot().agents if one.key != gone)
        stage.show(replace(scene.snapshot(), agents=rest))
        await stage.settled(pilot)
        assert gone not in pane.marks and len(pane.marks) == 1
        await pilot.press("escape")
        assert not pane.marks and "marked" not in stage.lines()[0]


async def test_a_key_acts_on_the_marked_and_refuses_where_none_can() -> None:
    stage = Stage()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("2", "asterisk", "x")
        tasks = stage.main.lists["tasks"].roll.keys
        assert [(one.action_id, one.marked) for one in stage.acts_whole] == [("end", tuple(tasks))]
        await pilot.press("asterisk")
        ready = next(one.id for one in scene.snapshot().tasks if one.status.value == "ready")
        stage.main.lists["tasks"].roll.go(ready)
        await pilot.press("space", "k", "r")
        assert stage.told[-1] == f"{ready} is ready: only what failed is tried again"
        # What is not done to many goes to the row under the cursor, with or without marks.
        await pilot.press("H", "colon")
        last = stage.acts_whole[-2:]
        assert [(one.action_id, one.row_key, one.marked) for one in last] == [
            ("history", ready, ()),
            ("command", ready, (ready,)),
        ]
        await pilot.press("4", "space")
        assert stage.told[-1].startswith(
            "space does nothing in Sync; it acts in Agents, Tasks, Con"
        )


async def test_marks_have_a_sign_without_unicode() -> None:
    stage = Stage(ascii_only=True)
    async with stage.run_test(size=(80, 24)) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("space", "space", "k")
        await stage.settled(pilot)
        lines = stage.lines()
        assert [line[0] for line in lines[2:5]] == ["+", "#", " "]


@pytest.mark.parametrize(
    ("done", "refused", "said"),
    [
        (4, 0, "4 stopped"),
        (4, 1, "4 stopped, 1 refused: why 0"),
        (0, 2, "2 refused: why 0"),
        (0, 0, "0 stopped"),
    ],
)
def test_a_tally_is_one_line(done: int, refused: int, said: str) -> None:
    whys = tuple(f"why {n}" for n in range(refused))
    assert Tally(tuple(map(str, range(done))), whys, "stopped").text == said
