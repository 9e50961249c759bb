"""Themes as Textual knows them, and the app that wears one.

Invariant: which theme is worn was decided at the start or by the operator; with NO_COLOR no
colour is written at all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

from rich.console import RenderableType
from rich.terminal_theme import TerminalTheme
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen
from textual.theme import Theme

from orc_tui import colours
from orc_tui.colours import Colours
from orc_tui.keyboard import DEFAULT
from orc_tui.pace import Pace
from orc_tui.palette import Palette
from orc_tui.typeahead import TypeAhead

ResultType = TypeVar("ResultType")

PREFIX: Final = "orc-"
"""Keeps our themes apart from those that Textual brings."""

_ANSI_VARIABLES: Final = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "input-cursor-background": "ansi_white",
    "input-cursor-foreground": "ansi_black",
    "input-cursor-text-style": "none",
    "input-selection-background": "ansi_white",
    "input-selection-foreground": "ansi_black",
}
"""What Textual's own style sheets ask of an ansi theme; without it no screen comes up."""


def made(name: str, of: Colours, *, dark: bool, ansi: bool = False) -> Theme:
    """A theme of some colours; `ansi` where the terminal says what they look like."""
    return Theme(
        name=f"{PREFIX}{name}",
        primary=of.accent,
        secondary=of.dim,
        accent=of.accent,
        warning=of.limited,
        error=of.red,
        success=of.done,
        foreground=of.text,
        background=of.ground,
        surface=of.surface,
        panel=of.surface,
        dark=dark,
        ansi=ansi,
        variables=of.variables() | (_ANSI_VARIABLES if ansi else {}),
    )


def _terminal(ground: str, text: str, normal: str, bright: str) -> TerminalTheme:
    """The sixteen colours that panes name by number."""
    triples = [Color.parse(f"#{word}").rgb for word in (ground, text, *normal.split())]
    more = [Color.parse(f"#{word}").rgb for word in bright.split()]
    return TerminalTheme(triples[0], triples[1], triples[2:], more)


_PANES_DARK: Final = _terminal(
    "14161b",
    "d5d9e2",
    "1d2026 ff6b6b 8bd17c e2c45a 6cb4ff c792ea 72c7b6 c8cdd6",
    "7d8696 ff8f8f a6e39a f0d97f 92c8ff dab2f5 93dccd ffffff",
)
_PANES_LIGHT: Final = _terminal(
    "fbfbfa",
    "23282f",
    "23282f c01f2e 2f7d32 806400 0a5fc0 8a3fb0 0b7468 717a86",
    "626c7a d4404c 3c9140 957600 2b7bd6 a159c6 138c7e 4a525c",
)

DARK: Final = "dark"
ANSI: Final = "ansi-dark"
BUILT_IN: Final[Mapping[str, Theme]] = {
    "dark": made("dark", colours.DARK, dark=True),
    "light": made("light", colours.LIGHT, dark=False),
    "contrast": made("contrast", colours.CONTRAST, dark=True),
    "ansi-dark": made("ansi-dark", colours.ANSI_DARK, dark=True, ansi=True),
    "ansi-light": made("ansi-light", colours.ANSI_LIGHT, dark=False, ansi=True),
}
"""The themes that come with the program, by the names that people use."""

ALIASES: Final[Mapping[str, str]] = {"ansi": ANSI, "high-contrast": "contrast"}


class ThemedApp(App[ResultType], inherit_bindings=False):
    """An app that knows inks and keys; the dashboard and the tests of single screens are such.

    `theme` is a name as people use it, and `more` are themes beside those built in.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "leave", show=False, priority=True)]

    def __init__(
        self, *, theme: str = "", ascii_only: bool | None = None, more: Sequence[Theme] = ()
    ) -> None:
        self.is_colourless = "NO_COLOR" in os.environ
        # Only native colours can be left away whole; RGB would be turned into greys.
        super().__init__(ansi_color=True if self.is_colourless else None)
        self.ascii_only = bool(os.environ.get("ORC_ASCII")) if ascii_only is None else ascii_only
        for known in (*BUILT_IN.values(), *more):
            self.register_theme(known)
        self.ansi_theme_dark, self.ansi_theme_light = _PANES_DARK, _PANES_LIGHT
        self.keyboard = DEFAULT
        self.typeahead = TypeAhead(self, hand_on=super().post_message, full=self.keys_dropped)
        self._pressed_at: float | None = None
        self.pace = Pace()
        self._has_skipped = False
        self._palette: tuple[str, Palette] | None = None
        self.wear(theme or DARK)

    @property
    def worn(self) -> str:
        """The theme of now, by the name that people use."""
        return self.theme.removeprefix(PREFIX)

    def wear(self, name: str) -> None:
        """Change the theme; with NO_COLOR it stays the one that writes no colour."""
        self.theme = f"{PREFIX}{ANSI if self.is_colourless else ALIASES.get(name, name)}"

    @property
    def palette(self) -> Palette:
        """The inks under the theme of now."""
        if self._palette is None or self._palette[0] != self.theme:
            found = Palette(self.get_css_variables(), ansi=self.current_theme.ansi)
            self._palette = (self.theme, found)
        return self._palette[1]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the tokens a value in themes that are not ours."""
        return colours.DARK.variables()

    def get_driver_class(self) -> type[Driver]:
        """The terminal, read as it is typed and written as fast as it takes it."""
        from orc_tui.terminal import TerminalDriver

        return TerminalDriver

    def post_message(self, message: Message) -> bool:
        """Take a message; a key waits until those before it are done."""
        if isinstance(message, events.Key | events.Paste) and not message.is_forwarded:
            self.typeahead.put(message)
            return True
        return super().post_message(message)

    async def on_event(self, event: events.Event) -> None:
        """Do what an event asks, and have what a key causes followed."""
        if not isinstance(event, events.Key | events.Paste):
            await super().on_event(event)
            return
        self.pace.pressed()
        by = None if event.is_forwarded else (self.focused or self.screen)
        self._pressed_at = event.time
        try:
            await super().on_event(event)
        finally:
            self._pressed_at = None
            if by is not None:
                self.typeahead.handled(by)

    @property
    def late_s(self) -> float:
        """How long ago the key was pressed whose action runs now; 0.0 for what is no key."""
        return 0.0 if self._pressed_at is None else time.monotonic() - self._pressed_at

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Write a frame; while another one is on its way it is left out, and drawn anew then."""
        if renderable is not None and not self.pace.is_free:
            self._has_skipped = True
            return
        if renderable is not None and not self._batch_count:
            self.pace.drawn()  # not before: a screen below another one asks and writes nothing
        super()._display(screen, renderable)

    def frame_left(self, took_s: float) -> None:
        """All that was written has left; the last of it took so long."""
        was_slow = self.pace.is_slow
        self.pace.left(took_s)
        if was_slow is not self.pace.is_slow:
            self.link_changed()
        if self.screen_stack:
            if self._has_skipped:
                self._has_skipped = False
                self.screen.refresh()
            self.screen.check_idle()

    def link_changed(self) -> None:
        """The link to the terminal became slow, or is fast again."""

    def keys_dropped(self) -> None:
        """Say that more was typed than is kept."""

    def action_leave(self) -> None:
        """Quit."""
        self.exit()
