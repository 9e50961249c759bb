"""What Codex writes down of its tokens: the end of the rollout file of each agent.

Invariant: bounded bytes, read in a thread and never waited for by a tick. Only figures are taken
from there: the file lags behind what Codex does and its form is internal, so that no state is
read from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from orc_core.agents.hooks.statusline import account
from orc_core.agents.processes import PROC, Processes, walk
from orc_core.agents.sources import NOTHING, News, Report, Subject
from orc_core.clock import Clock
from orc_core.model.agent import Usage
from orc_core.text import clean
from orc_storage.paths import read_plain

AGENTS_MAX: Final = 512
TAIL_BYTES: Final = 128 * 1024
HEAD_BYTES: Final = 16 * 1024
FILES_MAX: Final = 256
PROCESSES_MAX: Final = 8
EVERY_S: Final = 5.0
FIND_EVERY_S: Final = 30.0
READ_TIMEOUT_S: Final = 10.0
FORGET_AFTER_S: Final = 60.0

_NAME: Final = re.compile(r"rollout-.{1,120}\.jsonl")
_ID: Final = re.compile(r"-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl$")
_CWD: Final = re.compile(rb'"cwd"\s*:\s*("(?:[^"\\]|\\.){1,1024}")')


@dataclass(slots=True)
class _Watched:
    """One Codex: what was asked about it, where its rollout is, and what it told."""

    subject: Subject
    asked_at: float
    path: Path | None = None
    found_at: float = float("-inf")
    stamp: tuple[int, int] = (0, 0)
    usage: Usage | None = None
    conversation: str = ""
    """By what Codex finds it again; "" where the file is only guessed."""


class Rollouts:
    """Reads the rollout files of the Codex agents that are asked about."""

    def __init__(self, sessions: Path, processes: Processes, clock: Clock) -> None:
        self._sessions = sessions
        self._processes = processes
        self._clock = clock
        self._watched: OrderedDict[str, _Watched] = OrderedDict()
        self._reading: asyncio.Future[set[str]] | None = None

    def report(self, subject: Subject, now: float) -> Report:
        """The tokens of a Codex as they were read last."""
        if subject.kind.id != "codex":
            return NOTHING
        watched = self._watched.get(subject.pane.key)
        if watched is None or watched.subject.pid != subject.pid:
            watched = self._watched[subject.pane.key] = _Watched(subject, now)
            if len(self._watched) > AGENTS_MAX:
                self._watched.popitem(last=False)
        watched.subject, watched.asked_at = subject, now
        return Report(usage=watched.usage, conversation=watched.conversation)

    def catch_up(self) -> set[str]:
        """Read what is new of all that were asked about; the panes that differ. Blocks."""
        return self._read_all(self._due())

    async def run(self, news: News) -> None:
        """Read every few seconds until cancelled."""
        while True:
            if self._reading is None and self._watched:
                self._reading = asyncio.ensure_future(
                    asyncio.to_thread(self._read_all, self._due())
                )
            if self._reading is not None:
                done, _ = await asyncio.wait({self._reading}, timeout=READ_TIMEOUT_S)
                if done:
                    keys, self._reading = self._reading.result(), None
                    if keys:
                        news(keys)
            await self._clock.sleep(EVERY_S)

    def _due(self) -> list[_Watched]:
        now = self._clock.now()
        watched = list(self._watched.values())
        return [one for one in watched if now - one.asked_at < FORGET_AFTER_S]

    def _read_all(self, due: list[_Watched]) -> set[str]:
        return {watched.subject.pane.key for watched in due if self._read(watched)}

    def _read(self, watched: _Watched) -> bool:
        """Read the end of one agent's file if it grew; True where its figures differ."""
        now = self._clock.now()
        if watched.path is None or now - watched.found_at > FIND_EVERY_S:
            # A new conversation is a new file.
            watched.path, watched.found_at = self._find(watched), now
        if watched.path is None:
            return False
        try:
            found = watched.path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == watched.stamp:
                return False
            tail = read_plain(watched.path, TAIL_BYTES, begin=max(0, found.st_size - TAIL_BYTES))
        except OSError:
            watched.path = None
            return False
        watched.stamp = stamp
        usage = usage_of(tail, found.st_mtime, account(str(watched.path), "sessions"))
        if usage is None or usage == watched.usage:
            return False
        watched.usage = usage
        return True

    def _find(self, watched: _Watched) -> Path | None:
        """The file that a process of the agent has open, else the newest of its folder."""
        subject, watched.conversation = watched.subject, ""
        for seen, (_, facts) in enumerate(walk(self._processes, subject.pid)):
            if seen >= PROCESSES_MAX:
                break
            for target in _open_files(facts.pid):
                if _NAME.fullmatch(target.name):
                    known = _ID.search(target.name)
                    watched.conversation = known[1] if known is not None else ""
                    return target
        wanted = os.path.realpath(subject.cwd)
        for path in self._recent(subject.started_at):
            if _cwd_of(path) == wanted:
                return path
        return None

    def _recent(self, started_at: float) -> Iterator[Path]:
        """The rollouts that changed since the agent began, newest first."""
        began = started_at or self._clock.now()
        found: list[tuple[float, Path]] = []
        for day in {datetime.fromtimestamp(began) + timedelta(days=shift) for shift in (0, 1)}:
            folder = self._sessions / day.strftime("%Y/%m/%d")
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if len(found) < FILES_MAX and _NAME.fullmatch(entry.name):
                        found.append((entry.stat().st_mtime, Path(entry.path)))
        yield from (path for at, path in sorted(found, reverse=True) if at >= started_at)


def usage_of(tail: bytes, at: float, account: str = "") -> Usage | None:
    """The last figures in the end of a rollout; None where there are none."""
    usage: Usage | None = None
    for line in reversed(tail.splitlines()):
        if b"token_count" not in line and b"turn_context" not in line:
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        payload = entry.get("payload") if isinstance(entry, dict) else None
        if not isinstance(payload, dict):
            continue
        if entry.get("type") == "turn_context" and usage is not None:
            model = payload.get("model")
            named = clean(model, limit=40).strip() if isinstance(model, str) else ""
            return Usage(usage.context, None, usage.tokens, named, account, at)
        if payload.get("type") == "token_count" and usage is None:
            usage = _usage(payload.get("info"), at, account)
    return usage


def _usage(info: object, at: float, account: str) -> Usage | None:
    if not isinstance(info, dict):
        return None
    total = _tokens(info.get("total_token_usage"))
    last = _tokens(info.get("last_token_usage"))
    window = _count(info.get("model_context_window"))
    context = min(1.0, last / window) if last is not None and window else None
    if total is None and context is None:
        return None
    return Usage(context=context, tokens=total, account=account, at=at)


def _tokens(usage: Any) -> int | None:
    return _count(usage.get("total_tokens")) if isinstance(usage, dict) else None


def _count(value: object) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15
    return int(value) if fits and isinstance(value, int) else None


def _open_files(pid: int) -> Iterator[Path]:
    """Where the descriptors of a process lead, on systems that tell."""
    folder = PROC / str(pid) / "fd"
    try:
        names = os.listdir(folder)[:FILES_MAX]  # noqa: PTH208 (names only)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            yield Path(os.readlink(folder / name))  # noqa: PTH115 (a path, not resolved)


def _cwd_of(path: Path) -> str:
    """The folder that a rollout was begun in, from its first bytes."""
    try:
        match = _CWD.search(read_plain(path, HEAD_BYTES))
        return os.path.realpath(json.loads(match[1])) if match is not None else ""
    except (OSError, ValueError):
        return ""
