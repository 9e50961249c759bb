"""Layers that other packages bring, found by their entry points.

Invariant: finding imports nothing. A layer runs only while it is switched on, and what is wrong
with it stays with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, Protocol

from orc_core.sync.decisions import PAST, PENDING
from orc_core.sync.isolation import CALL_TIMEOUT_S, Isolated
from orc_core.sync.layers import Layer

GROUP: Final = "orc_tui.layers"
LAYERS_MAX: Final = 16
RESERVED: Final = frozenset(
    {"store", "file", "tmux", "base", PAST, PENDING, "supervisor", "archive", "backup"}
)
"""Names that sides of conflicts and lines of the sync pane have already."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,15}")


@dataclass(frozen=True, slots=True)
class Context:
    """What a plug-in is told: the workspace's folder, and the kinds of documents there are."""

    workspace: Path
    kinds: frozenset[str]


class Maker(Protocol):
    """What an entry point names."""

    def __call__(self, context: Context, /) -> Layer:
        """Make the layer; it is called once, on the thread where the layer will live."""


def find(
    workspace: Path, kinds: Collection[str], *, timeout_s: float = CALL_TIMEOUT_S
) -> Iterable[Isolated]:
    """Return the layers that are installed, in the order of their names; imports none of them."""
    context = Context(workspace, frozenset(kinds))
    for number, (name, entry) in enumerate(sorted(_sound()), start=1):
        if number > LAYERS_MAX:
            return
        yield Isolated(name, partial(_make, entry, context), kinds, timeout_s=timeout_s)


def _sound() -> Iterator[tuple[str, EntryPoint]]:
    """The entry points whose names can be those of a layer; of two of one name the first."""
    known: set[str] = set()
    for entry in entry_points(group=GROUP):
        if _NAME.fullmatch(entry.name) and entry.name not in RESERVED | known:
            known.add(entry.name)
            yield entry.name, entry


def _make(entry: EntryPoint, context: Context) -> Layer:
    maker: Maker = entry.load()
    return maker(context)
