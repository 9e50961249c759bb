"""The demo fleet: a private tmux server with scripted agents in its panes.

Invariant: it lives in one 0700 temporary folder, sees nothing of the user's environment but an
allowlist, and never touches a server it did not start. However this process ends, the reaper
takes all of it away.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.demo.lifeline import Lifeline, package_root
from orc_core.demo.plan import FLEET, PROGRAMS, PanePlan
from orc_core.demo.process import Mark, mark_of
from orc_core.demo.programs.run import PAINTED, SCENE, STILL
from orc_core.demo.reaper import PREFIX, SOCKET, Marker, remove_stale, write_marker
from orc_core.demo.seed import seed
from orc_core.errors import TmuxError, TmuxTimeout
from orc_core.tmux.making import OURS

COLUMNS: Final = 120
ROWS: Final = 40
_SOCKET_MAX_BYTES: Final = 100  # the system's limit is 104 or 108, with a zero behind
_TMUX_TIMEOUT_S: Final = 10.0
_PAINT_TIMEOUT_S: Final = 20.0
_ALLOWED: Final = re.compile(r"PATH|TERM|LANG|LC_[A-Z]+")
_PLAIN: Final = re.compile(r"[\w./-]+", re.ASCII)
WORKSPACE: Final = "shop"
"""The folder of the workspace, which the dashboard shows as its name."""
_PIPE: Final = "painted"
_OPTIONS: Final = (
    ("-s", "set-clipboard", "off"),
    ("-s", "escape-time", "10"),
    ("-s", OURS, "1"),
    ("-g", "allow-passthrough", "off"),
    ("-g", "allow-rename", "off"),
    ("-g", "automatic-rename", "off"),
    ("-g", "default-shell", "/bin/sh"),
    ("-g", "history-limit", "200"),
    ("-g", "remain-on-exit", "on"),
    ("-g", "remain-on-exit-format", "pane ended with status #{pane_dead_status}"),
    ("-g", "status-right", " demo · prefix d returns "),
    ("-g", "update-environment", ""),
)


@dataclass(frozen=True, slots=True)
class DemoFleet:
    """A running demo: its folder, the socket of its server, its HOME and its workspace."""

    folder: Path
    socket_path: str
    home: Path
    workspace: Path
    frozen: bool


@asynccontextmanager
async def demo_fleet(
    clock: Clock,
    *,
    frozen: bool = False,
    environ: Mapping[str, str] = os.environ,
    parent: Path | None = None,
    columns: int = COLUMNS,
    rows: int = ROWS,
) -> AsyncIterator[DemoFleet]:
    """Start the demo fleet and take it away at the end.

    It is handed over with a seeded workspace, once every program has painted its first screen.
    A `frozen` one paints one moment of each scene, the same every time. `parent` is where the
    folder is made. Raises TmuxError where tmux is missing or refuses.
    """
    if shutil.which("tmux") is None:
        raise TmuxError("tmux is not on PATH: install tmux 3.2 or newer, then start again")
    parent = parent or _parent()
    await asyncio.to_thread(remove_stale, parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    fleet = DemoFleet(
        folder=folder,
        socket_path=str(folder / SOCKET),
        home=folder / "home",
        workspace=folder / WORKSPACE,
        frozen=frozen,
    )
    owner = mark_of(os.getpid())
    assert owner is not None, "this process runs"  # noqa: S101 - for the type checker
    marker = Marker(owner)
    write_marker(folder, marker)
    lifeline = Lifeline(folder, _allowed(environ))
    try:
        marker = marker._replace(reaper=lifeline.reaper)
        write_marker(folder, marker)
        _furnish(fleet)
        await seed(fleet.workspace, clock)
        with _painted(folder) as painted:
            await _start(fleet, _environment(fleet, environ), (columns, rows))
            await painted.wait_for({plan.scene for plan in FLEET if plan.scene})
        marker = marker._replace(processes=await _processes(fleet))
        write_marker(folder, marker)
        yield fleet
    finally:
        await lifeline.let_go()


def _parent() -> Path:
    """Return the folder for temporary files, `/tmp` where its name is too long or odd."""
    parent = Path(tempfile.gettempdir()).resolve()
    longest = f"{parent}/{PREFIX}xxxxxxxx.gone/{SOCKET}.lock"
    fits = len(longest.encode()) <= _SOCKET_MAX_BYTES
    return parent if fits and _PLAIN.fullmatch(str(parent)) else Path("/tmp")  # noqa: S108


def _allowed(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if _ALLOWED.fullmatch(name)}


def _environment(fleet: DemoFleet, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the server starts with; its panes get this and what tmux adds."""
    allowed = _allowed(environ)
    allowed.setdefault("LC_CTYPE", "C.UTF-8")
    return {
        **allowed,
        "HOME": str(fleet.home),
        "PATH": f"{fleet.home / 'bin'}{os.pathsep}{allowed.get('PATH', os.defpath)}",
        "PS1": "shop $ ",
        "SHELL": "/bin/sh",
    }


def _furnish(fleet: DemoFleet) -> None:
    """Make HOME, the folders of the panes, and the programs in `bin`."""
    for plan in FLEET:
        (fleet.home / plan.folder).mkdir(parents=True, exist_ok=True)
    programs = fleet.home / "bin"
    programs.mkdir()
    for name in PROGRAMS:
        path = programs / name
        path.write_text(_launcher(name))
        path.chmod(0o700)


def _launcher(name: str) -> str:
    module, call = ("jobs", "main()") if name == "jobs" else ("run", f"main({name!r})")
    return (
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(package_root())!r})\n"
        f"from orc_core.demo.programs.{module} import main\n"
        f"sys.exit({call})\n"
    )


async def _start(fleet: DemoFleet, environment: dict[str, str], size: tuple[int, int]) -> None:
    """Start the server with all its panes, by one command."""
    argv = ["start-server"]
    for scope, name, value in _OPTIONS:
        argv += [";", "set-option", "-q", scope, name, value]
    sessions: set[str] = set()
    for plan in FLEET:
        argv += [";", *_placing(plan, plan.session not in sessions, size), *_doing(fleet, plan)]
        sessions.add(plan.session)
    await _tmux(fleet, argv, environment)


def _placing(plan: PanePlan, first: bool, size: tuple[int, int]) -> list[str]:
    if first:
        columns, rows = size
        name = ["-s", plan.session, "-n", plan.window]
        return ["new-session", "-d", *name, "-x", str(columns), "-y", str(rows)]
    if plan.split:
        return ["split-window", "-d", "-v", "-l", "30%", "-t", f"={plan.session}:{plan.window}"]
    return ["new-window", "-d", "-n", plan.window, "-t", f"={plan.session}:"]


def _doing(fleet: DemoFleet, plan: PanePlan) -> list[str]:
    where = ["-c", str(fleet.home / plan.folder)]
    if plan.program == "sh":
        return [*where, "/bin/sh", "-i"]
    variables = {SCENE: plan.scene, PAINTED: str(fleet.folder / _PIPE)}
    if fleet.frozen:
        variables[STILL] = "1"
    for name, value in variables.items():
        where += ["-e", f"{name}={value}"]
    return [*where, sys.executable, str(fleet.home / "bin" / plan.program)]


async def _processes(fleet: DemoFleet) -> tuple[Mark, ...]:
    """Return the server and the programs in its panes."""
    answer = await _tmux(fleet, ["list-panes", "-a", "-F", "#{pid} #{pane_pid}"], None)
    marks = (mark_of(pid) for pid in {int(word) for word in answer.split()})
    return tuple(sorted(mark for mark in marks if mark))


async def _tmux(
    fleet: DemoFleet, argv: Sequence[str], environment: Mapping[str, str] | None
) -> str:
    """Run tmux on the private socket; with an environment it may start the server."""
    may_start = ("-f", os.devnull) if environment is not None else ("-N",)
    process = await asyncio.create_subprocess_exec(
        *("tmux", "-u", *may_start, "-S", fleet.socket_path, *argv),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_allowed(os.environ) if environment is None else environment,
    )
    try:
        async with asyncio.timeout(_TMUX_TIMEOUT_S):
            out, err = await process.communicate()
    except TimeoutError as late:
        raise TmuxTimeout(f"tmux did not answer within {_TMUX_TIMEOUT_S:.0f} s") from late
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise TmuxError(f"tmux refused to make the demo: {err.decode(errors='replace').strip()}")
    return out.decode(errors="replace")


class _Painted:
    """The names of the programs that have painted, as they come through the pipe."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._names: set[str] = set()
        self._rest = b""
        self._more = asyncio.Event()

    def take(self) -> None:
        """Read what is there."""
        *lines, self._rest = (self._rest + os.read(self._pipe, 4096)).split(b"\n")
        self._names |= {line.decode(errors="replace") for line in lines}
        self._more.set()

    async def wait_for(self, names: set[str]) -> None:
        """Wait until all of these have painted; raises TmuxTimeout."""
        try:
            async with asyncio.timeout(_PAINT_TIMEOUT_S):
                while names - self._names:
                    await self._more.wait()
                    self._more.clear()
        except TimeoutError as late:
            missing = ", ".join(sorted(names - self._names))
            raise TmuxTimeout(f"the demo did not start: no screen from {missing}") from late


@contextmanager
def _painted(folder: Path) -> Iterator[_Painted]:
    """Make the named pipe of a folder and listen to it."""
    path = folder / _PIPE
    os.mkfifo(path, 0o600)
    # Open both ways: with a writer of our own the pipe never ends while programs come and go.
    pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()
    painted = _Painted(pipe)
    loop.add_reader(pipe, painted.take)
    try:
        yield painted
    finally:
        loop.remove_reader(pipe)
        os.close(pipe)
        path.unlink(missing_ok=True)
