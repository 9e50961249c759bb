"""The footer: the keys of the focused pane that can act now.

Invariant: `? keys` stands at the right end at every width; what has no room is left away by
rank, so that the most needed keys are the last to go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from orc_core.text import cells, fit
from orc_tui.keyboard import DEFAULT, Keyboard, label
from orc_tui.keymap import BULK, Action
from orc_tui.view_models.ability import Row, reason
from orc_tui.view_models.lines import Line, Part

_GAP = 2


@dataclass(frozen=True, slots=True)
class Footer:
    """The line, and which cells press which key: (first, last + 1, key)."""

    line: Line
    spots: tuple[tuple[int, int, str], ...]

    def key_at(self, column: int) -> str:
        """The key under a column; "" where there is none."""
        return next((key for first, end, key in self.spots if first <= column < end), "")


def footer(
    pane: str,
    row: Row,
    width: int,
    keyboard: Keyboard = DEFAULT,
    marked: Mapping[str, Row] = MappingProxyType({}),
) -> Footer:
    """The footer of a pane with the cursor on `row`; what acts on the marked says on how many."""
    help_action = keyboard.action("help")
    shown = [
        _counted(action, marked)
        for action in keyboard.of_pane(pane)
        if action.word
        and action.keys
        and action is not help_action
        and not all(reason(action.id, one) for one in _rows(action, row, marked))
    ]
    room = width - 2 - _cells(help_action) - _GAP
    while shown and sum(map(_cells, shown)) + _GAP * (len(shown) - 1) > room:
        worst = max(action.rank for action in shown)
        last = max(index for index, action in enumerate(shown) if action.rank == worst)
        del shown[last]
    parts: list[Part] = [(" ", "text")]
    spots: list[tuple[int, int, str]] = []
    column = 1
    for action in shown:
        if column > 1:
            parts.append((" " * _GAP, "text"))
            column += _GAP
        column = _add(action, parts, spots, column)
    start = width - 1 - _cells(help_action)
    parts.append((" " * (start - column), "text"))
    if help_action.keys:
        _add(help_action, parts, spots, start)
    parts.append((" ", "text"))
    return Footer(tuple(parts), tuple(spots))


def _rows(action: Action, row: Row, marked: Mapping[str, Row]) -> Collection[Row]:
    """What an action would be done to."""
    return marked.values() if marked and action.id in BULK else (row,)


def _counted(action: Action, marked: Mapping[str, Row]) -> Action:
    if not marked or action.id not in BULK:
        return action
    return replace(action, word=f"{action.word} {len(marked)}")


def _cells(action: Action) -> int:
    return cells(label(action.keys[0])) + 1 + cells(action.word) if action.keys else 0


def _add(action: Action, parts: list[Part], spots: list[tuple[int, int, str]], column: int) -> int:
    parts.append((label(action.keys[0]), "text bold"))
    parts.append((f" {action.word}", "dim"))
    end = column + _cells(action)
    spots.append((column, end, action.keys[0]))
    return end


def told(text: str, width: int, *, undo_key: str, severity: str) -> Footer:
    """A message in the footer's place, with the key that takes it back ("" for none)."""
    hint = f"  {label(undo_key)} takes it back" if undo_key else ""
    room = max(width - 2 - cells(hint), 0)
    parts: list[Part] = [
        (" ", "text"),
        (fit(text, min(cells(text), room)), f"{severity or 'text'} bold"),
        (hint, "dim"),
    ]
    used = sum(cells(part) for part, _ in parts)
    parts.append((" " * (width - used), "text"))
    return Footer(tuple(parts), ())
