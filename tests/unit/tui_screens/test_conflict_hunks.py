"""The conflict view on a text with several parts: named, in their place, decided one or all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialog_scenes import NOW, TITLE, TITLES
from dialog_stage import Stage, utc  # noqa: F401 (a fixture)
from orc_storage.records import Clash
from orc_tui.screens.conflict import ConflictView, Verdict
from orc_tui.view_models import conflict_result
from orc_tui.view_models import conflict_view as views
from orc_tui.view_models.conflict_view import Decision, Taken
from orc_tui.view_models.lines import text_of, width_of

pytestmark = pytest.mark.usefixtures("utc")

STORE = "\n".join(
    (
        "Plan",
        "1. Add the column.",
        "2. Backfill in the nightly job,",
        "   20,000 rows a run.",
        "3. Switch reads.",
        "4. Watch.",
        "5. Look again.",
        "6. Rest.",
        "7. Keep the old column.",
        "8. Done.",
    )
)


def hunk(id: str, number: int, line: int, base: str, left: str | None, right: str) -> object:
    return replace(
        TITLE,
        id=id,
        path=f"text#{number}",
        line=line,
        kind=Clash.EDIT_EDIT,
        base=base,
        left=replace(TITLE.left, value=left, present=left is not None),
        right=replace(TITLE.right, value=right),
    )


FIRST = hunk(
    "C-1",
    1,
    3,
    "2. Backfill in one statement.",
    "2. Backfill in batches of 5,000.",
    "2. Backfill in the nightly job,\n   20,000 rows a run.",
)
SECOND = hunk("C-2", 2, 8, "7. Drop the old column.", None, "7. Keep the old column.")
PARTS = (SECOND, replace(TITLE, id="C-3"), FIRST)


def a_view(**changes: object) -> Decision:
    (group,) = views.groups(PARTS)  # type: ignore[arg-type]
    return replace(
        Decision(group, "task T-14", 1, 1, NOW, text=STORE, cursor=1),
        **changes,  # type: ignore[arg-type]
    )


def drawn(view: Decision, width: int, height: int = 48) -> str:
    return "\n".join(text_of(line).rstrip() for line in views.lines(view, width, height))


def a_stage(at: str = "C-1") -> Stage:
    view = ConflictView(
        PARTS,  # type: ignore[arg-type]
        at=at,
        titles=TITLES,
        taken={},
        now=NOW,
        texts={TITLE.doc: STORE},
    )
    return Stage(view)


def test_parts_are_named_by_their_place_in_the_text() -> None:
    view = a_view()
    assert [views.part_name(one, view.conflicts) for one in view.conflicts] == [
        "title",
        "text 1/2",
        "text 2/2",
    ]


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_result_shows_every_part_in_its_place(width: int) -> None:
    text = drawn(a_view(), width, 70)
    assert {width_of(line) for line in views.lines(a_view(), width, 70)} == {width}
    result = text.split("Result")[1]
    order = [
        "1. Add the column.",
        "o claude-2: 2. Backfill in batches of 5,000.",
        "B base:     2. Backfill in one statement.",
        "t codex-1:  2. Backfill in the nightly job, ⏎",
        "3. Switch reads.",
        "o claude-2: (no lines)",
        "t codex-1:  7. Keep the old column.",
        "8. Done.",
    ]
    places = [result.find(each) for each in order]
    assert -1 not in places and places == sorted(places), result


def test_what_is_chosen_stands_in_the_text() -> None:
    both = a_view(taken={"C-1": Taken("both"), "C-2": Taken("left")})
    result = drawn(both, 140, 60).split("Result")[1]
    assert "✓ both   2. Backfill in batches of 5,000." in result
    assert "2. Backfill in the nightly job," in result
    assert "✓ claud… (no lines)" in result
    assert "◆ open" not in result


def test_lines_far_from_a_part_are_counted_where_they_have_no_room() -> None:
    far = "\n".join((STORE, *(f"{n}. More." for n in range(9, 40))))

    def shown(room: int) -> list[str]:
        return [
            text_of(line).strip() for line in conflict_result.lines(a_view(text=far), 138, room)[1]
        ]

    assert "…  30 more lines" in shown(0)
    lengths = [len(shown(room)) for room in range(len(shown(0)), 60)]
    assert lengths == sorted(lengths) and lengths[0] < lengths[12] < lengths[-1]
    assert all(length <= room for room, length in enumerate(lengths, lengths[0]))
    whole = drawn(a_view(text=far), 140, 80)
    assert "more lines" not in whole and "39. More." in whole
    assert views.last_scroll(a_view(text=far), 140, 80) == 0


def test_a_text_that_moved_on_is_not_guessed_at() -> None:
    result = drawn(a_view(text=f"0. New.\n{STORE}"), 140, 60).split("Result")[1]
    assert "1. Add the column." not in result
    assert "o claude-2: 2. Backfill in batches" in result


async def test_b_takes_both_and_capitals_take_all_that_is_left() -> None:
    stage = a_stage()
    async with stage.run_test(size=(140, 48)) as pilot:
        await pilot.press("b")
        assert "took both" in stage.text
        await pilot.press("T")
        assert "2 parts: codex-1" in stage.text
        await pilot.press("O")
        assert "nothing is left to decide" in stage.text
        await pilot.press("enter")
        (verdict,) = stage.results
        assert isinstance(verdict, Verdict)
        assert verdict.taken == {
            "C-1": Taken("both"),
            "C-2": Taken("right"),
            "C-3": Taken("right"),
        }


async def test_lines_are_edited_as_lines() -> None:
    stage = a_stage()
    async with stage.run_test(size=(120, 48)) as pilot:
        await pilot.press("t", "k", "e")
        await pilot.press("j", "enter")
        await pilot.pause()
        await pilot.press("escape")
        (verdict,) = stage.results
        assert isinstance(verdict, Verdict)
        assert "C-1" in verdict.taken
