"""`orc notify test`: one notice as the settings have it, so that a person sees whether it arrives.

Invariant: nothing is written but to the terminal that it is run in, and to the person's command.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Final

from orc_cli.options import Commands, command
from orc_cli.output import print_json

HINT: Final = 'set them in config.toml: [notify] by = ["bell"], or command = ["notify-send", "orc"]'
PASSTHROUGH: Final = "tmux hands it on only after `tmux set -g allow-passthrough on`"


def register(commands: Commands) -> None:
    notify = commands.add_parser("notify", help="how you are told that agents need you")
    verbs = notify.add_subparsers(dest="verb", metavar="VERB", required=True)
    command(verbs, "test", test_notices, "give one notice in every way that is set", json=True)


async def test_notices(args: argparse.Namespace) -> int:
    from orc_core.notices import command as own
    from orc_core.notices.bulletin import Notice
    from orc_core.settings import load_own

    told = load_own(os.environ).notify
    notice = Notice("orc", "this is how you are told that agents need you")
    results: list[tuple[str, str]] = [
        (how, _write(how, notice.head, notice.text, os.environ)) for how in told.by
    ]
    if told.command:
        results.append((told.command[0], await own.run(told.command, notice)))
    if args.json:
        print_json([{"by": how, "fault": fault or None} for how, fault in results])
    elif not results:
        print(f"no notices are given: {HINT}")
    for how, fault in () if args.json else results:
        needs = PASSTHROUGH if how.startswith("osc") and os.environ.get("TMUX") else "given"
        print(f"{how}: {fault or needs}")
    return 1 if any(fault for _, fault in results) else 0


def _write(how: str, head: str, text: str, environ: Mapping[str, str]) -> str:
    """Write one notice to the terminal; returns what went wrong, "" for nothing."""
    from orc_core.notices import sequences

    told = sequences.notice(how, head, text, in_tmux=bool(environ.get("TMUX")))
    try:
        with open("/dev/tty", "w", encoding="utf-8") as terminal:  # noqa: PTH123
            terminal.write(told)
    except OSError as error:
        return f"there is no terminal to write to ({error.strerror})"
    return ""
