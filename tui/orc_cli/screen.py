"""`orc screen`: what stands in an agent's pane, and above it.

Invariant: one capture that leaves nothing behind; what is printed is text without escapes.
"""

from __future__ import annotations

import argparse

from orc_cli.options import Commands, command, opened
from orc_cli.output import print_json


def register(commands: Commands) -> None:
    show = command(commands, "screen", show_screen, "print the screen of an agent", json=True)
    show.add_argument("agent", metavar="AGENT")
    show.add_argument(
        "--above", type=int, default=0, metavar="N", help="and so many lines above it (0)"
    )


async def show_screen(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    if args.above < 0:
        raise UsageError(f"--above {args.above}: give a number of lines from 0 on")
    async with opened(args) as core:
        await core.agents.scan()
        agent = core.agents.find(args.agent)
        told = await core.agents.scrollback(agent.key, args.above)
    lines = ["".join(span.text for span in line).rstrip() for line in told.lines]
    while lines and not lines[-1]:
        lines.pop()
    if args.json:
        facts = {"agent": agent.name, "key": agent.key, "height": told.height}
        print_json(facts | {"above": told.history, "whole": told.whole, "lines": lines})
    else:
        print("\n".join(lines))
    return 0
