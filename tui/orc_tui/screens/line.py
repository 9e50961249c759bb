"""The line that is typed to an agent, or into a field.

Invariant: nothing leaves before Enter, and Esc never loses what was typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from orc_core.text import clean
from orc_tui.painted import PaintedModal

LENGTH_MAX = 16_000


AREA_MAX: Final = 1024 * 1024
"""As much as a file of the mirror may hold."""


_WATCHERS: Final = "__watchers"


class LineArea(TextArea):
    """A text field in which Enter submits, ctrl+j breaks the line and ↑ recalls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", show=False, priority=True),
        Binding("ctrl+j", "newline", show=False, priority=True),
    ]

    class Submitted(Message):
        """Enter was pressed."""

        def __init__(self, area: LineArea) -> None:
            super().__init__()
            self.area = area

        @property
        def control(self) -> LineArea:
            return self.area

    def __init__(
        self, text: str = "", *, recall: Sequence[str] = (), many: bool = True, id: str = ""
    ) -> None:
        text = clean(text, limit=AREA_MAX, newlines=True)
        super().__init__(text, compact=True, highlight_cursor_line=False, id=id or None)
        self.cursor_blink = False
        self._recall = tuple(recall)
        self._recalled = 0
        self._draft = text
        self._many = many

    def on_mount(self) -> None:
        self.move_cursor(self.document.end)

    def on_unmount(self) -> None:
        """Be let go by the app, which keeps whoever watches its theme until that changes."""
        watching = getattr(self.app, _WATCHERS, {}).get("theme", [])
        watching[:] = [one for one in watching if one[0] is not self]

    def action_submit(self) -> None:
        self.post_message(self.Submitted(self))

    def action_newline(self) -> None:
        if self._many:
            self.insert("\n")

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up a line; from the first one recall what was sent before."""
        if not select and self._recall and self.cursor_location[0] == 0:
            self._show_recalled(self._recalled + 1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Go down a line; from a recalled one back towards the draft."""
        if not select and self._recalled and self.cursor_location[0] == self.document.end[0]:
            self._show_recalled(self._recalled - 1)
        else:
            super().action_cursor_down(select)

    def _show_recalled(self, back: int) -> None:
        if not 0 <= back <= len(self._recall):
            return
        if self._recalled == 0:
            self._draft = self.text
        self._recalled = back
        self.text = self._recall[-back] if back else self._draft
        self.move_cursor(self.document.end)

    async def _on_paste(self, event: events.Paste) -> None:
        """Take pasted text without control characters, and no more than fits."""
        event.prevent_default()
        event.stop()
        room = max(LENGTH_MAX - len(self.text), 0)
        text = clean(event.text, limit=room, newlines=True)
        self.insert(text if self._many else text.replace("\n", " "))


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed; `send` is False where it stays a draft."""

    text: str
    send: bool


class LineInput(PaintedModal[Typed]):
    """Asks for a line to one agent; `recall` are the lines sent before, oldest first."""

    CSS_PATH = "line.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "keep", show=False)]

    def __init__(
        self, to: str, *, draft: str = "", recall: Sequence[str] = (), note: str = ""
    ) -> None:
        super().__init__()
        self._to = to
        self._note = note
        self._area = LineArea(draft, recall=recall)

    def compose(self) -> ComposeResult:
        frame = Vertical(self._area, classes="frame")
        title = f"Type to {clean(self._to, limit=120)}"
        note = f" · {clean(self._note, limit=120)}" if self._note else ""
        frame.border_title = Content(f"{title}{note}")
        frame.border_subtitle = Content("Enter send  ctrl+j new line  ↑ recall  Esc keep the draft")
        yield frame

    def on_mount(self) -> None:
        self._area.focus()

    def on_line_area_submitted(self) -> None:
        """Send; an empty line closes, as Esc does."""
        text = self._area.text
        self.dismiss(Typed(text, bool(text.strip())))

    def action_keep(self) -> None:
        self.dismiss(Typed(self._area.text, False))
