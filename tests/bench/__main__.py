"""`make bench`: measure every figure that the documents print, and print them with their floors.

Everything runs on private tmux servers and in temporary folders. `--only store,sync` runs some
parts, `--json FILE` keeps the figures, `--page docs/figures.md` puts the tables into that page.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    code,
    cycle,
    dashboard,
    harmless,
    hooks,
    queue,
    safety,
    screen,
    store,
    sync,
    unhappy,
    workflow,
)
from tests.bench.report import Figure, save, table, write_into

from orc_core.tmux.server import version as tmux_version

PARTS = {
    "store": store.measure,
    "queue": queue.measure,
    "workflow": workflow.measure,
    "safety": safety.measure,
    "sync": sync.measure,
    "cycle": cycle.measure,
    "dashboard": dashboard.measure,
    "screen": screen.measure,
    "harmless": harmless.measure,
    "unhappy": unhappy.measure,
    "hooks": hooks.measure,
    "code": code.measure,
}


async def measure(
    names: list[str], folder: Path, told: Callable[[str, list[Figure]], None]
) -> None:
    """Measure the named parts in order; each is told as soon as it is done."""
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        place = folder / name
        place.mkdir()
        started = time.perf_counter()
        figures = await PARTS[name](place)
        print(f"{name} took {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
        told(name, figures)


def parts_of(text: str) -> list[str]:
    """The parts in a list such as `store,sync`."""
    names = text.split(",")
    if unknown := set(names) - PARTS.keys():
        raise argparse.ArgumentTypeError(f"no part {min(unknown)!r}: {', '.join(PARTS)}")
    return names


def main() -> int:
    """Print a table for each part; the exit code is 1 when an aim is not met."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", type=parts_of, metavar="PARTS", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", default=Path("bench.json"))
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables into a page")
    args = parser.parse_args()
    major, minor = tmux_version()
    machine = (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"tmux {major}.{minor}"
    )
    every: list[Figure] = []

    def told(name: str, figures: list[Figure]) -> None:
        every.extend(figures)
        text = f"On {machine}:\n\n{table(figures)}"
        print(f"\n{name}: {text}", flush=True)
        if args.page is not None and not write_into(args.page, name, text):
            print(f"{args.page} has no place for {name}", file=sys.stderr)
        save(args.json, every, machine)

    with tempfile.TemporaryDirectory(prefix="orc-bench-") as folder:
        asyncio.run(measure(args.only or list(PARTS), Path(folder), told))
    return 0 if all(figure.met for figure in every) else 1


if __name__ == "__main__":
    sys.exit(main())
