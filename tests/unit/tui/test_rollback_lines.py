"""What of a preview is chosen, and what the rows say of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orc_core.model.code import (
    Cause,
    FileDiff,
    FileStep,
    Held,
    Hunk,
    LeftOut,
    Pick,
    RestorePlan,
    Share,
    TreeCheckpoint,
)
from orc_tui.view_models import rollback
from orc_tui.view_models.lines import text_of
from orc_tui.view_models.rollback import Choice

NOW = 1_800_000_000.0
OLD, NEW = Held(0o100644, "a" * 40), Held(0o100644, "b" * 40)
CHECKPOINT = TreeCheckpoint(
    "W-3", NOW - 3_700, "operator", "before lunch", Cause.ASKED, "", "/shop", "", "", "c", "t"
)


def hunks(count: int) -> tuple[Hunk, ...]:
    return tuple(
        Hunk(at * 10, at * 10, (" same", "-now", "+then"), 2, 2, at) for at in range(1, count + 1)
    )


def a_plan() -> RestorePlan:
    steps = (
        FileStep(b"a.ts", NEW, OLD),
        FileStep(b"made.ts", NEW, None),
        FileStep(b"shared.ts", NEW, OLD),
        FileStep(b"gone.ts", None, OLD),
    )
    diffs = (
        FileDiff(b"a.ts", "goes back", 3, 3, False, hunks(3)),
        FileDiff(b"made.ts", "is removed", 0, 1, False, hunks(1)),
        FileDiff(b"shared.ts", "goes back", 1, 1, False, hunks(1)),
        FileDiff(b"gone.ts", "comes back", 1, 0, False, hunks(2)),
    )
    return RestorePlan(
        CHECKPOINT,
        "/shop",
        True,
        (),
        steps,
        (),
        (LeftOut(b"big", "larger than 64 MB"),),
        ("what was pushed stays done",),
        diffs,
        ("claude-2",),
        shares=(Share(b"shared.ts", "codex-1", NOW - 120),),
    )


def test_what_others_did_and_what_was_made_since_is_left_unless_chosen() -> None:
    choice = rollback.chosen(a_plan())
    assert choice.wanted() == ((b"a.ts", b"gone.ts"), ())
    assert choice.keys == ["0", "0.1", "0.2", "0.3", "1", "2", "3"]
    rows = [text_of(rollback.choice_row(choice, key)) for key in choice.keys]
    assert rows[0] == "[x] a.ts  goes back +3 -3"
    assert rows[1] == "    [x] line 10  +1 -1  -now"
    assert rows[4] == "[ ] made.ts  made since, stays +0 -1"
    assert rows[5] == "[ ] shared.ts  goes back +1 -1  codex-1 was in it since"
    taken = text_of(rollback.choice_row(choice.turned("1"), "1"))
    assert taken == "[x] made.ts  made since, is removed +0 -1"
    assert choice.turned("2").wanted()[0] == (b"a.ts", b"shared.ts", b"gone.ts")
    told = [text_of(line) for line in rollback.choice_lines(choice, "2", NOW, 40)]
    assert told[:2] == ["codex-1 was in it since, last 2m ago", "it stays unless you choose it"]
    asked = rollback.question(a_plan(), a_plan())
    assert asked[0].startswith("works there: claude-2")
    assert "is removed, made since: made.ts" in asked
    assert "is not touched: big, larger than 64 MB" in asked


def test_hunks_and_files_are_taken_together_or_apart() -> None:
    choice = rollback.chosen(a_plan()).turned("0.2")
    assert choice.sign(0) == "~" and choice.sign(0, 2) == " " and choice.count == 2
    assert choice.wanted() == ((b"gone.ts",), (Pick(b"a.ts", (1, 3)),))
    assert choice.turned("0.2") == rollback.chosen(a_plan()), "all hunks are the file"
    assert choice.turned("0").sign(0) == "x"
    none = choice.turned("0").turned("0")
    assert none.wanted() == ((b"gone.ts",), ())
    assert none.turned("0.1").wanted()[1] == (Pick(b"a.ts", (1,)),)
    every = choice.all_turned()
    assert every.count == 4 and every.all_turned().wanted() == ((), ())


@given(st.lists(st.sampled_from(rollback.chosen(a_plan()).keys), max_size=12))
def test_a_row_has_a_cross_exactly_where_it_goes_back(keys: list[str]) -> None:
    choice: Choice = rollback.chosen(a_plan())
    for key in keys:
        choice = choice.turned(key)
    paths, picked = choice.wanted()
    for at, step in enumerate(choice.plan.steps):
        assert (choice.sign(at) == "x") == (step.path in paths)
        some = next((one.hunks for one in picked if one.path == step.path), ())
        assert (choice.sign(at) == "~") == bool(some)
        for hunk in choice.parts(at):
            whole = step.path in paths
            assert (choice.sign(at, hunk.number) == "x") == (whole or hunk.number in some)
        assert not (some and step.path in paths)
