"""How long a search for a pattern may take at worst, from the pattern alone.

Invariant: pure, and never better than it is but for what lookarounds and back references do. A
repetition counts where it may give back what it took and what follows still goes on: then every
way to share a line is tried before the search fails.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import factorial
from typing import Any, Final

SMALL: Final = 10
"""A repetition of fewer is not counted."""

_parser: Any = importlib.import_module("re._parser")
_codes: Any = importlib.import_module("re._constants")

_REPEATS: Final = (_codes.MAX_REPEAT, _codes.MIN_REPEAT)
_LOOKS: Final = (_codes.ASSERT, _codes.ASSERT_NOT)
_STARTS: Final = (_codes.AT_BEGINNING, _codes.AT_BEGINNING_STRING)
_EVERY: Final = frozenset([*map(chr, range(1, 256)), *"–—…●✗✓─│❯›⎿⠋"])
"""What stands for all characters: two sets that share one are taken to overlap."""

_Items = Sequence[tuple[Any, Any]]


def steps(pattern: str, line_max: int) -> int:
    """How many ways a search for `pattern` may try on a line of so many characters."""
    items = list(_parser.parse(pattern))
    return max(_from(branch, line_max) for branch in _branches(items))


def _branches(items: _Items) -> list[_Items]:
    """The alternatives that a whole pattern is made of, each with its own beginning."""
    if len(items) == 1 and items[0][0] is _codes.BRANCH:
        return [list(branch) for branch in items[0][1][1]]
    return [items]


def _from(items: _Items, line_max: int) -> int:
    shared, alone = _counted(items, frozenset(), line_max)
    if alone > 1:
        shared = [*shared, alone]
    anchored = bool(items) and items[0][0] is _codes.AT and items[0][1] in _STARTS
    if not anchored:
        shared = [*shared, line_max]
    ways = 1
    for size in shared:
        ways *= size
    # What one takes the others cannot have.
    return ways // factorial(len(shared))


def _counted(items: _Items, rest: frozenset[str], line_max: int) -> tuple[list[int], int]:
    """The sizes of the repetitions that can share a line, and of the greatest that cannot."""
    shared: list[int] = []
    alone = 1
    for at, (code, value) in enumerate(items):
        after = _firsts(items[at + 1 :], rest)
        for inner, follows in _inner(code, value, after):
            more, least = _counted(inner, follows, line_max)
            shared, alone = [*shared, *more], max(alone, least)
        if code in _REPEATS:
            size = min(int(value[1]), line_max) - int(value[0])
            if size >= SMALL and _firsts(list(value[2])) & after:
                shared.append(size)
            elif size >= SMALL:
                alone = max(alone, size)
    return shared, alone


def _inner(code: Any, value: Any, after: frozenset[str]) -> Iterable[tuple[_Items, frozenset[str]]]:
    """The parts of a part, each with what may follow it; of branches the one that costs most."""
    if code in _REPEATS:
        yield list(value[2]), _firsts(list(value[2])) | after
    elif code is _codes.SUBPATTERN:
        yield list(value[3]), after
    elif code in _LOOKS:
        yield list(value[1]), frozenset()
    elif code is _codes.BRANCH:
        worst = max(value[1], key=lambda one: len(_counted(list(one), after, SMALL * 40)[0]))
        yield list(worst), after


def _firsts(items: _Items, rest: frozenset[str] = frozenset()) -> frozenset[str]:
    """What the text may begin with that these parts match, and what comes after them."""
    found: frozenset[str] = frozenset()
    for code, value in items:
        first, may_be_empty = _first(code, value)
        found |= first
        if not may_be_empty:
            return found
    return found | rest


def _first(code: Any, value: Any) -> tuple[frozenset[str], bool]:
    """What one part may begin with, and whether it may match nothing at all."""
    if code in _REPEATS:
        inner = list(value[2])
        return _firsts(inner), value[0] == 0 or _empty(inner)
    if code is _codes.SUBPATTERN:
        inner = list(value[3])
        return _firsts(inner), _empty(inner)
    if code is _codes.BRANCH:
        branches = [list(one) for one in value[1]]
        every = frozenset[str]().union(*map(_firsts, branches))
        return every, any(map(_empty, branches))
    if code is _codes.AT or code in _LOOKS:
        return frozenset(), True
    return _set(code, value), False


def _empty(items: _Items) -> bool:
    return all(_first(code, value)[1] for code, value in items)


def _set(code: Any, value: Any) -> frozenset[str]:
    """The characters that one part matches; all where that is not known."""
    if code is _codes.LITERAL:
        return _cased(value)
    if code is _codes.NOT_LITERAL:
        return _EVERY - {chr(value)}
    if code is not _codes.IN:
        return _EVERY
    found: frozenset[str] = frozenset()
    for kind, what in value:
        if kind is _codes.LITERAL:
            found |= _cased(what)
        elif kind is _codes.RANGE:
            found |= {one for one in _EVERY if what[0] <= ord(one) <= what[1]}
            found |= {chr(what[0])}
        elif kind is _codes.CATEGORY:
            found |= _category(str(what))
    return _EVERY - found if value[0][0] is _codes.NEGATE else found


def _cased(code: int) -> frozenset[str]:
    one = chr(code)
    return frozenset((one, one.lower(), one.upper()))


@lru_cache(maxsize=16)
def _category(name: str) -> frozenset[str]:
    sign = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}.get(name.rpartition("_")[2], "")
    if not sign:
        return _EVERY
    escape = rf"\{sign.upper() if '_NOT_' in name else sign}"
    return frozenset(one for one in _EVERY if re.match(escape, one))
