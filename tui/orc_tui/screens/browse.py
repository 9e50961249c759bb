"""What the views that only tell have in common: a list, its cursor, a filter, the way back.

Invariant: looking changes nothing; each Esc undoes exactly one layer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import Input

from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.help import HelpScreen
from orc_tui.screens.keyed import KeyedScreen
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import browse
from orc_tui.view_models.ability import elsewhere
from orc_tui.view_models.browse import Browse
from orc_tui.view_models.lines import Line
from orc_tui.view_models.roll import Roll
from orc_tui.widgets.find_line import FindInput

_FAR: Final = 1_000_000
_WHEEL: Final = 3
_PANES: Final = (keymap.LIVE, keymap.AGENTS, keymap.TASKS, keymap.CONFLICTS, keymap.SYNC)


class BrowseView(KeyedScreen[str], inherit_bindings=False):
    """Shows rows by their keys; gives back the pane to go to, "" for the one before.

    What rows and details there are, each view says for itself.
    """

    CSS_PATH = "browse.tcss"
    AUTO_FOCUS = ""
    pane: ClassVar[str] = ""
    shown: ClassVar[tuple[str, ...]] = ()
    """The actions that the footer names."""
    hint: ClassVar[str] = "words"

    def __init__(self) -> None:
        super().__init__()
        self.roll = Roll()
        self.query_text = ""
        self._is_whole = False
        self._scroll = 0
        self._note = ("", "text")
        self._sheet = Sheet()
        self._find = FindInput(self.hint, docked=True)
        self._local = self._moves() | self.actions()

    def compose(self) -> ComposeResult:
        yield self._sheet
        yield self._find

    def on_mount(self) -> None:
        self.bind_keys()
        self.begin()

    def on_resize(self) -> None:
        self.draw()

    # -- what each view says --------------------------------------------------------------------

    def begin(self) -> None:
        """Read what is shown."""
        self.draw()

    def actions(self) -> dict[str, Callable[[], None]]:
        """What the keys of this view alone do, by action."""
        return {}

    def picture(self, width: int, height: int) -> Browse:
        """What is to be seen now; `self.foot` draws its last line."""
        raise NotImplementedError

    def filter_by(self, text: str) -> None:
        """Take a filter as it was typed, "" for none."""
        self.query_text = text

    def moved(self) -> None:
        """The cursor stands on another row."""

    # -- drawing --------------------------------------------------------------------------------

    def foot(self, width: int) -> Line:
        """The footer: what was just said, else the keys."""
        return browse.footer(self.keyboard, self.shown, width, *self._note)

    def note(self, text: str, ink: str = "text") -> None:
        """Show one line about something that was just done."""
        self._note = (text, ink)
        self.draw()

    def draw(self) -> None:
        """Draw everything as it is known."""
        if not self.is_attached or not self.size.width:
            return
        width, height = self.size
        self.roll.settle(self.roll.keys, browse.list_size(width, height)[1])
        view = self.picture(width, height)
        room = browse.detail_size(width, height, is_whole=self._is_whole)[1]
        self._scroll = min(self._scroll, max(len(view.detail) - room, 0))
        self._sheet.show(browse.lines(self.picture(width, height), width, height))

    # -- keys and mouse -------------------------------------------------------------------------

    def _moves(self) -> dict[str, Callable[[], None]]:
        steps = {"down": 1, "up": -1, "first": -_FAR, "last": _FAR}
        return {
            **{name: partial(self._move, by) for name, by in steps.items()},
            "half-down": lambda: self._move(max(self.roll.height // 2, 1)),
            "half-up": lambda: self._move(-max(self.roll.height // 2, 1)),
            "page-down": lambda: self._move(self.roll.height),
            "page-up": lambda: self._move(-self.roll.height),
            "live-down": lambda: self._shift(1),
            "live-up": lambda: self._shift(-1),
            "open": self._turn_whole,
            "zoom": self._turn_whole,
            "unzoom": self._turn_whole,
            "filter": self._open_find,
            "help": lambda: self._help(),
            "back": self._close_layer,
            "quit": self._close_layer,
            "view-before": self._close,
            **{f"pane-{at}": partial(self._leave, name) for at, name in enumerate(_PANES)},
        }

    def action_press(self, key: str) -> None:
        """Do what a key of the registry does here."""
        self._note = ("", "text")
        action = self.keyboard.action_for(key, self.pane)
        if action is None:
            self.note(elsewhere(key, self.pane, self.keyboard))
        elif (local := self._local.get(action.id)) is not None:
            local()
        else:
            self.draw()
            self.post_message(Act(action.id, self.pane, self.roll.cursor))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked; a double click opens it."""
        listed, _ = browse.places(*self.size, is_whole=self._is_whole)
        if listed is None or event.x >= listed.width:
            return
        at = event.y - listed.y - 1
        if 0 <= at < len(self.roll.visible):
            self.roll.go(self.roll.visible[at])
            self._came()
            if event.chain == 2:
                self._local["open"]()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll what is under the wheel."""
        self._wheel(event, _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll what is under the wheel."""
        self._wheel(event, -_WHEEL)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        event.stop()
        listed, _ = browse.places(*self.size, is_whole=self._is_whole)
        in_list = (
            listed is not None and event.x < listed.width and event.y < listed.y + listed.height
        )
        if in_list:
            self.roll.scroll(by)
            self._came()
        else:
            self._shift(by)

    def _move(self, by: int) -> None:
        if self._is_whole and abs(by) != _FAR:
            self._shift(by)
        else:
            self.roll.move(by)
            self._came()

    def _came(self) -> None:
        self._scroll = 0
        self.moved()
        self.draw()

    def _shift(self, by: int) -> None:
        self._scroll = max(self._scroll + by, 0)
        self.draw()

    def _turn_whole(self) -> None:
        if self.roll.keys:
            self._is_whole, self._scroll = not self._is_whole, 0
        self.draw()

    def _help(self) -> None:
        self.app.push_screen(HelpScreen(self.pane, self.keyboard))

    def _leave(self, pane: str) -> None:
        self.dismiss(pane)

    def _close(self) -> None:
        self.dismiss("")

    def _close_layer(self) -> None:
        """Undo exactly one layer: the line of `/`, the whole row, the filter, the view."""
        if self._find.is_open:
            self._find.close()
        elif self._is_whole:
            self._turn_whole()
        elif self.query_text:
            self.filter_by("")
            self._came()
        else:
            self._close()

    # -- the filter -----------------------------------------------------------------------------

    def _open_find(self) -> None:
        self._find.open(self.query_text)
        self.set_focus(self._find)  # at once: what is typed next is no key

    @on(Input.Submitted)
    def _find_this(self, event: Input.Submitted) -> None:
        event.stop()
        self._find.close()
        self.filter_by(event.value.strip())
        self._came()
