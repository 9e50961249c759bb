"""Options that every command shares, and opening the core by them.

Invariant: a global option means the same before and after the command's name.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from orc_core.config import CoreOptions, add_options, sockets

Row = TypeVar("Row")

if TYPE_CHECKING:
    from orc_core.filters import Fields, Values
    from orc_core.hub import Core

Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]
Commands = Any
"""What `add_subparsers` returns; argparse keeps its type private."""

FILTER_HELP: Final = "only those that pass, as after `/` in the dashboard: WORD, field:value, -not"


def command(
    commands: Commands, name: str, run: Command, help: str, *, json: bool = False
) -> argparse.ArgumentParser:
    """Add one command; `json` gives it `--json`."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    # SUPPRESS keeps a value given before the command's name.
    add_options(parser, default=argparse.SUPPRESS)
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON on stdout")
    parser.set_defaults(run=run, grammar=parser)
    return parser


@asynccontextmanager
async def opened(
    args: argparse.Namespace, *, create: bool = False, cause: str = "orc"
) -> AsyncIterator[Core]:
    """The core without watching; `create` makes the store when there is none."""
    from orc_core.hub import open_core

    async with open_core(options_of(args, cause=cause), watch=False, create=create) as core:
        yield core


def passing(
    text: str, rows: Iterable[Row], fields: Fields, of: Callable[[Row], Values], now: float
) -> list[Row]:
    """The rows that pass a filter; raises UsageError where it cannot be read as it stands."""
    from orc_core.errors import UsageError
    from orc_core.filters import parse

    told = parse(text, fields, now)
    if told.faults:
        raise UsageError(f"--filter: {told.faults[0]}")
    return [row for row in rows if told.matches(of(row))]


def refuse_if_read_only(args: argparse.Namespace, what: str) -> None:
    """Raise ReadOnly where --read-only is given to a command that writes beside the store."""
    from orc_core.errors import ReadOnly

    if args.read_only:
        raise ReadOnly(f"cannot {what}: opened with --read-only")


def options_of(
    args: argparse.Namespace, *, cause: str, workspace: Path | None = None
) -> CoreOptions:
    """What a command line chose; `workspace` stands for one that was found already."""
    return CoreOptions(
        workspace=workspace or args.workspace,
        socket_paths=sockets(args, "paths"),
        socket_names=sockets(args, "names"),
        read_only=bool(args.read_only),
        cause=cause,
        environ=dict(os.environ),
    )
