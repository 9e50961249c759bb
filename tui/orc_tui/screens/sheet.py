"""A widget that shows lines of styled cells, and turns clicks on keys into those keys.

Invariant: what is shown is never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content, Span
from textual.style import Style
from textual.widget import Widget

from orc_tui.view_models.box import Line

LOOKS = frozenset({"bold", "underline", "reverse", "italic"})


class Sheet(Widget, can_focus=False):
    """Lines of cells, as wide and high as they are."""

    DEFAULT_CSS = """
    Sheet { width: 1fr; height: 1fr; text-wrap: nowrap; text-overflow: clip; pointer: default; }
    """

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        super().__init__()
        self._lines: tuple[Line, ...] = tuple(lines)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown now."""
        return self._lines

    def show(self, lines: Sequence[Line], *, width: int = 0) -> None:
        """Show other lines; with a width the sheet takes just the cells they need."""
        self._lines = tuple(lines)
        if width:
            self.styles.width = width
            self.styles.height = len(self._lines)
        self.refresh()

    def render(self) -> Content:
        variables = self.app.theme_variables
        return Content("\n").join(_painted(line, variables) for line in self._lines)

    def on_click(self, event: events.Click) -> None:
        press = event.style.meta.get("press")
        if isinstance(press, str):
            event.stop()
            self.app.simulate_key(press)


def _painted(line: Line, variables: dict[str, str]) -> Content:
    spans: list[Span] = []
    at = 0
    parts: list[str] = []
    for text, style in line:
        if style and text:
            looks, meta = _style(style, variables)
            if looks:
                spans.append(Span(at, at + len(text), looks))
            if meta is not None:
                spans.append(Span(at, at + len(text), meta))
        parts.append(text)
        at += len(text)
    return Content("".join(parts), spans)


def _style(style: str, variables: dict[str, str]) -> tuple[str, Style | None]:
    """The words of a view model's style as a style of the theme, and what a click presses."""
    looks: list[str] = []
    meta: Style | None = None
    for word in style.split():
        if word.startswith("press:"):
            meta = Style.from_meta({"press": word.removeprefix("press:")})
        elif word in LOOKS:
            looks.append(word)
        elif f"orc-{word}" in variables:
            looks.append(f"$orc-{word}")
    return " ".join(looks), meta
