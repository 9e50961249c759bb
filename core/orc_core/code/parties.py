"""Who else is concerned by what is done to a work tree: handed in, since it is none of ours.

Invariant: nothing here does anything; the hub says who these are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from orc_core.model.code import Share, TreeCheckpoint
from orc_core.model.merging import Merged
from orc_storage.records import FilesTurned


class Ledger(Protocol):
    """Where it is written down what was done to work trees."""

    async def kept(self, checkpoint: TreeCheckpoint) -> None:
        """A checkpoint was made."""
        ...

    async def turned(self, turn: FilesTurned) -> None:
        """A tree was restored, in a way that can be undone; telling it twice is telling it once."""
        ...

    async def pinned(self) -> Collection[str]:
        """The ids of checkpoints that somebody can still go back to by undo or redo."""
        ...


class Occupants(Protocol):
    """The agents that are at work in a folder."""

    async def within(self, top: Path) -> Sequence[str]:
        """Their names."""
        ...

    async def touched(self, top: Path) -> Sequence[Share]:
        """The files below it in which one of them is known to have been, from there."""
        ...

    async def quiet(self, top: Path, *, stop: bool) -> Sequence[str]:
        """Bring them to rest, or with `stop` end them; who that was.

        Raises OrcError where one goes on.
        """
        ...


class Register(Protocol):
    """Where it is written down which merges were committed."""

    async def merged(self, id: str, done: Merged, sides: str) -> None:
        """A merge of two sides was committed; telling it twice is telling it once."""
        ...
