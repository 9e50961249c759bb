"""What a person chose: flags, then environment, then defaults.

Invariant: options are read once, at the entry; nothing below asks the environment again.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CoreOptions:
    """Where to look, and who does what is done.

    Exactly the tmux servers of `socket_paths` and `socket_names` are watched; where both are
    empty, all of the person's own. `home` is where agents keep their session files. `actor` is
    found from the environment when it is "": `$ORC_ACTOR`, the agent in whose pane this runs,
    else the operator. `cause` names what a write was made through, `host` is what the header
    calls the machine.
    """

    workspace: Path | None = None
    socket_paths: tuple[str, ...] = ()
    socket_names: tuple[str, ...] = ()
    read_only: bool = False
    home: Path = field(default_factory=Path.home)
    actor: str = ""
    cause: str = "dashboard"
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = field(default_factory=Path.cwd)
    host: str = field(default_factory=lambda: socket.gethostname().partition(".")[0])


def add_options(parser: argparse.ArgumentParser, *, default: object = None) -> None:
    """The options that `orc` and `orc-tui` share; `default` is SUPPRESS after a command's name."""
    # A parser of a command cannot add to what was given before its name: `sockets` joins both.
    where = "more_socket" if default is argparse.SUPPRESS else "socket"
    group = parser.add_argument_group("where to look")
    group.add_argument(
        "--workspace",
        metavar="DIR",
        type=Path,
        default=default,
        help="the folder of the store (default: the project's .orc, else your own)",
    )
    group.add_argument(
        "--socket-path",
        dest=f"{where}_paths",
        action="append",
        metavar="PATH",
        default=default,
        help="watch the tmux server at this socket only; may be repeated (default: all of yours)",
    )
    group.add_argument(
        "--socket-name",
        dest=f"{where}_names",
        action="append",
        metavar="NAME",
        default=default,
        help="watch this tmux server only, as in tmux -L; may be repeated",
    )
    group.add_argument(
        "--read-only", action="store_true", default=default, help="look only, change nothing"
    )


def sockets(args: argparse.Namespace, what: str) -> tuple[str, ...]:
    """The sockets that were given as `what` (paths, names), before and after a command's name."""
    given = (getattr(args, f"{place}_{what}", None) for place in ("socket", "more_socket"))
    return tuple(one for some in given for one in some or ())


def check_text(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """End with a usage error where an argument is not text; no store and no file can hold it."""
    for number, argument in enumerate(argv, start=1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            parser.error(f"argument {number} is not UTF-8 text: type it anew")


class TellVersion(argparse.Action):
    """`--version`: to find it out takes longer than to parse, so that only this does."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        """Print the program's name and the version, and exit."""
        sys.stdout.write(f"{parser.prog} {version()}\n")
        parser.exit()


def version() -> str:
    """The installed version of orc-tui."""
    from importlib.metadata import version as installed

    return installed("orc-tui")
