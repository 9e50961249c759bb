"""Processes under a pane: who runs in the foreground, with which arguments, and how busy.

Invariant: a process is known by its pid and its start together, so that a number used again is
never taken for the old process. Looking sends no signal and opens nothing but `/proc`; where
there is none (macOS) one `ps` at a time is run on a thread of its own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from orc_core.model.agent import Process
from orc_core.text import clean

PROC: Final = Path("/proc")
TREE_MAX: Final = 200
DEPTH_MAX: Final = 12
STAT_MAX_BYTES: Final = 4096
CHILDREN_MAX_BYTES: Final = 16 * 1024
GROUP_DEPTH_MAX: Final = 4
COMMAND_MAX: Final = 200
ARGV_MAX_BYTES: Final = 8192
PS_EVERY_S: Final = 2.0
PS_TIMEOUT_S: Final = 5.0
SHELLS: Final = frozenset(
    {
        *("sh", "bash", "zsh", "fish", "dash", "ash", "ksh", "mksh", "tcsh", "csh", "nu"),
        *("elvish", "xonsh", "pwsh", "login"),
    }
)
LAUNCHERS: Final = frozenset(
    {"npm", "npx", "uvx", "env", "nice", "time", "mise", "direnv", "script"}
)
INTERPRETERS: Final = ("node", "bun", "deno", "python", "pypy", "ruby", "perl", "uv", "npx")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the system says of one process.

    `start` tells it from another with the same pid (on Linux: clock ticks after boot, as text);
    `started_at` is the same in seconds since the epoch. `group` is its process group and
    `foreground` the one that its terminal belongs to, 0 where it has none. `exit_status`, in the
    form of `waitpid`, is known of one that ended and that nobody has asked about yet.
    """

    pid: int
    parent: int
    name: str
    state: str
    foreground: int
    start: str
    started_at: float
    cpu_s: float
    group: int = 0
    exit_status: int | None = None


class Processes(Protocol):
    """Read access to the machine's processes. Every answer is immediate."""

    def facts(self, pid: int) -> Facts | None: ...

    def argv(self, pid: int) -> tuple[str, ...]: ...

    def children(self, pid: int) -> tuple[int, ...]: ...


class ProcFolder:
    """Processes as Linux's `/proc` shows them."""

    def __init__(self, root: Path = PROC) -> None:
        # Text, not Path: these files are opened by the hundred a second.
        self._root = str(root)
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        self._booted_at = _booted_at(root)

    def facts(self, pid: int) -> Facts | None:
        try:
            text = _start_of(f"{self._root}/{pid}/stat", STAT_MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            return None
        name, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split(None, 20) if rest[:2] != " Z" else rest.split()
        if len(fields) < 20:
            return None
        start = fields[19]
        return Facts(
            pid=pid,
            parent=int(fields[1]),
            name=name,
            state=fields[0],
            foreground=max(0, int(fields[5])),
            start=start,
            started_at=self._booted_at + int(start) * self._tick_s,
            cpu_s=(int(fields[11]) + int(fields[12])) * self._tick_s,
            group=int(fields[2]),
            exit_status=int(fields[49]) if fields[0] == "Z" and len(fields) > 49 else None,
        )

    def argv(self, pid: int) -> tuple[str, ...]:
        try:
            data = _start_of(f"{self._root}/{pid}/cmdline", ARGV_MAX_BYTES)
        except OSError:
            return ()
        words = data.rstrip(b"\0").split(b"\0") if data else []
        return tuple(word.decode("utf-8", "replace") for word in words)

    def children(self, pid: int) -> tuple[int, ...]:
        found: list[int] = []
        try:
            tasks = os.listdir(f"{self._root}/{pid}/task")  # noqa: PTH208 (names only)
        except OSError:
            return ()
        for task in tasks[:TREE_MAX]:
            with contextlib.suppress(OSError):
                data = _start_of(f"{self._root}/{pid}/task/{task}/children", CHILDREN_MAX_BYTES)
                found.extend(int(child) for child in data.split())
        return tuple(sorted(found))


def _start_of(path: str, size: int) -> bytes:
    """The first bytes of a file that is made as it is read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


class Glance:
    """Processes as they were since `forget` was called last: what was asked is not asked again."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._facts: dict[int, Facts | None] = {}
        self._argv: dict[int, tuple[str, ...]] = {}

    def forget(self) -> None:
        """Look anew from here on."""
        self._facts.clear()
        self._argv.clear()

    def facts(self, pid: int) -> Facts | None:
        if pid not in self._facts:
            self._facts[pid] = self._processes.facts(pid)
        return self._facts[pid]

    def argv(self, pid: int) -> tuple[str, ...]:
        if pid not in self._argv:
            self._argv[pid] = self._processes.argv(pid)
        return self._argv[pid]

    def children(self, pid: int) -> tuple[int, ...]:
        return self._processes.children(pid)


class PsTable:
    """Processes as `ps` lists them, at most one run every two seconds, never waited for."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._read_at = float("-inf")
        self._rows: dict[int, tuple[Facts, tuple[str, ...]]] = {}
        self._thread: threading.Thread | None = None

    def facts(self, pid: int) -> Facts | None:
        self._refresh()
        row = self._rows.get(pid)
        return row[0] if row else None

    def argv(self, pid: int) -> tuple[str, ...]:
        self._refresh()
        row = self._rows.get(pid)
        return row[1] if row else ()

    def children(self, pid: int) -> tuple[int, ...]:
        self._refresh()
        return tuple(sorted(row[0].pid for row in self._rows.values() if row[0].parent == pid))

    def read_now(self) -> None:
        """Run `ps` and keep what it says; an unhappy `ps` leaves what was known."""
        argv = ["ps", "-axo", "pid=,ppid=,pgid=,tpgid=,state=,time=,lstart=,command="]
        environment = {**os.environ, "LC_ALL": "C"}
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            run = subprocess.run(
                argv, capture_output=True, timeout=PS_TIMEOUT_S, env=environment, check=True
            )
            lines = run.stdout.decode("utf-8", "replace").splitlines()
            rows = [row for row in map(_ps_row, lines) if row is not None]
            self._rows = {row[0].pid: row for row in rows}

    def _refresh(self) -> None:
        busy = self._thread is not None and self._thread.is_alive()
        if busy or self._monotonic() - self._read_at < PS_EVERY_S:
            return
        self._read_at = self._monotonic()
        self._thread = threading.Thread(target=self.read_now, name="orc-ps", daemon=True)
        self._thread.start()


def system_processes() -> Processes:
    """The reader that fits this machine."""
    return ProcFolder() if (PROC / "self" / "stat").exists() else PsTable()


def _booted_at(root: Path) -> float:
    with contextlib.suppress(OSError):
        for line in (root / "stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    return 0.0


def _ps_row(line: str) -> tuple[Facts, tuple[str, ...]] | None:
    words = line.split()
    if len(words) < 12:
        return None
    start = " ".join(words[6:11])
    try:
        pid, parent, group, foreground = (int(word) for word in words[:4])
        started = time.mktime(time.strptime(start, "%a %b %d %H:%M:%S %Y"))
    except ValueError:
        return None
    argv = tuple(words[11:])
    facts = Facts(
        pid=pid,
        parent=parent,
        name=Path(argv[0]).name,
        state=words[4][:1],
        foreground=max(0, foreground),
        start=start,
        started_at=started,
        cpu_s=_clock_s(words[5]),
        group=group,
    )
    return facts, argv


def _clock_s(text: str) -> float:
    """Seconds of `1-02:03:04`, `02:03:04` or `3:04.56`."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part or 0)
    return seconds + 86_400 * int(days or 0)


def foreground(processes: Processes, pane_pid: int) -> int:
    """The pid that leads what runs in the pane's foreground, or the pane's own.

    The leader of a group may be gone while its members run on; then the pane's own is meant.
    """
    own = processes.facts(pane_pid)
    leader = processes.facts(own.foreground) if own is not None and own.foreground else None
    return pane_pid if leader is None or leader.state == "Z" else leader.pid


def walk(processes: Processes, pid: int) -> Iterator[tuple[int, Facts]]:
    """A process and all below it, as (depth, facts), parents first; bounded both ways."""
    stack = [(0, pid)]
    seen: set[int] = set()
    while stack and len(seen) < TREE_MAX:
        depth, one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        facts = processes.facts(one)
        if facts is None:
            continue
        yield depth, facts
        if depth < DEPTH_MAX:
            stack.extend((depth + 1, child) for child in reversed(processes.children(one)))


def in_group(processes: Processes, leader: Facts) -> Iterator[Facts]:
    """The leader of a process group and, below it, the members of the same group."""
    for depth, facts in walk(processes, leader.pid):
        if depth <= GROUP_DEPTH_MAX and facts.group == leader.group:
            yield facts


def tree(processes: Processes, pid: int) -> tuple[Process, ...]:
    """The processes under a pane for people to read."""
    return tuple(
        Process(facts.pid, depth, command_line(processes, facts), facts.cpu_s, facts.state)
        for depth, facts in walk(processes, pid)
    )


def busiest_child(processes: Processes, pid: int, before: dict[int, float]) -> str:
    """The short name of the descendant that used most processor time since `before`.

    `before` maps pids to the seconds used at the last look and is brought up to date. Where none
    did anything, the deepest one is named: it is what the others wait for.
    """
    best: tuple[float, int, str] | None = None
    now: dict[int, float] = {}
    for depth, facts in walk(processes, pid):
        now[facts.pid] = facts.cpu_s
        if depth == 0 or facts.state == "Z":
            continue
        argv = processes.argv(facts.pid)
        used = round(facts.cpu_s - before.get(facts.pid, facts.cpu_s), 2)
        if best is None or (used, depth) > best[:2]:
            best = (used, depth, short_command(argv) or facts.name)
    before.clear()
    before.update(now)
    return clean(best[2], limit=60) if best else ""


def command_line(processes: Processes, facts: Facts) -> str:
    """The cleaned command line of a process, or its name in brackets where it has none."""
    argv = processes.argv(facts.pid)
    return clean(" ".join(argv) if argv else f"[{facts.name}]", limit=COMMAND_MAX)


def program_name(word: str) -> str:
    """`-zsh`, `/usr/bin/zsh` and `ZSH.EXE` are all `zsh`."""
    return word.rpartition("/")[2].lstrip("-").lower().removesuffix(".exe")


def is_shell(command: str) -> bool:
    """Whether a program's name is that of a shell at which a person types."""
    return program_name(command) in SHELLS


def is_interpreter(word: str) -> bool:
    """Whether a program runs a script that is the real program."""
    name = program_name(word)
    return any(name == one or name.startswith(one + "3") for one in INTERPRETERS)


def is_wrapper(argv: Sequence[str]) -> bool:
    """Whether a command line only starts another one: a script, `npx`, `sh -c …`, `env`."""
    if not argv:
        return False
    if is_shell(argv[0]):
        return bool(script_of(argv)) or "-c" in argv[1:3]
    return is_interpreter(argv[0]) or program_name(argv[0]) in LAUNCHERS


def script_of(argv: Sequence[str]) -> str:
    """What an interpreter was told to run: a path, or the module after `-m`; "" for none.

    Also for a shell that runs a script, and only for those two.
    """
    if not argv or not (is_interpreter(argv[0]) or is_shell(argv[0])):
        return ""
    words = iter(argv[1:])
    for word in words:
        if word in ("-m", "--module"):
            return next(words, "")
        if word in ("-c", "-e", "-p", "--eval", "--print"):
            return ""
        if word in ("--rcfile", "--init-file"):
            next(words, "")
            continue
        if not word.startswith(("-", "+")) and word not in ("run", "exec", "tool", "x"):
            return word
    return ""


def short_command(argv: Sequence[str]) -> str:
    """A command line without interpreter and folders: `pytest tests/e2e`."""
    if not argv:
        return ""
    words = list(argv)
    script = script_of(argv)
    if script and script in words:
        words = words[words.index(script) :]
    words[0] = words[0].rpartition("/")[2] or words[0]
    return " ".join(words)
