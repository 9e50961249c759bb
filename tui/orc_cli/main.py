"""The entry of `orc`: parse, run one command, turn every failure into a line and a code.

Invariant: nothing heavy is imported before the command is known; data goes to stdout,
messages to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from functools import cache

from orc_cli import (
    agents,
    audit,
    backups,
    benchmark,
    checkpoints,
    code,
    compact,
    conflicts,
    crew,
    explain,
    follow,
    history,
    hooks,
    later,
    layers,
    lifecycle,
    monitor,
    notify,
    record,
    screen,
    tasks,
    transfer,
    upkeep,
    workflows,
)
from orc_cli.grammar import Grammar
from orc_cli.options import Command
from orc_core.config import TellVersion, add_options, check_text

MESSAGE_MAX = 1000
DONE, FAILED, USAGE, NOT_FOUND, INTERRUPTED = 0, 1, 2, 3, 130

EPILOG = """\
exit codes: 0 done, 1 failed, 2 usage, 3 not found
`orc COMMAND --help` tells more of each command; `orc-tui` opens the dashboard.
"""


@cache
def build_parser() -> Grammar:
    """The whole grammar of `orc`, built once per process."""
    parser = Grammar(
        prog="orc",
        description="Supervise AI coding agents in tmux: agents, tasks, conflicts, history.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=TellVersion)
    add_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    looking = (upkeep, monitor, layers, agents, screen, record, hooks, explain, notify)
    acting = (lifecycle, crew, later, tasks, conflicts, history, checkpoints, code, backups)
    trail = (audit, follow, compact, transfer)
    for module in (*looking, *acting, workflows, *trail, benchmark):
        module.register(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = build_parser()
    check_text(parser, sys.argv[1:] if argv is None else argv)
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        args.grammar.refuse(unknown)
    run: Command = args.run
    try:
        code = asyncio.run(run(args))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as `head` does; Python must not flush into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        known = exit_code(error)
        if known is None:
            raise
        from orc_core.text import clean

        print(f"orc: {clean(str(error), limit=MESSAGE_MAX)}", file=sys.stderr)
        return known


def exit_code(error: Exception) -> int | None:
    """The code for an error that a person can act on, None for one that is a defect."""
    from orc_core.errors import OrcError, UnknownName, UsageError
    from orc_storage.errors import InvalidId, NotFound, StorageError

    if isinstance(error, UsageError | InvalidId):
        return USAGE
    if isinstance(error, UnknownName | NotFound):
        return NOT_FOUND
    if isinstance(error, OrcError | StorageError | OSError):
        return FAILED
    return None
