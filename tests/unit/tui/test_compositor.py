"""Frames as bytes: only what changed, in its place, in its style."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input

import orc_tui.screens
import scene
from orc_core.text import cells
from orc_tui.compositor import CellCompositor, Cells, Run
from orc_tui.painted import PaintedScreen
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.view_models.lines import Line
from orc_tui.widgets.canvas import changes
from stage import Stage

TRUECOLOR = Console(color_system="truecolor")
RED = Style(color="#ff0000", bgcolor="#000000")
BOLD = Style(color="#ff0000", bgcolor="#000000", bold=True)
ALSO_RED = Style(color="#ff0000", bgcolor="#000000", italic=False)


def run(x: int, y: int, *parts: tuple[str, Style]) -> Run:
    return Run(x, y, Strip([Segment(text, style) for text, style in parts]))


def test_a_style_is_written_where_it_changes_and_taken_off_at_the_end() -> None:
    frame = Cells([run(2, 0, ("ab", RED), ("c", BOLD), ("d", ALSO_RED)), run(0, 3, ("e", RED))])
    assert frame.render_segments(TRUECOLOR) == (
        "\x1b[1;3H\x1b[38;2;255;0;0;48;2;0;0;0mab\x1b[1mc\x1b[22md\x1b[4;1He\x1b[0m"
    )


def test_what_stands_on_the_same_line_is_reached_from_there() -> None:
    frame = Cells([run(0, 0, ("ab", RED)), run(2, 0, ("cd", RED)), run(9, 0, ("漢", RED))])
    text = frame.render_segments(TRUECOLOR)
    assert text.endswith("mabcd\x1b[5C漢\x1b[0m")


def test_no_colour_is_the_terminals_own_again_without_a_reset() -> None:
    plain, dim = Style(bold=True), Style(bold=True, dim=True)
    frame = Cells([run(0, 0, ("a", RED), ("b", plain), ("c", dim), ("d", plain))])
    text = frame.render_segments(TRUECOLOR)
    assert text.endswith("ma\x1b[1;39;49mb\x1b[2mc\x1b[22;1md\x1b[0m")


lines = st.lists(st.tuples(st.text("ab 漢字1│", max_size=5), st.sampled_from(["text", "dim"])))


def drawn(line: Line) -> list[tuple[str, object, int]]:
    """A line cell by cell, the plain way."""
    return [(char, ink, part) for text, ink in line for char in text for part in range(cells(char))]


@given(lines.map(tuple), lines.map(tuple))
def test_painting_the_changes_makes_the_old_line_the_new_one(before: Line, after: Line) -> None:
    old, new = drawn(before), drawn(after)
    width = max(len(old), len(new))
    shown = [*old, *[None] * (width - len(old))]
    wanted = [*new, *[None] * (width - len(new))]
    spans = changes(before, after)
    for first, end in spans:
        shown[first:end] = wanted[first:end]
    assert shown == wanted
    assert all(one[1] < two[0] for one, two in itertools.pairwise(spans))


def test_only_the_cells_that_differ_are_painted() -> None:
    before: Line = (("working  claude-1 ", "text"), ("12m", "dim"), (" T-13   screen 12m", "text"))
    after: Line = (("working  claude-1 ", "text"), ("13m", "dim"), (" T-13   screen 13m", "text"))
    assert changes(before, after) == [(19, 20), (37, 38)]
    assert changes((("漢字x", "text"),), (("漢字y", "text"),)) == [(4, 5)]
    assert changes((("漢x", "text"),), (("字x", "text"),)) == [(0, 2)]
    assert changes((("ab", "text"),), (("abc", "text"),)) == [(2, 3)]
    assert changes((("ab", "text"),), (("ab", "dim"),)) == [(0, 2)]
    assert changes(before, before) == []


class Recorded(Stage):
    """A stage that keeps the bytes of its frames, and whether Textual's beat was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[str] = []

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, Cells):
            self.frames.append(renderable.render_segments(TRUECOLOR))
        super()._display(screen, renderable)


async def test_a_minute_writes_the_digits_of_the_ages_and_nothing_else() -> None:
    stage = Recorded()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        stage.frames.clear()
        stage.time += 60.0
        stage.main.draw_all()
        await stage.settled(pilot)
        assert stage.frames
        assert 0 < sum(map(len, stage.frames)) < 1200
        assert "claude" not in "".join(stage.frames)


async def test_a_frame_is_the_same_piece_by_piece_as_whole() -> None:
    stage = Recorded()
    async with stage.run_test(size=(100, 30)) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("slash", "c", "l")
        await stage.settled(pilot)
        assert stage.screen.query_one(Input).has_focus
        same_piece_by_piece(stage)
        stage.push_screen(Dialog("Stop claude-1?", [Option("stop", "Stop")]))
        await stage.settled(pilot)
        same_piece_by_piece(stage)


def same_piece_by_piece(stage: Stage) -> None:
    compositor = stage.screen._compositor
    assert isinstance(compositor, CellCompositor)
    width, _ = stage.screen.size
    for y, whole in enumerate(compositor.render_strips()):
        assert looks(compositor._line(y, 0, width)) == looks([Run(0, y, whole)])
        assert looks(compositor._line(y, 3, 41)) == looks([Run(0, y, whole.crop(3, 41))])


def looks(runs: list[Run]) -> list[tuple[str, Style | None]]:
    """What stands in each cell."""
    return [(char, style) for run in runs for text, style, _ in run.strip if text for char in text]


async def test_a_change_after_a_rest_does_not_wait_for_the_beat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Recorded()
    async with stage.run_test(size=(100, 30)) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        stage.main._painted_at = 0.0
        stage.frames.clear()
        monkeypatch.setattr(stage.main._update_timer, "resume", lambda: None)
        await pilot.press("j")
        assert len(stage.frames) == 1


def test_every_screen_is_painted_this_way() -> None:
    made = set()
    for found in pkgutil.iter_modules(orc_tui.screens.__path__, "orc_tui.screens."):
        module = importlib.import_module(found.name)
        made |= {
            one
            for _, one in inspect.getmembers(module, inspect.isclass)
            if issubclass(one, Screen) and one.__module__ == found.name
        }
    assert len(made) > 8
    assert {one.__name__ for one in made if not issubclass(one, PaintedScreen)} == set()
