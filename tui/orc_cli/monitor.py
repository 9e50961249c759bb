"""`orc monitor start|stop|status|run`.

Invariant: a monitor does what a dashboard does, without the screen: it watches, syncs while no
one else does, and gives way to nobody until it is asked to end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, options_of, refuse_if_read_only
from orc_cli.output import iso, lasted, print_json

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.model.snapshot import Snapshot
    from orc_core.workspace import Workspace

NOT_RUNNING = 3


def register(commands: Commands) -> None:
    monitor = commands.add_parser("monitor", help="watch and sync without a dashboard")
    verbs = monitor.add_subparsers(dest="verb", metavar="VERB", required=True)
    command(verbs, "start", start, "start it in the background", json=True)
    command(verbs, "stop", stop, "end it", json=True)
    command(verbs, "status", status, "tell whether it runs; exit code 3 if not", json=True)
    command(verbs, "run", run, "run it here until interrupted, as a service does")


async def start(args: argparse.Namespace) -> int:
    from orc_core import monitor
    from orc_core.clock import SystemClock

    refuse_if_read_only(args, "start a monitor")
    place = await _workspace(args)
    running = monitor.find(place.folder)
    was_there = running is not None
    if running is None:
        running = await monitor.start(
            place.folder, _own_command(args, place.folder), dict(os.environ), SystemClock()
        )
    if args.json:
        print_json({"pid": running.pid, "started": not was_there, "workspace": str(place.folder)})
    else:
        how = "runs already" if was_there else "runs"
        print(f"the monitor of {place.folder} {how}, process {running.pid}")
    return 0


async def stop(args: argparse.Namespace) -> int:
    from orc_core import monitor
    from orc_core.clock import SystemClock

    refuse_if_read_only(args, "end the monitor")
    place = await _workspace(args)
    ended = await monitor.stop(place.folder, SystemClock())
    if args.json:
        print_json({"pid": ended.pid if ended else None, "stopped": ended is not None})
    elif ended is None:
        print(f"no monitor runs for {place.folder}")
    else:
        print(f"the monitor of {place.folder}, process {ended.pid}, has ended")
    return 0


async def status(args: argparse.Namespace) -> int:
    import time

    from orc_core import leader, monitor

    place = await _workspace(args)
    running = monitor.find(place.folder)
    holder = leader.lock(place.folder).holder()
    leads = running is not None and holder is not None and holder["pid"] == running.pid
    if args.json:
        print_json(
            {
                "workspace": str(place.folder),
                "pid": running.pid if running else None,
                "leads": leads,
                "last_sign_of_life": iso(running.beaten_at) if running else None,
            }
        )
    elif running is None:
        print(f"no monitor runs for {place.folder}: `orc monitor start`")
    else:
        told = "syncs" if leads else "follows the dashboard that syncs"
        age = lasted(max(0.0, time.time() - running.beaten_at))
        print(f"process {running.pid} {told} {place.folder}, last sign of life {age} ago")
    return 0 if running else NOT_RUNNING


async def run(args: argparse.Namespace) -> int:
    from orc_core import monitor
    from orc_core.clock import SystemClock
    from orc_core.errors import OrcError
    from orc_core.hub import open_core

    refuse_if_read_only(args, "run a monitor")
    place = await _workspace(args)
    clock = SystemClock()
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ending.set)
    async with open_core(options_of(args, cause="monitor", workspace=place.folder), clock) as core:
        _ = core.store  # a dashboard outlasts one that is damaged; nobody looks at this
        own = monitor.lock(place.folder)
        if not own.try_acquire():
            raise OrcError(f"a monitor of {place.folder} runs already: `orc monitor status`")
        try:
            own.beat(clock.now())
            _say(f"watching {place.folder}, process {os.getpid()}")
            following = asyncio.create_task(_follow(core))
            asked = asyncio.create_task(ending.wait())
            while not asked.done() and not following.done():
                own.beat(clock.now())
                await asyncio.wait({asked, following}, timeout=1.0, return_when="FIRST_COMPLETED")
            for task in (asked, following):
                task.cancel()
            await asyncio.wait({asked, following})
            if not following.cancelled() and (error := following.exception()) is not None:
                raise error
        finally:
            own.release()
    _say("ended")
    return 0


async def _follow(core: Core) -> None:
    """Print what changed in the health of what is watched, one line each."""
    before: dict[str, str] = {}
    async for delta in core.subscribe():
        now = _health(delta.snapshot)
        for name, told in now.items():
            if before.get(name) != told:
                _say(f"{name}: {told}")
        for name in before.keys() - now.keys():
            _say(f"{name}: gone")
        before = now


def _health(snapshot: Snapshot) -> dict[str, str]:
    layers = {
        layer.name: layer.state.value + (f", {layer.trouble}" if layer.trouble else "")
        for layer in snapshot.layers
    }
    return {"leader": "here" if snapshot.link.leader else "elsewhere"} | layers


def _say(text: str) -> None:
    from orc_core.text import clean

    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    print(f"{at} {clean(text, limit=400)}", flush=True)


async def _workspace(args: argparse.Namespace) -> Workspace:
    from orc_core import workspace

    return await workspace.find(args.workspace, environ=dict(os.environ), cwd=Path.cwd())


def _own_command(args: argparse.Namespace, folder: Path) -> list[str]:
    """This very command, to be run in the background on the workspace that was found here."""
    from orc_core.config import sockets

    argv = [sys.executable, "-m", "orc_cli", "monitor", "run", "--workspace", str(folder)]
    for option, what in (("--socket-path", "paths"), ("--socket-name", "names")):
        for value in sockets(args, what):
            argv += [option, str(Path(value).absolute()) if what == "paths" else value]
    return argv
