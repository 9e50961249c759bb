"""The view of workflows: the cursor, what is read when, and the acts of its keys."""

from __future__ import annotations

import pytest

from dialog_stage import Stage, until
from orc_core.text import cells
from orc_tui.screens.workflows import WorkflowsView
from workflow_scenes import COMPLETED, NOW, SAGAS, Shelf


async def test_keys_act_on_the_row_and_a_commit_is_read_under_the_cursor() -> None:
    shelf = Shelf(SAGAS[1:])
    shown = WorkflowsView(shelf, now=lambda: NOW)
    stage = Stage(shown)
    async with stage.run_test(size=(160, 48)) as pilot:
        await until(lambda: "1 of 3" in stage.text)
        await pilot.press("j")
        assert shown.roll.cursor == "S-2"
        await pilot.press("y", "n", "p", "r", "x", "R")
        acts = ["approve", "refuse-gate", "pause", "retry", "cancel", "rollback-workflow"]
        await until(lambda: len(stage.acts) == 6)
        assert stage.acts == [(one, "workflows", "S-2") for one in acts]
        assert shelf.reads == 1, "nothing is read while nothing is committed"
        shelf.sagas, shelf.commits = SAGAS, 2
        await until(lambda: "3 of 4" in stage.text)
        assert shown.roll.cursor == "S-2"
        await pilot.press("slash", *"spawn", "enter")
        await until(lambda: "1 of 1" in stage.text and COMPLETED.id in stage.text)
        await pilot.press("escape")
        await until(lambda: "of 4" in stage.text)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 36), (200, 50)])
async def test_every_size_is_filled_exactly(size: tuple[int, int]) -> None:
    stage = Stage(WorkflowsView(Shelf(), now=lambda: NOW))
    async with stage.run_test(size=size) as pilot:
        await until(lambda: "1 of 4" in stage.text)
        for key in ("j", "enter", "escape"):
            await pilot.press(key)
            lines = stage.text.split("\n")
            assert len(lines) == size[1] and max(map(cells, lines)) <= size[0]


async def test_without_any_it_says_how_to_start_one() -> None:
    stage = Stage(WorkflowsView(Shelf(()), now=lambda: NOW))
    async with stage.run_test(size=(80, 24)):
        await until(lambda: "orc workflow start FILE|TEMPLATE" in stage.text)
