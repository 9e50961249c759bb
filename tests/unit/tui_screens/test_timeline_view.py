"""The timeline as lines: what happened newest first, and what a key would do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialog_scenes import AUTO, HELD, MOMENTS, NOW, SAVED
from dialog_stage import utc  # noqa: F401 (a fixture)
from orc_core.model.history import FieldChange, Moment
from orc_tui.view_models import timeline as views
from orc_tui.view_models.lines import text_of, width_of
from orc_tui.view_models.story import Against, Detail, Tab, Timeline, checkpoint_of, reason

pytestmark = pytest.mark.usefixtures("utc")


CHANGES = (FieldChange("title", "Migration for orders", "Staging migration for orders"),)


def a_view(**changes: object) -> Timeline:
    view = Timeline(Tab.ALL, NOW, MOMENTS, 2, is_read=True, detail=Detail(changes=CHANGES))
    return replace(view, **changes)  # type: ignore[arg-type]


def drawn(view: Timeline, width: int, height: int = 24) -> str:
    return "\n".join(text_of(line).rstrip() for line in views.lines(view, width, height))


@pytest.mark.parametrize("width", [60, 80, 100, 120, 140, 200])
@pytest.mark.parametrize("height", [15, 24, 48])
@pytest.mark.parametrize("whole", [False, True])
def test_every_size_is_filled_exactly(width: int, height: int, whole: bool) -> None:
    for tab in Tab:
        lines = views.lines(a_view(tab=tab, is_whole=whole, note="x" * 300), width, height)
        assert {width_of(line) for line in lines} == {width}
        assert len(lines) == height


@pytest.mark.parametrize("width", [80, 160])
def test_rows_say_when_who_what_and_why(width: int) -> None:
    text = drawn(a_view(), width)
    assert "   now  you         edit       T-14@4       now · dashboard" in text
    assert "    4m  claude-2    waiting    hook: Bash" in text
    assert "›   11m  codex-1     edit       T-14@3" in text
    assert text.index("dashboard") < text.index("T-14@3") < text.index("T-14@1")
    assert "T-14 revision 3 against 2 · 14:14" in text
    assert "- Migration for orders" in text and "+ Staging migration for orders" in text


def test_this_leaves_the_name_of_the_document_away() -> None:
    text = drawn(a_view(tab=Tab.THIS, subject="task T-14", title="Staging"), 80)
    assert "Timeline  task T-14 Staging" in text and "5 task T-14" in text
    assert "codex-1     edit       @3    orc task edit" in text


def test_the_list_follows_the_cursor() -> None:
    many = tuple(replace(MOMENTS[0], seq=n, rev=n, text=f"edit {n}") for n in range(200, 0, -1))
    text = drawn(a_view(rows=many, cursor=120), 80)
    assert "› " in text and "edit 80" in text and "edit 200" not in text


def test_what_was_compared_is_named() -> None:
    assert "Revision" not in drawn(a_view(), 80)
    assert "T-14 revision 1, the first" in drawn(a_view(cursor=4), 80)
    assert "revision 3 against 4, now" in drawn(a_view(against=Against.NOW), 80)
    marked = a_view(against=Against.MARKED, marks=frozenset({MOMENTS[4].key}))
    assert "revision 3 against 1, marked" in drawn(marked, 80)
    two = replace(marked, marks=frozenset({MOMENTS[4].key, MOMENTS[3].key}))
    assert "revision 3 against 2" in drawn(two, 80)


def test_checkpoints_say_what_changed_since() -> None:
    view = a_view(
        tab=Tab.CHECKPOINTS, rows=(SAVED, AUTO), cursor=0, detail=Detail(held=HELD, text="all well")
    )
    text = drawn(view, 160)
    assert "you         before-lunch         18 docs  named  all well" in text
    assert "codex-1     auto-3               17 docs  auto   before: restore x" in text
    assert "Checkpoint before-lunch against now · 13:35" in text
    for line in (
        "1 of 4 documents are as",
        "T-1            2, now 3",
        "1, deleted since",
        "made later",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("cursor", "action", "expected"),
    [
        (0, "rollback", "T-14 stands at revision 4 already: choose an older one"),
        (0, "take-out", ""),
        (1, "rollback", "that row is no change of a document"),
        (1, "take-out", "that row is no change of a document"),
        (1, "mark", "that row is no change of a document"),
        (1, "history", ""),
        (2, "rollback", ""),
        (2, "name", "only a checkpoint has a name: ] goes to the tab Checkpoints"),
        (2, "undo", ""),
    ],
)
def test_a_key_that_cannot_act_says_why(cursor: int, action: str, expected: str) -> None:
    assert reason(action, a_view(cursor=cursor)) == expected


def test_the_footer_offers_what_can_be_done() -> None:
    assert " R back to 3  u take out" in drawn(a_view(), 80)
    assert "R " not in drawn(a_view(cursor=0), 80).splitlines()[-1]
    marked = a_view(cursor=0, marks=frozenset({MOMENTS[0].key, MOMENTS[2].key}))
    assert "R revert 2 marked  u take out 2 marked" in drawn(marked, 100)
    assert "R restore auto-3" in drawn(a_view(rows=(SAVED, AUTO), cursor=1), 100)
    noted = a_view(note="T-14 is back at revision 2 · z takes it back")
    assert drawn(noted, 80).splitlines()[-1] == " T-14 is back at revision 2 · z takes it back"


def test_an_entry_of_a_checkpoint_is_the_way_to_it() -> None:
    made = Moment(50, NOW, "operator", "checkpoint", "checkpoint", "calm", 0, 0, "")
    assert checkpoint_of(made) == "calm"
    assert reason("rollback", a_view(rows=(made,), cursor=0)) == ""
    gone = replace(made, action="forget")
    assert checkpoint_of(gone) == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_read": False}, "reading…"),
        ({"query": "x"}, "nothing matches: Esc shows all"),
        ({"tab": Tab.CHECKPOINTS}, "no checkpoints: N makes one, and R on it brings everything"),
        ({"tab": Tab.THIS}, "H on a task, a conflict or an agent shows its own timeline here"),
        ({"tab": Tab.SINCE, "since": NOW - 60}, "nothing happened since 14:24"),
    ],
)
def test_an_empty_list_says_how_to_fill_it(changes: dict[str, object], expected: str) -> None:
    assert expected in drawn(a_view(rows=(), cursor=0, **changes), 80)


def test_a_difference_not_read_yet_says_so_and_a_long_one_scrolls() -> None:
    assert "reading…" in drawn(a_view(detail=None), 80)
    before = "\n".join(f"old {n}" for n in range(40))
    after = "\n".join(f"new {n}" for n in range(40))
    view = a_view(detail=Detail(changes=(FieldChange("text", before, after),)))
    for shown in (view, replace(view, is_whole=True)):
        for width in (80, 120):
            last = views.last_scroll(shown, width, 24)
            assert "new 39" not in drawn(shown, width)
            assert "new 39" in drawn(replace(shown, scroll=last), width)
