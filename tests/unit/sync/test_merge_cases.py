"""The laws of the merge over seeded cases: 4,000 here, 20,000 with ORC_EXAMPLES=20000.

A failure names its seed; ORC_SEED=N tries that case alone.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable

import pytest
from merge_cases import Case, case

from orc_core.sync.lines import Of
from orc_core.sync.merge import Merged, diff, merge
from orc_core.sync.paths import MISSING, field_of, get_path, is_keyed, same, set_path, split
from orc_storage.records import Body

CASES = int(os.environ.get("ORC_EXAMPLES", "4000"))
SEEDS = [int(os.environ["ORC_SEED"])] if "ORC_SEED" in os.environ else range(CASES)


def identity(of: Case) -> None:
    for body in (of.base, of.ours):
        merged = merge(body, body, body)
        assert same(merged.body, body)
        assert merged.conflicts == merged.merged_paths == ()


def equal_changes_agree(of: Case) -> None:
    for base in (of.base, None):
        merged = merge(base, of.ours, of.ours)
        assert same(merged.body, of.ours)
        assert merged.conflicts == ()


def an_untouched_side_yields(of: Case) -> None:
    for ours, theirs in ((of.base, of.theirs), (of.theirs, of.base)):
        merged = merge(of.base, ours, theirs)
        assert same(merged.body, of.theirs)
        assert merged.conflicts == ()


def disjoint_edits_commute(of: Case) -> None:
    """Each side changes half of the fields: nothing conflicts, and the order is of no matter."""
    fields = sorted({*of.base, *of.ours, *of.theirs} - {"id"})
    ours, theirs = dict(of.base), dict(of.base)
    for number, field in enumerate(fields):
        side, source = (ours, of.ours) if number % 2 else (theirs, of.theirs)
        side.pop(field, None)
        if field in source:
            side[field] = source[field]
    one, other = merge(of.base, ours, theirs), merge(of.base, theirs, ours)
    assert one.conflicts == other.conflicts == ()
    assert encoded(one.body) == encoded(other.body)
    for number, field in enumerate(fields):
        source = of.ours if number % 2 else of.theirs
        assert same(one.body.get(field, MISSING), source.get(field, MISSING)), field


def sides_swap(of: Case) -> None:
    one, other = merge(of.base, of.ours, of.theirs), merge(of.base, of.theirs, of.ours)
    mirrored = {conflict.path: conflict for conflict in other.conflicts}
    assert {conflict.path for conflict in one.conflicts} == mirrored.keys()
    for conflict in one.conflicts:
        twin = mirrored[conflict.path]
        assert (conflict.kind, conflict.line) == (twin.kind, twin.line)
        assert (conflict.ours_present, conflict.theirs_present) == (
            twin.theirs_present,
            twin.ours_present,
        )
        assert same(conflict.ours, twin.theirs) and same(conflict.theirs, twin.ours)
        assert same(conflict.base, twin.base)
    assert encoded(given(one)) == encoded(other.body)


def nothing_is_lost(of: Case) -> None:
    merged = merge(of.base, of.ours, of.theirs)
    whole = [split(c.path) for c in merged.conflicts if not c.line]
    sides = ((of.ours, merged.body), (of.theirs, given(merged)))
    for side, holds in sides:
        for change in diff(of.base, side):
            path = split(change.path)
            if any(path[: len(c)] == c or c[: len(path)] == path for c in whole):
                continue
            assert_is_in(change.path, of.base, side, holds)


def assert_is_in(path: str, base: Body, side: Body, holds: Body) -> None:
    """What one side made of a field is in the body that this side is left with."""
    before, wrote, there = (get_path(body, path) for body in (base, side, holds))
    if same(wrote, there):
        return
    if isinstance(wrote, str) and isinstance(there, str):
        added = Counter(wrote.split("\n")) - Counter(str(before).split("\n"))
        assert not added - Counter(there.split("\n")), path
        return
    if isinstance(wrote, dict) and isinstance(there, dict):
        assert before is MISSING, path  # two additions: what both have is told key by key
        assert all(key in there for key in wrote), path
        return
    assert isinstance(wrote, list) and isinstance(there, list), path
    old = before if isinstance(before, list) else []
    if is_keyed(wrote) or is_keyed(there):
        ids = [names(items) for items in (old, wrote, there)]
    else:
        ids = [set(map(str, items)) for items in (old, wrote, there)]
    assert ids[1] - ids[0] <= ids[2], path


def names(items: list[object]) -> set[str]:
    return {str(item["id"]) for item in items if isinstance(item, dict)}


def merging_again_changes_nothing(of: Case) -> None:
    first = merge(of.base, of.ours, of.theirs)
    settled = merge(of.theirs, first.body, of.theirs)
    assert same(settled.body, first.body)
    assert settled.conflicts == ()
    agreed = based(of.base, first)
    again = merge(agreed, first.body, given(first))
    # Lines that look alike may be told apart otherwise in another text: open hunks are not woven
    # anew but kept, which the histories hold.
    texts = {*first.texts, *again.texts}
    ours, twice = dict(first.body), dict(again.body)
    assert same(
        {k: v for k, v in ours.items() if k not in texts},
        {k: v for k, v in twice.items() if k not in texts},
    )
    assert {c.path for c in again.conflicts} - hunks_in(again) == {
        c.path for c in first.conflicts
    } - hunks_in(first)


def hunks_in(merged: Merged) -> set[str]:
    return {conflict.path for conflict in merged.conflicts if conflict.line}


def inputs_stay(of: Case) -> None:
    before = encoded([of.base, of.ours, of.theirs])
    merge(of.base, of.ours, of.theirs)
    assert encoded([of.base, of.ours, of.theirs]) == before


def hunks_are_where_they_say(of: Case) -> None:
    merged = merge(of.base, of.ours, of.theirs)
    for path, woven in merged.texts.items():
        lines = woven.text(Of.BASE).split("\n")
        for conflict in merged.conflicts:
            if conflict.line and field_of(conflict.path) == path:
                told = str(conflict.base).split("\n") if conflict.base_present else []
                at = conflict.line - 1
                assert lines[at : at + len(told)] == told
                assert not (same(conflict.ours, conflict.theirs)), path


def given(merged: Merged) -> Body:
    """What the other side holds after the merge: its own values where both conflict."""
    body = merged.body
    for conflict in merged.conflicts:
        if not conflict.line:
            value = conflict.theirs if conflict.theirs_present else MISSING
            body = set_path(body, conflict.path, value)
    for path, woven in merged.texts.items():
        body = set_path(body, path, woven.text(Of.THEIRS))
    return body


def based(base: Body, merged: Merged) -> Body:
    """What both agree on after the merge: the base's values where they conflict."""
    body = merged.body
    for conflict in merged.conflicts:
        if not conflict.line:
            value = conflict.base if conflict.base_present else MISSING
            body = set_path(body, conflict.path, value)
    for path, woven in merged.texts.items():
        body = set_path(body, path, woven.text(Of.BASE))
    return body


def encoded(value: object) -> str:
    return json.dumps(value, sort_keys=True)


LAWS: tuple[Callable[[Case], None], ...] = (
    identity,
    equal_changes_agree,
    an_untouched_side_yields,
    disjoint_edits_commute,
    sides_swap,
    nothing_is_lost,
    merging_again_changes_nothing,
    inputs_stay,
    hunks_are_where_they_say,
)


@pytest.mark.timeout(30 + CASES * 0.02)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_law_holds_in_every_case(law: Callable[[Case], None]) -> None:
    for seed in SEEDS:
        of = case(seed)
        try:
            law(of)
        except AssertionError as error:
            raise AssertionError(f"ORC_SEED={seed}: {error}\n{of}") from error


def test_the_cases_are_worth_something() -> None:
    """Enough of them conflict, in every way there is, and enough do not."""
    found: Counter[str] = Counter()
    for seed in range(500):
        of = case(seed)
        merged = merge(of.base, of.ours, of.theirs)
        found["none" if not merged.conflicts else "some"] += 1
        found.update(conflict.kind.value for conflict in merged.conflicts)
        found["hunks"] += len(merged.texts)
    assert min(found[each] for each in ("none", "some")) > 100 and found["hunks"] > 20, found
    assert min(found[each] for each in ("edit/edit", "edit/delete", "add/add")) > 20, found
