"""The conflict view by mouse, and what differs in it underlined at every width."""

from __future__ import annotations

import pytest
from test_conflict_hunks import a_stage, a_view
from textual.events import MouseScrollDown as _Down
from textual.events import MouseScrollUp as _Up

from dialog_scenes import CONFLICTS, NOW, TITLES
from dialog_stage import Stage, utc  # noqa: F401 (a fixture)
from orc_tui.screens.conflict import ConflictView
from orc_tui.screens.sheet import Sheet, pressed
from orc_tui.view_models import conflict_view as views
from orc_tui.view_models.conflict_view import Taken
from orc_tui.view_models.lines import Line, text_of, width_of

pytestmark = pytest.mark.usefixtures("utc")

WIDTHS = range(60, 221, 4)


def place(stage: Stage, text: str, nth: int = 0) -> tuple[int, int]:
    """The cell of the screen where the text begins, the `nth` time that it is there."""
    found = [(line.index(text), y) for y, line in enumerate(stage.text.split("\n")) if text in line]
    return found[nth]


@pytest.mark.parametrize("size", [(80, 70), (120, 48), (160, 48)])
async def test_a_click_on_a_side_takes_it_and_one_on_a_part_goes_there(
    size: tuple[int, int],
) -> None:
    stage = a_stage()
    async with stage.run_test(size=size) as pilot:
        await pilot.click(Sheet, offset=place(stage, "text 2/2"))
        assert "›◆ text 2/2" in stage.text
        await pilot.click(Sheet, offset=place(stage, "7. Keep the old column.", 0))
        assert "✓ text 2/2     took codex-1" in stage.text
        await pilot.click(Sheet, offset=place(stage, "text 1/2"))
        await pilot.click(Sheet, offset=place(stage, "o claude-2: 2. Backfill"))
        assert "✓ text 1/2     took claude-2" in stage.text
        assert "◆ title" in stage.text, "the rest is as it was"
        await pilot.click(Sheet, offset=place(stage, "text 1/2"))
        await pilot.click(Sheet, offset=place(stage, "✓ codex"))
        assert "›✓ text 2/2" in stage.text, "a click on what is decided goes there"
        assert stage.results == []


async def test_the_wheel_scrolls_what_is_under_it() -> None:
    stage = a_stage()
    async with stage.run_test(size=(80, 24)) as pilot:
        x, y = place(stage, "text 1/2")
        await pilot._post_mouse_events([_Down], Sheet, offset=(x, y), button=0)
        assert "›◆ text 2/2" in stage.text
        await pilot._post_mouse_events([_Up], Sheet, offset=(x, y), button=0)
        assert "›◆ text 1/2" in stage.text
        assert "8. Done." not in stage.text
        for _ in range(9):
            await pilot._post_mouse_events([_Down], Sheet, offset=(x, 20), button=0)
        assert "8. Done." in stage.text


def underlined(lines: list[Line]) -> set[str]:
    """The words that are underlined."""
    marked = [text for line in lines for text, ink in line if "underline" in str(ink)]
    return {word for text in marked for word in text.split()}


@pytest.mark.parametrize("width", WIDTHS)
def test_words_that_differ_are_underlined_at_every_width(width: int) -> None:
    lines = views.lines(a_view(), width, 90)
    assert {width_of(line) for line in lines} == {width}
    assert {"batches", "nightly"} <= underlined(lines)
    view = ConflictView(CONFLICTS, at="C-7", titles=TITLES, taken={}, now=NOW)._view
    lines = views.lines(view, width, 60)
    assert {width_of(line) for line in lines} == {width}
    differing = underlined(lines)
    assert differing and not {"Staging", "migration"} & differing, differing
    result = [line for line in lines if "◆ open" in text_of(line)]
    assert result and underlined(result), "in the result, too"


def test_a_click_counts_on_the_whole_side_and_on_no_frame_beside_it() -> None:
    for width in (80, 120, 160):
        lines = views.lines(a_view(taken={"C-1": Taken("left")}), width, 70)
        keys = [{pressed(line, x) for x in range(width)} for line in lines]
        assert any("o" in each for each in keys) and any("t" in each for each in keys)
        assert any(views.part_key(1) in each for each in keys)
        gap = next(line for line in lines if "╮ ╭" in text_of(line)) if width >= 120 else None
        if gap is not None:
            assert pressed(gap, text_of(gap).index("╮ ╭") + 1) == ""
