"""What to do about one document in one layer: pure, from what both sides hold.

Invariant: nothing anybody wrote is dropped. What does not conflict is merged, what conflicts
waits with each side keeping its own value, and an open conflict goes only when its sides agree,
the layer takes its change back, or a side moves on and a new conflict takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from orc_core.sync.decisions import agreed, held
from orc_core.sync.hunks import Text, given_text, hunks_of, reweave
from orc_core.sync.lines import Of
from orc_core.sync.merge import Conflicting, conflicting, diff, merge
from orc_core.sync.paths import MISSING, Value, get_path, hunk_number, join, same, set_path
from orc_storage.records import Body, Conflict

WHOLE: Final = ""
"""The path of the whole document."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One document as the store and a layer hold it; None is absent.

    `basis` is what the layer's body was made from, `seen` what the layer held when it was last
    looked at, `base` what both last agreed on. `old_copy` is the revision of a copy that is
    older than what the layer was last given, else 0; `is_newer` says that the copy was given
    after the layer was last looked at. `opens` are the conflicts that wait, `owned` are fields
    that the layer may not write, and what `is_atomic` is merged whole or not at all.
    """

    ours: Body | None
    theirs: Body | None
    basis: Body | None
    seen: Body | None
    base: Body | None
    opens: tuple[Conflict, ...] = ()
    old_copy: int = 0
    is_newer: bool = False
    owned: frozenset[str] = frozenset()
    is_atomic: Callable[[str], bool] = lambda path: False


@dataclass(frozen=True, slots=True)
class Opening:
    """A conflict to open: its path and values, and what should be said about it.

    `is_stale` says that the layer's value was there before the store's.
    """

    values: Conflicting
    why: str = ""
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What both sides should hold now, what they agree on, and what becomes of conflicts.

    `moved` are hunks that stay open and begin at another line by now.
    """

    store: Body | None
    layer: Body | None
    base: Body | None
    openings: tuple[Opening, ...] = ()
    superseded: tuple[Conflict, ...] = ()
    moved: tuple[Conflict, ...] = ()
    merged: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether nobody holds the document any more and nothing is left to decide."""
        return self.store is None and self.layer is None and not self.openings


def reconcile(now: Situation) -> Outcome:
    """Decide what to do about one document."""
    whole = next((conflict for conflict in now.opens if conflict.path == WHOLE), None)
    if whole is not None:
        return _with_open_whole(now, whole)
    if now.ours is not None and now.theirs is not None:
        return _merge_fields(now, now.ours, now.theirs)
    if now.ours is not None:
        return _without_layer(now, now.ours)
    if now.theirs is not None:
        return _without_store(now, now.theirs)
    return Outcome(None, None, None, superseded=now.opens)


def _with_open_whole(now: Situation, whole: Conflict) -> Outcome:
    left = now.theirs
    if _equal(now.theirs, now.seen):  # the layer did not move: it has what it had
        left = _body(held(whole.left))
    base, others = _body(agreed(whole)), tuple(c for c in now.opens if c is not whole)
    left_moved = not _equal(left, _body(held(whole.left)))
    right_moved = not _equal(now.ours, _body(held(whole.right)))
    if not left_moved and not right_moved:
        return Outcome(now.ours, left, now.base, superseded=others)
    if _equal(left, now.ours) or (left_moved and _equal(left, base)):
        return Outcome(now.ours, now.ours, now.ours, superseded=now.opens)
    if now.ours is not None and left is not None:
        merged = _merge_fields(_without(now, left, base), now.ours, left)
        return replace(merged, superseded=now.opens)
    return Outcome(
        now.ours, left, base, openings=(_whole(base, now.ours, left),), superseded=now.opens
    )


def _without_layer(now: Situation, ours: Body) -> Outcome:
    """The layer has no such document: it was never there, or it was taken away."""
    if now.seen is None:
        theirs = ours
        for conflict in now.opens:
            if not hunk_number(conflict.path):
                theirs = set_path(theirs, conflict.path, held(conflict.left))
        for field, hunks in hunks_of(now.opens).items():
            given = given_text(get_path(now.base or {}, field), hunks, Of.THEIRS)
            theirs = theirs if given is MISSING else set_path(theirs, field, given)
        return _merge_fields(replace(now, basis=ours), ours, theirs)
    if same(ours, now.seen):
        return Outcome(None, None, None, superseded=now.opens)
    opening = _whole(now.base, ours, None)
    return Outcome(ours, None, now.base, openings=(opening,), superseded=now.opens)


def _without_store(now: Situation, theirs: Body) -> Outcome:
    """The store has no such document: it is new, or it was deleted."""
    if now.basis is None and not now.old_copy:
        return Outcome(theirs, theirs, theirs, superseded=now.opens)
    if _equal(theirs, now.basis) and not now.old_copy and not now.opens:
        return Outcome(None, None, None)
    opening = _whole(now.base, None, theirs, _said_of_copy(now.old_copy))
    return Outcome(None, theirs, now.base, openings=(opening,), superseded=now.opens)


@dataclass(slots=True)
class _Fields:
    """What is known so far of the conflicting paths of one document."""

    base: Body
    lefts: dict[str, Value] = field(default_factory=dict)
    bases: dict[str, Value] = field(default_factory=dict)
    openings: list[Opening] = field(default_factory=list)
    superseded: list[Conflict] = field(default_factory=list)
    rights: dict[str, Value] = field(default_factory=dict)
    moved: list[Conflict] = field(default_factory=list)

    def keep(self, path: str, left: Value, base: Value) -> None:
        self.lefts[path], self.bases[path] = left, base

    def open(
        self, values: Conflicting, left: Value, why: str = "", *, is_stale: bool = False
    ) -> None:
        self.keep(values.path, left, values.base if values.base_present else MISSING)
        self.openings.append(Opening(values, why, is_stale))


def _merge_fields(now: Situation, ours: Body, theirs: Body) -> Outcome:
    fields = _Fields(now.base or {})
    basis, rest = now.basis, theirs
    values_open = {c.path: c for c in now.opens if not hunk_number(c.path)}
    for path in (*(texts := hunks_of(now.opens)), *values_open):
        if path in texts:
            _look_at_text(fields, now, path, texts[path], ours, rest)
        else:
            _look_again(fields, values_open[path], now.seen, ours, rest)
        # What an open conflict is about stays out of the merge of the rest.
        right = get_path(ours, path)
        rest = set_path(rest, path, right)
        basis = None if basis is None else set_path(basis, path, right)
    basis, rest = _set_aside_owned(fields, now, basis, ours, rest)
    store, merged = ours, 0
    if now.old_copy and basis is not None and same(rest, basis):
        for change in diff(ours, rest):
            left, right = get_path(rest, change.path), get_path(ours, change.path)
            values = conflicting(change.path, get_path(fields.base, change.path), right, left)
            fields.open(values, left, _said_of_copy(now.old_copy), is_stale=True)
    else:
        found = merge(basis, ours, rest, is_atomic=now.is_atomic)
        store = found.body
        if basis is not None and not same(ours, basis):
            merged = len(found.merged_paths)
        for path, woven in found.texts.items():
            fields.keep(path, woven.text(Of.THEIRS), woven.text(Of.BASE))
        for values in found.conflicts:
            if values.line:
                fields.openings.append(Opening(values))
            else:
                fields.open(values, get_path(rest, values.path))
    for path, right in fields.rights.items():
        store = set_path(store, path, right)
    layer = base = store
    for path, left in fields.lefts.items():
        layer = set_path(layer, path, left)
        base = set_path(base, path, fields.bases[path])
    return Outcome(
        store,
        layer,
        base,
        tuple(fields.openings),
        tuple(fields.superseded),
        tuple(fields.moved),
        merged=merged,
    )


def _set_aside_owned(
    fields: _Fields, now: Situation, basis: Body | None, ours: Body, theirs: Body
) -> tuple[Body | None, Body]:
    """Take out of the merge what the layer changed and may not: the store's value stands."""
    for name in sorted(now.owned & {*ours, *theirs}):
        path = join([name])
        left, right = get_path(theirs, path), get_path(ours, path)
        before = MISSING if basis is None else get_path(basis, path)
        if same(left, right) or same(left, before):
            continue
        fields.open(conflicting(path, before, right, left), left)
        theirs = set_path(theirs, path, right)
        basis = None if basis is None else set_path(basis, path, right)
    return basis, theirs


def _look_at_text(
    fields: _Fields,
    now: Situation,
    field: str,
    hunks: tuple[Conflict, ...],
    ours: Body,
    theirs: Body,
) -> None:
    """Decide what becomes of the open hunks of one text."""
    rewoven = reweave(
        Text(
            field,
            base=get_path(fields.base, field),
            ours=get_path(ours, field),
            theirs=get_path(theirs, field),
            seen=MISSING if now.seen is None else get_path(now.seen, field),
            opens=hunks,
            is_newer=now.is_newer,
            is_old=bool(now.old_copy),
        )
    )
    fields.rights[field] = rewoven.ours
    fields.keep(field, rewoven.theirs, rewoven.base)
    fields.openings += (Opening(values, is_stale=rewoven.is_stale) for values in rewoven.openings)
    fields.superseded += rewoven.superseded
    fields.moved += (one for one in rewoven.kept if one not in hunks)


def _look_again(
    fields: _Fields, conflict: Conflict, seen: Body | None, ours: Body, theirs: Body
) -> None:
    """Decide what becomes of one open conflict."""
    path, base = conflict.path, agreed(conflict)
    before, right = held(conflict.left), get_path(ours, path)
    left = get_path(theirs, path)
    if seen is not None and same(left, get_path(seen, path)):
        left = before  # the layer did not move: it has what it had
    left_moved = not same(left, before)
    right_moved = not same(right, held(conflict.right))
    if not left_moved and not right_moved:
        fields.keep(path, left, base)
        return
    fields.superseded.append(conflict)
    if same(left, right) or (left_moved and same(left, base)):
        return
    fields.open(conflicting(path, base, right, left), left, is_stale=not left_moved)


def _without(now: Situation, theirs: Body, base: Body | None) -> Situation:
    """The situation once the open conflict of the whole document is out of the way."""
    return replace(now, theirs=theirs, basis=base, base=base, opens=())


def _whole(base: Body | None, ours: Body | None, theirs: Body | None, why: str = "") -> Opening:
    return Opening(conflicting(WHOLE, _value(base), _value(ours), _value(theirs)), why)


def _said_of_copy(rev: int) -> str:
    return f"an old copy of revision {rev} was written back" if rev else ""


def _value(body: Body | None) -> Value:
    return MISSING if body is None else body


def _body(value: Value) -> Body | None:
    return value if isinstance(value, dict) else None


def _equal(a: Body | None, b: Body | None) -> bool:
    return same(_value(a), _value(b))
