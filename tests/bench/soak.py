"""`make soak`: a dashboard in use for an hour, whose memory, files, threads and tasks stay.

A private fleet of 50 agents works for some minutes and rests for some, some of them ask, and a
person goes round through all views, lists and dialogs: into each by its key, some keys at random
there, and out again by Esc, with another size of the terminal now and then. It is checked that
each was really reached and left. A line is printed each minute; the exit code is 1 where something
grew, a view was never reached, or one was not left. What there is more of at the end is named.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.bench.soaked import HOLDS, WHERE, Holding
from tests.bench.terminal import Terminal, environ_of, on_terminal

from orc_core.benchmark.fleet import Fleet, fleet
from orc_core.benchmark.screens import idle_screen, prompt_screen, working_screen
from orc_core.clock import SystemClock
from orc_core.demo.seed import seed

PANES: Final = 50
SEED: Final = 20261130
BUSY_SHARE: Final = 0.4
"""Of each round of ROUND_S so much is work, the rest is quiet."""
ROUND_S: Final = 300.0
ASKING: Final = 3
KEY_S: Final = 0.4
WARM_SHARE: Final = 0.25
"""What is found in the first quarter is not compared: caches fill."""
START_S: Final = 60.0
REPLY_S: Final = 30.0
REACH_S: Final = 10.0
"""How long a view may take to come up, or to be left, on a busy machine."""
ESCAPES_MAX: Final = 8
MAIN: Final = "MainScreen"
SIZES: Final = ((160, 48), (80, 24), (120, 36), (200, 50))
TOO_SMALL: Final = (60, 15)
GROWN_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Stage:
    """A view: the keys that lead to it from the main view, its class, and what is pressed there.

    `strict` says that it must come up each time; a card does so only while somebody asks.
    """

    screen: str
    into: tuple[str, ...]
    keys: tuple[str, ...]
    presses: int = 6
    strict: bool = True


_MOVES: Final = ("j", "k", "g", "G", "J", "K", "\x04", "\x15")
_STORY: Final = (*_MOVES, "]", "[", " ", "*", "=", "+", "_", "w", "/task\r", "\x1b")
ROUND: Final = (
    Stage(MAIN, ("1",), (*_MOVES, " ", "*", "v", "w", "f", ".", ",", "!", "\x12", "z"), 12),
    Stage(MAIN, ("1",), ("/claude\r", "/state:idle\r", "/zzz\x1b", "j", "!"), 6),
    Stage(MAIN, ("0",), ("]", "[", "J", "K", "<", ">", "f", "+", "_", "/step\r", "n", "N"), 14),
    Stage(MAIN, ("2",), (*_MOVES, " ", "+", "_", "w", "z", "Z")),
    Stage(MAIN, ("3",), ("j", "k", "w", " ", "+", "_")),
    Stage(MAIN, ("4",), ("j", "k", "w", "r")),
    Stage("TimelineView", ("5",), _STORY, 10),
    Stage("TimelineView", ("2", "g", "H"), _STORY),
    Stage("AuditView", ("9",), (*_MOVES, "f", "V", "/task\r", "\x1b"), 8),
    Stage("MessagesView", (":", "messages\r"), _MOVES),
    Stage("FleetView", ("F",), (*_MOVES, "l", "h", "w", " "), 10),
    Stage("HelpScreen", ("?",), ("j", "k", "\x04")),
    Stage("AnswerCard", ("1", "g", "y"), ("J", "K", ".", ",", "w", "1"), strict=False),
    Stage("ConflictView", ("3", "g", "\r"), ("j", "k", "o", "t", "B", "u", ".", "w", "J", "p"), 10),
    Stage("Palette", (":",), ("a", "t", "\x7f", "\x1b[B", "\x1b[A")),
    Stage("Menu", ("1", "s"), ("j", "k")),
    Stage("Menu", ("1", "c"), ("j", "k"), 2),
    Stage("NewTask", ("2", "N"), ("a", "b", "\t", "\x7f"), 4),
    Stage("Menu", ("2", "g", "e"), ("j", "k"), 2),
    Stage("Dialog", ("2", "g", "x"), ("\t", "J", "K"), 3),
    Stage("LineInput", ("1", "G", "i"), ("a", "b", "\x7f"), 4, strict=False),
    Stage("NewAgent", ("1", "N"), ("a", "\t", "\x7f"), 4),
)
"""One way through everything; what is confirmed nowhere is done nowhere."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the dashboard holds: megabytes, open files, threads, tasks, and tracked objects."""

    memory_mb: float
    files: int
    threads: int
    tasks: int
    objects: int


LIMITS: Final = {"memory_mb": 6.0, "files": 4, "threads": 4, "tasks": 12, "objects": 40_000}
"""How much more of each may be found at the end than after the start."""


@dataclass(slots=True)
class Course:
    """What happened so far: a sample per minute, the types then, and how often each view came."""

    samples: list[Sample] = field(default_factory=list)
    types: list[dict[str, int]] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)


def main() -> int:
    """Use a dashboard for so many minutes."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=60.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="orc-soak-") as name:
        folder = Path(name)
        (folder / "workspace").mkdir(mode=0o700)
        asyncio.run(seed(folder / "workspace", SystemClock()))
        with fleet(folder, PANES) as watched:
            argv = [sys.executable, "-m", "tests.bench.soaked", str(folder / "told")]
            argv += ["--socket-path", watched.socket_path]
            argv += ["--workspace", str(folder / "workspace")]
            environ = environ_of(folder) | {"PYTHONPATH": _path()}
            with on_terminal(argv, environ) as terminal:
                person = Person(terminal, watched, folder / "told", minutes * 60)
                course = person.use()
    return _judge(course)


def _path() -> str:
    """Where the dashboard finds what this program is made of."""
    known = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(Path.cwd()), *([known] if known else [])])


class Person:
    """Goes round through the dashboard for some seconds, while the fleet works."""

    def __init__(self, terminal: Terminal, watched: Fleet, told: Path, seconds: float) -> None:
        self._terminal = terminal
        self._watched = watched
        self._told = told
        self._seconds = seconds
        self._chance = random.Random(SEED)
        self._course = Course()
        self._started = time.monotonic()
        self._before = (0.0, 0)

    def use(self) -> Course:
        """Go round until the time is over."""
        self._terminal.wait_for("claude-1", 0.0, START_S)
        self._started = time.monotonic()
        self._before = (self._terminal.cpu_s(), self._terminal.total_bytes)
        for stage in itertools.chain.from_iterable(itertools.repeat(ROUND)):
            if self._elapsed >= self._seconds:
                return self._course
            self._visit(stage)
        raise AssertionError("rounds have no end")

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _visit(self, stage: Stage) -> None:
        """Go into a view, press some keys there, and come back to the main view."""
        name = f"{stage.screen} by {' '.join(stage.into)!r}"
        for keys in stage.into:
            self._press(keys)
        if self._comes(stage.screen, REACH_S if stage.strict else KEY_S):
            self._course.reached[name] += 1
            self._resize()
            for _ in range(stage.presses):
                self._press(self._chance.choice(stage.keys))
        elif stage.strict:
            self._course.missed[name] += 1
        self._leave(name)

    def _resize(self) -> None:
        """Now and then give the terminal another size, and on the way one that is too small."""
        if self._chance.random() < 0.1:
            self._terminal.resize(*TOO_SMALL)
            time.sleep(KEY_S)
            self._terminal.resize(*self._chance.choice(SIZES))

    def _leave(self, name: str) -> None:
        """Press Esc until the main view is there, and then its own layers away."""
        for _ in range(ESCAPES_MAX):
            self._press("\x1b")
            if self._where == MAIN:
                break
        else:
            self._course.stuck[f"{self._where} from {name}"] += 1
        for _ in range(3):
            self._press("\x1b")

    @property
    def _where(self) -> str:
        """The view that is on top."""
        return next(reversed(self._ask(WHERE).screens), "")

    def _comes(self, screen: str, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while self._where != screen:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _press(self, keys: str) -> None:
        """Press keys, let the fleet go on, and once a minute look what the dashboard holds."""
        self._terminal.type(keys)
        self._work(self._elapsed)
        time.sleep(KEY_S)
        if self._elapsed >= (len(self._course.samples) + 1) * 60:
            self._sample()

    def _work(self, elapsed: float) -> None:
        """One step of the fleet: at work or at rest, and a few that ask."""
        panes, chance = self._watched.panes, self._chance
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

    def _ask(self, what: signal.Signals) -> Holding:
        """What the dashboard says of itself; raises TimeoutError."""
        self._told.unlink(missing_ok=True)
        os.kill(self._terminal.pid, what)
        deadline = time.monotonic() + REPLY_S
        while not self._told.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the dashboard did not answer within {REPLY_S:g} s")
            time.sleep(0.02)
        told: dict[str, Any] = json.loads(self._told.read_text())
        return Holding(**told)

    def _sample(self) -> None:
        """Take down what the dashboard holds, and print it."""
        terminal, course = self._terminal, self._course
        held = self._ask(HOLDS)
        process = Path(f"/proc/{terminal.pid}")
        files = len(list((process / "fd").iterdir()))
        threads = len(list((process / "task").iterdir()))
        sample = Sample(terminal.memory_mb(), files, threads, held.tasks, held.objects)
        course.samples.append(sample)
        course.types.append(held.types)
        cpu_s, written = terminal.cpu_s(), terminal.total_bytes
        share, rate = (cpu_s - self._before[0]) / 60, (written - self._before[1]) / 60
        self._before = (cpu_s, written)
        print(
            f"minute {len(course.samples):3}  {sample.memory_mb:6.1f} MB  {files:3} files  "
            f"{threads:3} threads  {sample.tasks:3} tasks  {sample.objects:7} objects  "
            f"{share:6.1%} processor  {rate / 1000:6.1f} kB/s  {course.reached.total():4} views",
            flush=True,
        )


def _judge(course: Course) -> int:
    """Compare the last third with the one after the start, and say where it was."""
    for name, times in course.reached.items():
        print(f"reached {times:4} times, missed {course.missed[name]:3}: {name}")
    never = [name for name in course.missed if not course.reached[name]]
    failed = bool(never or course.stuck)
    for name in never:
        print(f"NEVER reached: {name}")
    for name, times in course.stuck.items():
        print(f"NOT LEFT {times} times: {name}")
    warm = int(len(course.samples) * WARM_SHARE)
    samples, types = course.samples[warm:], course.types[warm:]
    third = max(len(samples) // 3, 1)
    for name, limit in LIMITS.items():
        before = statistics.median(getattr(one, name) for one in samples[:third])
        after = statistics.median(getattr(one, name) for one in samples[-third:])
        grown = after - before
        failed |= grown > limit
        verdict = "GREW" if grown > limit else "stays"
        print(f"{name}: {before:g} -> {after:g} ({grown:+g}, at most {limit:+g}): {verdict}")
    for name, before, after in _grown(types, third):
        print(f"more of a type: {before:g} -> {after:g}  {name}")
    return 1 if failed else 0


def _grown(types: list[dict[str, int]], third: int) -> Iterator[tuple[str, float, float]]:
    """The types of which there are more, those with most more first, and then more of ours."""
    if not types:
        return
    grown: list[tuple[float, str, float, float]] = []
    for name in types[-1]:
        before, after = (
            statistics.median(one.get(name, 0) for one in some)
            for some in (types[:third], types[-third:])
        )
        grown.append((after - before, name, before, after))
    most = sorted((one for one in grown if one[0] > 0), reverse=True)
    ours = [one for one in most[GROWN_SHOWN:] if one[1].startswith("orc_")]
    for _, name, before, after in (*most[:GROWN_SHOWN], *ours[:GROWN_SHOWN]):
        yield name, before, after


if __name__ == "__main__":
    sys.exit(main())
