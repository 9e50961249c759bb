"""`orc watch`: what is done, as it is done.

Invariant: each entry is printed once, in order; whoever stops can go on behind the last one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING

from orc_cli.audit import entry_json, entry_row
from orc_cli.options import Commands, command, opened
from orc_core.outlet import Outlet

if TYPE_CHECKING:
    from orc_core.chronicle.following import Step
    from orc_core.hub import Core

WIDTHS = (6, 24, 10, 10, 22, 0)
"""How wide the columns of `orc audit list` are here, at least."""


def register(commands: Commands) -> None:
    watch = command(commands, "watch", watch_entries, "follow what is done", json=True)
    watch.add_argument(
        "--since", type=int, metavar="SEQ", help="begin behind this entry (default: from now on)"
    )
    watch.add_argument("--kind", default="", metavar="KIND", help="task, agent, … alone")
    watch.add_argument("--once", action="store_true", help="stop at the newest entry")


async def watch_entries(args: argparse.Namespace) -> int:
    async with opened(args) as core, Outlet() as outlet:
        printing = asyncio.ensure_future(_print(core, outlet, args))
        leaving = asyncio.ensure_future(outlet.gone.wait())
        try:
            await asyncio.wait({printing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if printing.done():
                printing.result()
        finally:
            printing.cancel()
            leaving.cancel()
            await asyncio.wait({printing, leaving})
    return 0


async def _print(core: Core, outlet: Outlet, args: argparse.Namespace) -> None:
    steps = core.chronicle.follow(after=args.since, kind=args.kind, stay=not args.once)
    async with aclosing(steps):
        async for step in steps:
            await outlet.write(_json(step) if args.json else _line(step))


def _json(step: Step) -> str:
    return json.dumps(entry_json(step.entry) | {"body": step.body}, ensure_ascii=False)


def _line(step: Step) -> str:
    """One entry in columns that most entries fit into: what follows is not known yet."""
    from orc_core.text import cells

    row = zip(entry_row(step.entry), WIDTHS, strict=True)
    return "  ".join(text + " " * (width - cells(text)) for text, width in row).rstrip()
