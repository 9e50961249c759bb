"""The layers where documents live, and how far each is behind.

Invariant: a layer that was not seen yet is `unknown`, never `ok`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.model.health import Layer, LayerState
from orc_core.text import cells, fit
from orc_tui.view_models import glyphs
from orc_tui.view_models.lines import Line, Part, ends, join
from orc_tui.view_models.spans import brief, clock, lag

EMPTY: Final = "no layers yet: the workspace is being opened"
_FIXED: Final = 35
"""Cells before `last trouble`, without the name and the strategy."""
_NAME: Final = 6
_NAME_MAX: Final = 16
_TMUX: Final = "tmux"
_STRATEGY: Final = 10
_WIDE: Final = 72
"""From this width on there is room for the strategy."""
_TOOK: Final = 9
_WIDER: Final = 96
"""From this width on there is room for how long it took."""


def needs_you(layer: Layer) -> bool:
    """Whether the layer is not well."""
    return layer.state in (LayerState.DEGRADED, LayerState.OFFLINE) or layer.failed > 0


def name_width(layers: Sequence[Layer]) -> int:
    """The cells that the names of these layers get; more than usual for several servers."""
    return min(max([_NAME, *(cells(layer.name) for layer in layers)]), _NAME_MAX)


def heading(width: int, name: int = _NAME) -> Line:
    """The names of the columns; `name` is the cells for the first."""
    strategy = fit("strategy", _STRATEGY) if width >= _WIDE else ""
    layer = fit("layer", name)
    took = "took".rjust(_TOOK) if width >= _WIDER else ""
    text = f"   {layer} state    {strategy}behind   queued  failed{took}  last trouble"
    return ((fit(text, width), "dim"),)


def row(layer: Layer, width: int, name: int = _NAME) -> Line:
    """One layer, without the sign of the cursor."""
    sign, ink = glyphs.LAYERS[layer.state]
    wide = width >= _WIDE - 1
    strategy = fit(layer.strategy, _STRATEGY) if wide else ""
    wider = width >= _WIDER - 1
    took = brief(layer.latency_s) if layer.passes else ""
    room = width - _FIXED - name - (_STRATEGY if wide else 0) - (_TOOK if wider else 0)
    is_off = layer.state is LayerState.OFF
    behind = lag(layer.behind_s) if layer.strategy and not is_off else ""
    parts: list[Part] = [
        (f"{sign} ", ink),
        (fit(layer.name, name) + " ", "text"),
        (fit(layer.state.value, 8) + " ", ink),
        (f"{strategy}{behind.rjust(6)}", "text"),
        (f"{layer.queued:>9}", "text" if layer.queued else "dim"),
        (f"{layer.failed:>8}", "error" if layer.failed else "dim"),
        (took.rjust(_TOOK) if wider else "", "text"),
        (fit("  " + _trouble(layer), max(room, 0)), "error" if layer.faults else "dim"),
    ]
    return tuple(parts)


def _trouble(layer: Layer) -> str:
    """When and what, in few cells: a path that begins it is told by its last part."""
    if not layer.trouble:
        return ""
    path, space, rest = layer.trouble.partition(" ")
    told = f"{path.rpartition('/')[2]}{space}{rest}" if path.startswith("/") else layer.trouble
    return f"{clock(layer.trouble_at)} {told}" if layer.trouble_at else told


def title(layers: Sequence[Layer]) -> str:
    """The right end of the list's title."""
    if not layers:
        return ""
    bad = [layer for layer in layers if layer.state is not LayerState.OK]
    if not bad:
        return "all layers up"
    return " · ".join(f"{layer.name} {layer.state.value}" for layer in bad)


def summary(layers: Sequence[Layer], width: int) -> Line:
    """The layers as one line, where there is no room for rows."""
    if not layers:
        return ((EMPTY, "dim"),)
    signs: list[Line] = [
        ((f"{glyphs.LAYERS[state][0]} {name}", glyphs.LAYERS[state][1]),)
        for name, state in _gathered(layers)
    ]
    queued, failed = sum(one.queued for one in layers), sum(one.failed for one in layers)
    counts: Line = (
        (f"{queued} queued  ", "dim"),
        (f"{failed} failed", "error" if failed else "dim"),
    )
    return ends(join(signs, 2), counts, width)


def _gathered(layers: Sequence[Layer]) -> list[tuple[str, LayerState]]:
    """Names and states, the servers that are well as one: `tmux x3`."""
    servers = [one for one in layers if one.name.partition(" ")[0] == _TMUX]
    well = sum(one.state is LayerState.OK for one in servers)
    if len(servers) < 2 or not well:
        return [(layer.name, layer.state) for layer in layers]
    told = [(f"{_TMUX} x{well}" if well > 1 else _TMUX, LayerState.OK)]
    rest = [one for one in layers if one not in servers or one.state is not LayerState.OK]
    return told + [(layer.name, layer.state) for layer in rest]


def worst(layers: Sequence[Layer]) -> LayerState:
    """The state of the layer that is worst off."""
    order = (
        LayerState.OFFLINE,
        LayerState.DEGRADED,
        LayerState.UNKNOWN,
        LayerState.STARTING,
        LayerState.OK,
    )
    states = {layer.state for layer in layers}
    return next((state for state in order if state in states), LayerState.UNKNOWN)
