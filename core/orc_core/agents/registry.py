"""The session files that Claude Code keeps: the strongest word on what it does.

Invariant: a file counts only while the very process that wrote it lives: the pid and its start
must both be those of a process under the pane. Files outlive a kill.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from orc_core.agents.processes import Facts, Processes, walk
from orc_core.agents.sources import NOTHING, Report, Subject
from orc_core.model.agent import Evidence, Signal, Source, State, Waiting
from orc_core.text import clean
from orc_core.tmux.inotify import ENTRIES, TerminalMarks
from orc_storage.paths import read_plain

FILE_MAX_BYTES: Final = 64 * 1024
CACHE_MAX: Final = 4096
LOOK_AT_MOST: Final = 24
LOOK_AGAIN_S: Final = 2.0
LOOK_ANYWAY_S: Final = 10.0

OPENED: Final = "dialog open"
"""What it is said to wait for at a menu that a person opened, such as /config."""

_WAITING: Final = {
    "permission prompt": Waiting.PERMISSION,
    "sandbox request": Waiting.PERMISSION,
    "worker request": Waiting.PERMISSION,
    "input needed": Waiting.QUESTION,
    "dialog open": Waiting.QUESTION,
}
_STATES: Final = {
    "busy": State.WORKING,
    "waiting": State.WAITING,
    "idle": State.IDLE,
    "shell": State.IDLE,
}


_Stamp = tuple[int, int, int]
_ABSENT: Final = (0, 0, 0)


class SessionFile(BaseModel):
    """The part of a session file that is read; without `status` and `procStart` it is unfit."""

    model_config = ConfigDict(extra="ignore")

    pid: int
    procStart: Annotated[str, Field(strict=False, coerce_numbers_to_str=True)]  # noqa: N815
    status: Annotated[str, StringConstraints(max_length=40)]
    waitingFor: Annotated[str, StringConstraints(max_length=200)] | None = None  # noqa: N815
    sessionId: str = ""  # noqa: N815


class Sessions:
    """The session files under one home, each read again only when it changed."""

    def __init__(self, home: Path, processes: Processes) -> None:
        # Text, not Path: these files are looked at by the hundred a second.
        self._folder = str(home / ".claude" / "sessions")
        self._processes = processes
        self._marks = TerminalMarks(ENTRIES)
        self._marks.open()
        weakref.finalize(self, self._marks.close)
        self._known: OrderedDict[int, tuple[_Stamp, SessionFile | None]] = OrderedDict()
        self._found: OrderedDict[int, tuple[int, float, int]] = OrderedDict()
        self._folder_seen = 0
        """The stamp of the folder when all were last looked at."""

    def changed(self) -> set[int]:
        """The panes, by their process, whose session files are not as they were last read.

        Where a file came or went that is said of all panes whose session was not found.
        """
        changed: set[int] = set()
        if not self._is_marked():
            return changed
        folder, before = self._stamp(), self._folder_seen
        self._folder_seen = folder
        if not folder and not before:
            return changed  # there is no folder, and was none
        for pane_pid, (pid, _, seen) in self._found.items():
            if not pid:
                if folder != seen:
                    changed.add(pane_pid)
            elif (known := self._known.get(pid)) is not None and known[0] != self._stamp_of(pid):
                changed.add(pane_pid)
        return changed

    def _is_marked(self) -> bool:
        """Whether anything may have happened in the folder since the last call."""
        if not self._marks.available:
            return True
        marked = bool(self._marks.drain()) or not self._marks.watches(self._folder)
        self._marks.watch([self._folder])
        return marked

    def report(self, subject: Subject, now: float) -> Report:
        """What the session under the agent's pane says, for agents that keep such files."""
        if subject.kind.agent.level != "claude-sessions":
            return NOTHING
        session = self._session(subject.pane.pid, now)
        if session is None:
            return NOTHING
        told = _signal(session, now)
        return Report((told,) if told is not None else (), conversation=session.sessionId)

    def signal(self, pane_pid: int, now: float) -> Signal | None:
        """What the session under the pane says, or None where there is none to believe."""
        session = self._session(pane_pid, now)
        return _signal(session, now) if session is not None else None

    def _session(self, pane_pid: int, now: float) -> SessionFile | None:
        """The session under the pane.

        The process that had a session last time is asked first. All are asked only when the
        folder changed since, two seconds after the last time at the soonest, or after ten anyway.
        """
        pid, looked_at, stamp = self._found.get(pane_pid, (0, float("-inf"), -1))
        facts = self._processes.facts(pid) if pid else None
        session = self._of(facts) if facts is not None else None
        if session is None and not 0 <= now - looked_at < LOOK_AGAIN_S:
            changed = self._stamp()
            if changed != stamp or not 0 <= now - looked_at < LOOK_ANYWAY_S:
                pid, session = self._look(pane_pid) if changed else (0, None)
                self._found[pane_pid] = (pid, now, changed)
                if len(self._found) > CACHE_MAX:
                    self._found.popitem(last=False)
        return session

    def _stamp(self) -> int:
        """When a file last came into the folder or left it, in nanoseconds; 0 without one."""
        try:
            return os.stat(self._folder).st_mtime_ns  # noqa: PTH116
        except OSError:
            return 0

    def _stamp_of(self, pid: int) -> _Stamp:
        """What tells one version of a session file from another; raises nothing."""
        try:
            stat = os.stat(f"{self._folder}/{pid}.json")  # noqa: PTH116
        except OSError:
            return _ABSENT
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _look(self, pane_pid: int) -> tuple[int, SessionFile | None]:
        """The first process under the pane with a session of its own."""
        for seen, (_, facts) in enumerate(walk(self._processes, pane_pid)):
            if seen >= LOOK_AT_MOST:
                break
            session = self._of(facts)
            if session is not None:
                return facts.pid, session
        return 0, None

    def _of(self, facts: Facts) -> SessionFile | None:
        """The session file of a process, if that very process wrote it."""
        session = self._read(facts.pid)
        if session is None or session.pid != facts.pid or facts.state == "Z":
            return None
        return session if session.procStart == facts.start else None

    def _read(self, pid: int) -> SessionFile | None:
        stamp = self._stamp_of(pid)
        known = self._known.get(pid)
        if known is not None and known[0] == stamp:
            return known[1]
        session: SessionFile | None = None
        if stamp != _ABSENT and stamp[1] <= FILE_MAX_BYTES:
            # Half written, or of a version that says less: the other sources decide.
            with contextlib.suppress(OSError, ValidationError):
                text = read_plain(f"{self._folder}/{pid}.json", FILE_MAX_BYTES)
                session = SessionFile.model_validate_json(text)
        self._known[pid] = (stamp, session)
        if len(self._known) > CACHE_MAX:
            self._known.popitem(last=False)
        return session


def _signal(session: SessionFile, now: float) -> Signal | None:
    state = _STATES.get(session.status)
    if state is None:
        return None
    wants = clean(session.waitingFor or "", limit=80)
    waiting = Waiting.NONE
    if state is State.WAITING:
        waiting = _WAITING.get(wants, Waiting.QUESTION)
    text = f"{session.status}: {wants}" if wants else session.status
    does = "a background shell runs on" if session.status == "shell" else ""
    evidence = Evidence(Source.LEVEL, "claude-session", now, text)
    return Signal(evidence, state, waiting, does, attended=wants == OPENED)
