"""Every verb of a pane, found by typing its name.

Invariant: a letter is part of the name and never a verb's own key; only Enter or a click chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from orc_tui.screens.dialog import Option
from orc_tui.screens.menu import Menu
from orc_tui.view_models.lines import Line

TYPED_MAX: Final = 40


class Palette(Menu, inherit_bindings=False):
    """Offers the options whose word or note holds what was typed; gives back the id of one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "move(1)", show=False),
        Binding("up,shift+tab", "move(-1)", show=False),
        Binding("enter", "choose", show=False),
        Binding("backspace", "erase", show=False),
        Binding("ctrl+u", "clear", show=False),
        Binding("escape", "cancel", show=False),
    ]
    moves = ("↓ ↑", "down")

    def __init__(self, title: str, options: Sequence[Option], notes: Sequence[str]) -> None:
        super().__init__(title, options, notes)
        self._all = tuple(zip(options, notes, strict=True))
        self._typed = ""

    def _bind_options(self) -> None:
        """Let a click on an option take it; what is typed is its name, never its key."""
        for index in range(len(self._all)):
            self._bindings.bind(f"option-{index}", f"take({index})", show=False)

    def on_key(self, event: events.Key) -> None:
        """Add a letter to the name."""
        if event.is_printable and event.character:
            event.stop()
            self._find((self._typed + event.character)[:TYPED_MAX])

    def action_erase(self) -> None:
        self._find(self._typed[:-1])

    def action_clear(self) -> None:
        self._find("")

    def _find(self, typed: str) -> None:
        """Offer what was typed: first what begins with it, then what holds all of its words."""
        self._typed = typed
        name, words = typed.strip().casefold(), typed.casefold().split()
        found = [
            (option, note)
            for option, note in self._all
            if all(word in f"{option.word} {note}".casefold() for word in words)
        ]
        found.sort(key=lambda one: not one[0].word.startswith(name))
        self._options = tuple(option for option, _ in found)
        self._notes = tuple(note for _, note in found)
        self._cursor = 0
        self._draw()

    def _above(self) -> list[Line]:
        typed: Line = ((" : ", "accent bold"), (self._typed, "bold"), (" ", "reverse"))
        none: list[Line] = [] if self._options else [(("   nothing is called that", "dim"),)]
        return [typed, (), *none]
