"""The Line-API widget that everything on the main view is: lines in, changed cells out.

Invariant: what did not change is not painted. `draw` compares the new lines with those on
screen and refreshes, per changed line, only the cells that differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self, cast

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from orc_core.text import cells, has_single_cells
from orc_tui.themes import ThemedApp
from orc_tui.view_models import glyphs
from orc_tui.view_models.lines import BLANK, Ink, Line, width_of

if TYPE_CHECKING:
    from textual.app import RenderResult

    from orc_tui.painted import PaintedScreen

_SCREENS_KEPT: Final = 2
_STRIPS_MIN: Final = 16
"""So many times the lines it has a canvas keeps as drawn, and so many at least.

A drawn line takes kilobytes, and lines that agents write come once.
"""
_JOINED_CELLS: Final = 6
"""Differences with fewer cells between them are painted as one."""


class Canvas(Widget):
    """Draws lines of styled text, one line of the widget each."""

    DEFAULT_CSS = """
    Canvas { background: $orc-ground; color: $orc-text; height: 1fr; width: 1fr; }
    """
    ALLOW_SELECT = False

    signs: dict[int, str] = glyphs.ASCII
    """What is drawn for each sign where only ASCII can be shown."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._strips: dict[tuple[Line, int], Strip] = {}
        self._behind: Color | None = None

    @property
    def lines(self) -> Sequence[Line]:
        """The lines as they were drawn last."""
        return self._lines

    def draw(self, lines: list[Line]) -> int:
        """Show these lines; returns how many of them had to be painted."""
        old, self._lines = self._lines, lines
        if len(old) != len(lines):
            self.refresh()
            return len(lines)
        regions = [
            Region(first, y, end - first, 1)
            for y, (before, after) in enumerate(zip(old, lines, strict=True))
            if before != after
            for first, end in changes(before, after)
        ]
        if regions:
            self.refresh(*regions)
        return len({region.y for region in regions})

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Paint these regions with the next frame; without any, all of it."""
        if not regions or layout or recompose:
            return super().refresh(repaint=repaint, layout=layout, recompose=recompose)
        if self.is_mounted and self.display:
            cast("PaintedScreen[object]", self.screen).paint_soon(self, regions)
        return self

    def render(self) -> RenderResult:
        """Nothing: lines are drawn one by one."""
        return ""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines without a border, padding or opacity around them, which no canvas has."""
        left, right = crop.column_span
        return [self.render_line(y).crop(left, right) for y in crop.line_range]

    def render_line(self, y: int) -> Strip:
        """One line, out of the cache where it was drawn before."""
        line = self._lines[y] if y < len(self._lines) else BLANK
        key = (line, self.size.width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= max(_SCREENS_KEPT * self.size.height, _STRIPS_MIN):
                self._strips.clear()
            strip = self._strips[key] = self._strip(line)
        return strip

    def _strip(self, line: Line) -> Strip:
        app = cast("ThemedApp[object]", self.app)
        palette = app.palette
        plain = self.signs if app.ascii_only else None
        runs: list[tuple[str, Style]] = []
        for text, ink in line:
            shown = text.translate(plain) if plain and isinstance(ink, str) else text
            _append(runs, shown, palette.style(ink))
        strip = Strip([Segment(text, style) for text, style in runs])
        strip = strip.adjust_cell_length(self.size.width, palette.ground)
        for line_filter in self.app.get_line_filters():
            if self._behind is None:
                self._behind = self.background_colors[1]
            strip = strip.apply_filter(line_filter, self._behind)
        return strip

    def on_unmount(self) -> None:
        """Let go of what was drawn: a screen that was left may be known for a while."""
        self._strips.clear()

    def notify_style_update(self) -> None:
        """Forget what was drawn under another theme."""
        self._strips.clear()
        self._behind = None
        super().notify_style_update()


def _append(runs: list[tuple[str, Style]], text: str, style: Style) -> None:
    """Add text to a line; what looks the same as the run before joins it, and saves bytes."""
    if not text:
        return
    if runs:
        before, last = runs[-1]
        blank = text.isspace() and last.bgcolor == style.bgcolor
        if last == style or (blank and _is_plain(last) and _is_plain(style)):
            runs[-1] = (before + text, last)
            return
    runs.append((text, style))


def _is_plain(style: Style) -> bool:
    """Whether a space looks the same in this style as in any other on the same ground."""
    return not (style.reverse or style.underline or style.strike)


def changes(before: Line, after: Line) -> list[tuple[int, int]]:
    """The cells in which two lines differ, as (first, one after the last) from the left on.

    What lies close together is one: to go on writing takes fewer bytes than to move.
    """
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    start = width_of(before[:head])
    old, old_inks = _cells(before[head : len(before) - tail])
    new, new_inks = _cells(after[head : len(after) - tail])
    if len(old) != len(new):
        pairs = (list(zip(old, old_inks, strict=True)), list(zip(new, new_inks, strict=True)))
        return [(start + _alike(*pairs), max(width_of(before), width_of(after)))]
    spans: list[tuple[int, int]] = []
    differs = (
        at
        for at, (one, other, ink, worn) in enumerate(
            zip(old, new, old_inks, new_inks, strict=True), start
        )
        if one != other or ink != worn
    )
    for at in differs:
        if spans and at - spans[-1][1] < _JOINED_CELLS:
            spans[-1] = (spans[-1][0], at + 1)
        else:
            spans.append((at, at + 1))
    return spans


def _alike(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items two sequences have in common from their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _cells(line: Line) -> tuple[list[str], list[Ink]]:
    """What stands in each cell of a line, and its ink.

    A wide character takes two cells, a mark belongs to what it stands on.
    """
    shown: list[str] = []
    inks: list[Ink] = []
    for text, ink in line:
        before = len(shown)
        if has_single_cells(text):
            shown.extend(text)
        else:
            _spread(text, shown)
        inks += [ink] * (len(shown) - before)
    return shown, inks


def _spread(text: str, shown: list[str]) -> None:
    for char in text:
        width = cells(char)
        if width:
            shown.append(char)
            shown += [f"{char} beyond"] * (width - 1)
        elif shown:
            shown[-1] += char
