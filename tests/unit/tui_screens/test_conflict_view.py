"""The conflict view as lines: sides named, differences marked, the same function at each width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialog_scenes import CONFLICTS, NOW, PRIORITY, TEXT, TITLE
from dialog_stage import utc  # noqa: F401 (a fixture)
from orc_storage.records import Clash, ConflictState, Side
from orc_tui.view_models import conflict_view as views
from orc_tui.view_models.conflict_view import Decision, Taken
from orc_tui.view_models.lines import text_of, width_of

pytestmark = pytest.mark.usefixtures("utc")


def a_view(**changes: object) -> Decision:
    view = Decision((TITLE, PRIORITY), "task T-14 Staging migration for orders", 1, 2, NOW)
    return replace(view, **changes)  # type: ignore[arg-type]


def drawn(view: Decision, width: int, height: int = 30) -> str:
    return "\n".join(text_of(line).rstrip() for line in views.lines(view, width, height))


@pytest.mark.parametrize("width", [60, 80, 99, 100, 120, 139, 140, 160, 240])
def test_every_line_has_the_width_and_every_width_has_it_all(width: int) -> None:
    view = a_view(base_shown=True)
    lines = views.lines(view, width, 40)
    assert {width_of(line) for line in lines} == {width}
    assert len(lines) == 40
    text = drawn(view, width, 40)
    for part in ("o  claude-2", "B  base", "t  codex-1", "file · 14:21", "store · 14:20", "Result"):
        assert part in text


def test_the_base_is_hidden_at_middle_widths_until_asked_for() -> None:
    assert "B  base" not in drawn(a_view(), 120)
    assert "p see base" in drawn(a_view(), 120)
    assert "B  base" in drawn(a_view(base_shown=True), 120)
    assert "B  base" in drawn(a_view(), 140)
    assert "B  base" in drawn(a_view(), 80)


def test_three_columns_stand_left_base_right() -> None:
    heads = next(line for line in drawn(a_view(), 160).split("\n") if "B  base" in line)
    assert heads.index("claude-2") < heads.index("base") < heads.index("codex-1")


def test_sides_are_named_by_who_wrote() -> None:
    assert views.who(TITLE.left) == "claude-2"
    assert views.who(PRIORITY.left) == "file, writer unknown"
    assert views.who(PRIORITY.right) == "you"
    assert views.who(replace(TITLE.left, writer="evil\x1b]0;x\x07")) == "evil"


def test_times_of_another_day_carry_their_date() -> None:
    assert views.clock_time(NOW, NOW) == "14:25"
    assert views.clock_time(NOW - 86_400, NOW) == "19 Nov 14:25"
    assert views.clock_time(0, NOW) == ""


def test_lines_that_differ_from_the_base_carry_a_mark() -> None:
    text = drawn(a_view(conflicts=(TEXT,)), 160)
    assert "  ~ 2. Backfill it in batches" in text
    assert "  ~ 2. Backfill it in the nightly job" in text
    assert "~ 1. Add the column" not in text


def test_what_is_chosen_is_the_result() -> None:
    view = a_view(taken={"C-7": Taken("right")})
    text = drawn(view, 160)
    assert "✓ title        took codex-1" in text
    assert "1 of 2 left" in text
    assert "Enter write (1 left)" in text
    result = text.split("Result")[1]
    assert "Staging migration for orders and refunds" in result and "◆ open" not in result
    edited = drawn(a_view(taken={"C-7": Taken("value", "Mine")}), 160)
    assert "✓ title        edited" in edited and "Mine" in edited.split("Result")[1]


def test_a_deleted_side_says_so() -> None:
    gone = replace(
        TITLE,
        kind=Clash.EDIT_DELETE,
        path="",
        left=Side("file", None, False, "", NOW, 0, ""),
        right=replace(TITLE.right, value={"title": "Still here"}),
    )
    text = drawn(a_view(conflicts=(gone,)), 160)
    assert "(deleted)" in text and '"title": "Still here"' in text
    assert "the whole document" in text


def test_only_what_waits_is_grouped_by_document_oldest_first() -> None:
    resolved = replace(TEXT, id="C-6", state=ConflictState.RESOLVED)
    deferred = replace(TEXT, state=ConflictState.DEFERRED)
    assert views.groups((*CONFLICTS, resolved)) == ((TITLE, PRIORITY), (TEXT,))
    assert views.groups((deferred, resolved)) == ((deferred,),)


def test_long_sides_scroll_to_their_end() -> None:
    long = "\n".join(f"line {n}" for n in range(60))
    view = a_view(conflicts=(replace(TEXT, left=replace(TEXT.left, value=long)),))
    last = views.last_scroll(view, 80, 24)
    assert "line 59" not in drawn(view, 80, 24)
    bottom = drawn(replace(view, scroll=last), 80, 24)
    assert "Result" in bottom and len(bottom.split("\n")) == 24
