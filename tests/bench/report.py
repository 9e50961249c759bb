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


HEAD = ("what", "floor", "ours", "ratio", "aim", "", "beside")


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table whose columns stand under each other on a terminal, too."""
    rows = [HEAD, *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if 0 < column < 5 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    rule = "|".join(
        "-" * (width + 1) + ":" if 0 < column < 5 else "-" * (width + 2)
        for column, width in enumerate(widths)
    )
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def write_into(page: Path, part: str, text: str) -> bool:
    """Put `text` between the marks of a part of a page; False where it has none."""
    first, last = f"<!-- figures: {part} -->\n", "<!-- end of figures -->"
    before, mark, rest = page.read_text().partition(first)
    _, end, after = rest.partition(last)
    if not mark or not end:
        return False
    page.write_text(f"{before}{first}\n{text}\n\n{last}{after}")
    return True


def _row(figure: Figure) -> tuple[str, ...]:
    verdict = "-" if figure.aim is None else "met" if figure.met else "NOT MET"
    return (
        figure.name,
        "-" if figure.floor is None else f"{short(figure.floor)} {figure.unit}",
        f"{short(figure.ours)} {figure.unit}".rstrip(),
        "-" if not figure.floor else f"{figure.ours / figure.floor:.2f} x",
        "-" if figure.aim is None else f"{short(figure.aim)} {figure.unit}".rstrip(),
        verdict,
        figure.note,
    )


def short(value: float) -> str:
    """Three digits that count, and no exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def save(path: Path, figures: Sequence[Figure], machine: str) -> None:
    """Write the same as JSON."""
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    path.write_text(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n")
