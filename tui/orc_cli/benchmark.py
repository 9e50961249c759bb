"""`orc benchmark`: what watching so many agents costs on this machine.

Invariant: it speaks to no tmux server but the one it makes, and that one is gone afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command
from orc_cli.output import print_json

if TYPE_CHECKING:
    from orc_core.benchmark.cycle import Cost, Course
    from orc_core.benchmark.measuring import Benchmark

AGENTS, CYCLES = 50, 20


def register(commands: Commands) -> None:
    parser = command(
        commands,
        "benchmark",
        run_benchmark,
        "measure what watching so many agents costs",
        json=True,
    )
    parser.add_argument(
        "--agents", type=int, default=AGENTS, metavar="N", help="how many, 1 to 1000 (default 50)"
    )
    parser.add_argument(
        "--cycles", type=int, default=CYCLES, metavar="N", help="how many of each kind (default 20)"
    )
    parser.add_argument("--compare", action="store_true", help="measure the sync strategy, too")
    parser.add_argument(
        "--whole-screens",
        action="store_true",
        help="measure wholly new screens, too: the most work that a change can make",
    )
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument(
        "--quiet", action="store_true", help="print the seconds of the median cycle alone"
    )
    volume.add_argument("--verbose", action="store_true", help="say what is being done")


async def run_benchmark(args: argparse.Namespace) -> int:
    from orc_core.benchmark.measuring import measure

    def progress(text: str) -> None:
        if args.verbose:
            print(f"orc: {text}", file=sys.stderr, flush=True)

    with _ended_by_signals() as ended:
        try:
            done = await measure(
                args.agents,
                cycles=args.cycles,
                compare=args.compare,
                whole_screens=args.whole_screens,
                progress=progress,
            )
        except asyncio.CancelledError:
            if not ended:
                raise
            return 128 + ended[0]
    if args.json:
        print_json(_json(done))
    elif args.quiet:
        print(f"{done.course.changed.p50_s:.6f}")
    else:
        _print(done)
    return 0


@contextmanager
def _ended_by_signals() -> Iterator[list[int]]:
    """Let the signals that end a program end this one as ctrl+c does, with its server.

    What is handed over holds the number of the one that came.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    ended: list[int] = []

    def end(number: int) -> None:
        ended.append(number)
        if task is not None:
            task.cancel()

    with contextlib.ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, end, number)
            stack.callback(loop.remove_signal_handler, number)
        yield ended


def _json(done: Benchmark) -> dict[str, object]:
    shared = {"agents": done.agents} | _course_json(done.course)
    return shared | ({"sync": _course_json(done.sync)} if done.sync is not None else {})


def _course_json(course: Course) -> dict[str, object]:
    return (
        _cost_json(course.changed)
        | {
            "changed_lines": "a few",
            "changed_share": course.changed_share,
            "quiet": _cost_json(course.quiet),
        }
        | ({"whole_screens": _cost_json(course.whole)} if course.whole is not None else {})
        | {"first_look_s": _round(course.first_s), "longest_stretch_s": _round(course.stretch_s)}
    )


def _cost_json(cost: Cost) -> dict[str, object]:
    return {
        "cycle_s": {"p50": _round(cost.p50_s), "p95": _round(cost.p95_s)},
        "floor_s": _round(cost.floor_s),
        "ratio": round(cost.ratio, 3),
        "forks_per_cycle": cost.forks,
        "cpu_ms_per_cycle": round(cost.cpu_ms, 3),
        "client_cpu_ms_per_cycle": round(cost.client_cpu_ms, 3),
        "server_cpu_ms_per_cycle": round(cost.server_cpu_ms, 3),
        "cycles": cost.cycles,
    }


def _round(seconds: float) -> float:
    return round(seconds, 6)


def _print(done: Benchmark) -> None:
    print(f"{done.agents} agents, {done.course.changed.cycles} cycles of each kind; times in ms")
    print()
    print(f"{'':34}{'p50':>8}{'p95':>8}{'floor':>8}{'ratio':>8}{'forks':>7}{'cpu':>8}{'tmux':>8}")
    for course in (done.course, done.sync):
        if course is not None:
            share = f"{course.strategy}, {course.changed_share:.0%} changed"
            _print_cost(f"{share}: a few lines", course.changed)
            if course.whole is not None:
                _print_cost(f"{share}: every line", course.whole)
            _print_cost(f"{course.strategy}, nothing changed", course.quiet)
    print()
    first, stretch = done.course.first_s * 1e3, done.course.stretch_s * 1e3
    print(f"first look at all of them: {first:.0f} ms, held up for {stretch:.0f} ms at most")
    print(
        "a few lines: a spinner, a counter and three scrolled lines, as an agent at work has them"
    )
    if done.course.whole is None:
        print("  (--whole-screens measures screens of which no line was seen before, too)")
    else:
        print("every line: screens of which no line was seen before, the most work there can be")
    print("floor: the same questions over the same transport, the answers thrown away")
    print("cpu: ours, per cycle; tmux: that of the server")


def _print_cost(name: str, cost: Cost) -> None:
    times = "".join(f"{each * 1e3:8.2f}" for each in (cost.p50_s, cost.p95_s, cost.floor_s))
    used = f"{cost.cpu_ms:8.2f}{cost.server_cpu_ms:8.2f}"
    print(f"{name:34}{times}{cost.ratio:8.2f}{cost.forks:7}{used}")
