"""Monitoring cycles over 50 to 1,000 panes, as `orc benchmark` measures them."""

from __future__ import annotations

from pathlib import Path

from tests.bench.report import Figure

from orc_core.benchmark.cycle import Cost, Course, run
from orc_core.benchmark.measuring import stage

SIZES = {50: 15, 100: 15, 500: 10, 1000: 10}
"""Panes, and how many cycles of each kind."""

RATIO_MAX = 1.5
OWN_SHARE_MAX = 0.02
"""Of a core, at one cycle a second."""


async def measure(folder: Path) -> list[Figure]:
    """Cycles with a fifth of the panes changed, a little or wholly, and with none."""
    figures: list[Figure] = []
    for panes, cycles in SIZES.items():
        place = folder / str(panes)
        place.mkdir()
        async with stage(panes, place) as fleet:
            course = await run(fleet, "async", cycles, whole_screens=True)
        figures += _figures(panes, course)
    return figures


def _figures(panes: int, course: Course) -> list[Figure]:
    changed = f"cycle over {panes} panes, a fifth changed by a few lines"
    whole = f"cycle over {panes} panes, a fifth wholly new"
    quiet = f"cycle over {panes} panes, none changed"
    return [
        _wall(changed, course.changed),
        *([_wall(whole, course.whole)] if course.whole is not None else []),
        _wall(quiet, course.quiet),
        *_costs(changed, course.changed, forks=1),
        *(_costs(whole, course.whole, forks=1) if course.whole is not None else []),
        *_costs(quiet, course.quiet, forks=0),
        Figure(
            f"first look at {panes} panes",
            "ms",
            course.first_s * 1e3,
            None,
            note=f"the loop stood still for {course.stretch_s * 1e3:.0f} ms at most",
        ),
    ]


def _wall(name: str, cost: Cost) -> Figure:
    floor = cost.floor_s * 1e3
    note = f"p95 {cost.p95_s * 1e3:.3g} ms"
    return Figure(f"{name}, p50", "ms", cost.p50_s * 1e3, RATIO_MAX * floor, floor, note)


def _costs(name: str, cost: Cost, *, forks: int) -> list[Figure]:
    note = f"tmux clients {cost.client_cpu_ms:.2g} ms, tmux server {cost.server_cpu_ms:.3g} ms"
    aim = OWN_SHARE_MAX * 1e3
    return [
        Figure(f"{name}: our processor time", "ms", cost.cpu_ms, aim, note=note),
        Figure(f"{name}: processes, most", "", cost.forks, forks),
    ]
