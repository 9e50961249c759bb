"""A merge in the conflict view: parts of several files, both ways round, kept when chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dialog_stage import Stage, until
from orc_core.model.code import Clash, Code, Forecast, TreeState
from orc_core.model.merging import Choice, Merge, MergeSide, Part, PartKind, Take
from orc_tui.screens.conflict import Verdict
from orc_tui.screens.merging import MergeView
from orc_tui.view_models import merging as models
from orc_tui.view_models.conflict_view import Taken

LINES = (Take.LEFT, Take.RIGHT, Take.BOTH, Take.SWAPPED, Take.BASE, Take.VALUE)
FILE = (Take.LEFT, Take.RIGHT, Take.BASE)
PRICE, LOGO = b"src/price.ts", b"logo\xff.png"
LEFT = MergeSide("feat/cart", "refs/heads/feat/cart", "1" * 40, "codex-1", "T-9")
RIGHT = MergeSide("feat/sale", "refs/heads/feat/sale", "2" * 40, "claude-7", "T-20")
PARTS = (
    Part(1, LOGO, PartKind.FILE, "modify/delete", b"file 12", b"file 34", None, FILE),
    Part(
        2, PRICE, PartKind.LINES, "changed by both", b"cart\r\n", b"old\r\n", b"sale\r\n", LINES, 2
    ),
    Part(3, PRICE, PartKind.LINES, "changed by both", b"\xfe\n", None, b"more\n", LINES, 4),
)
TEXT = b"first\nsale\r\nlast\nmore\nend\n"
MERGE = Merge("M-1", "/shop/.git", LEFT, RIGHT, "merge-it", "why", PARTS, {}, {PRICE: TEXT})


def view(merge: Merge = MERGE) -> tuple[MergeView, list[Mapping[str, Taken]]]:
    kept: list[Mapping[str, Taken]] = []
    return MergeView(merge, now=0.0, keep=kept.append), kept


async def test_every_file_is_decided_before_it_is_written() -> None:
    screen, kept = view()
    app = Stage(screen)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(lambda: "o  codex-1" in app.text)
        assert "file logo" in app.text and "conflict 1 of 2" in app.text
        assert "what both began with" in app.text and "t  claude-7" in app.text
        assert "hand to an agent" in app.text and "later" not in app.text
        await pilot.press("b")
        await until(lambda: "both is off for file: there is left, right, base" in app.text)
        await pilot.press("e")
        await until(lambda: "only lines can be typed here" in app.text)
        await pilot.press("t")
        await until(lambda: "text 1/2" in app.text)
        assert "conflict 2 of 2" in app.text and "src/price.ts text" in app.text
        assert [line for line in app.text.split("\n") if "first" in line], "it stands in its place"
        await pilot.press("b")
        await until(lambda: "b once more" in app.text)
        await pilot.press("b")
        await until(lambda: "both, t first" in app.text)
        await pilot.press("enter")
        await until(lambda: "1 not decided yet, in src/price.ts" in app.text)
        await pilot.press("j", "e")
        await until(lambda: "not UTF-8" in app.text)
        await pilot.press("o")
        await until(lambda: "all is decided" in app.text)
        await pilot.press("u")
        await until(lambda: "1 of 2 left" in app.text)
        await pilot.press("o", "enter")
        await until(lambda: app.results)
    verdict = app.results[0]
    assert isinstance(verdict, Verdict) and verdict.action == "write"
    told = models.choices(MERGE, verdict.taken)
    assert told == {1: Choice(Take.RIGHT), 2: Choice(Take.SWAPPED), 3: Choice(Take.LEFT)}
    assert kept[-1] == verdict.taken and "M-1.3" not in kept[-2]


async def test_it_goes_on_where_it_was_left_and_may_be_handed_over() -> None:
    chosen = replace(MERGE, choices={1: Choice(Take.LEFT), 2: Choice(Take.VALUE, b"own\r\n")})
    screen, _ = view(chosen)
    app = Stage(screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: "1 of 2 left" in app.text)
        assert "edited" in app.text and "own" in app.text
        await pilot.press("i")
        await until(lambda: app.results)
    verdict = app.results[0]
    assert isinstance(verdict, Verdict) and verdict.action == "hand"
    assert models.choices(chosen, verdict.taken) == {}, "nothing is told twice"


def test_typed_lines_get_the_ends_of_their_part() -> None:
    typed = {
        "M-1.2": Taken("value", "one\ntwo"),
        "M-1.3": Taken("value", "one"),
        "M-1.1": Taken("base"),
    }
    assert models.choices(MERGE, typed) == {
        1: Choice(Take.BASE),
        2: Choice(Take.VALUE, b"one\r\ntwo\r\n"),
        3: Choice(Take.VALUE, b"one\n"),
    }
    none = models.choices(MERGE, {"M-1.2": Taken("value", "")})
    assert none == {2: Choice(Take.VALUE, b"")}
    cleared = replace(MERGE, choices={1: Choice(Take.LEFT)})
    assert models.choices(cleared, {}) == {1: None}


def test_branches_that_will_conflict_come_first_and_main_is_the_left_side() -> None:
    def forecast(left: str, right: str, *clashes: Clash) -> Forecast:
        return Forecast("/shop/.git", left, right, "1", "2", clashes)

    trees = (TreeState("/a", repository="/shop/.git", branch="a"),)
    clash = Clash(b"src/price.ts", 2)
    code = Code(
        trees,
        (),
        (forecast("a", "b"), forecast("c", "a", clash, clash), forecast("b", "c", clash)),
        (("/a/src", "/a"),),
    )
    some = models.partners(code, "/shop/.git", "a")
    assert [(left, right) for _, left, right, _ in some] == [("a", "c"), ("a", "b")]
    assert [models.outlook(one) for *_, one in some] == [
        "conflicts in src/price.ts and 1 more",
        "merges by itself",
    ]
    who = {"/a/src": ("codex-1", "T-9"), "/b": ("x", "")}
    assert models.people(code, who, "/shop/.git") == {"a": ("codex-1", "T-9")}
    assert not models.people(code, who, "/other/.git"), "a branch of another repository"
