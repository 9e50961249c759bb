"""Layers: places beside the store where a document lives.

Invariant: a layer that cannot be read is offline, never empty. What a layer is given goes over
the copy that was read and over nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from orc_core.sync.copies import Copy
from orc_storage.records import Body

Key = tuple[str, str]
"""A document: its kind and its id. Without an id, all documents of that kind."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A copy that is there and cannot be read; `text` says where it is wrong.

    `foreign` is True for what is no copy at all and merely stands in the place of one.
    """

    kind: str
    id: str
    text: str
    foreign: bool = False


Reading = Copy | Unreadable


@dataclass(frozen=True, slots=True)
class Gift:
    """What a layer is given in place of a copy: a body at a revision, None takes it away."""

    copy: Copy
    body: Body | None
    rev: int


class Layer(Protocol):
    """A place where documents live beside the store, the reference that all are brought to.

    Every call may raise LayerOffline and nothing else, but for `give`. What cannot be read is
    tried again; what is not named by `changes` is found by a regular look at everything.
    """

    @property
    def name(self) -> str:
        """What the layer is called in bases, conflicts, settings and on the screen."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of documents that it holds."""

    @property
    def lists_all(self) -> bool:
        """Whether what it does not list is not there; else it is only out of sight."""

    async def prepare(self, kind: str) -> bool:
        """Make the place where a kind lives; False says that it was there already."""

    async def scan(self, kind: str) -> dict[str, Reading]:
        """Return all copies of a kind by id."""

    async def read(self, kind: str, id: str) -> Reading | None:
        """Return one copy, with body None where there is none; None where it is out of sight."""

    async def give(self, copy: Copy, body: Body | None, rev: int) -> str:
        """Put `body` in place of `copy` (None takes it away) and return its hash.

        Raises FileMoved where the layer holds something else by now.
        """

    async def finish(self) -> None:
        """Write what was gathered; called once after every pass."""

    def changes(self) -> AsyncGenerator[Collection[Key], None]:
        """Yield what may have changed in the layer, from the moment it is asked on.

        It may end, and is asked again then; what changed meanwhile is found by a look at all.
        """

    async def withdraw(self) -> None:
        """The layer was switched off: take away what is there for as long as it is on."""

    def close(self) -> None:
        """The process lets go of the layer: free what is held, wait for nothing."""


@runtime_checkable
class GivesTogether(Protocol):
    """What a layer may do as well, where many at once cost less than each by itself."""

    async def give_all(self, gifts: Sequence[Gift]) -> Sequence[str | Exception]:
        """Do what `give` does with each, and return for each what that returns or raises."""


def absent(layer: str, kind: str, id: str, *, is_lost: bool = False) -> Copy:
    """Describe that a layer has no such document."""
    return Copy(layer, kind, id, None, None, "", 0.0, cause(layer, id), is_lost)


def cause(layer: str, id: str) -> str:
    return f"{layer} {id}.json"
