"""The spool: one folder into which hooks write and which any number of dashboards read.

Invariant: reading takes nothing away. A file is whole or not there; what is not of our form, too
large, not ours or unreadable is passed over and counted, never raised. Old files are removed by
one process at a time, by age and number, and the newest of every pane stay.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.agents.hooks.scripts import FILES_KEPT, FILES_MAX, FORMAT, PAYLOAD_MAX_BYTES
from orc_core.agents.processes import is_shell
from orc_core.text import clean
from orc_storage.lock import FileLock
from orc_storage.paths import is_private

HEADER_LINES: Final = 8
AGE_MAX_S: Final = 24 * 3600.0
DRAFT_AGE_MAX_S: Final = 60.0
KEPT_PER_PANE: Final = 4
STATUS_MAX: Final = 1024

_NAME: Final = re.compile(r"\d{1,12}-\d{1,10}-(?P<pane>\d{1,10})")
_STATUS: Final = re.compile(r"status-\d{1,10}-\d{1,10}")
_STAT: Final = re.compile(rb"(\d{1,10}) \((.{0,64})\) (\S) (.{1,600})", re.DOTALL)
_PANE: Final = re.compile(r"%\d{1,10}")
_HEADER_MAX_BYTES: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that ran a hook, or the one above it: its number, group and start."""

    pid: int
    group: int
    start: str


@dataclass(frozen=True, slots=True)
class Spooled:
    """One file of the spool. `at` is when it was written, in seconds since the epoch.

    `socket` and `pane` are "" where the agent ran outside of tmux. `payload` is JSON of the
    agent's making, cut off where it was too large; `event` is set where there is no payload.
    """

    name: str
    at: float
    agent: str
    event: str
    socket: str
    pane: str
    pid: int
    runners: tuple[Runner, ...]
    payload: bytes


class Spool:
    """The files of one spool, each read once. Everything here blocks on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: set[str] = set()
        self._status: dict[str, int] = {}
        self.passed_over = 0
        """How many files could not be taken in, since the start."""

    def read_new(self) -> list[Spooled]:
        """What came since the last call, oldest first, as many as a spool may hold."""
        if not is_private(self.folder):
            self._seen, self._status = set(), {}
            return []
        found: list[Spooled] = []
        names = self._names()
        events = sorted(name for name in names if _NAME.fullmatch(name))
        fresh = [name for name in events if name not in self._seen]
        self.passed_over += max(0, len(fresh) - FILES_MAX)
        self._seen = set(events)
        for name in fresh[-FILES_MAX:]:
            self._take(name, found)
        self._take_status([name for name in names if _STATUS.fullmatch(name)], found)
        return sorted(found, key=lambda one: (one.at, one.name))

    def prune(self, now: float) -> int:
        """Remove what is old or too much, if no other process is at it; how many were."""
        if not is_private(self.folder):
            return 0
        lock = FileLock(self.folder.parent / "prune.lock")
        if not lock.try_acquire():
            return 0
        try:
            return self._prune(now)
        finally:
            lock.release()

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.folder)  # noqa: PTH208 (names only)
        except OSError:
            return []

    def _take(self, name: str, found: list[Spooled]) -> None:
        spooled = _read(self.folder / name)
        if spooled is None:
            self.passed_over += 1
        else:
            found.append(spooled)

    def _take_status(self, names: list[str], found: list[Spooled]) -> None:
        """Status lines keep their name and are written anew."""
        stamps: dict[str, int] = {}
        for name in sorted(names)[:STATUS_MAX]:
            with contextlib.suppress(OSError):
                stamps[name] = (self.folder / name).lstat().st_mtime_ns
        for name, stamp in stamps.items():
            if self._status.get(name) != stamp:
                self._take(name, found)
        self._status = stamps

    def _prune(self, now: float) -> int:
        events: list[tuple[str, float]] = []
        removed = 0
        for name in self._names():
            path = self.folder / name
            try:
                at = path.lstat().st_mtime
            except OSError:
                continue
            if _NAME.fullmatch(name):
                events.append((name, at))
            elif now - at > (DRAFT_AGE_MAX_S if name.startswith(".") else AGE_MAX_S):
                removed += _unlinked(path)
        for name in _stale(events, now):
            removed += _unlinked(self.folder / name)
        return removed


def newest_of_each(folder: Path) -> dict[str, float]:
    """When each agent was last heard, in seconds since the epoch."""
    return {one.agent: one.at for one in Spool(folder).read_new()}


def _stale(events: list[tuple[str, float]], now: float) -> Iterable[str]:
    """The events to remove: all that are old, then the oldest but for the last of each pane."""
    events.sort(key=lambda one: one[1], reverse=True)
    kept, of_pane = 0, dict[str, int]()
    for name, at in events:
        match = _NAME.fullmatch(name)
        pane = match["pane"] if match is not None else ""
        of_pane[pane] = of_pane.get(pane, 0) + 1
        last = of_pane[pane] <= KEPT_PER_PANE and kept < FILES_MAX
        if now - at > AGE_MAX_S or (kept >= FILES_KEPT and not last):
            yield name
        else:
            kept += 1


def _unlinked(path: Path) -> int:
    try:
        path.unlink()
    except OSError:
        return 0
    return 1


def _read(path: Path) -> Spooled | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            return None
        data = os.read(descriptor, PAYLOAD_MAX_BYTES + _HEADER_MAX_BYTES)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return _parsed(path.name, found.st_mtime, data)


def _parsed(name: str, at: float, data: bytes) -> Spooled | None:
    lines = data.split(b"\n", HEADER_LINES)
    if len(lines) <= HEADER_LINES or lines[0] != FORMAT.encode():
        return None
    agent, event, tmux, pane, pid = (
        line.decode("utf-8", "surrogateescape")[:1024] for line in lines[1:6]
    )
    in_pane = _PANE.fullmatch(pane) is not None
    return Spooled(
        name=name,
        at=at,
        agent=clean(agent, limit=20),
        event=clean(event, limit=40),
        socket=_socket(tmux) if in_pane else "",
        pane=pane if in_pane else "",
        pid=int(pid) if pid.isascii() and pid.isdigit() and len(pid) < 11 else 0,
        runners=_runners(lines[6], lines[7]),
        payload=lines[HEADER_LINES][:PAYLOAD_MAX_BYTES],
    )


def _socket(tmux: str) -> str:
    """The socket that `$TMUX` names; "" where it is of another form, or can be none."""
    return tmux.rsplit(",", 2)[0] if tmux.count(",") >= 2 and "\0" not in tmux else ""


def _runners(parent: bytes, grand: bytes) -> tuple[Runner, ...]:
    """Who ran the hook; where that is but a shell, also who runs the shell."""
    match = _STAT.fullmatch(parent)
    lines = [parent, grand] if match and is_shell(match[2].decode("utf-8", "replace")) else [parent]
    return tuple(runner for line in lines if (runner := _runner(line)) is not None)


def _runner(line: bytes) -> Runner | None:
    """A process from its line in `/proc/PID/stat`."""
    match = _STAT.fullmatch(line)
    fields = match[4].split() if match is not None else []
    if match is None or len(fields) < 19:
        return None
    try:
        return Runner(int(match[1]), int(fields[1]), fields[18].decode("ascii", "replace"))
    except ValueError:
        return None
