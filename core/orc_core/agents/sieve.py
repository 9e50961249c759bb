"""Which of many patterns match a line, by searching for those alone that could.

Invariant: a pattern is left out only where no match is possible: it begins at the line's start
with other characters than the line has there, or wants letters that the line has not. What is
told of a line is the same as if every pattern were searched for in it. Beside patterns a line
has traits: names of what else holds of it, which is told and remembered in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from re import _constants as sre  # type: ignore[attr-defined] # their only names
from re import _parser  # type: ignore[attr-defined] # the one way to look into a pattern
from typing import Any, Final, TypeAlias

from orc_core.agents.patterns import LINE_MAX, compiled

LINES_KEPT: Final = 65_536
"""Lines of which is remembered what matches: most lines of a screen stood there before."""
CHARS_KEPT: Final = 8_000_000
"""How many characters they have together at most."""
FIRSTS_KEPT: Final = 1024
HITS_KEPT: Final = 4096
"""How many different sets of patterns are kept to be shared by the lines that they match."""
NEEDLE_MIN: Final = 2
"""So many characters are worth looking for."""
REPEATS_MAX: Final = 16

Hits: TypeAlias = list[frozenset[str]]
_Search: TypeAlias = tuple[str, Callable[[str], object]]

_NONE: Final[frozenset[str]] = frozenset()
_ODD: Final = re.compile("[\u0130\u0131\u017f\u212a]")
"""What is an i, an s or a k to a pattern that ignores case, and is none in lower case."""

_Items: TypeAlias = Any
"""A parsed pattern, or a part of it: pairs of an operation and its arguments."""


Sign: TypeAlias = Callable[[str], bool]
"""Whether a match may begin with this character, blanks aside; True where that is hard to tell."""


class _Any(Exception):
    """Anything may come first."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a line has to have for a pattern to match.

    `firsts` are what its first character that is no blank may be, None for any or none. One of
    `needles` stands in it, in lower case; "" stands in every line.
    """

    firsts: tuple[Sign, ...] | None
    needles: tuple[str, ...]

    def allows(self, char: str) -> bool:
        """Whether a line that begins so, blanks aside, may match; "" is a blank line."""
        return self.firsts is None or any(sign(char) for sign in self.firsts if char)


def demand(pattern: str) -> Demand:
    """What a pattern asks of a line, as far as that is easily told."""
    parsed = _parser.parse(pattern)
    items = list(parsed)
    return Demand(_firsts(items, parsed.state.flags), _needles(items))


def sought(text: str) -> Callable[[Demand], Sequence[str]]:
    """Tells those needles of a pattern that are in this text: without any it has no match."""
    plain = text.lower()
    if _is_odd(text):
        return lambda _: ("",)
    return lambda wants: [needle for needle in wants.needles if needle in plain]


def _is_odd(text: str) -> bool:
    """Whether a letter of it is another one for a pattern that ignores case."""
    return not text.isascii() and _ODD.search(text) is not None


@dataclass(frozen=True, slots=True)
class Trait:
    """What may hold of a line, which is asked of those alone that have one of the `needles`."""

    holds: Callable[[str], object]
    needles: tuple[str, ...] = ("",)


_Wanted: TypeAlias = tuple[str, Callable[[str], object], Demand]


class Sieve:
    """Tells which patterns match a line, and remembers what it told lately.

    `traits` are told as if each was a pattern by that name; the names begin with `*`, as no
    pattern can.
    """

    def __init__(self, patterns: Iterable[str], traits: Mapping[str, Trait] | None = None) -> None:
        self._patterns = sorted({*patterns})
        self._traits = dict(traits or {})
        self._beginning: list[_Wanted] = []
        self._anywhere: dict[str, list[_Search]] = {}
        """What is searched for where a needle stands, by that needle."""
        self._possible = lru_cache(maxsize=FIRSTS_KEPT)(self._beginning_with)
        self._known: dict[str, frozenset[str]] = {}
        self._before: dict[str, frozenset[str]] = {}
        self._chars = 0
        self._shared: dict[frozenset[str], frozenset[str]] = {}
        self._is_compiled = False

    def __len__(self) -> int:
        """Of how many lines it remembers something."""
        return len(self._known) + len(self._before)

    def line(self, line: str) -> frozenset[str]:
        """The patterns that match a line."""
        return self.lines((line,))[0]

    def lines(self, lines: Sequence[str]) -> Hits:
        """The patterns that match each line of a screen."""
        if len(self._known) > LINES_KEPT // 2 or self._chars > CHARS_KEPT // 2:
            self._before, self._known, self._chars = self._known, {}, 0
        known = self._known
        fresh = [line for line in lines if line not in known]
        if fresh:
            self._learn(fresh)
        return [known[line] for line in lines]

    def _learn(self, lines: Sequence[str]) -> None:
        if not self._is_compiled:
            self._compile()
        known, before = self._known, self._before
        new: list[str] = []
        self._chars += sum(map(len, lines))
        for line in lines:
            if line in before:
                known[line] = before[line]
            else:
                new.append(line)
        text = "\n".join(new)
        plain, odd = text.lower(), _is_odd(text)
        here = [both for both in self._anywhere.items() if odd or both[0] in plain]
        for line in new:
            start = line[:LINE_MAX]
            hits = [one for one, search in self._possible(start.lstrip()[:1]) if search(start)]
            plain = start.lower()
            for needle, searches in here:
                if odd or needle in plain:
                    hits += [one for one, search in searches if search(start)]
            if len(line) > LINE_MAX:  # of patterns its beginning counts, of traits all of it
                hits = [one for one in hits if one not in self._traits]
                hits += [name for name, trait in self._traits.items() if trait.holds(line)]
            known[line] = self._share(frozenset(hits)) if hits else _NONE

    def _share(self, hits: frozenset[str]) -> frozenset[str]:
        """The same set for all lines that match the same: thousands of lines have few of them."""
        if len(self._shared) >= HITS_KEPT:
            self._shared.clear()
        return self._shared.setdefault(hits, hits)

    def _compile(self) -> None:
        """Take the patterns apart, which is done when an agent of the kind is first looked at."""
        self._is_compiled = True
        anywhere: list[tuple[str, Callable[[str], object], tuple[str, ...]]] = [
            (name, trait.holds, trait.needles) for name, trait in self._traits.items()
        ]
        for one in self._patterns:
            wants = demand(one)
            if wants.firsts is None:
                anywhere.append((one, compiled(one).search, wants.needles))
            else:
                self._beginning.append((one, compiled(one).search, wants))
        for one, search, needles in anywhere:
            for needle in needles:
                self._anywhere.setdefault(needle, []).append((one, search))

    def _beginning_with(self, char: str) -> tuple[_Search, ...]:
        return tuple((one, search) for one, search, wants in self._beginning if wants.allows(char))


def _firsts(items: _Items, flags: int) -> tuple[Sign, ...] | None:
    if flags & re.MULTILINE or not _is_anchored(items):
        return None
    try:
        signs, may_end = _beginning(items, flags)
    except _Any:
        return None
    return None if may_end else tuple(signs)


def _is_anchored(items: _Items) -> bool:
    """Whether a match can begin at the start of the line alone."""
    if not items:
        return False
    operation, told = items[0]
    if operation is sre.AT:
        return told in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
    if operation is sre.SUBPATTERN:
        return not told[1] & re.MULTILINE and _is_anchored(list(told[3]))
    return operation is sre.BRANCH and all(_is_anchored(list(branch)) for branch in told[1])


def _beginning(items: _Items, flags: int) -> tuple[list[Sign], bool]:
    """What the first character of a match that is no blank may be, and whether it has none.

    Blanks are passed over wherever they may stand.
    """
    signs: list[Sign] = []
    for operation, told in items:
        more, may_end = _first_of(operation, told, flags)
        signs += more
        if not may_end:
            return signs, False
    return signs, True


def _first_of(operation: object, told: Any, flags: int) -> tuple[list[Sign], bool]:
    if operation is sre.LITERAL:
        return _span(told, told, flags)
    if operation is sre.IN:
        return _together(_first_of(each, what, flags) for each, what in told)
    if operation is sre.RANGE:
        return _span(told[0], told[1], flags)
    if operation is sre.CATEGORY and told in _CATEGORIES:
        return _CATEGORIES[told]
    if operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        return [], True
    if operation is sre.BRANCH:
        return _together(_beginning(list(branch), flags) for branch in told[1])
    if operation is sre.SUBPATTERN:
        _, added, dropped, inner = told
        return _beginning(list(inner), (flags | added) & ~dropped)
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        least, _, inner = told
        signs, may_end = _beginning(list(inner), flags)
        return signs, may_end or least == 0
    raise _Any


def _span(low: int, high: int, flags: int) -> tuple[list[Sign], bool]:
    """The characters from one to another, and whether a blank is among them."""
    blank = any(chr(code).isspace() for code in range(low, high + 1))
    if low == high and blank:
        return [], True
    ends = (chr(low), chr(high))
    return [partial(_is_alike if flags & re.IGNORECASE else _is_within, ends)], blank


def _is_within(ends: tuple[str, str], char: str) -> bool:
    return ends[0] <= char <= ends[1]


def _is_alike(ends: tuple[str, str], char: str) -> bool:
    """The same whatever the case: of letters that are not ASCII that is hard to tell."""
    if not char.isascii() and char.isalpha():
        return True
    low, high = ends
    return any(low <= one <= high for one in (char, char.lower(), char.upper(), char.swapcase()))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES: Final[Mapping[object, tuple[list[Sign], bool]]] = {
    sre.CATEGORY_SPACE: ([], True),
    sre.CATEGORY_DIGIT: ([str.isdigit], False),
    sre.CATEGORY_WORD: ([_is_word], False),
}


def _together(parts: Iterator[tuple[list[Sign], bool]]) -> tuple[list[Sign], bool]:
    signs: list[Sign] = []
    may_end = False
    for more, ends in parts:
        signs += more
        may_end = may_end or ends
    return signs, may_end


def _needles(items: _Items) -> tuple[str, ...]:
    """Runs of characters of which every match has one: those whose shortest is the longest."""
    found: list[tuple[str, ...]] = []
    run = ""
    for operation, told in items:
        if operation is sre.LITERAL and _is_plain(told):
            run += chr(told)
            continue
        if operation is sre.MAX_REPEAT and told[0] and _is_one_plain(told[2]):
            run += chr(told[2][0][1]) * min(told[0], REPEATS_MAX)
        found.append((run,))
        run = ""
        if operation is sre.SUBPATTERN:
            found.append(_needles(list(told[3])))
        elif operation is sre.BRANCH:
            found.append(tuple(one for branch in told[1] for one in _needles(list(branch))))
    best = max([*found, (run,)], key=_worth)
    return tuple(one.lower() for one in best) if _worth(best) >= NEEDLE_MIN else ("",)


def _worth(needles: tuple[str, ...]) -> int:
    """How long the shortest of them is; what is not ASCII is rare and counts for more."""
    return min(len(one) if one.isascii() else len(one) + NEEDLE_MIN for one in needles)


def _is_one_plain(items: _Items) -> bool:
    return len(items) == 1 and items[0][0] is sre.LITERAL and _is_plain(items[0][1])


def _is_plain(code: int) -> bool:
    """Whether a character in lower case is itself, or an ASCII letter."""
    char = chr(code)
    return char.isascii() or char.lower() == char == char.upper()
