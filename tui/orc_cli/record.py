"""`orc record start|stop|pause|resume|list|play`: panes as asciicast files.

Invariant: a file is printed to a terminal as text, colours and cursor alone, whoever made it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, lasted, print_json, print_table

if TYPE_CHECKING:
    from orc_core.model.recording import Recording
    from orc_core.tmux.asciicast import Event

SPEED_MAX = 100.0


def register(commands: Commands) -> None:
    record = commands.add_parser("record", help="record panes, list and play recordings")
    verbs = record.add_subparsers(dest="verb", metavar="VERB", required=True)
    start = command(verbs, "start", start_one, "record the pane of an agent", json=True)
    start.add_argument("agent", metavar="AGENT")
    start.add_argument("--max-mb", type=int, default=0, metavar="N", help="end it at this size")
    for name, run, what in (
        ("stop", stop_one, "end a recording"),
        ("pause", pause_one, "record nothing for now"),
        ("resume", resume_one, "go on with a recording"),
    ):
        verb = command(verbs, name, run, what, json=True)
        verb.add_argument("name", metavar="AGENT", help="of whom it is, or its id")
    command(verbs, "list", list_all, "list the recordings", json=True)
    play = command(verbs, "play", play_one, "play a recording in this terminal", json=True)
    play.add_argument("file", metavar="FILE", help="a file, an id, or an agent (its newest)")
    play.add_argument("--speed", type=float, default=1.0, metavar="X", help="times as fast (1)")
    play.add_argument("--idle", type=float, default=0.0, metavar="S", help="cut pauses to this")


async def start_one(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    if args.max_mb < 0:
        raise UsageError(f"--max-mb {args.max_mb}: give a number of megabytes from 1 on")
    async with opened(args) as core:
        await core.agents.scan()
        one = await core.recordings.start(core.agents.find(args.agent), max_mb=args.max_mb)
    return _report(args, one, f"{one.name} is recorded into {one.path}; orc record stop {one.name}")


async def stop_one(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        one = await core.recordings.stop(args.name)
    return _report(args, one, f"{one.name} was recorded for {lasted(one.lasted_s)} into {one.path}")


async def pause_one(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        one = await core.recordings.pause(args.name)
    return _report(
        args, one, f"the recording of {one.name} is paused; orc record resume {one.name}"
    )


async def resume_one(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        one = await core.recordings.resume(args.name)
    return _report(args, one, f"the recording of {one.name} goes on")


async def list_all(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.recordings.listing()
    if args.json:
        print_json([_json(one) for one in found])
        return 0
    rows = [
        (
            one.going.value,
            one.name,
            iso(one.began_at) or "",
            lasted(one.lasted_s),
            f"{one.size / 1000:,.0f} kB",
            one.id,
        )
        for one in found
    ]
    print_table(rows, empty="no recordings: `orc record start AGENT` makes one")
    return 0


async def play_one(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError
    from orc_core.tmux.asciicast import MARKER, OUTPUT

    if not 0 < args.speed <= SPEED_MAX:
        raise UsageError(f"--speed {args.speed:g}: give a number over 0, up to {SPEED_MAX:g}")
    async with opened(args) as core:
        one = await core.recordings.find(args.file)
        _, events = await core.recordings.read(one)
    if args.json:
        markers = [
            {"at": round(event.at, 3), "text": event.data}
            for event in events
            if event.code == MARKER
        ]
        print_json(_json(one) | {"events": len(events), "markers": markers})
        return 0
    drawn = [event for event in events if event.code == OUTPUT]
    with _own_screen():
        due = time.monotonic()
        for event, wait_s in _paced(drawn, args.idle):
            due += wait_s / args.speed
            await asyncio.sleep(max(due - time.monotonic(), 0.0))
            _print(event.data)
    return 0


def _paced(events: list[Event], idle_s: float) -> Iterator[tuple[Event, float]]:
    """Each event with how long to wait before it."""
    before = 0.0
    for event in events:
        wait_s = max(event.at - before, 0.0)
        yield event, min(wait_s, idle_s) if idle_s > 0 else wait_s
        before = event.at


def _print(data: str) -> None:
    from orc_core.tmux.asciicast import harmless

    sys.stdout.write(harmless(data))
    sys.stdout.flush()


@contextlib.contextmanager
def _own_screen() -> Iterator[None]:
    """Play on the other screen of a terminal; what is piped gets the plain drawing."""
    if not sys.stdout.isatty():
        yield
        return
    sys.stdout.write("\x1b[?1049h\x1b[2J\x1b[H")
    try:
        yield
    finally:
        sys.stdout.write("\x1b[0m\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()


def _report(args: argparse.Namespace, one: Recording, text: str) -> int:
    if args.json:
        print_json(_json(one))
    else:
        print(text)
    return 0


def _json(one: Recording) -> dict[str, object]:
    return {
        "id": one.id,
        "file": str(one.path),
        "agent": one.name,
        "pane": one.key or None,
        "state": one.going.value,
        "began_at": iso(one.began_at),
        "lasted_s": round(one.lasted_s, 3),
        "bytes": one.size,
        "width": one.width,
        "height": one.height,
        "why": one.why or None,
    }
