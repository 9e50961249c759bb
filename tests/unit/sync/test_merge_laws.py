"""The laws of the merge, each on thousands of random bodies.

Drawing the bodies costs ten times what the laws do, so all laws look at each draw.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from merge_bodies import LIMIT_S, bodies, laws

from orc_core.sync.lines import Of
from orc_core.sync.merge import SETS, Merged, diff, get_path, merge, same, set_path
from orc_core.sync.paths import MISSING, Value, is_keyed, join, split
from orc_storage.records import Body, Json

pytestmark = pytest.mark.timeout(LIMIT_S)


def encode(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def a_body_merged_with_itself_is_itself(body: Body) -> None:
    merged = merge(body, body, body)
    assert same(merged.body, body)
    assert merged.conflicts == merged.merged_paths == ()


def two_equal_changes_agree(base: Body, changed: Body) -> None:
    for old in (base, None):
        merged = merge(old, changed, changed)
        assert same(merged.body, changed)
        assert merged.conflicts == ()


def an_untouched_side_yields(base: Body, changed: Body) -> None:
    for ours, theirs in ((base, changed), (changed, base)):
        merged = merge(base, ours, theirs)
        assert same(merged.body, changed)
        assert merged.conflicts == ()


def swapping_the_sides_swaps_the_conflicts_and_nothing_else(
    base: Body, ours: Body, theirs: Body
) -> None:
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert sorted(c.path for c in one.conflicts) == sorted(c.path for c in other.conflicts)
    by_path = {c.path: c for c in other.conflicts}
    for conflict in one.conflicts:
        mirrored = by_path[conflict.path]
        assert conflict.kind is mirrored.kind
        assert same(conflict.ours, mirrored.theirs)
        assert same(conflict.theirs, mirrored.ours)
    if not one.conflicts:
        assert encode(one.body) == encode(other.body)


def no_change_is_lost(base: Body, ours: Body, theirs: Body) -> None:
    merged = merge(base, ours, theirs)
    conflicting = [split(c.path) for c in merged.conflicts]
    for side in (ours, theirs):
        for change in diff(base, side):
            path = split(change.path)
            if change.path in merged.texts:
                of = Of.OURS if side is ours else Of.THEIRS
                _assert_lines_are_kept(merged, change.path, side, base, of)
                continue
            if any(path[: len(c)] == c or c[: len(path)] == path for c in conflicting):
                continue
            wanted = get_path(side, change.path)
            found = get_path(merged.body, change.path)
            assert _holds(found, get_path(base, change.path), wanted), change


def _assert_lines_are_kept(merged: Merged, path: str, side: Body, base: Body, of: Of) -> None:
    """Merging a side's own version of the text with the side itself brings nothing new."""
    woven = merged.texts[path]
    before, wrote = get_path(base, path), get_path(side, path)
    assert isinstance(before, str) and isinstance(wrote, str)
    there = Counter(woven.text(of).split("\n"))
    assert not Counter(wrote.split("\n")) - Counter(before.split("\n")) - there


def _holds(found: Value, before: Value, wanted: Value) -> bool:
    """Whether the change from `before` to `wanted` is in `found`."""
    if same(found, wanted):
        return True
    if isinstance(found, list) and isinstance(wanted, list):
        if is_keyed(wanted) or is_keyed(found):
            return all(_id(item) in map(_id, found) for item in wanted if item not in _list(before))
        added = {str(w) for w in wanted} - {str(w) for w in _list(before)}
        removed = {str(w) for w in _list(before)} - {str(w) for w in wanted}
        return added <= {str(w) for w in found} and not removed & {str(w) for w in found}
    if isinstance(found, str) and isinstance(wanted, str):
        return set(wanted.split("\n")) - set(str(before).split("\n")) <= set(found.split("\n"))
    return isinstance(found, dict) and isinstance(wanted, dict)


def _id(item: object) -> object:
    return item["id"] if isinstance(item, dict) else item


def _list(value: Value) -> list[object]:
    return list(value) if isinstance(value, list) else []


def merging_again_changes_nothing(base: Body, ours: Body, theirs: Body) -> None:
    first = merge(base, ours, theirs)
    again = merge(base, first.body, theirs)
    assert sorted(c.path for c in again.conflicts) == sorted(c.path for c in first.conflicts)
    settled = merge(theirs, first.body, theirs)
    assert same(settled.body, first.body)
    assert settled.conflicts == ()


def a_merge_changes_none_of_its_inputs(base: Body, ours: Body, theirs: Body) -> None:
    before = encode([base, ours, theirs])
    merge(base, ours, theirs)
    assert encode([base, ours, theirs]) == before


def the_differences_turn_one_body_into_the_other(a: Body, b: Body) -> None:
    built = a
    for change in diff(a, b):
        built = set_path(built, change.path, change.after if change.after_present else MISSING)
    assert not [c for c in diff(built, b) if not _is_order(c.before, c.after)]
    assert (diff(a, b) == ()) is same(a, b)


def _is_order(a: Value, b: Value) -> bool:
    return is_keyed(a) and is_keyed(b) and {_id(i) for i in a} == {_id(i) for i in b}


@laws
@given(bodies, bodies, bodies)
def test_every_law_holds(base: Body, ours: Body, theirs: Body) -> None:
    a_body_merged_with_itself_is_itself(ours)
    for law in (
        two_equal_changes_agree,
        an_untouched_side_yields,
        the_differences_turn_one_body_into_the_other,
    ):
        law(base, ours)
    for law_of_both in (
        swapping_the_sides_swaps_the_conflicts_and_nothing_else,
        no_change_is_lost,
        merging_again_changes_nothing,
        a_merge_changes_none_of_its_inputs,
    ):
        law_of_both(base, ours, theirs)


def test_a_path_reads_back_as_it_was_written() -> None:
    """Every path of up to three parts of up to two characters that mean something or nothing."""
    signs = ("", "a", "1", ".", "\\", "e", "#")
    parts = sorted({one + other for one, other in product(signs, repeat=2)})
    for length in (1, 2, 3):
        for path in product(parts, repeat=length):
            assert split(join(path)) == path


def test_the_sets_are_those_of_a_task() -> None:
    assert {"labels", "needs", "depends_on"} == SETS
