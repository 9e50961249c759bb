"""The timeline as lines: revisions newest first, and what each one changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialog_scenes import NOW, REVISIONS
from dialog_stage import utc  # noqa: F401 (a fixture)
from orc_core.model.history import FieldChange
from orc_tui.view_models import timeline as views
from orc_tui.view_models.lines import text_of, width_of
from orc_tui.view_models.timeline import Timeline

pytestmark = pytest.mark.usefixtures("utc")

NEWEST_FIRST = tuple(reversed(REVISIONS))
CHANGES = (FieldChange("title", "Migration for orders", "Staging migration for orders"),)


def a_view(**changes: object) -> Timeline:
    view = Timeline("task", "T-14", "Staging migration", NEWEST_FIRST, NOW, 1, CHANGES)
    return replace(view, **changes)  # type: ignore[arg-type]


def drawn(view: Timeline, width: int, height: int = 24) -> str:
    return "\n".join(text_of(line).rstrip() for line in views.lines(view, width, height))


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
@pytest.mark.parametrize("height", [15, 24, 48])
def test_every_size_is_filled_exactly(width: int, height: int) -> None:
    lines = views.lines(a_view(), width, height)
    assert {width_of(line) for line in lines} == {width}
    assert len(lines) == height


@pytest.mark.parametrize("width", [80, 160])
def test_rows_say_which_when_who_and_why(width: int) -> None:
    text = drawn(a_view(), width)
    assert "   4    now  you            dashboard  (now)" in text
    assert "›   3    11m  codex-1        orc task edit" in text
    assert text.index("dashboard") < text.index("file edit") < text.index("orc task add")
    assert "Revision 3 against 2 · 14:14" in text
    assert "- Migration for orders" in text and "+ Staging migration for orders" in text


def test_the_list_follows_the_cursor() -> None:
    many = tuple(replace(NEWEST_FIRST[0], rev=n, cause=f"edit {n}") for n in range(200, 0, -1))
    text = drawn(a_view(revisions=many, cursor=120), 80)
    assert "› " in text and "edit 80" in text and "edit 200" not in text


def test_a_deletion_and_the_first_revision_are_named() -> None:
    gone = replace(NEWEST_FIRST[0], deleted=True, cause="file removed")
    assert "deleted: file removed" in drawn(a_view(revisions=(gone, *NEWEST_FIRST[1:])), 80)
    assert "Revision 1, the first" in drawn(a_view(cursor=3), 80)


def test_a_difference_not_read_yet_says_so_and_a_long_one_scrolls() -> None:
    assert "reading…" in drawn(a_view(changes=None), 80)
    before = "\n".join(f"old {n}" for n in range(40))
    after = "\n".join(f"new {n}" for n in range(40))
    view = a_view(changes=(FieldChange("text", before, after),))
    last = views.last_scroll(view, 80, 24)
    assert "new 39" not in drawn(view, 80)
    assert "new 39" in drawn(replace(view, scroll=last), 80)
