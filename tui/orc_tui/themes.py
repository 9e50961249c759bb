"""Themes: the few colours of the dashboard, under names that say what they mean.

Invariant: a widget names a token (`waiting`, `dim`, `border`), never a colour. One neutral
ramp, one accent that means focus only, four colours for what needs the operator.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, TypeVar

from rich.color import Color as RichColor
from rich.style import Style as RichStyle
from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.theme import Theme

from orc_core.model.snapshot import Style
from orc_tui.keyboard import DEFAULT
from orc_tui.view_models.lines import Ink

ResultType = TypeVar("ResultType")

DARK: Final = "orc-dark"
LIGHT: Final = "orc-light"
CONTRAST: Final = "orc-contrast"
ANSI: Final = "orc-ansi"

ROW: Final = "@"
"""The modifier that puts an ink on the background of the row under the cursor."""

_STYLES_MAX: Final = 2048
_FADED: Final = frozenset({"dim"})

TOKENS: Final = (
    "text",
    "dim",
    "border",
    "accent",
    "waiting",
    "crashed",
    "error",
    "limited",
    "done",
    "ground",
    "row",
)
"""Tokens; as CSS variables they carry the prefix `orc-`: `$orc-waiting`."""


@dataclass(frozen=True, slots=True)
class _Colours:
    ground: str
    surface: str
    row: str
    border: str
    text: str
    dim: str
    accent: str
    waiting: str
    red: str
    limited: str
    done: str

    def variables(self) -> dict[str, str]:
        """The CSS variables of the tokens."""
        values = {name: getattr(self, name, self.red) for name in TOKENS}
        return {f"orc-{name}": value for name, value in values.items()}


_DARK: Final = _Colours(
    ground="#14161b",
    surface="#1a1d24",
    row="#262c38",
    border="#3b4250",
    text="#d5d9e2",
    dim="#828b9b",
    accent="#72c7b6",
    waiting="#ffa552",
    red="#ff6b6b",
    limited="#e2c45a",
    done="#6cb4ff",
)
_LIGHT: Final = _Colours(
    ground="#fbfbfa",
    surface="#f2f3f4",
    row="#e3e9f0",
    border="#bcc3cd",
    text="#23282f",
    dim="#626c7a",
    accent="#0b7468",
    waiting="#b25000",
    red="#c01f2e",
    limited="#806400",
    done="#0a5fc0",
)
_CONTRAST: Final = _Colours(
    ground="#000000",
    surface="#101010",
    row="#3a3a3a",
    border="#d0d0d0",
    text="#ffffff",
    dim="#d0d0d0",
    accent="#00ffd0",
    waiting="#ffb000",
    red="#ff7070",
    limited="#fff000",
    done="#80c8ff",
)
_ANSI: Final = _Colours(
    ground="ansi_default",
    surface="ansi_default",
    row="ansi_default",
    border="ansi_bright_black",
    text="ansi_default",
    dim="ansi_default",
    accent="ansi_cyan",
    waiting="ansi_bright_yellow",
    red="ansi_red",
    limited="ansi_yellow",
    done="ansi_blue",
)


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


def _theme(name: str, colours: _Colours, *, dark: bool, ansi: bool = False) -> Theme:
    return Theme(
        name=name,
        primary=colours.accent,
        secondary=colours.dim,
        accent=colours.accent,
        warning=colours.limited,
        error=colours.red,
        success=colours.done,
        foreground=colours.text,
        background=colours.ground,
        surface=colours.surface,
        panel=colours.surface,
        dark=dark,
        ansi=ansi,
        variables=colours.variables() | (_ANSI_VARIABLES if ansi else {}),
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

THEMES: Final = (
    _theme(DARK, _DARK, dark=True),
    _theme(LIGHT, _LIGHT, dark=False),
    _theme(CONTRAST, _CONTRAST, dark=True),
    _theme(ANSI, _ANSI, dark=True, ansi=True),
)


class ThemedApp(App[ResultType], inherit_bindings=False):
    """An app that knows inks and keys; the dashboard and the tests of single screens are such."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "leave", show=False, priority=True)]

    def __init__(self, *, theme: str = "") -> None:
        # Only native colours can be left away whole; RGB would be turned into greys.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        for known in THEMES:
            self.register_theme(known)
        self.ansi_theme_dark, self.ansi_theme_light = _PANES_DARK, _PANES_LIGHT
        self.theme = theme or chosen(os.environ)
        self._palette: tuple[str, Palette] | None = None
        self.keyboard = DEFAULT

    @property
    def palette(self) -> Palette:
        """The inks under the theme of now."""
        if self._palette is None or self._palette[0] != self.theme:
            made = Palette(self.get_css_variables(), ansi=self.current_theme.ansi)
            self._palette = (self.theme, made)
        return self._palette[1]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the tokens a value in themes that are not ours."""
        return _DARK.variables()

    def action_leave(self) -> None:
        """Quit."""
        self.exit()


def chosen(environ: Mapping[str, str]) -> str:
    """The theme's name: `ORC_THEME` (dark, light, contrast, ansi), else dark.

    With NO_COLOR the ansi theme is taken, since only there no colour at all is written.
    """
    if "NO_COLOR" in environ:
        return ANSI
    name = f"orc-{environ.get('ORC_THEME', '')}"
    return name if name in {theme.name for theme in THEMES} else DARK


class Palette:
    """Resolves inks to styles under one theme; made anew when the theme changes."""

    def __init__(self, variables: Mapping[str, str], *, ansi: bool) -> None:
        self._colours = {name: Color.parse(variables[f"orc-{name}"]).rich_color for name in TOKENS}
        self._ansi = ansi
        self._cache: dict[Ink, RichStyle] = {}

    @property
    def ground(self) -> RichStyle:
        """Text on the plain background."""
        return self.style("text")

    def style(self, ink: Ink) -> RichStyle:
        """The style of an ink: a token with `bold`, `reverse`, `underline`, or `@` for the row
        under the cursor; or a pane's own style.
        """
        known = self._cache.get(ink)
        if known is None:
            if len(self._cache) >= _STYLES_MAX:
                self._cache.clear()
            known = self._cache[ink] = self._make(ink)
        return known

    def _make(self, ink: Ink) -> RichStyle:
        if isinstance(ink, Style):
            return _pane_style(ink, self._colours["text"], self._colours["ground"])
        words = set(ink.split())
        token = next((name for name in TOKENS if name in words), "text")
        on_row = ROW in words
        return RichStyle(
            color=self._colours[token],
            bgcolor=self._colours["row" if on_row else "ground"],
            bold="bold" in words or (on_row and self._ansi),
            dim=True if self._ansi and token in _FADED else None,
            reverse="reverse" in words,
            underline="underline" in words,
        )


def _pane_style(style: Style, text: RichColor, ground: RichColor) -> RichStyle:
    """The look a pane's own cells have, on our text and ground where it names no colour."""
    return RichStyle(
        color=text if style.fg is None else _pane_colour(style.fg),
        bgcolor=ground if style.bg is None else _pane_colour(style.bg),
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=style.reverse,
        strike=style.strike,
    )


@lru_cache(maxsize=1024)
def _pane_colour(colour: int | str) -> RichColor:
    return RichColor.from_ansi(colour) if isinstance(colour, int) else RichColor.parse(colour)
