"""A conflict in Live and in its row: who wrote what, and no more than is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

import scene
from orc_storage.records import OPERATOR, Clash, Conflict, ConflictState
from orc_tui.view_models import conflicts, live
from orc_tui.view_models.ability import reason
from orc_tui.view_models.lines import text_of


def told(conflict: Conflict) -> str:
    return "\n".join(text_of(line) for line in live.conflict_lines(conflict, scene.AT, 78))


def unknown() -> Conflict:
    """A conflict whose file has no known writer."""
    return scene.conflict(
        "C-1",
        "T-1",
        "due",
        scene.side("file", "a", "", 5),
        scene.side("store", "b", OPERATOR, 4),
        4,
    )


def test_the_base_says_who_wrote_it_and_when() -> None:
    clash = replace(unknown(), base_at=scene.AT - 3600, base_by=OPERATOR)
    base = next(line for line in told(clash).split("\n") if line.startswith("B  base"))
    assert base.startswith("B  base  revision 11 · ") and base.endswith(" · you")


def test_a_decision_that_was_taken_back_is_not_told() -> None:
    decided = replace(
        unknown(),
        state=ConflictState.RESOLVED,
        decision="left",
        decided_at=scene.AT,
        decided_by="you",
    )
    assert "decided by you" in told(decided)
    reopened = replace(decided, state=ConflictState.OPEN, decided_at=0.0, decided_by="")
    assert "decided by" not in told(reopened)


def test_a_decided_row_has_room_to_say_that_it_can_be_undone() -> None:
    decided = replace(unknown(), state=ConflictState.RESOLVED, decision="left", decided_at=scene.AT)
    row = text_of(conflicts.row(decided, conflicts.columns([decided], 77), scene.AT))
    assert "took file over you; z undoes" in row


@pytest.mark.parametrize(
    ("by", "strategy", "expected"),
    [
        (OPERATOR, "", "took file over you; z undoes"),
        ("codex-1", "", "took file over you, by codex-1"),
        ("auto", "LAST_WRITE", "took file over you by LAST_WRITE"),
    ],
)
def test_only_what_the_person_at_the_screen_decided_is_said_to_be_undone_there(
    by: str, strategy: str, expected: str
) -> None:
    decided = replace(
        unknown(),
        state=ConflictState.RESOLVED,
        decision="left",
        decided_at=scene.AT,
        decided_by=by,
        strategy=strategy,
    )
    row = text_of(conflicts.row(decided, conflicts.columns([decided], 77), scene.AT))
    assert f"{expected} " in row


def test_a_part_of_a_text_is_named_by_its_line() -> None:
    assert conflicts.place(unknown()) == "T-1 due"
    assert conflicts.place(replace(unknown(), path="text#2", line=14)) == "T-1 text line 14"


def test_two_agents_in_one_file_are_told_with_what_can_be_done() -> None:
    sides = (
        replace(scene.side("feat/orders", "stack the discounts", "codex-1", 2), cause="T-09"),
        replace(scene.side("feat/price", None, "claude-7", 3), present=False),
    )
    meeting = replace(
        scene.conflict("F-7k2qa", "src/price.ts", "", *sides, 2),
        kind=Clash.OVERLAP,
        why="are both in it, in 2 work trees",
    )
    row = text_of(conflicts.row(meeting, conflicts.columns([meeting], 110), scene.AT))
    assert "F-7k2qa" in row
    narrow = text_of(conflicts.row(meeting, conflicts.columns([meeting], 78), scene.AT))
    assert "codex-1, claude-7 both in it  " in narrow
    middle = text_of(conflicts.row(meeting, conflicts.columns([meeting], 84), scene.AT))
    assert "codex-1 and claude-7 are both in it  " in middle
    assert "src/price.ts" in row and "codex-1 and claude-7 are both in it, in 2 work trees" in row
    lines = told(meeting)
    assert "codex-1 (T-09)  feat/orders · at " in lines and "“stack the discounts”" in lines
    assert "base" not in lines and "Enter tells what can be done" in lines
    assert "is about code" in reason("take-left", meeting)
    assert reason("rollback", meeting) == reason("later", meeting) == ""
