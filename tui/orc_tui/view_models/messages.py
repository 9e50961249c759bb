"""The lines that were said to the operator, newest first.

Invariant: none is lost while it is among the kept ones, and each says when it was said.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from orc_core.text import clean
from orc_tui.view_models import box
from orc_tui.view_models.lines import Line


@dataclass(frozen=True, slots=True)
class Said:
    """One line: `number` counts from 1, `at` is seconds since the epoch.

    `severity` is "", waiting or error; with `undoable` an act was told that could be taken back.
    """

    number: int
    at: float
    text: str
    undoable: bool = False
    severity: str = ""

    @property
    def key(self) -> str:
        """What tells it from every other line."""
        return str(self.number)


def found(said: Sequence[Said], query: str) -> list[Said]:
    """Those that hold every word of the query, newest first."""
    words = query.casefold().split()
    return [one for one in reversed(said) if all(word in one.text.casefold() for word in words)]


def row(one: Said) -> Line:
    """One line of the list, without the sign of the cursor."""
    at = time.strftime("%H:%M:%S", time.localtime(one.at))
    sign = ("z ", "accent") if one.undoable else ("  ", "text")
    return ((f"{at}  ", "dim"), sign, (clean(one.text, limit=600), one.severity or "text"))


def detail(one: Said | None, width: int, *, takes_back: bool) -> list[Line]:
    """The whole of a line, wrapped, and whether `z` takes back what it tells."""
    if one is None:
        return []
    ink = one.severity or "text"
    out: list[Line] = [((part, ink),) for part in box.wrap(clean(one.text, limit=4_000), width)]
    if one.undoable:
        told = "z takes it back" if takes_back else "z takes it back after what was done since"
        out += [(), ((told, "dim"),)]
    return out


def lost(pending: int) -> str:
    """Say what would be lost by quitting now."""
    if pending == 1:
        return "1 change waits for the store and would be lost"
    return f"{pending} changes wait for the store and would be lost"
