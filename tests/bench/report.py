"""Figures and how they are printed.

Invariant: a figure stands beside the floor of the same run, and the aim it is held against.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `floor` is None where nothing lower exists to compare with.

    `aim` is None for a figure that is watched but has no aim yet.
    """

    name: str
    unit: str
    ours: float
    aim: float | None
    floor: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the aim is reached, if there is one."""
        return self.aim is None or self.ours <= self.aim


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample below which `share` of them lie, 0.95 for p95."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def p50(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def p95(samples: Sequence[float]) -> float:
    return percentile(samples, 0.95)


def table(figures: Sequence[Figure]) -> str:
    """Aligned rows: what, floor, ours, ratio, aim, and whether it is met."""
    head = ("what", "floor", "ours", "ratio", "aim", "")
    rows = [head]
    for figure in figures:
        floor = "-" if figure.floor is None else f"{figure.floor:.3g}"
        ratio = "-" if not figure.floor else f"{figure.ours / figure.floor:.2f} x"
        rows.append(
            (
                figure.name,
                floor,
                f"{figure.ours:.3g} {figure.unit}",
                ratio,
                "-" if figure.aim is None else f"{figure.aim:.3g} {figure.unit}",
                f"{_verdict(figure)}  {figure.note}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:5], widths[1:5], strict=True)]
        lines.append("  ".join([*cells, row[5]]).rstrip())
    return "\n".join(lines)


def _verdict(figure: Figure) -> str:
    if figure.aim is None:
        return "-"
    return "met" if figure.met else "NOT MET"


def save(path: Path, figures: Sequence[Figure], machine: str) -> None:
    """Write the same as JSON."""
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    path.write_text(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n")
