"""What a person chose: flags, then environment, then defaults.

Invariant: options are read once, at the entry; nothing below asks the environment again.
"""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CoreOptions:
    """Where to look, and who does what is done.

    `home` is where agents keep their session files. `actor` is found from the environment
    when it is "": `$ORC_ACTOR`, the agent in whose pane this runs, else the operator.
    `cause` names what a write was made through, `host` is what the header calls the machine.
    """

    workspace: Path | None = None
    socket_path: str | None = None
    socket_name: str | None = None
    read_only: bool = False
    home: Path = field(default_factory=Path.home)
    actor: str = ""
    cause: str = "dashboard"
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = field(default_factory=Path.cwd)
    host: str = field(default_factory=lambda: socket.gethostname().partition(".")[0])


def add_options(parser: argparse.ArgumentParser, *, default: object = None) -> None:
    """The options that `orc` and `orc-tui` share."""
    group = parser.add_argument_group("where to look")
    group.add_argument(
        "--workspace",
        metavar="DIR",
        type=Path,
        default=default,
        help="the folder of the store (default: the project's .orc, else your own)",
    )
    group.add_argument(
        "--socket-path", metavar="PATH", default=default, help="the tmux server's socket"
    )
    group.add_argument(
        "--socket-name", metavar="NAME", default=default, help="the tmux server, as in tmux -L"
    )
    group.add_argument(
        "--read-only", action="store_true", default=default, help="look only, change nothing"
    )


def check_text(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """End with a usage error where an argument is not text; no store and no file can hold it."""
    for number, argument in enumerate(argv, start=1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            parser.error(f"argument {number} is not UTF-8 text: type it anew")


def version() -> str:
    """The installed version of orc-tui."""
    from importlib.metadata import version as installed

    return installed("orc-tui")
