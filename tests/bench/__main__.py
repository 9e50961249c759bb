"""`make bench`: measure every figure that the documents print, and print them with their floors.

Everything runs on private tmux servers and in temporary folders. `--only store` runs one part,
`--json FILE` keeps the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.bench import cycle, dashboard, harmless, hooks, safety, store, sync, unhappy
from tests.bench.report import Figure, save, table

from orc_core.tmux.server import version as tmux_version

PARTS = {
    "store": store.measure,
    "safety": safety.measure,
    "sync": sync.measure,
    "cycle": cycle.measure,
    "dashboard": dashboard.measure,
    "harmless": harmless.measure,
    "unhappy": unhappy.measure,
    "hooks": hooks.measure,
}


async def measure(names: list[str], folder: Path) -> list[Figure]:
    """The figures of the named parts, in order."""
    figures: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        place = folder / name
        place.mkdir()
        figures += await PARTS[name](place)
    return figures


def main() -> int:
    """Print the table; the exit code is 1 when an aim is not met."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), action="append")
    parser.add_argument("--json", type=Path, metavar="FILE", default=Path("bench.json"))
    args = parser.parse_args()
    major, minor = tmux_version()
    machine = (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"tmux {major}.{minor}"
    )
    with tempfile.TemporaryDirectory(prefix="orc-bench-") as folder:
        figures = asyncio.run(measure(args.only or list(PARTS), Path(folder)))
    print(machine)
    print(table(figures))
    save(args.json, figures, machine)
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
