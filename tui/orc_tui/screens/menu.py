"""A short list to choose one thing from, with a key for each.

Invariant: Esc and `q` choose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from orc_core.text import clean
from orc_tui.keyboard import binding_key
from orc_tui.painted import PaintedModal
from orc_tui.screens.dialog import WIDTH_MAX, Option
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import box
from orc_tui.view_models.lines import Line


class Menu(PaintedModal[str | None]):
    """Offers options under each other; gives back the id of one, or None.

    `notes` stand beside the options: what each holds now.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down,tab", "move(1)", show=False),
        Binding("k,up,shift+tab", "move(-1)", show=False),
        Binding("enter", "choose", show=False),
        Binding("escape,q", "cancel", show=False),
    ]

    moves = ("j k", "j")
    """The keys that move, as the foot names them, and the one that a click presses."""

    def __init__(self, title: str, options: Sequence[Option], notes: Sequence[str] = ()) -> None:
        super().__init__()
        self._title = title
        self._options = tuple(options)
        self._notes = (*notes, *([""] * (len(options) - len(notes))))
        self._cursor = 0
        self._sheet = Sheet()

    def compose(self) -> ComposeResult:
        yield self._sheet

    def on_mount(self) -> None:
        self._bind_options()
        self._draw()

    def _bind_options(self) -> None:
        """Let a click on an option take it, and its key."""
        for index, option in enumerate(self._options):
            self._bindings.bind(f"option-{index}", f"take({index})", show=False)
            if option.key and option.key not in self._bindings.key_to_bindings:
                self._bindings.bind(binding_key(option.key), f"take({index})", show=False)

    def on_resize(self) -> None:
        self._draw()

    def action_move(self, step: int) -> None:
        if self._options:
            self._cursor = (self._cursor + step) % len(self._options)
            self._draw()

    def action_choose(self) -> None:
        if self._options:
            self.dismiss(self._options[self._cursor].id)

    def action_take(self, index: int) -> None:
        if index < len(self._options):
            self.dismiss(self._options[index].id)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def _above(self) -> list[Line]:
        """What stands over the options."""
        return []

    def _draw(self) -> None:
        if not self.is_attached or not self.size.width:
            return
        width = min(self.size.width - 4, WIDTH_MAX)
        keys = max((len(option.key) for option in self._options), default=0)
        above = self._above()
        room = max(self.size.height - 6 - len(above), 1)
        start = max(min(self._cursor - room // 2, len(self._options) - room), 0)
        shown = range(start, min(start + room, len(self._options)))
        rows: list[Line] = [(), *above]
        for index in shown:
            option, note = self._options[index], self._notes[index]
            here = index == self._cursor
            press = f"press:option-{index}"
            rows.append(
                (
                    (" › " if here else "   ", "accent bold"),
                    (f"{option.key:<{keys}} ", f"accent {press}"),
                    (f"{option.word:<12} ", f"{'bold ' if here else ''}{press}"),
                    (clean(note, limit=300), f"dim {press}"),
                )
            )
        rows.append(())
        foot = box.keys(
            [
                box.key(self.moves[0], "move", press=self.moves[1]),
                box.key("Enter", "choose", press="enter"),
                box.key("Esc", "cancel", press="escape"),
            ],
            width - 6,
        )
        head: Line = ((clean(self._title, limit=200), "bold"),)
        lines = box.boxed(rows, width, head=head, foot=(foot, ()), style="accent")
        self._sheet.show(lines, width=width)
