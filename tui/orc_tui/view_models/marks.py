"""Marks: rows chosen by key, that a key then acts on together.

Invariant: pure. A mark is of a row's key; it stays while the row is there, shown or not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

MARK: Final = "+"
BOTH: Final = "»"
"""The sign of a marked row that the cursor is on."""


def bounds(keys: Sequence[str], marked: Collection[str], here: int) -> tuple[int, int] | None:
    """The first row and the one after the last, from the nearest marked row to row `here`.

    None where no row is marked.
    """
    at = [index for index, key in enumerate(keys) if key in marked]
    if not at:
        return None
    other = min(at, key=lambda index: abs(index - here))
    return min(other, here), max(other, here) + 1


def toggled(marked: frozenset[str], key: str) -> frozenset[str]:
    """The marks with that of a row taken away, or added."""
    return marked ^ {key}


def all_or_none(marked: frozenset[str], shown: Collection[str]) -> frozenset[str]:
    """The marks with all rows that are shown; where those are marked already, none."""
    everything = frozenset(shown)
    return frozenset() if marked >= everything else marked | everything


def told(marked: int, hidden: int) -> str:
    """How many rows are marked, and how many of them a filter hides."""
    if not marked:
        return ""
    return f"{marked} marked, {hidden} hidden" if hidden else f"{marked} marked"
