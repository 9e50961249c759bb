"""Writing a frame with as few bytes as it takes: the cells that changed, and no others.

Invariant: what is written depends on the cells of this frame alone, never on what was written
before, so that a terminal which lost something is right again after the next whole frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.style import Style
from textual._compositor import Compositor, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

_PLAIN: Final = Style.null()
_STYLES_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Run:
    """Cells side by side on one line; `x` and `y` are those of the first one, from 0."""

    x: int
    y: int
    strip: Strip


class Cells(CompositorUpdate):
    """Runs of cells, each put in its place; a style is written where it changes."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs

    def render_segments(self, console: Console) -> str:
        """The bytes of the frame; the terminal is left without a style."""
        system = COLOR_SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
        out: list[str] = []
        style = _PLAIN
        at = (-1, -1)
        for run in self.runs:
            if at != (run.x, run.y):
                out.append(_move(at, run.x, run.y))
            for text, worn, control in run.strip:
                if control or not text:
                    continue
                wanted = worn or _PLAIN
                if wanted is not style:
                    out.append(_dress(style, wanted, system))
                    style = wanted
                out.append(text)
            at = (run.x + run.strip.cell_length, run.y)
        if style is not _PLAIN:
            out.append("\x1b[0m")
        return "".join(out)


class WholeFrame(LayoutUpdate):
    """All cells of a screen; as a renderable, which pictures are made of, it is as it was."""

    def render_segments(self, console: Console) -> str:
        """The bytes of the frame."""
        runs: list[Run] = []
        for y, strips in enumerate(self.strips, self.region.y):
            x = self.region.x
            for strip in strips:
                runs.append(Run(x, y, strip))
                x += strip.cell_length
        return Cells(runs).render_segments(console)


class CellCompositor(Compositor):
    """Renders only the lines that are to be painted, and of them only those cells."""

    def render_partial_update(self) -> Cells | None:  # type: ignore[override]
        """The regions that are dirty; None where there are none."""
        screen = self.size.region
        dirty = [region.intersection(screen) for region in self._dirty_regions]
        self._dirty_regions.clear()
        runs = [
            run
            for y, x1, x2 in self._regions_to_spans(filter(None, dirty))
            for run in self._line(y, x1, x2)
        ]
        return Cells(runs) if runs else None

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """The whole screen; what lies under other widgets is not rendered."""
        if simplify:
            return super().render_full_update(simplify=True)
        self._dirty_regions.clear()
        width, height = self.size
        lines = [[run.strip for run in self._line(y, 0, width)] for y in range(height)]
        return WholeFrame(list[Iterable[Strip]](lines), self.size.region)

    def _line(self, y: int, x1: int, x2: int) -> list[Run]:
        """The cells `x1` to `x2` of a line, each from the topmost widget there."""
        runs: list[Run] = []
        free = [(x1, x2)]
        for widget, shown, region in self.layers_visible[y]:
            if not free:
                break
            left, right = shown.column_span
            parts = [(max(a, left), min(b, right)) for a, b in free if a < right and b > left]
            if not parts:
                continue
            strip = widget.render_lines(Region(0, y - region.y, region.width, 1))[0]
            for a, b in parts:
                runs.append(Run(a, y, strip.crop(a - region.x, b - region.x)))
            free = list(_without(free, left, right))
        runs.sort(key=lambda run: run.x)
        return runs


def _without(spans: Iterable[tuple[int, int]], left: int, right: int) -> Iterator[tuple[int, int]]:
    """What remains of spans where `left` to `right` is taken out."""
    for a, b in spans:
        if a < min(b, left):
            yield a, min(b, left)
        if max(a, right) < b:
            yield max(a, right), b


def _move(at: tuple[int, int], x: int, y: int) -> str:
    """The shortest way from where the cursor stands."""
    if at[1] == y and at[0] < x:
        return f"\x1b[{x - at[0]}C"
    return f"\x1b[{y + 1};{x + 1}H"


@lru_cache(maxsize=_STYLES_MAX)
def _dress(before: Style, after: Style, system: ColorSystem) -> str:
    """What changes the style that is worn into another one."""
    codes: list[str] = []
    for names, off in _ATTRIBUTES:
        had = {code for name, code in names if getattr(before, name)}
        has = [code for name, code in names if getattr(after, name)]
        if had - set(has):
            codes.append(off)
            had = set()
        codes += [code for code in has if code not in had]
    for old, new in zip(_colours(before, system), _colours(after, system), strict=True):
        if old != new:
            codes += new
    return f"\x1b[{';'.join(codes)}m" if codes else ""


_ATTRIBUTES: Final = (
    ((("bold", "1"), ("dim", "2")), "22"),
    ((("italic", "3"),), "23"),
    ((("underline", "4"),), "24"),
    ((("blink", "5"),), "25"),
    ((("reverse", "7"),), "27"),
    ((("strike", "9"),), "29"),
)
"""What switches each attribute on, and what switches it off, bold and dim at once."""


@lru_cache(maxsize=_STYLES_MAX)
def _colours(style: Style, system: ColorSystem) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The colour and the ground of a style as the terminal names them."""
    colour, ground = style.color, style.bgcolor
    return (
        colour.downgrade(system).get_ansi_codes() if colour else ("39",),
        ground.downgrade(system).get_ansi_codes(foreground=False) if ground else ("49",),
    )
