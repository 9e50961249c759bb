"""How many agents of a kind the queue wants: pure, over what waits and who is busy.

Invariant: the answer lies within the bounds. It is more only while something waits and less only
while nothing does, and never less than are busy; between two changes there is a rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from orc_core.text import age


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between how many agents there are, and what makes them more or fewer.

    More: a share of `busy_up` is busy, or over `waiting_up` tasks wait, or p95 of what waits does
    so for over `wait_up_s`. Fewer: at most a share of `busy_down` is busy and nothing waits.
    """

    least: int = 1
    most: int = 10
    busy_up: float = 0.8
    busy_down: float = 0.25
    waiting_up: int = 100
    wait_up_s: float = 60.0
    rest_up_s: float = 60.0
    rest_down_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Load:
    """How many run, how many of them hold a task, how many tasks wait and p95 of how long."""

    runs: int
    busy: int
    waiting: int
    wait_p95_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Size:
    """How many there should be, and why; `why` is empty where that is as many as run."""

    wanted: int
    why: str = ""


def wanted(load: Load, bounds: Bounds, rested_s: float) -> Size:
    """How many agents a load wants, `rested_s` after their number was changed last."""
    if load.runs < bounds.least:
        return Size(bounds.least, f"fewer than {bounds.least}")
    if load.runs > bounds.most and load.busy < load.runs:
        return Size(max(bounds.most, load.busy), f"more than {bounds.most}")
    strain = _strain(load, bounds) if load.waiting and load.runs < bounds.most else ""
    if strain and rested_s >= bounds.rest_up_s:
        # At most twice as many at a time: what is slow to start is not ordered again.
        more = max(1, min(load.waiting, load.runs))
        return Size(min(load.runs + more, bounds.most), strain)
    if _is_idle(load, bounds) and rested_s >= bounds.rest_down_s:
        return Size(load.runs - 1, f"{load.busy} of {load.runs} busy, nothing waits")
    return Size(load.runs)


def _strain(load: Load, bounds: Bounds) -> str:
    told = f"{load.waiting} {'waits' if load.waiting == 1 else 'wait'}"
    if load.waiting > bounds.waiting_up:
        return told
    if load.wait_p95_s > bounds.wait_up_s:
        return f"{told}, p95 for {age(load.wait_p95_s)}"
    if load.busy >= bounds.busy_up * load.runs:
        return f"{told}, {load.busy} of {load.runs} busy"
    return ""


def _is_idle(load: Load, bounds: Bounds) -> bool:
    """Whether one fewer would do, and would not at once be wanted again."""
    if load.waiting or load.runs <= bounds.least or load.busy >= load.runs:
        return False
    fewer = load.runs - 1
    return load.busy <= bounds.busy_down * load.runs and load.busy < bounds.busy_up * fewer
