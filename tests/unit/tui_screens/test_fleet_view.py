"""Fleet: tiles that fill every size, keys that act on the tile, captures of what is in view."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import on

import scene
from dialog_stage import Stage as Small
from orc_core.model.snapshot import Delta, Part, Screen, Snapshot, Span
from orc_core.text import cells
from orc_tui.messages import Watched
from orc_tui.screens.fleet import FleetView, Left
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import fleet


class Stage(Small):
    """Keeps who is to be watched, too."""

    def __init__(self, view: FleetView) -> None:
        super().__init__(view)
        self.watched: list[tuple[str, ...]] = []

    @on(Watched)
    def keep(self, message: Watched) -> None:
        self.watched.append(message.agent_keys)


def snapshot() -> Snapshot:
    """The busy afternoon, with the screens of two agents beside the selected one."""
    whole = scene.snapshot()
    assert whole.screen is not None
    other = scene.key_of("codex-1")
    plain = tuple((Span(f"line {n} of codex-1", scene.PLAIN),) for n in range(1, 31))
    return replace(whole, previews=(whole.screen, Screen(other, 80, 30, plain, None, scene.AT)))


def view(whole: Snapshot | None = None) -> FleetView:
    return FleetView(whole or snapshot(), now=lambda: scene.AT, at=scene.key_of("claude-2"))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 17, 50])
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 36), (160, 48), (200, 50), (300, 80)])
def test_tiles_fill_the_room_without_a_gap(count: int, size: tuple[int, int]) -> None:
    width, height = size[0], size[1] - 2
    grid = fleet.grid(count, width, height)
    found = fleet.places(grid, width, height)
    covered = sum(one.width * one.height for one in found)
    assert covered == width * height
    assert all(one.width >= min(width, fleet.TILE_WIDTH) // 1 - 1 for one in found)
    assert len(found) == grid.size >= min(count, 1)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 36), (160, 48), (200, 50)])
async def test_each_tile_says_who_how_and_since_when(size: tuple[int, int]) -> None:
    stage = Stage(view())
    async with stage.run_test(size=size) as pilot:
        await pilot.pause()
        lines = [line for line in stage.text.split("\n") if line]
        assert max(map(cells, lines)) <= size[0]
        edge = next(line for line in lines if " claude-2 " in line)
        assert "◆ waiting" in edge and "4m" in edge
        assert "3. No, and tell Claude" in stage.text, "the bottom of its screen is in view"
        if size[0] >= 80:
            assert "line 30 of codex-1" in stage.text


async def test_only_agents_in_view_are_watched_and_none_once_it_is_closed() -> None:
    shown = view()
    stage = Stage(shown)
    async with stage.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        first = stage.watched[-1]
        assert len(first) == 4
        await pilot.press("G")
        await pilot.pause()
        assert shown.roll.cursor in stage.watched[-1]
        assert not set(first) & set(stage.watched[-1])
        await pilot.press("escape")
        await pilot.pause()
    assert stage.watched[-1] == ()


async def test_a_change_of_a_screen_is_drawn_and_tiles_keep_their_places() -> None:
    shown = view()
    stage = Stage(shown)
    async with stage.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        before, order = list(shown.query_one(Sheet).lines), list(shown.roll.keys)
        whole = snapshot()
        first = whole.agents[0]
        last = replace(
            whole.previews[1], lines=(*whole.previews[1].lines[:-1], (Span("new", scene.PLAIN),))
        )
        turned = replace(first, state=scene.agents()[3].state, since=scene.AT)
        whole = replace(
            whole, agents=(turned, *whole.agents[1:]), previews=(whole.previews[0], last)
        )
        shown.show(Delta(whole, frozenset({Part.PREVIEWS, Part.AGENTS})))
        await pilot.pause()
        assert shown.roll.keys == order
        assert "new" in stage.text
        after = list(shown.query_one(Sheet).lines)
        changed = [
            y for y, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
        ]
        assert 0 < len(changed) <= 5


async def test_cursor_keys_walk_over_the_grid_and_enter_opens_live() -> None:
    shown = view()
    stage = Stage(shown)
    async with stage.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        order = shown.roll.keys
        assert shown.roll.cursor == order[0]
        await pilot.press("right", "down")
        assert shown.roll.index == 1 + shown._grid.columns
        await pilot.press("left", "up", "y")
        assert stage.acts == [("answer", "agents", order[0])]
        await pilot.press("g", "full_stop")
        assert shown.roll.index == 1
        await pilot.press("space")
        assert "in the list of agents" in stage.text
        await pilot.press("enter")
        await pilot.pause()
    assert stage.results == [Left(agent_key=order[1])]


async def test_a_click_chooses_a_tile_and_a_second_one_opens_it() -> None:
    shown = view()
    stage = Stage(shown)
    async with stage.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        await pilot.click(offset=(50, 5))
        assert shown.roll.index == 1
        await pilot.click(offset=(130, 5), times=2)
        await pilot.pause()
    assert stage.results == [Left(agent_key=shown.roll.keys[3])]
