"""Telling a file that was removed from one that cannot be seen right now.

Invariant: absent is not unknown. A file counts as removed after two looks at least two seconds
apart in a folder that is there; many at once are a question to a person, and remove nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from orc_core.sync.layers import Key

CONFIRM_S: Final = 2.0
MISSING_MAX: Final = 5
MISSING_SHARE: Final = 0.2
SHARE_OF_AT_LEAST: Final = 5


class Absences:
    """Which files were missed, and since when (monotonic seconds)."""

    def __init__(self) -> None:
        self._since: dict[Key, float] = {}

    def note(self, key: Key, now: float) -> None:
        """Remember that a file was missed."""
        self._since.setdefault(key, now)

    def look(self, kind: str, missing: Collection[Key], now: float) -> set[Key]:
        """Take in which files of a kind are missing now; return those that were removed."""
        others = {key: since for key, since in self._since.items() if key[0] != kind}
        found = {key: self._since.get(key, now) for key in missing}
        self._since = others | found
        return {key for key, since in found.items() if now - since >= CONFIRM_S}


def are_too_many(missing: int, known: int) -> bool:
    """Whether so many of the known files are missing at once that a person is asked."""
    return missing > MISSING_MAX or (known >= SHARE_OF_AT_LEAST and missing > known * MISSING_SHARE)


def question(kind: str, missing: int, known: int) -> str:
    """Put the question to the operator."""
    return (
        f"{missing} of {known} {kind} files are missing at once: nothing was deleted. Put them"
        " back, remove the whole folder to have all written anew, or delete their documents"
        " with `orc sync --once --accept-deletions`"
    )
