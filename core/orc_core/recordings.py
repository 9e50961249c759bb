"""The recordings of a workspace: begun, paused, ended, listed and read.

Invariant: each is recorded by a process of its own, which is signalled only while the kernel says
that it holds its file. Nothing is recorded that nobody asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from orc_core import monitor
from orc_core.clock import Clock
from orc_core.errors import OrcError, ReadOnly, TmuxError, UnknownName
from orc_core.model.agent import DASHBOARD, Agent
from orc_core.model.recording import Going, Recording
from orc_core.settings import RecordingSettings
from orc_core.tmux import asciicast, recorder
from orc_core.tmux.asciicast import ENDED, MARKER, PAUSED, Event, Header
from orc_core.tmux.recording import is_written
from orc_core.tmux.redaction import Redactor
from orc_core.tmux.server import Address, run
from orc_storage.lock import lives, start_of
from orc_storage.paths import ensure_private, read_plain

FOLDER: Final = "recordings"
LOG: Final = "recorder.log"
ENDING: Final = ".cast"
READ_MAX_BYTES: Final = 256 * 1024 * 1024
TAIL_BYTES: Final = 512 * 1024
HEADER_BYTES: Final = 4096
FILES_MAX: Final = 1_000
TIMEOUT_S: Final = 10.0
LOOK_S: Final = 0.05
FOLLOW_S: Final = 1.0


class Recordings:
    """The recordings wing; `folder` is the workspace's."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        told: RecordingSettings,
        *,
        environ: Mapping[str, str],
        skip_ttys: Callable[[], set[str]],
        read_only: bool,
    ) -> None:
        self.folder = folder / FOLDER
        self.going: tuple[Recording, ...] = ()
        """Those that go on, as `follow` saw them last."""
        self._clock = clock
        self._told = told
        self._environ = environ
        self._skip_ttys = skip_ttys
        self._read_only = read_only
        self._over: dict[Path, tuple[float, int]] = {}

    async def start(self, agent: Agent, *, max_mb: int = 0) -> Recording:
        """Begin to record an agent's pane; returns when its file is there.

        Raises OrcError where it is recorded already, TmuxError where it cannot be captured,
        UsageError for a rule of the settings that is none.
        """
        self._may("record")
        Redactor.of(self._told.hide, self._told.show)
        for one in await self.listing():
            if one.key == agent.key and one.going is not Going.ENDED:
                raise OrcError(f"{agent.name} is recorded already, into {one.path}")
        pane = agent.pane
        tty = await self._tty(agent)
        ensure_private(self.folder)
        path = self._new_path(agent.name)
        order = recorder.Order(
            server=pane.server,
            server_start=pane.server_start,
            pane_id=pane.pane_id,
            pid=pane.pid,
            tty=tty,
            name=agent.name,
            path=str(path),
            max_bytes=(max_mb or self._told.max_mb) * 1_000_000,
            hide=dict(self._told.hide),
            show=list(self._told.show),
        )
        log = self.folder / LOG
        pid = await asyncio.to_thread(monitor.start_apart, log, order.argv(), self._environ)
        await self._until(lambda: path.exists() or not lives(pid), "the recorder did not begin")
        await self._until(lambda: _is_begun(path) or not lives(pid), "the recorder did not begin")
        if not _is_begun(path):
            raise OrcError(f"{agent.name} is not recorded: {monitor.last_line(log)}")
        return await asyncio.to_thread(_told, path)

    async def stop(self, name: str) -> Recording:
        """End a recording; it is whole then. Raises UnknownName where none of that name goes on."""
        return await self._signal(name, recorder.STOP, Going.ENDED)

    async def pause(self, name: str) -> Recording:
        """Record nothing for now; the time until it goes on does not count."""
        return await self._signal(name, recorder.PAUSE, Going.PAUSED)

    async def resume(self, name: str) -> Recording:
        """Go on with a recording that was paused."""
        return await self._signal(name, recorder.RESUME, Going.RECORDING)

    async def listing(self) -> list[Recording]:
        """All recordings of the workspace, newest first."""
        return await asyncio.to_thread(self._list)

    async def find(self, name: str) -> Recording:
        """The recording of that file, id or (the newest of that) agent; raises UnknownName."""
        return await asyncio.to_thread(self._find, name)

    async def read(self, recording: Recording) -> tuple[Header, list[Event]]:
        """A recording, whole; raises OrcError where the file is no asciicast."""
        return await asyncio.to_thread(_read, recording.path)

    async def follow(self, changed: Callable[[], None]) -> None:
        """Keep `going` up to date until cancelled; `changed` is told when it differs."""
        while True:
            found = await asyncio.to_thread(self._look) if self.folder.is_dir() else ()
            before = [(one.key, one.going) for one in self.going]
            self.going = found
            if before != [(one.key, one.going) for one in found]:
                changed()
            await self._clock.sleep(FOLLOW_S)

    def _may(self, verb: str) -> None:
        if self._read_only:
            raise ReadOnly(f"cannot {verb}: opened with --read-only")

    async def _tty(self, agent: Agent) -> str:
        address = Address(agent.pane.server)
        told = await run(
            address, "display-message", "-p", "-t", agent.pane.pane_id, "#{pane_pid} #{pane_tty}"
        )
        pid, _, tty = told.strip().partition(" ")
        if pid != str(agent.pane.pid):
            raise TmuxError(f"the pane {agent.key} is gone: look again")
        if tty in self._skip_ttys():
            raise TmuxError(f"{agent.name} is {DASHBOARD}")
        return tty

    def _new_path(self, name: str) -> Path:
        stem = re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-")[:40] or "pane"
        when = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._clock.now()))
        names = [f"{stem}-{when}", *(f"{stem}-{when}-{number}" for number in range(2, 100))]
        paths = (self.folder / f"{one}{ENDING}" for one in names)
        return next(path for path in paths if not path.exists())

    async def _signal(self, name: str, number: signal.Signals, wanted: Going) -> Recording:
        self._may("change a recording")
        folded = name.casefold()
        going = [one for one in await self.listing() if one.going is not Going.ENDED]
        found = [one for one in going if folded in (one.id.casefold(), one.name.casefold())]
        if not found:
            names = ", ".join(one.name for one in going) or "none"
            raise UnknownName(f"nothing of {name!r} is being recorded: {names} is")
        path = found[0].path
        await asyncio.to_thread(_send, path, number)
        await self._until(lambda: _told(path).going is wanted, "the recorder does not answer")
        return await asyncio.to_thread(_told, path)

    async def _until(self, true: Callable[[], bool], otherwise: str) -> None:
        limit = self._clock.monotonic() + TIMEOUT_S
        while not await asyncio.to_thread(true):
            if self._clock.monotonic() > limit:
                raise OrcError(f"{otherwise} in {TIMEOUT_S:g} s: see {self.folder / LOG}")
            await self._clock.sleep(LOOK_S)

    def _find(self, name: str) -> Recording:
        path = Path(name).expanduser()
        if path.suffix == ENDING and path.is_file():
            return _told(path)
        folded = name.casefold()
        for one in self._list():
            if folded in (one.id.casefold(), one.name.casefold(), one.path.name.casefold()):
                return one
        raise UnknownName(f"no recording {name!r}: `orc record list` lists them")

    def _list(self) -> list[Recording]:
        found: list[Recording] = []
        for path in self._paths():
            with contextlib.suppress(OrcError, OSError):
                found.append(_told(path))
        return sorted(found, key=lambda one: (-one.began_at, one.path.name))

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(self.folder.glob(f"*{ENDING}"))[-FILES_MAX:]

    def _look(self) -> tuple[Recording, ...]:
        """Those that go on; what ended and is as it was is not looked into again."""
        found: list[Recording] = []
        for path in self._paths():
            with contextlib.suppress(OrcError, OSError):
                facts = path.lstat()
                mark = (facts.st_mtime, facts.st_size)
                if self._over.get(path) == mark:
                    continue
                one = _told(path)
                if one.going is Going.ENDED:
                    self._over[path] = mark
                else:
                    found.append(one)
        return tuple(found)


def _is_begun(path: Path) -> bool:
    try:
        _told(path)
    except (OrcError, OSError):
        return False
    return True


def _told(path: Path) -> Recording:
    """What a file says of itself; raises OrcError, OSError."""
    head = read_plain(path, HEADER_BYTES).split(b"\n", 1)
    if len(head) < 2:
        raise OrcError(f"{path}: no asciicast: its first line is not whole")
    header = asciicast.parse_header(head[0].decode("utf-8", "replace"))
    size = path.stat().st_size
    tail = read_plain(path, TAIL_BYTES, begin=max(size - TAIL_BYTES, 0))
    lines = reversed(tail.decode("utf-8", "replace").split("\n"))
    last = next((event for line in lines if (event := asciicast.parse_event(line))), None)
    going = Going.RECORDING if is_written(path) else Going.ENDED
    why = ""
    if last is not None and last.code == MARKER:
        if last.data == PAUSED and going is Going.RECORDING:
            going = Going.PAUSED
        if last.data.startswith(ENDED):
            going, why = Going.ENDED, last.data.removeprefix(ENDED)
    return Recording(
        path=path,
        name=header.title,
        key=header.key,
        began_at=header.at,
        lasted_s=last.at if last is not None else 0.0,
        size=size,
        width=header.width,
        height=header.height,
        going=going,
        why=why,
    )


def _send(path: Path, number: signal.Signals) -> None:
    """Signal the process that writes a file; nothing where none does any more."""
    line = read_plain(path, HEADER_BYTES).split(b"\n", 1)[0]
    header = asciicast.parse_header(line.decode("utf-8", "replace"))
    if header.pid > 0 and start_of(header.pid) == header.since and is_written(path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(header.pid, number)


def _read(path: Path) -> tuple[Header, list[Event]]:
    data = read_plain(path, READ_MAX_BYTES + 1)
    if len(data) > READ_MAX_BYTES:
        raise OrcError(f"{path}: larger than {READ_MAX_BYTES // 1_000_000} MB: play it elsewhere")
    first, *lines = data.decode("utf-8", "replace").split("\n")
    try:
        header = asciicast.parse_header(first)
    except OrcError as error:
        raise OrcError(f"{path}: {error}") from None
    return header, [event for line in lines if (event := asciicast.parse_event(line)) is not None]
