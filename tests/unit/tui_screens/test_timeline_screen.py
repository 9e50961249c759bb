"""The timeline view: what it reads, and what it asks for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from dialog_scenes import NOW, REVISIONS, diff_of
from dialog_stage import Stage, until
from orc_core.errors import UnknownName
from orc_core.model.history import FieldChange
from orc_tui.screens.timeline import TimelineView, parse_row_key, row_key


def a_view(at_rev: int = 0) -> TimelineView:
    return TimelineView("task", "T-14", REVISIONS, diff_of=diff_of, now=NOW, at_rev=at_rev)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_the_difference_follows_the_cursor(size: tuple[int, int]) -> None:
    stage = Stage(a_view())
    async with stage.run_test(size=size) as pilot:
        await until(lambda: "+ Staging migration, orders" in stage.text)
        await pilot.press("j", "down")
        await until(lambda: "+ Migration for orders" in stage.text)
        assert "- Migrate orders" in stage.text
        await pilot.press("G")
        await until(lambda: "Revision 1, the first" in stage.text)
        await pilot.press("g")
        await until(lambda: "+ Staging migration, orders" in stage.text)


async def test_acts_name_the_revision_under_the_cursor() -> None:
    stage = Stage(a_view(at_rev=3))
    async with stage.run_test() as pilot:
        await pilot.press("R", "j", "R", "z", "Z", "c")
        assert stage.acts == [
            ("rollback", "timeline", "task/T-14@3"),
            ("rollback", "timeline", "task/T-14@2"),
            ("undo", "timeline", "task/T-14@2"),
            ("redo", "timeline", "task/T-14@2"),
            ("copy", "timeline", "task/T-14@2"),
        ]
        await pilot.press("q")
        assert stage.results == [None]


async def test_a_new_revision_comes_on_top_and_the_cursor_stays() -> None:
    view = a_view(at_rev=2)
    stage = Stage(view)
    async with stage.run_test(size=(120, 36)):
        newer = replace(REVISIONS[-1], rev=5, parent_rev=4, cause="revert to 2")
        view.show([*REVISIONS, newer], now=NOW)
        assert "revert to 2  (now)" in stage.text
        assert "›   2" in stage.text


async def test_only_the_newest_question_is_answered() -> None:
    gates = {rev: asyncio.Event() for rev in range(1, 5)}

    async def slow(rev: int) -> tuple[FieldChange, ...]:
        await gates[rev].wait()
        return await diff_of(rev)

    view = TimelineView("task", "T-14", REVISIONS, diff_of=slow, now=NOW)
    stage = Stage(view)
    async with stage.run_test() as pilot:
        await pilot.press("j", "j")
        gates[4].set()
        gates[2].set()
        await until(lambda: "- Migrate orders" in stage.text)
        assert "Staging migration, orders" not in stage.text


async def test_a_difference_that_cannot_be_read_is_a_line() -> None:
    async def broken(rev: int) -> tuple[FieldChange, ...]:
        raise UnknownName(f"T-14 has no revision {rev}")

    stage = Stage(TimelineView("task", "T-14", REVISIONS, diff_of=broken, now=NOW))
    async with stage.run_test(size=(120, 36)):
        await until(lambda: "T-14 has no revision 4" in stage.text)


def test_row_keys_go_round() -> None:
    assert parse_row_key(row_key("task", "T-14", 7)) == ("task", "T-14", 7)
