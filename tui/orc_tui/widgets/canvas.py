"""The Line-API widget that everything on the main view is: lines in, changed cells out.

Invariant: what did not change is not painted. `draw` compares the new lines with those on
screen and refreshes, per changed line, only the cells between the first and the last difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from orc_core.text import cells
from orc_tui.themes import ThemedApp
from orc_tui.view_models import glyphs
from orc_tui.view_models.lines import BLANK, Line

if TYPE_CHECKING:
    from textual.app import RenderResult

_STRIPS_MAX = 512


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
        painted = 0
        for y, (before, after) in enumerate(zip(old, lines, strict=True)):
            if before != after:
                first, end = changed(before, after)
                self.refresh(Region(first, y, max(end - first, 1), 1))
                painted += 1
        return painted

    def render(self) -> RenderResult:
        """Nothing: lines are drawn one by one."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One line, out of the cache where it was drawn before."""
        line = self._lines[y] if y < len(self._lines) else BLANK
        key = (line, self.size.width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= _STRIPS_MAX:
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
        segments = [Segment(text, style) for text, style in runs]
        return Strip(segments).adjust_cell_length(self.size.width, palette.ground)

    def notify_style_update(self) -> None:
        """Forget what was drawn under another theme."""
        self._strips.clear()
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


def changed(before: Line, after: Line) -> tuple[int, int]:
    """The first cell in which two lines differ, and the one after the last."""
    old, new = _characters(before), _characters(after)
    head = _alike(old, new)
    same_width = _width(old) == _width(new)
    tail = _alike(old[head:][::-1], new[head:][::-1]) if same_width else 0
    ends = (_width(line[: len(line) - tail]) for line in (old, new))
    return _width(new[:head]), max(ends)


_Characters = list[tuple[str, object]]


def _alike(one: _Characters, other: _Characters) -> int:
    """How many characters two lines have in common from their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _width(line: _Characters) -> int:
    return sum(cells(char) for char, _ in line)


def _characters(line: Line) -> _Characters:
    return [(char, ink) for text, ink in line for char in text]
