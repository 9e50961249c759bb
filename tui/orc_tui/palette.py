"""From the inks of lines to the styles of cells, under one theme.

Invariant: equal inks look the same; what a theme does not say is text on its ground.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rich.color import Color as RichColor
from rich.style import Style as RichStyle
from textual.color import Color

from orc_core.model.snapshot import Style
from orc_tui.colours import TOKENS
from orc_tui.view_models.lines import Ink

ROW: Final = "@"
"""The modifier that puts an ink on the background of the row under the cursor."""

_STYLES_MAX: Final = 2048
_FADED: Final = frozenset({"dim"})


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
