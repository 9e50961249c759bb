"""Choosing a theme: the screen wears the one under the cursor.

Invariant: whatever ends it without a choice brings back the theme of before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from orc_tui.screens.dialog import Option
from orc_tui.screens.menu import Menu

if TYPE_CHECKING:
    from orc_tui.themes import ThemedApp


class ThemeMenu(Menu):
    """Offers themes by name and wears each as the cursor comes to it; gives back one, or None."""

    def __init__(self, names: Sequence[str], worn: str, notes: Sequence[str]) -> None:
        super().__init__("Theme", [Option(name, name) for name in names], notes)
        self._cursor = names.index(worn) if worn in names else 0
        self._before = worn

    def action_move(self, step: int) -> None:
        super().action_move(step)
        self._wear(self._options[self._cursor].id)

    def action_take(self, index: int) -> None:
        self._wear(self._options[index].id)
        super().action_take(index)

    def action_cancel(self) -> None:
        self._wear(self._before)
        super().action_cancel()

    def _wear(self, name: str) -> None:
        cast("ThemedApp[object]", self.app).wear(name)
        self._draw()
