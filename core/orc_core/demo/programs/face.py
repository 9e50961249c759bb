"""What a face is: the look of one kind of agent.

Invariant: a face is a function of a play and a moment. It draws, titles and names; it decides
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from orc_core.demo.programs.play import Entry, Play, Role

_APPENDED: Final = {Role.RESULT, Role.REFUSED, Role.LIMIT, Role.INTERRUPTED, Role.LAST}


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole screen, top to bottom, and where the cursor stands as (column, row) if it shows."""

    lines: tuple[str, ...]
    cursor: tuple[int, int] | None = None


class Face(Protocol):
    """One kind of agent, as the run loop needs it."""

    @property
    def letters(self) -> Mapping[str, int]: ...

    @property
    def line_answers(self) -> bool: ...

    def frame(self, play: Play, now: float, width: int, height: int) -> Frame: ...

    def title(self, play: Play, now: float) -> str: ...


def tail(lines: list[str], height: int, cursor: tuple[int, int] | None = None) -> Frame:
    """Return the part of a long page that a screen shows: its end."""
    skipped = max(len(lines) - height, 0)
    if cursor is not None:
        cursor = (cursor[0], cursor[1] - skipped)
    return Frame(tuple(lines[skipped:]), cursor)


def page(
    entries: Iterable[Entry], width: int, draw: Callable[[Entry, int], list[str]]
) -> list[str]:
    """Return a transcript with a blank line between what does not belong together."""
    lines: list[str] = []
    for entry in entries:
        if lines and entry.role not in _APPENDED:
            lines.append("")
        lines += draw(entry, width)
    return [*lines, ""] if lines else lines
