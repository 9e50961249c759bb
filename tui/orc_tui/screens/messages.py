"""Messages: what was said to the operator in this run, so that nothing vanishes unread.

Invariant: as many lines are kept as the app keeps, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from orc_tui import keymap
from orc_tui.screens.browse import BrowseView
from orc_tui.view_models import browse, messages
from orc_tui.view_models.browse import Browse
from orc_tui.view_models.lines import BLANK
from orc_tui.view_models.messages import Said


class MessagesView(BrowseView, inherit_bindings=False):
    """Shows what was said, newest first."""

    pane: ClassVar[str] = keymap.MESSAGES
    shown: ClassVar[tuple[str, ...]] = ("undo", "filter", "command")

    def __init__(self, said: Sequence[Said]) -> None:
        """`said` is what the app keeps, oldest first; it may grow meanwhile."""
        super().__init__()
        self._said = said
        self._rows: dict[str, Said] = {}

    def begin(self) -> None:
        self._take()
        self.draw()

    def note(self, text: str, ink: str = "text") -> None:
        """Show one line, which is a message too."""
        self._take()
        super().note(text, ink)

    def filter_by(self, text: str) -> None:
        super().filter_by(text)
        self._take()

    def _take(self) -> None:
        self._rows = {one.key: one for one in messages.found(self._said, self.query_text)}
        self.roll.settle(list(self._rows), self.roll.height)

    def picture(self, width: int, height: int) -> Browse:
        inner = browse.list_size(width, height)[0]
        room = browse.detail_size(width, height, is_whole=self._is_whole)[0]
        here = self._rows.get(self.roll.cursor)
        newest = next((one for one in reversed(self._said) if one.undoable), None)
        rows = [
            browse.row(messages.row(self._rows[key]), inner, here=key == self.roll.cursor)
            for key in self.roll.visible
        ]
        nothing = "no message holds that: Esc shows all" if self.query_text else "nothing was said"
        return Browse(
            title=(("Messages", "bold"),),
            right=((f"{len(self._said)} kept ", "dim"),),
            name="Said",
            beside=((f" /{self.query_text}", "limited"),) if self.query_text else BLANK,
            count=f"{self.roll.index + 1} of {len(self.roll.keys)}" if rows else "",
            rows=rows or [((f"  {nothing}", "dim"),)],
            detail_name="Whole",
            detail=messages.detail(here, room, takes_back=here is newest),
            foot=self.foot(width),
            scroll=self._scroll,
            is_whole=self._is_whole,
        )
