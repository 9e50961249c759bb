"""`make soak`: a dashboard in use for an hour, whose memory, files, threads and tasks stay.

A private fleet of 50 agents works for some minutes and rests for some, some of them ask, and keys
are pressed at random: views, lists, filters, cards, tabs, and another size of the terminal now and
then. A line is printed each minute; the exit code is 1 where something grew.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.terminal import Terminal, environ_of, on_terminal

from orc_core.benchmark.fleet import Fleet, fleet
from orc_core.benchmark.screens import idle_screen, prompt_screen, working_screen

PANES = 50
SEED = 20261130
BUSY_SHARE = 0.4
"""Of each round of ROUND_S so much is work, the rest is quiet."""
ROUND_S = 300.0
ASKING = 3
KEY_S = 0.4
WARM_SHARE = 0.25
"""What is found in the first quarter is not compared: caches fill."""
START_S = 60.0
REPLY_S = 30.0
KEYS = (
    *("j", "k", "g", "G", "1", "2", "3", "4", "0", "+", "_", "[", "]", "J", "K", "w", "f", "-"),
    *(".", ",", "!", "y", "5", "9", "?", "s", "H", ":", "z", " ", "*", "\x12"),
)
TYPED = ("/claude\r", "/state:idle\r", "/zzz\x1b", ":help\r", "\x1b")
SIZES = ((160, 48), (80, 24), (120, 36), (200, 50), (60, 15))


@dataclass(frozen=True, slots=True)
class Sample:
    """What the dashboard holds: megabytes, open files, threads, tasks, and tracked objects."""

    memory_mb: float
    files: int
    threads: int
    tasks: int
    objects: int


LIMITS = {"memory_mb": 6.0, "files": 4, "threads": 4, "tasks": 12, "objects": 40_000}
"""How much more of each may be found at the end than after the start."""


def main() -> int:
    """Use a dashboard for so many minutes."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=60.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="orc-soak-") as name:
        folder = Path(name)
        with fleet(folder, PANES) as watched:
            samples = _use(folder, watched, minutes)
    return _judge(samples)


def _use(folder: Path, watched: Fleet, minutes: float) -> list[Sample]:
    chance = random.Random(SEED)
    told = folder / "told"
    place = str(folder / "workspace")
    argv = [sys.executable, "-m", "tests.bench.soak", str(told)]
    argv += ["--socket-path", watched.socket_path, "--workspace", place]
    environ = environ_of(folder) | {"PYTHONPATH": _path(), "ORC_SOAKED": "1"}
    samples: list[Sample] = []
    with on_terminal(argv, environ) as terminal:
        terminal.wait_for("claude-1", 0.0, START_S)
        started = time.monotonic()
        cpu_s, written = terminal.cpu_s(), terminal.total_bytes
        while (elapsed := time.monotonic() - started) < minutes * 60:
            _press(terminal, chance)
            _work(watched, chance, elapsed)
            time.sleep(KEY_S)
            if elapsed >= (len(samples) + 1) * 60:
                samples.append(_ask(terminal, told))
                share = (terminal.cpu_s() - cpu_s) / 60
                rate = (terminal.total_bytes - written) / 60
                cpu_s, written = terminal.cpu_s(), terminal.total_bytes
                _print(len(samples), samples[-1], share, rate)
    return samples


def _path() -> str:
    """Where the dashboard finds what this program is made of."""
    known = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(Path.cwd()), *([known] if known else [])])


def _press(terminal: Terminal, chance: random.Random) -> None:
    """A key; sometimes a filter or a command; now and then another size."""
    lot = chance.random()
    if lot < 0.02:
        width, height = chance.choice(SIZES)
        terminal.resize(width, height)
    elif lot < 0.25:
        terminal.type(chance.choice(TYPED))
    else:
        terminal.type(chance.choice(KEYS))


def _work(watched: Fleet, chance: random.Random, elapsed: float) -> None:
    """One step of the fleet: at work or at rest, and a few that ask."""
    panes = watched.panes
    if elapsed % ROUND_S < ROUND_S * BUSY_SHARE:
        step = int(elapsed)
        for number in chance.sample(range(ASKING, len(panes)), len(panes) // 5):
            panes[number].paint(working_screen(number, step))
    elif chance.random() < 0.02:
        number = chance.randrange(len(panes))
        panes[number].paint(idle_screen(number))
    if chance.random() < 0.05:
        number = chance.randrange(ASKING)
        words = prompt_screen(f"make step-{int(elapsed)}")
        panes[number].paint(words if chance.random() < 0.6 else idle_screen(number))


def _ask(terminal: Terminal, told: Path) -> Sample:
    """What the dashboard says of itself, and the kernel of it."""
    told.unlink(missing_ok=True)
    os.kill(terminal.pid, signal.SIGUSR1)
    deadline = time.monotonic() + REPLY_S
    while not told.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the dashboard did not answer within {REPLY_S:g} s")
        time.sleep(0.05)
    tasks, objects = map(int, told.read_text().split())
    process = Path(f"/proc/{terminal.pid}")
    files = len(list((process / "fd").iterdir()))
    threads = len(list((process / "task").iterdir()))
    return Sample(terminal.memory_mb(), files, threads, tasks, objects)


def _print(minute: int, sample: Sample, share: float, rate: float) -> None:
    print(
        f"minute {minute:3}  {sample.memory_mb:6.1f} MB  {sample.files:3} files  "
        f"{sample.threads:3} threads  {sample.tasks:3} tasks  {sample.objects:7} objects  "
        f"{share:6.1%} processor  {rate / 1000:6.1f} kB/s",
        flush=True,
    )


def _judge(samples: list[Sample]) -> int:
    """Compare the last third with the one after the start."""
    warm = samples[int(len(samples) * WARM_SHARE) :]
    third = max(len(warm) // 3, 1)
    grew = False
    for name, limit in LIMITS.items():
        before = statistics.median(getattr(one, name) for one in warm[:third])
        after = statistics.median(getattr(one, name) for one in warm[-third:])
        grown = after - before
        grew |= grown > limit
        verdict = "GREW" if grown > limit else "stays"
        print(f"{name}: {before:g} -> {after:g} ({grown:+g}, at most {limit:+g}): {verdict}")
    return 1 if grew else 0


def soaked() -> int:
    """The dashboard, which writes down its tasks and objects when it is asked to."""
    from orc_tui.main import main as dashboard

    told = Path(sys.argv[1])

    def tell(*_: object) -> None:
        gc.collect()
        draft = told.with_suffix(".draft")
        draft.write_text(f"{len(asyncio.all_tasks())} {len(gc.get_objects())}")
        draft.rename(told)

    signal.signal(signal.SIGUSR1, tell)
    return dashboard(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(soaked() if os.environ.get("ORC_SOAKED") else main())
