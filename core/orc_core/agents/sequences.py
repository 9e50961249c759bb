"""What an agent's program tells by escape sequences: OSC 7501, 9;4, 9, 777, 99, 133 and bells.

Invariant: sequences are untrusted. A malformed one is dropped whole, text is cleaned, and a
notice or a bell is told but never decides a state. One counts only for the process that was
there when it came.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

from orc_core.agents.folders import folder_changes
from orc_core.agents.sources import NOTHING, News, Report, Subject
from orc_core.clock import Clock
from orc_core.model.agent import Evidence, Signal, Source, State, Waiting
from orc_core.text import clean
from orc_core.tmux.listening import record_path
from orc_storage.paths import read_plain

FILE_MAX_BYTES: Final = 512 * 1024
KEPT_MAX: Final = 2048
TEXT_MAX: Final = 120
PROGRESS_EXPIRES_S: Final = 600.0
NOTICE_EXPIRES_S: Final = 60.0
ENDED_BEFORE_S: Final = 5.0
"""A program's end may be noticed this much later than the shell tells of it."""

_STATES: Final = {
    "idle": State.IDLE,
    "working": State.WORKING,
    "done": State.DONE,
    "blocked": State.WAITING,
    "error": State.ERROR,
}
_KINDS: Final = {
    "": Waiting.QUESTION,
    "permission": Waiting.PERMISSION,
    "question": Waiting.QUESTION,
    "auth": Waiting.AUTH,
}
_PROGRESS: Final = {"1": State.WORKING, "2": State.ERROR, "3": State.WORKING}
_NOTICE_99: Final = re.compile(r"^99;[^;]*;(?P<text>.*)$", re.DOTALL)

Record = tuple[float, bytes]
Stamp = tuple[int, int]


class Sequences:
    """The sequences that listeners keep in one folder, each file read again when it changed."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._kept: OrderedDict[Path, tuple[Stamp, dict[str, Record]]] = OrderedDict()
        self._keys: OrderedDict[Path, str] = OrderedDict()
        self._told: dict[Path, Stamp] = {}

    def report(self, subject: Subject, now: float) -> Report:
        """The signals of what the agent's program sent since it began."""
        path = record_path(subject.pane, self._folder)
        self._keys[path] = subject.pane.key
        if len(self._keys) > KEPT_MAX:
            self._keys.popitem(last=False)
        records = self._read(path)
        if subject.ended_at:
            return Report(exit_status=ending(records, subject.ended_at - ENDED_BEFORE_S))
        fresh = {key: one for key, one in records.items() if one[0] >= subject.started_at}
        return Report(tuple(signals(fresh, now))) if fresh else NOTHING

    def catch_up(self) -> set[str]:
        """The panes of which something was heard since the last call. Blocks on the disk."""
        stamps: dict[Path, Stamp] = {}
        for path in tuple(self._keys):
            with contextlib.suppress(OSError):
                stamps[path] = _stamp(path.lstat())
        heard = {path for path, stamp in stamps.items() if self._told.get(path) != stamp}
        self._told = stamps
        return {self._keys[path] for path in heard if path in self._keys}

    async def run(self, news: News) -> None:
        """Follow the folder until cancelled; `news` is told which panes were heard."""
        async with aclosing(folder_changes(self._folder, self._clock)) as changes:
            async for _ in changes:
                if heard := self.catch_up():
                    news(heard)

    def _read(self, path: Path) -> dict[str, Record]:
        try:
            stat = path.lstat()
            stamp = _stamp(stat)
            known = self._kept.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            if stat.st_size > FILE_MAX_BYTES:
                return {}
            text = read_plain(path, FILE_MAX_BYTES).decode("ascii", "replace")
        except OSError:
            return {}
        self._kept[path] = (stamp, parse(text))
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return self._kept[path][1]


def _stamp(stat: os.stat_result) -> Stamp:
    return stat.st_mtime_ns, stat.st_ino


def parse(text: str) -> dict[str, Record]:
    """The records of a listener's file by their key; a line that is no record is left out."""
    records: dict[str, Record] = {}
    for line in text.splitlines()[1:]:
        words = line.split(" ")
        try:
            records[words[0]] = (float(words[1]), bytes.fromhex(words[2]))
        except (IndexError, ValueError):
            continue
    return records


def signals(records: Mapping[str, Record], now: float) -> Iterator[Signal]:
    """What each record says, the program's own status first."""
    if "status/" in records:
        at, body = records["status/"]
        told = status(body, at)
        if told is not None:
            yield told
    if "progress" in records:
        at, body = records["progress"]
        told = progress(body, at, now)
        if told is not None:
            yield told
    for key, rule in (("notice", "osc-notice"), ("bell", "bell")):
        if key in records:
            at, body = records[key]
            evidence = Evidence(Source.TITLE, rule, at, notice(body))
            late = now - at > NOTICE_EXPIRES_S
            yield Signal(evidence, State.UNKNOWN, expired=late, decides=False)


def status(body: bytes, at: float) -> Signal | None:
    """OSC 7501, the program status protocol: a level, or None where it is cleared or malformed."""
    fields: dict[str, str] = {}
    for part in body.decode("ascii", "replace").partition(";")[2].split(":"):
        name, equals, value = part.partition("=")
        if not equals or name in fields:
            return None
        fields[name] = value
    state = _STATES.get(fields.get("state", ""))
    waiting = _KINDS.get(fields.get("kind", "")) if state is State.WAITING else Waiting.NONE
    if state is None or waiting is None:
        return None
    try:
        said = [base64.b64decode(fields.get(name, ""), validate=True) for name in ("title", "msg")]
    except (binascii.Error, ValueError):
        return None
    title, message = (clean(text, limit=TEXT_MAX).strip() for text in said)
    app = clean(fields.get("app", ""), limit=40)
    text = " ".join(word for word in (app, fields["state"], fields.get("kind", ""), title) if word)
    return Signal(Evidence(Source.LEVEL, "osc-7501", at, text), state, waiting, message or title)


def progress(body: bytes, at: float, now: float) -> Signal | None:
    """OSC 9;4: something is going on, or went wrong; None once it is cleared."""
    words = body.decode("ascii", "replace").split(";")
    state = _PROGRESS.get(words[2]) if len(words) > 2 else None
    if state is None:
        return None
    share = words[3] if len(words) > 3 and words[3].isdecimal() and words[2] == "1" else ""
    evidence = Evidence(Source.TITLE, "osc-9-4", at, f"{share} %" if share else "")
    return Signal(evidence, state, expired=now - at > PROGRESS_EXPIRES_S)


def notice(body: bytes) -> str:
    """The text of a desktop notification: OSC 9, OSC 777 or OSC 99; "" for a bell."""
    text = body.decode("utf-8", "replace")
    if text.startswith("777;"):
        text = " ".join(text.split(";")[2:])
    elif text.startswith("9;"):
        text = text[2:]
    else:
        match = _NOTICE_99.match(text)
        text = match["text"] if match is not None else ""
    return clean(text, limit=TEXT_MAX).strip()


def ending(records: Mapping[str, Record], since: float) -> int | None:
    """The exit status that a shell told by OSC 133;D since `since`; None where it told none."""
    at, body = records.get("ended", (0.0, b""))
    words = body.decode("ascii", "replace").split(";")
    if at < since or len(words) < 3 or not words[2].isdecimal() or len(words[2]) > 3:
        return None
    return int(words[2])
