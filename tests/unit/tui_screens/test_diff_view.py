"""Differences in words: nothing is lost, and only what differs is marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orc_core.model.history import FieldChange
from orc_tui.view_models import diff
from orc_tui.view_models.lines import text_of

TEXTS = st.text(alphabet="ab c.\n", max_size=60)


@given(TEXTS, TEXTS)
def test_pieces_joined_are_the_texts(before: str, after: str) -> None:
    left, right = diff.words(before, after)
    assert "".join(text for text, _ in left) == before
    assert "".join(text for text, _ in right) == after
    same_left = "".join(text for text, differs in left if not differs)
    assert same_left == "".join(text for text, differs in right if not differs)


@given(TEXTS, TEXTS)
def test_marked_lines_are_the_value(value: str, base: str) -> None:
    marked = diff.marked_lines(value, base)
    assert "\n".join("".join(text for text, _ in pieces) for _, pieces in marked) == value


def test_only_the_words_that_differ_are_marked() -> None:
    left, right = diff.words("Retire the v1 routes", "Retire the v2 routes")
    assert [text for text, differs in left if differs] == ["v1"]
    assert [text for text, differs in right if differs] == ["v2"]


def test_a_text_that_is_too_long_to_compare_differs_whole() -> None:
    long = "word " * (diff.WORDS_MAX + 1)
    assert diff.words(long, "short") == (((long, True),), (("short", True),))


def test_values_are_told_as_people_read_them() -> None:
    assert diff.value_text(None, False) == "(not there)"
    assert diff.value_text(None) == "null"
    assert diff.value_text("") == "(empty)"
    assert diff.value_text(["a", "b"]) == "a, b"
    assert diff.value_text([]) == "(none)"
    assert diff.value_text(7) == "7"
    assert diff.value_text("a\x1b[31mb") == "ab"
    assert diff.value_text({"a": 1}) == '{\n  "a": 1\n}'


def test_changes_show_before_and_after() -> None:
    changes = (
        FieldChange("title", "Old name", "New name"),
        FieldChange("due", None, "2026-12-01", before_present=False),
    )
    shown = [text_of(line) for line in diff.change_lines(changes, 40)]
    assert shown == [
        "title",
        "  - Old name",
        "  + New name",
        "",
        "due",
        "  - (not there)",
        "  + 2026-12-01",
    ]
    assert ("Old", "error underline") in diff.change_lines(changes, 40)[1]


def test_long_texts_show_changed_lines_with_one_around_them() -> None:
    before = "\n".join(f"step {n}" for n in range(30))
    after = before.replace("step 3\n", "step three\n").replace("step 20\n", "")
    signs = [(line.sign, "".join(t for t, _ in line.pieces)) for line in diff.lines(before, after)]
    assert signs == [
        (" ", "step 2"),
        ("-", "step 3"),
        ("+", "step three"),
        (" ", "step 4"),
        ("…", ""),
        (" ", "step 19"),
        ("-", "step 20"),
        (" ", "step 21"),
    ]


def test_no_change_says_so() -> None:
    assert "no field differs" in text_of(diff.change_lines((), 40)[0])


def test_a_document_that_goes_is_told_by_what_its_fields_say() -> None:
    body = {"title": "Cart", "text": "one\ntwo", "labels": ["shop", "web"], "due": "", "needs": []}
    shown = diff.change_lines([FieldChange("", body, None, after_present=False)], 60)
    assert [text_of(line).rstrip() for line in shown] == [
        "the whole document",
        "  - title: Cart",
        "  - text: one",
        "  - two",
        "  - labels: shop, web",
    ]
    assert not any("underline" in style for line in shown for _, style in line)
