"""The merge and its paths, case by case."""

from __future__ import annotations

import time

import pytest

from orc_core.sync.lines import Of, merge_lines
from orc_core.sync.merge import Merged, diff, merge
from orc_core.sync.paths import (
    MISSING,
    field_of,
    get_path,
    hunk_number,
    is_keyed,
    join,
    same,
    set_path,
    split,
)
from orc_storage.records import Body, Clash, Json

BASE: Body = {"id": "T-1", "title": "Cart", "text": "one\ntwo\nthree\nfour", "labels": ["a", "b"]}


def _merge(ours: Body, theirs: Body) -> Merged:
    return merge(BASE, {**BASE, **ours}, {**BASE, **theirs})


def test_disjoint_fields_merge_by_themselves() -> None:
    merged = _merge({"title": "Basket"}, {"due": "2026-12-01"})
    assert merged.body == {**BASE, "title": "Basket", "due": "2026-12-01"}
    assert merged.conflicts == ()
    assert merged.merged_paths == ("due",)


def test_one_field_changed_twice_is_a_conflict_and_keeps_ours() -> None:
    merged = _merge({"title": "Basket"}, {"title": "Trolley", "due": "soon"})
    (conflict,) = merged.conflicts
    assert (conflict.path, conflict.kind) == ("title", Clash.EDIT_EDIT)
    assert (conflict.base, conflict.ours, conflict.theirs) == ("Cart", "Basket", "Trolley")
    assert merged.body["title"] == "Basket"
    assert merged.body["due"] == "soon"


def test_missing_is_not_null() -> None:
    base: Body = {"id": "T-1", "due": "soon"}
    merged = merge(base, {"id": "T-1", "due": None}, {"id": "T-1"})
    (conflict,) = merged.conflicts
    assert conflict.kind is Clash.EDIT_DELETE
    assert conflict.ours_present
    assert not conflict.theirs_present


def test_without_a_common_past_different_values_are_two_additions() -> None:
    merged = merge(None, {"id": "T-1", "title": "a", "x": 1}, {"id": "T-1", "title": "b", "y": 2})
    assert [(c.path, c.kind, c.base_present) for c in merged.conflicts] == [
        ("title", Clash.ADD_ADD, False)
    ]
    assert merged.body == {"id": "T-1", "title": "a", "x": 1, "y": 2}


def test_true_is_not_one() -> None:
    merged = merge({"id": "T-1", "n": 1}, {"id": "T-1", "n": 1}, {"id": "T-1", "n": True})
    assert merged.body["n"] is True


def test_sets_merge_by_addition_and_removal() -> None:
    merged = _merge({"labels": ["b", "c"]}, {"labels": ["a", "b", "d"]})
    assert merged.body["labels"] == ["b", "c", "d"]
    assert merged.conflicts == ()


def test_other_lists_are_taken_whole() -> None:
    merged = merge({"id": "T", "l": [1]}, {"id": "T", "l": [1, 2]}, {"id": "T", "l": [1, 3]})
    assert [c.path for c in merged.conflicts] == ["l"]


def test_texts_merge_by_lines() -> None:
    merged = _merge({"text": "ONE\ntwo\nthree\nfour"}, {"text": "one\ntwo\nthree\nFOUR\nfive"})
    assert merged.body["text"] == "ONE\ntwo\nthree\nFOUR\nfive"
    assert merged.merged_paths == ("text",)


def test_only_the_lines_that_meet_conflict() -> None:
    merged = _merge({"text": "one\nTWO\nthree\nfour"}, {"text": "one\n2\nthree\nfour\nfive"})
    (conflict,) = merged.conflicts
    assert (conflict.path, conflict.line, conflict.kind) == ("text#1", 2, Clash.EDIT_EDIT)
    assert (conflict.base, conflict.ours, conflict.theirs) == ("two", "TWO", "2")
    woven = merged.texts["text"]
    assert merged.body["text"] == woven.text(Of.OURS) == "one\nTWO\nthree\nfour\nfive"
    assert woven.text(Of.THEIRS) == "one\n2\nthree\nfour\nfive"
    assert woven.text(Of.BASE) == "one\ntwo\nthree\nfour\nfive"


def test_lines_taken_out_and_put_in_at_one_place_are_told_apart() -> None:
    base, ours, theirs = "a\nb\nc\nd\ne", "a\nc\nd\nx\ne", "a\nB\nc\nd\n\ne"
    found = merge({"id": "T", "t": base}, {"id": "T", "t": ours}, {"id": "T", "t": theirs})
    told = [
        (c.path, c.line, c.kind, c.ours, c.ours_present, c.theirs, c.base_present)
        for c in found.conflicts
    ]
    assert told == [
        ("t#1", 2, Clash.EDIT_DELETE, None, False, "B", True),
        ("t#2", 5, Clash.ADD_ADD, "x", True, "", False),
    ]


def test_a_text_changed_from_end_to_end_is_one_value() -> None:
    merged = _merge({"text": "1\n2"}, {"text": "x\ny\nz"})
    assert [(c.path, c.line) for c in merged.conflicts] == [("text", 0)]


def test_what_is_atomic_is_taken_whole() -> None:
    ours: Body = {**BASE, "text": "ONE\ntwo\nthree\nfour", "labels": ["a"]}
    theirs: Body = {**BASE, "text": "one\ntwo\nthree\nFOUR", "labels": ["a", "b", "c"]}
    merged = merge(BASE, ours, theirs, is_atomic=lambda path: path in ("text", "labels"))
    assert sorted(c.path for c in merged.conflicts) == ["labels", "text"]


def test_a_hunk_is_no_place_in_a_body() -> None:
    body: Body = {"id": "T", "text": "a\nb", "text#1": "another field"}
    assert (field_of("text#1"), hunk_number("text#1")) == ("text", 1)
    assert get_path(body, "text#1") == "a\nb"
    with pytest.raises(ValueError, match="a part of a text"):
        set_path(body, "text#1", "x")
    own = join(["text#1"])
    assert (own, field_of(own), get_path(body, own)) == (r"text\#1", own, "another field")


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        ("x\na\nb\nc", "a\nb\nc\ny", "x\na\nb\nc\ny"),
        ("a\nc", "a\nb\nc\nd", "a\nc\nd"),
        ("a\nB\nc", "a\nB\nc\nd", "a\nB\nc\nd"),
        ("a\nx\nb\nc", "a\ny\nb\nc", None),
        ("A\nb\nc", "a\nB\nc", None),
        ("", "a\nb\nc\nd", None),
    ],
)
def test_lines(ours: str, theirs: str, merged: str | None) -> None:
    assert merge_lines("a\nb\nc", ours, theirs) == merged
    assert merge_lines("a\nb\nc", theirs, ours) == merged


@pytest.mark.parametrize("line", ["", "a", "ab"])
def test_a_hostile_text_costs_no_time(line: str) -> None:
    base = "\n".join([line, "z"] * 10_000)
    ours = "\n".join([line, "y"] * 10_000)
    short_base = "\n".join(["q", *[line, "z"] * 240, "r"])
    short_ours = "\n".join(["s", *[line, "z"] * 239, line, "t"])
    started = time.perf_counter()
    assert merge_lines(base, ours, base + "\nmore") is None
    merge_lines(short_base, short_ours, short_base + "\nmore")
    assert time.perf_counter() - started < 1.0


def test_objects_with_ids_merge_by_id() -> None:
    def steps(*items: tuple[str, bool]) -> Body:
        return {"id": "T-1", "steps": [{"id": id, "done": done} for id, done in items]}

    base = steps(("a", False), ("b", False), ("c", False))
    ours = steps(("a", True), ("b", False), ("x", False), ("c", False))
    theirs = steps(("b", False), ("y", True), ("c", True))
    merged = merge(base, ours, theirs)
    assert [c.path for c in merged.conflicts] == ["steps.a"]
    kept = merged.body["steps"]
    assert is_keyed(kept)
    assert [step["id"] for step in kept] == ["a", "b", "x", "y", "c"]
    assert get_path(merged.body, "steps.c.done") is True


def test_one_side_moves_items_and_the_other_edits_them() -> None:
    base: Body = {"id": "T", "s": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}
    moved: Body = {"id": "T", "s": [{"id": "c"}, {"id": "a"}, {"id": "b"}]}
    edited: Body = {"id": "T", "s": [{"id": "a", "n": 1}, {"id": "b"}, {"id": "c"}]}
    expected: Json = [{"id": "c"}, {"id": "a", "n": 1}, {"id": "b"}]
    assert merge(base, moved, edited).body["s"] == expected
    assert merge(base, edited, moved).body["s"] == expected
    other: Body = {"id": "T", "s": [{"id": "b"}, {"id": "a"}, {"id": "c"}]}
    assert [c.path for c in merge(base, moved, other).conflicts] == ["s"]


def test_what_both_add_makes_no_clash_of_orders() -> None:
    """One side moved what was there; where the addition stands on each is no wish of anybody."""

    def steps(*ids: str) -> Body:
        return {"id": "T", "s": [{"id": id} for id in ids]}

    base, ours, theirs = steps("c", "a"), steps("c", "a", "b"), steps("a", "c", "b")
    first = merge(base, ours, theirs)
    assert first.conflicts == ()
    again = merge(base, first.body, theirs)
    assert (again.conflicts, again.body) == ((), first.body)


def test_paths_set_take_out_and_make_what_is_on_the_way() -> None:
    body: Body = {"id": "T-1", "meta": {"a": 1}}
    assert set_path(body, "meta.b.c", 2) == {"id": "T-1", "meta": {"a": 1, "b": {"c": 2}}}
    assert set_path(body, "meta.a", MISSING) == {"id": "T-1", "meta": {}}
    assert set_path(body, "nothing.here", MISSING) == body
    assert body == {"id": "T-1", "meta": {"a": 1}}
    assert get_path(body, "meta.a.b") is MISSING
    assert get_path(body, "") == body


def test_paths_walk_lists_by_id() -> None:
    body: Body = {"id": "T-1", "steps": [{"id": "s.1", "n": 1}]}
    assert get_path(body, r"steps.s\.1.n") == 1
    assert set_path(body, r"steps.s\.1.n", 2)["steps"] == [{"id": "s.1", "n": 2}]
    assert set_path(body, "steps.s2", {"id": "s2"})["steps"] == [
        {"id": "s.1", "n": 1},
        {"id": "s2"},
    ]
    assert set_path(body, r"steps.s\.1", MISSING)["steps"] == []
    assert split(r"steps.s\.1") == ("steps", "s.1")


def test_differences_name_both_values_and_absence() -> None:
    changes = diff({"id": "T", "a": 1, "m": {"x": 1}}, {"id": "T", "b": 2, "m": {"x": 3}})
    assert [(c.path, c.before, c.after, c.before_present, c.after_present) for c in changes] == [
        ("a", 1, None, True, False),
        ("b", None, 2, False, True),
        ("m.x", 1, 3, True, True),
    ]


def test_equality_is_that_of_json() -> None:
    assert not same(1, True)
    assert not same(1, 1.0)
    assert not same(None, MISSING)
    assert same({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]})
