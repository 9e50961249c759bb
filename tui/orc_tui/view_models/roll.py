"""A list's cursor and scroll, held on the key of a row and never on its number.

Invariant: the row under the cursor stays under it when rows come, go or change places; only
when it is gone does its neighbour take its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


def hold(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The old order with the rows of now: what left is gone, what came stands last."""
    here = set(new)
    kept = [key for key in old if key in here]
    known = set(kept)
    return kept + [key for key in new if key not in known]


@dataclass(slots=True)
class Roll:
    """Which keys a list has, which one the cursor is on, and which is the first in view."""

    keys: list[str] = field(default_factory=list)
    cursor: str = ""
    top: int = 0
    height: int = 1

    @property
    def index(self) -> int:
        """The number of the row under the cursor; 0 in an empty list."""
        return self.keys.index(self.cursor) if self.cursor in self.keys else 0

    @property
    def visible(self) -> list[str]:
        """The keys in view."""
        return self.keys[self.top : self.top + self.height]

    def settle(self, keys: list[str], height: int) -> None:
        """Take new rows and a new height; cursor and scroll stay with their row."""
        before = self.index
        was_top = self.top == 0
        gap = before - self.top
        self.keys, self.height = keys, max(height, 1)
        if self.cursor not in keys:
            self.cursor = keys[min(before, len(keys) - 1)] if keys else ""
        self.top = 0 if was_top else self.index - gap
        self._keep_in_view()

    def move(self, by: int) -> None:
        """Move the cursor by some rows and keep it in view."""
        if self.keys:
            self.cursor = self.keys[min(max(self.index + by, 0), len(self.keys) - 1)]
            self._keep_in_view()

    def go(self, key: str) -> None:
        """Put the cursor on a row that is there."""
        if key in self.keys:
            self.cursor = key
            self._keep_in_view()

    def scroll(self, by: int) -> None:
        """Scroll the view; the cursor stays within it."""
        self.top = min(max(self.top + by, 0), max(len(self.keys) - self.height, 0))
        if self.keys:
            inside = min(max(self.index, self.top), self.top + self.height - 1)
            self.cursor = self.keys[min(inside, len(self.keys) - 1)]

    def _keep_in_view(self) -> None:
        index = self.index
        self.top = min(self.top, index, max(len(self.keys) - self.height, 0))
        self.top = max(self.top, index - self.height + 1, 0)
