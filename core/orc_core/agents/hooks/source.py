"""What hooks told of each agent, as a source of signals that has news between ticks.

Invariant: an event counts only for the very agent that it came from: of the same kind, in the
same pane, after its start, and from its own process group, so that an agent that runs inside
another's tool says nothing of the other. What is kept is bounded by panes and events.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from orc_core.agents.folders import folder_changes
from orc_core.agents.hooks.events import Event, Happening, event_of
from orc_core.agents.hooks.spool import Spool
from orc_core.agents.hooks.standing import Standing, standing
from orc_core.agents.hooks.statusline import StatusLine, status_line
from orc_core.agents.processes import Processes
from orc_core.agents.sources import NOTHING, News, Report, Subject
from orc_core.clock import Clock
from orc_core.model.activity import Deeds
from orc_storage.errors import StorageError

LEDGERS_MAX: Final = 2048
EVENTS_MAX: Final = 64
PRUNE_EVERY_S: Final = 60.0
READ_TIMEOUT_S: Final = 10.0
BEFORE_START_S: Final = 2.0
"""The kernel tells starts by its own clock, which is off by about a second."""

_ALSO: Final = {"gemini": ("gemini", "antigravity")}
"""The agents that read the same settings, and so run each other's hooks."""

_Place = tuple[str, str]


@dataclass(slots=True)
class _Ledger:
    """What came from one pane, and what it adds up to for the agent that is there now."""

    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    of: tuple[str, int, float] = ("", 0, 0.0)
    fresh: list[Event] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)
    line: StatusLine | None = None


class HookSource:
    """The reader of the spool; `report` answers from memory."""

    def __init__(self, folder: Path, processes: Processes, clock: Clock) -> None:
        self._spool = Spool(folder)
        self._processes = processes
        self._clock = clock
        self._ledgers: OrderedDict[_Place, _Ledger] = OrderedDict()
        self._keys: OrderedDict[_Place, str] = OrderedDict()
        self._reading: asyncio.Future[list[Event]] | None = None
        self._pruned_at = float("-inf")

    def report(self, subject: Subject, now: float) -> Report:
        """What the hooks of this agent say now."""
        if subject.ended_at:
            return NOTHING
        ledger = None
        pane = (_real(subject.pane.server), subject.pane.pane_id)
        for place in (pane, _of_process(subject.pid)):
            self._keys[place] = subject.pane.key
            ledger = ledger or self._ledgers.get(place)
        while len(self._keys) > LEDGERS_MAX:
            self._keys.popitem(last=False)
        if ledger is None:
            return NOTHING
        self._bring_up_to_date(ledger, subject)
        resets_at = ledger.line.resets_at if ledger.line is not None else 0.0
        signal = ledger.standing.signal(now, resets_at)
        return Report(
            signals=(signal,) if signal is not None else (),
            usage=ledger.line.usage if ledger.line is not None else None,
            last_prompt=ledger.standing.prompt,
            conversation=ledger.standing.session,
        )

    def standing(self, key: str) -> Standing | None:
        """Where the agent of a pane stands by its hooks: the files it was at, its transcript."""
        if not self._ledgers:
            return None
        for place, known in self._keys.items():
            if known == key and place in self._ledgers:
                return self._ledgers[place].standing
        return None

    def deeds(self, key: str) -> Deeds | None:
        """What the agent of a pane was told and did, None where it never told."""
        found = self.standing(key)
        return found.deeds if found is not None and found.deeds.since else None

    def catch_up(self) -> set[str]:
        """Read what has come; the panes that it is about. Blocks on the disk."""
        return self._take(self._read())

    async def run(self, news: News) -> None:
        """Follow the spool until cancelled; `news` is told which panes heard something."""
        async with aclosing(folder_changes(self._spool.folder, self._clock)) as changes:
            async for _ in changes:
                await self._tell(news)

    async def _tell(self, news: News) -> None:
        """Read in a thread, one at a time; a disk that hangs holds up nobody."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(asyncio.to_thread(self._read))
        done, _ = await asyncio.wait({self._reading}, timeout=READ_TIMEOUT_S)
        if not done:
            return
        events, self._reading = self._reading.result(), None
        keys = self._take(events)
        if keys:
            news(keys)

    def _read(self) -> list[Event]:
        now = self._clock.now()
        if now - self._pruned_at >= PRUNE_EVERY_S:
            self._pruned_at = now
            with contextlib.suppress(StorageError, OSError):
                self._spool.prune(now)
        read = (event_of(spooled) for spooled in self._spool.read_new())
        return [event for event in read if event is not None]

    def _take(self, events: Iterable[Event]) -> set[str]:
        """Enter events into the ledgers of their panes; the panes that are known by a key."""
        keys: set[str] = set()
        for event in events:
            for place in _places(event):
                ledger = self._ledgers.setdefault(place, _Ledger())
                self._ledgers.move_to_end(place)
                if len(self._ledgers) > LEDGERS_MAX:
                    self._ledgers.popitem(last=False)
                ledger.events.append(event)
                ledger.fresh.append(event)
                del ledger.fresh[:-EVENTS_MAX]
                if place in self._keys:
                    keys.add(self._keys[place])
        return keys

    def _bring_up_to_date(self, ledger: _Ledger, subject: Subject) -> None:
        of = (subject.kind.id, subject.pid, subject.started_at)
        events: Collection[Event] = ledger.fresh
        if ledger.of != of:
            # Another agent, or the same one known better than before: all is weighed anew.
            ledger.of, ledger.standing, ledger.line = of, Standing(), None
            events = ledger.events
        if not events:
            return
        own = [event for event in events if self._is_own(event, subject)]
        ledger.fresh = []
        ledger.standing = standing(own, ledger.standing)
        for event in own:
            if event.what is Happening.STATUS_LINE and event.body is not None:
                ledger.line = status_line(event.body, event.at) or ledger.line

    def _is_own(self, event: Event, subject: Subject) -> bool:
        """Whether an event came from this very agent."""
        if subject.kind.id not in _ALSO.get(event.agent, (event.agent,)):
            return False
        if event.at < subject.started_at - BEFORE_START_S:
            return False
        if not event.runners or not subject.started_at:
            return True
        if any(runner.pid == subject.pid for runner in event.runners):
            return True
        facts = self._processes.facts(subject.pid)
        return facts is None or any(runner.group == facts.group for runner in event.runners)


def _places(event: Event) -> list[_Place]:
    """Where an event is entered: under its pane, or where it knows none under its processes."""
    if event.pane:
        return [(_real(event.socket), event.pane)]
    return [_of_process(runner.pid) for runner in event.runners]


def _of_process(pid: int) -> _Place:
    return ("", str(pid))


@lru_cache(maxsize=256)
def _real(socket: str) -> str:
    """One name for a socket that is reached by several."""
    return os.path.realpath(socket)
