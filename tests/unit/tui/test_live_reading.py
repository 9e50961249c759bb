"""Reading in Live by key and mouse: holding, scrolling up, searching, and what is redrawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

import scene
from orc_core.model.snapshot import Part, Screen, Scrollback, Snapshot, Span
from orc_tui.messages import ScrollbackWanted
from orc_tui.widgets.canvas import Canvas
from stage import Stage, until

SIZE = (120, 36)
HEIGHT = 50


def screen(last: int) -> Screen:
    """A screen whose last line has that number."""
    lines = tuple((Span(f"row {n}", scene.PLAIN),) for n in range(last - HEIGHT + 1, last + 1))
    first = last - HEIGHT + 1
    return Screen(scene.key_of("claude-2"), 80, HEIGHT, lines, None, scene.AT, history=first)


def at(last: int) -> Snapshot:
    return replace(scene.snapshot(), screen=screen(last))


def live(stage: Stage) -> list[str]:
    """The lines in Live below its head, without the frame."""
    return [line[69:].strip("│ ").strip() for line in stage.lines()[5:34]]


def wanted(stage: Stage) -> list[int]:
    return [one.lines for one in stage.said if isinstance(one, ScrollbackWanted)]


def told(last: int) -> Scrollback:
    lines = tuple((Span(f"row {n}", scene.PLAIN),) for n in range(last + 1))
    first = last - HEIGHT + 1
    return Scrollback(scene.key_of("claude-2"), lines, HEIGHT, first, whole=True)


async def opened(stage: Stage, pilot: Pilot[int]) -> None:
    stage.show(at(200))
    await pilot.press("0")
    await stage.settled(pilot)
    assert live(stage)[-1] == "row 200"


def foot(stage: Stage) -> str:
    return stage.lines()[34][66:]


async def test_scrolled_up_nothing_moves_until_its_end_is_back() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        await opened(stage, pilot)
        await pilot.press("K", "K")
        await stage.settled(pilot)
        before = live(stage)
        stage.show(at(212), Part.SCREEN)
        await until(pilot, lambda: "holding · 12 new lines" in foot(stage))
        assert live(stage) == before
        await pilot.press("J", "J")
        await stage.settled(pilot)
        assert "row 212" in live(stage)
        assert "following" in foot(stage)


async def test_the_lines_above_are_asked_for_once_and_the_way_back_is_escape() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        await opened(stage, pilot)
        assert wanted(stage) == []
        await pilot.press("pageup")
        await until(pilot, lambda: wanted(stage) == [1000])
        await pilot.press("K")
        await stage.settled(pilot)
        assert wanted(stage) == [1000]
        before = live(stage)
        stage.main.live.lift(told(205), 1000)
        await stage.settled(pilot)
        assert live(stage) == before
        await pilot.press("g")
        await stage.settled(pilot)
        assert live(stage)[0] == "row 0"
        await pilot.press("escape")
        await stage.settled(pilot)
        assert "row 200" in live(stage)
        assert stage.main.pane == "live"
        await pilot.press("escape")
        await pilot.pause()
        assert stage.main.pane == "agents"


async def test_a_search_takes_n_until_escape_and_answers_nothing() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        await opened(stage, pilot)
        await pilot.press("slash", *"row 19", "enter")
        await until(pilot, lambda: wanted(stage) == [10_000])
        stage.main.live.lift(told(200), 10_000)
        await stage.settled(pilot)
        assert "“row 19” 11 of 11" in foot(stage)
        await pilot.press("n", "n")
        await stage.settled(pilot)
        assert "9 of 11" in foot(stage)
        await pilot.press("N", "y")
        await stage.settled(pilot)
        assert "10 of 11" in foot(stage)
        assert stage.acts == []
        assert "y does nothing in Search in Live" in stage.told[-1]
        await pilot.press("escape", "n")
        await pilot.pause()
        assert [act[0] for act in stage.acts] == ["refuse"]


async def test_an_empty_search_and_one_that_is_left_leave_nothing() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        await opened(stage, pilot)
        for keys in (("slash", "enter"), ("slash", "r", "o", "escape")):
            await pilot.press(*keys)
            await stage.settled(pilot)
            assert "following" in foot(stage)
            assert not stage.main.live.is_searching
        await pilot.press("1", "slash", *"codex", "enter")
        await stage.settled(pilot)
        assert stage.main.lists["agents"].query_text == "codex"


async def test_the_wheel_scrolls_and_f_holds_what_is_in_view() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        await opened(stage, pilot)
        await pilot.press("f")
        stage.show(at(201), Part.SCREEN)
        await until(pilot, lambda: "holding · 1 new line ─" in foot(stage))
        await pilot.press("K", "J")
        await stage.settled(pilot)
        assert "holding" in foot(stage)
        await pilot.press("f")
        await stage.settled(pilot)
        assert "following" in foot(stage)


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Region]]:
    """The regions of Live that are refreshed from here on."""
    regions: list[Region] = []
    refresh = Canvas.refresh

    def spy(self: Canvas, *given: Region, **kind: bool) -> Canvas:
        if self.id == "live":
            regions.extend(given or [self.size.region])
        return refresh(self, *given, **kind)

    monkeypatch.setattr(Canvas, "refresh", spy)
    yield regions


async def test_only_the_lines_that_changed_are_redrawn(painted: list[Region]) -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        await opened(stage, pilot)
        painted.clear()
        shown = screen(200)
        lines = list(shown.lines)
        lines[-2] = (Span("row 19z", scene.PLAIN),)
        stage.show(replace(at(200), screen=replace(shown, lines=tuple(lines))), Part.SCREEN)
        await stage.settled(pilot)
        assert [(one.height, one.width) for one in painted] == [(1, 1)]
        painted.clear()
        moved = replace(shown, lines=tuple(lines), cursor=(3, 10), history=screen(200).history)
        stage.show(replace(at(200), screen=moved), Part.SCREEN)
        await until(pilot, lambda: stage.main.live.screen_in_view == moved)
        stage.main.paint_live()
        assert [one.height for one in painted] == []  # the cursor stands above what is in view
        stage.show(replace(at(200), screen=replace(moved, cursor=(3, 49))), Part.SCREEN)
        await until(pilot, lambda: bool(painted))
        assert [(one.height, one.width) for one in painted] == [(1, 1)]
