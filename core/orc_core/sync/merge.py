"""The three-way merge of two bodies, field by field.

Invariant: every change of either side is in the result or among the conflicts. The merge is
pure, `merge(b, x, x)` is `x`, an untouched side yields to the other, and swapping the sides
swaps the conflicts and nothing else (at a conflicting path the body keeps `ours`). Of a text
whose lines clash only these hunks conflict; `texts` has its three versions, merged but there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from orc_core.model.history import FieldChange
from orc_core.sync.lines import Hunk, Lines, Of, Woven, weave
from orc_core.sync.paths import (
    MISSING,
    Value,
    get_path,
    hunk_path,
    is_keyed,
    join,
    same,
    set_path,
)
from orc_storage.records import Body, Clash, Json

__all__ = ["SETS", "Conflicting", "Merged", "diff", "get_path", "merge", "same", "set_path"]

SETS: Final = frozenset({"labels", "needs", "depends_on"})
"""Lists of words whose order says nothing: they merge by addition and removal."""

DEPTH_MAX: Final = 40
"""Objects nested deeper than this are compared whole."""


@dataclass(frozen=True, slots=True)
class Conflicting:
    """One path that both sides changed differently; a `None` with `*_present` False is absent.

    `line` is where a hunk begins in the merged base's text, from 1; 0 is a whole value.
    """

    path: str
    base: Json
    ours: Json
    theirs: Json
    base_present: bool
    ours_present: bool
    theirs_present: bool
    kind: Clash
    line: int = 0


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a merge; `merged_paths` are the changes of `theirs` that were taken over."""

    body: Body
    conflicts: tuple[Conflicting, ...]
    merged_paths: tuple[str, ...]
    texts: Mapping[str, Woven] = field(default_factory=dict)

    @property
    def values(self) -> tuple[Conflicting, ...]:
        """The conflicts, with all hunks of a text as one of the whole text."""
        whole = [one for one in self.conflicts if not one.line]
        for path, woven in self.texts.items():
            texts = (woven.text(of) for of in (Of.BASE, Of.OURS, Of.THEIRS))
            whole.append(conflicting(path, *texts))
        return tuple(whole)


def merge(
    base: Body | None,
    ours: Body,
    theirs: Body,
    *,
    is_atomic: Callable[[str], bool] = lambda path: False,
) -> Merged:
    """Merge two bodies that come from `base`; None says that they have no common past.

    A value whose path `is_atomic` is taken whole, whatever it is made of.
    """
    run = _Run(is_atomic)
    body = run.objects((), MISSING if base is None else base, ours, theirs)
    return Merged(body, tuple(run.conflicts), tuple(run.taken), run.texts)


def diff(a: Body, b: Body) -> tuple[FieldChange, ...]:
    """List the paths in which `b` differs from `a`, objects taken apart, sorted by path."""
    return tuple(sorted(_differences((), a, b), key=lambda change: change.path))


def clash(base: Value, ours: Value, theirs: Value) -> Clash:
    """Tell the kind of disagreement by which of the three values are there."""
    if ours is MISSING or theirs is MISSING:
        return Clash.EDIT_DELETE
    return Clash.ADD_ADD if base is MISSING else Clash.EDIT_EDIT


def plain(value: Value) -> Json:
    """Return the value as JSON; what is missing reads as null."""
    return None if value is MISSING else value


def lines_value(lines: Lines) -> Value:
    """Return lines as the value of a hunk; none at all is missing, which an empty line is not."""
    return "\n".join(lines) if lines else MISSING


def value_lines(value: Value) -> Lines:
    """Return the lines of a hunk's value."""
    return tuple(value.split("\n")) if isinstance(value, str) else ()


def conflicting_hunk(field: str, number: int, hunk: Hunk) -> Conflicting:
    """Write down one conflicting hunk of the text at `field`."""
    versions = (lines_value(hunk.lines(of)) for of in (Of.BASE, Of.OURS, Of.THEIRS))
    return replace(conflicting(hunk_path(field, number), *versions), line=hunk.at + 1)


def conflicting(path: str, base: Value, ours: Value, theirs: Value) -> Conflicting:
    """Write down one conflicting path."""
    return Conflicting(
        path=path,
        base=plain(base),
        ours=plain(ours),
        theirs=plain(theirs),
        base_present=base is not MISSING,
        ours_present=ours is not MISSING,
        theirs_present=theirs is not MISSING,
        kind=clash(base, ours, theirs),
    )


@dataclass(slots=True)
class _Run:
    """One merge in progress."""

    is_atomic: Callable[[str], bool]
    texts: dict[str, Woven] = field(default_factory=dict)
    conflicts: list[Conflicting] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def value(self, path: tuple[str, ...], base: Value, ours: Value, theirs: Value) -> Value:
        if same(ours, theirs) or same(theirs, base):
            return ours
        if same(ours, base):
            self.taken.append(join(path))
            return theirs
        merged = self._by_structure(path, base, ours, theirs)
        if merged is not MISSING:
            return merged
        self.conflicts.append(conflicting(join(path), base, ours, theirs))
        return ours

    def _by_structure(
        self, path: tuple[str, ...], base: Value, ours: Value, theirs: Value
    ) -> Value:
        """Merge what has parts of its own; MISSING where the value has to be taken whole."""
        if len(path) > DEPTH_MAX or self.is_atomic(join(path)):
            return MISSING
        if isinstance(ours, dict) and isinstance(theirs, dict):
            if base is MISSING or isinstance(base, dict):
                return self.objects(path, base, ours, theirs)
            return MISSING
        merged: Value = MISSING
        if path[-1] in SETS:
            merged = _merge_sets(base, ours, theirs)
        elif is_keyed(ours) and is_keyed(theirs) and (base is MISSING or is_keyed(base)):
            merged = self._keyed_lists(path, [] if base is MISSING else base, ours, theirs)
        elif isinstance(base, str) and isinstance(ours, str) and isinstance(theirs, str):
            merged = self._texts(path, base, ours, theirs)
        if merged is not MISSING and not same(merged, ours) and not is_keyed(merged):
            self.taken.append(join(path))
        return merged

    def _texts(self, path: tuple[str, ...], base: str, ours: str, theirs: str) -> Value:
        if "\n" not in base + ours + theirs:
            return MISSING
        woven = weave(base, ours, theirs)
        if woven is None or woven.is_whole:
            return MISSING
        at = join(path)
        if woven.hunks:
            self.texts[at] = woven
        for number, hunk in enumerate(woven.hunks, start=1):
            self.conflicts.append(conflicting_hunk(at, number, hunk))
        return woven.text(Of.OURS)

    def objects(self, path: tuple[str, ...], base: Value, ours: Body, theirs: Body) -> Body:
        known = base if isinstance(base, dict) else {}
        merged: Body = {}
        for key in (*ours, *(key for key in theirs if key not in ours)):
            value = self.value(
                (*path, key),
                known.get(key, MISSING),
                ours.get(key, MISSING),
                theirs.get(key, MISSING),
            )
            if value is not MISSING:
                merged[key] = value
        return merged

    def _keyed_lists(
        self, path: tuple[str, ...], base: list[Body], ours: list[Body], theirs: list[Body]
    ) -> Value:
        b, o, t = _by_id(base), _by_id(ours), _by_id(theirs)
        order = _merge_order(list(b), list(o), list(t))
        if order is None:
            return MISSING
        merged: list[Json] = []
        for id in order:
            value = self.value(
                (*path, id), b.get(id, MISSING), o.get(id, MISSING), t.get(id, MISSING)
            )
            if value is not MISSING:
                merged.append(value)
        if not same([item["id"] for item in ours if item["id"] in t], list(_shared(t, o))):
            self.taken.append(join(path))  # the order itself was merged
        return merged


def _merge_sets(base: Value, ours: Value, theirs: Value) -> Value:
    before = [] if base is MISSING else _words(base)
    mine, other = _words(ours), _words(theirs)
    if before is None or mine is None or other is None:
        return MISSING
    kept = [word for word in dict.fromkeys(before) if word in mine and word in other]
    return [*kept, *sorted({*mine, *other} - set(before))]


def _words(value: Value) -> list[str] | None:
    if not isinstance(value, list):
        return None
    words = [item for item in value if isinstance(item, str)]
    return words if len(words) == len(value) else None


def _by_id(items: list[Body]) -> dict[str, Body]:
    return {str(item["id"]): item for item in items}


def _shared(ids: Iterable[str], others: Iterable[str]) -> list[str]:
    known = set(others)
    return [id for id in ids if id in known]


def _merge_order(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """Merge the order of three lists of ids; None where both sides moved items differently."""
    ours_moved = _shared(ours, base) != _shared(base, ours)
    theirs_moved = _shared(theirs, base) != _shared(base, theirs)
    both = set(_shared(base, ours)) & set(theirs)
    if ours_moved and theirs_moved and _shared(ours, both) != _shared(theirs, both):
        return None
    spine = ours if ours_moved else theirs if theirs_moved else base
    order = [*_shared(spine, base), *(id for id in base if id not in set(spine))]
    after: dict[str, list[list[str]]] = {}
    for side in (ours, theirs):
        run: list[str] = []
        anchor = ""
        for id in side:
            if id in set(base):
                anchor, run = id, []
            elif run:
                run.append(id)
            else:
                run = [id]
                after.setdefault(anchor, []).append(run)
    merged: list[str] = []
    for anchor in ("", *order):
        if anchor:
            merged.append(anchor)
        for run in sorted(after.get(anchor, [])):
            merged += run
    return list(dict.fromkeys(merged))


def _differences(path: tuple[str, ...], a: Value, b: Value) -> Iterable[FieldChange]:
    if same(a, b):
        return
    if isinstance(a, dict) and isinstance(b, dict) and len(path) <= DEPTH_MAX:
        for key in sorted({*a, *b}):
            yield from _differences((*path, key), a.get(key, MISSING), b.get(key, MISSING))
    elif is_keyed(a) and is_keyed(b) and _same_order(a, b):
        first, second = _by_id(a), _by_id(b)
        for id in sorted({*first, *second}):
            yield from _differences((*path, id), first.get(id, MISSING), second.get(id, MISSING))
    else:
        yield FieldChange(join(path), plain(a), plain(b), a is not MISSING, b is not MISSING)


def _same_order(a: list[Body], b: list[Body]) -> bool:
    first, second = list(_by_id(a)), list(_by_id(b))
    return _shared(first, second) == _shared(second, first)
