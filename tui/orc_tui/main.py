"""The entry of `orc-tui`: check the terminal, find or make a fleet, run the dashboard.

Invariant: what cannot work is said in one line on stderr, with an exit code, before any screen.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import shutil
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orc_core.config import CoreOptions, TellVersion, add_options, check_text, sockets
from orc_core.errors import UsageError

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.outlet import Outlet
    from orc_tui.app import OrcApp
    from orc_tui.commands import Commands
    from orc_tui.look import Look
    from orc_tui.messages import Act

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
WIDTH_MIN: Final = 60
HEIGHT_MIN: Final = 15
END_S: Final = 0.5


def build_parser() -> argparse.ArgumentParser:
    """The options of the dashboard."""
    parser = argparse.ArgumentParser(
        prog="orc-tui",
        description="Mission control for AI coding agents in tmux, in one terminal.",
        epilog="`orc` does the same from a shell. In the dashboard, `?` shows the keys.",
    )
    parser.add_argument("--version", action=TellVersion)
    parser.add_argument(
        "--demo", action="store_true", help="watch a private fleet of scripted agents"
    )
    parser.add_argument(
        "--keys", action="store_true", help="print the keys as you have them, checked, and exit"
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="print what changes, one line each, without a screen: for screen readers and logs",
    )
    parser.add_argument(
        "--theme",
        metavar="NAME",
        default="",
        help="dark, light, contrast, ansi-dark, ansi-light, or one of your own",
    )
    add_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the dashboard; returns its exit code."""
    parser = build_parser()
    check_text(parser, sys.argv[1:] if argv is None else argv)
    args = parser.parse_args(argv)
    if args.demo and (args.workspace or args.socket_paths or args.socket_names):
        return _refuse("--demo has its own workspace and server: leave the other options out")
    if args.keys:
        return asyncio.run(_tell_keys(args.workspace))
    obstacle = find_tmux_obstacle() if args.plain else find_obstacle()
    if obstacle is not None:
        return _refuse(obstacle)
    options = CoreOptions(
        workspace=args.workspace,
        socket_paths=sockets(args, "paths"),
        socket_names=sockets(args, "names"),
        read_only=bool(args.read_only),
    )
    try:
        if args.plain:
            return asyncio.run(_ending(_run_plain(options, is_demo=args.demo)))
        # Loading makes next to no garbage to look for; from the first frame on, the app collects.
        gc.disable()
        look = _find_look(args.theme)
        if args.demo:
            run = partial(_run, look=look, remembers=False)
            return asyncio.run(_ending(_run_demo(options, run)))
        return asyncio.run(_ending(_run(options, look)))
    except UsageError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 130
    finally:
        gc.enable()


async def _tell_keys(folder: Path | None) -> int:
    """Print the table of keys, or what is wrong with those in the settings."""
    from orc_core import workspace
    from orc_core.errors import OrcError
    from orc_core.settings import load_keys
    from orc_tui.key_settings import keyboard_of
    from orc_tui.key_table import tables

    try:
        place = await workspace.find(folder, environ=os.environ, cwd=Path.cwd())
        keyboard = keyboard_of(load_keys(os.environ, place.folder))
    except OrcError as error:
        print("\n".join(f"orc-tui: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return USAGE
    print(tables(keyboard), end="")
    return DONE


def _find_look(flag: str) -> Look:
    # Imported late: what only tells a version or refuses needs no screen.
    from orc_core.settings import load_own
    from orc_tui.look import find_look
    from orc_tui.memory import load, place

    kept, _ = load(place(os.environ))
    told = load_own(os.environ).screen
    return find_look(os.environ, told, flag=flag, chosen=kept.theme)


def find_tmux_obstacle() -> str | None:
    """Why nothing can be watched here, or None."""
    if shutil.which("tmux") is None:
        return "tmux is not installed: install tmux 3.2 or newer"
    return None


def find_obstacle() -> str | None:
    """Why no dashboard can be shown here, or None."""
    if (obstacle := find_tmux_obstacle()) is not None:
        return obstacle
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "needs a terminal: run it in one, or use `orc status` and `orc agents` in scripts"
    if not sys.stderr.isatty():
        return "the screen is drawn through stderr: leave it to the terminal"
    if os.environ.get("TERM", "") in ("", "dumb"):
        return "this terminal cannot draw a screen (TERM is empty or dumb): set TERM"
    size = os.get_terminal_size(sys.stdout.fileno())
    if size.columns < WIDTH_MIN or size.lines < HEIGHT_MIN:
        return (
            f"the terminal is {size.columns}x{size.lines}: "
            f"make it at least {WIDTH_MIN}x{HEIGHT_MIN}"
        )
    return None


async def _ending(running: Coroutine[None, None, int]) -> int:
    """Run to the end, after which nothing may keep the process for longer than END_S.

    The terminal is given back by then, and what was acknowledged is safe. A thread that waits for
    a tmux or a disk that does not answer would be waited for, too.
    """
    code = await running

    def end() -> None:
        os._exit(code)

    last = threading.Timer(END_S, end)
    last.daemon = True
    last.start()
    return code


class LateCommands:
    """The commands of the dashboard, loaded behind its first frame or by the first act."""

    def __init__(self, app: OrcApp) -> None:
        self._app = app

    @cached_property
    def loaded(self) -> Commands:
        """The commands; the first time, what they import is loaded."""
        from orc_tui.commands import Commands

        return Commands(self._app)

    async def run(self, act: Act) -> None:
        """Do what the act asks, and tell how it went."""
        await self.loaded.run(act)


async def _run(options: CoreOptions, look: Look, *, remembers: bool = True) -> int:
    from orc_tui.app import OrcApp

    def opened() -> AbstractAsyncContextManager[Core]:
        # Imported behind the first frame: the core takes as long to load as the screen.
        from orc_core.hub import open_core

        _ = commands.loaded
        return open_core(options)

    app = OrcApp(opened, look=look, remembers=remembers)
    app.commands = commands = LateCommands(app)
    await app.run_async()
    return app.return_code or DONE


async def _run_plain(options: CoreOptions, *, is_demo: bool) -> int:
    # Neither this nor what it imports loads a screen.
    from orc_core.hub import open_core
    from orc_tui.plain import follow, until_ended

    def work(outlet: Outlet) -> Coroutine[None, None, int]:
        def run(options: CoreOptions) -> Coroutine[None, None, int]:
            return follow(lambda: open_core(options), outlet)

        return _run_demo(options, run) if is_demo else run(options)

    return await until_ended(work)


async def _run_demo(
    options: CoreOptions, run: Callable[[CoreOptions], Coroutine[None, None, int]]
) -> int:
    from dataclasses import replace

    from orc_core.clock import SystemClock
    from orc_core.demo.fleet import demo_fleet

    async with demo_fleet(SystemClock()) as fleet:
        return await run(
            replace(
                options,
                workspace=fleet.workspace,
                socket_paths=(fleet.socket_path,),
                home=fleet.home,
            )
        )


def _refuse(text: str) -> int:
    print(f"orc-tui: {text}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
