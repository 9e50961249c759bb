"""The loop that keeps the files of a workspace and its store in step.

Invariant: one process at a time runs it (the leader). It acts on what it reads and never on a
guess: every pass may be the first, any number of passes do the same as one, and a document that
is at fault or cannot be written keeps no other from being synced.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from orc_core.clock import Clock
from orc_core.errors import LayerOffline
from orc_core.model.health import Fault, Layer
from orc_core.sync.absences import CONFIRM_S
from orc_core.sync.layers import FileLayer
from orc_core.sync.passes import Later, Passes, Tally
from orc_core.sync.rules import Rules
from orc_core.sync.standing import Key
from orc_storage import journal
from orc_storage.database import Database
from orc_storage.errors import StorageError, StoreUnavailable
from orc_storage.feed import Feed
from orc_storage.files import Mirror
from orc_storage.records import Body

FULL: Final[Key] = ("", "")
"""Stands for every document."""

FULL_EVERY_S: Final = 30.0
DOUBT_S: Final = 0.2
"""How long a copy has to be unreadable before it is believed to be."""
RETRY_S: Final = 0.5
ROUNDS_MAX: Final = 8
PENDING_MAX: Final = 4096
JOURNAL_CHUNK: Final = 1000

ASKED: Final = "sync asked"
"""The journal's word for a follower's wish that everything be brought in step now."""
ACCEPTS: Final = "accept_deletions"
ANSWERED: Final = "sync answered"
LEADER: Final = "leader"


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one full sync did; `imported` counts writes to the store, `exported` to files."""

    imported: int = 0
    exported: int = 0
    merged: int = 0
    conflicts: int = 0
    failed: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class _Wanted:
    since: float
    believe: bool


@dataclass(slots=True)
class _Loop:
    """What a running loop holds on to; it ends with it."""

    group: asyncio.TaskGroup
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    timers: dict[Key, asyncio.Task[None]] = field(default_factory=dict)
    journal_seq: int = 0
    asked_seq: int = 0
    """The newest wish that is not answered yet, 0 for none."""
    accepts: bool = False
    """Whether that wish says that files missing in great number were removed on purpose."""


class Synchronizer:
    """Keeps the files under a mirror in step with a store; `rules` are those of each kind.

    `on_change` is called on the loop whenever `health()` changed.
    """

    def __init__(
        self,
        db: Database,
        mirror: Mirror,
        clock: Clock,
        on_change: Callable[[], None] = lambda: None,
        *,
        rules: Mapping[str, Rules],
    ) -> None:
        self._db = db
        self._mirror = mirror
        self._clock = clock
        self._on_change = on_change
        self._kinds = frozenset(rules)
        self._passes = Passes(db, FileLayer(mirror), clock, rules)
        self._pending: dict[Key, _Wanted] = {}
        self._working: dict[Key, _Wanted] = {}
        self._told: tuple[Layer, ...] = ()

    async def once(self, *, accept_deletions: bool = False) -> SyncReport:
        """Bring everything in step once, second looks included.

        Raises LayerOffline or StoreUnavailable where one side cannot be read at all.
        """
        tally = Tally()
        later = await self._passes.run(None, tally, accept_deletions=accept_deletions)
        for _ in range(ROUNDS_MAX):
            if not later:
                break
            await self._clock.sleep(CONFIRM_S if later.missed else DOUBT_S)
            names = None if later.missed else later.doubtful | later.again
            later = await self._passes.run(
                names, tally, believe=later.doubtful, accept_deletions=accept_deletions
            )
        self._tell()
        standing = self._passes.standing
        return SyncReport(
            imported=tally.imported,
            exported=tally.exported,
            merged=tally.merged,
            conflicts=tally.conflicts,
            failed=standing.failed,
            faults=standing.faults,
        )

    async def ask(self, actor: str, *, accept_deletions: bool = False, timeout_s: float) -> bool:
        """Have the leader bring everything in step; False where it did not answer in time."""
        async with Feed(self._db) as feed:
            wish: Body = {ACCEPTS: accept_deletions}
            asked = await self._db.write(
                lambda tx: journal.append(tx, actor=actor, action=ASKED, detail=wish),
                timeout_s=timeout_s,
            )
            seq = asked.seq
            try:
                async with asyncio.timeout(timeout_s):
                    async for _ in feed.changes():
                        for entry in await self._db.read(partial(journal.since, seq=seq)):
                            seq = entry.seq
                            if entry.action == ANSWERED and entry.rev >= asked.seq:
                                return True
            except TimeoutError:
                return False
        return False

    async def run(self, stop: asyncio.Event) -> None:
        """Follow files and store until `stop` is set or the task is cancelled."""
        async with Feed(self._db) as feed, asyncio.TaskGroup() as group:
            loop = _Loop(group, journal_seq=(await self._db.read(journal.head))[0])
            self._want(loop, FULL)
            tasks = [
                group.create_task(self._work(loop)),
                group.create_task(self._watch_files(loop)),
                group.create_task(self._follow_store(loop, feed)),
                group.create_task(self._look_regularly(loop)),
            ]
            try:
                await stop.wait()
            finally:
                self._pending, self._working = {}, {}
            for task in (*tasks, *loop.timers.values()):
                task.cancel()

    def health(self) -> tuple[Layer, ...]:
        """Return the lines of the sync pane for the file layer and the store."""
        waiting = {**self._working, **self._pending}
        names = [key for key in waiting if key != FULL]
        oldest = min((wanted.since for wanted in waiting.values()), default=None)
        behind_s = 0.0 if oldest is None else max(0.0, self._clock.monotonic() - oldest)
        return self._passes.standing.layers(queued=len(names), behind_s=behind_s)

    async def _work(self, loop: _Loop) -> None:
        while True:
            await loop.wake.wait()
            loop.wake.clear()
            self._working, self._pending = self._pending, {}
            believe = {key for key, wanted in self._working.items() if wanted.believe}
            names = None if FULL in self._working else set(self._working)
            try:
                later = await self._passes.run(
                    names,
                    Tally(),
                    believe=believe,
                    accept_deletions=loop.accepts,
                    on_ready=loop.ready.set,
                )
            except (LayerOffline, StorageError):
                later = Later(again={FULL})
            if not later and self._working:
                oldest = min(wanted.since for wanted in self._working.values())
                self._passes.standing.latency_s = self._clock.monotonic() - oldest
            self._working = {}
            self._plan(loop, later)
            self._tell()
            if loop.asked_seq and not (self._pending or loop.timers):
                await self._answer(loop)

    async def _answer(self, loop: _Loop) -> None:
        """Tell who asked that everything up to their wish is in step."""
        asked, loop.asked_seq, loop.accepts = loop.asked_seq, 0, False
        with contextlib.suppress(StorageError):
            await self._db.write(
                lambda tx: journal.append(tx, actor=LEADER, action=ANSWERED, rev=asked)
            )

    def _plan(self, loop: _Loop, later: Later) -> None:
        """Come back to what a pass could not finish."""
        for key in later.doubtful:
            self._after(loop, DOUBT_S, key, believe=True)
        for key in later.again:
            self._after(loop, RETRY_S, key)
        if later.missed:
            self._after(loop, CONFIRM_S, FULL)

    def _after(self, loop: _Loop, delay_s: float, key: Key, *, believe: bool = False) -> None:
        async def wait() -> None:
            await self._clock.sleep(delay_s)
            del loop.timers[key]
            self._want(loop, key, believe=believe)

        if key not in loop.timers:
            work: Coroutine[Any, Any, None] = wait()
            loop.timers[key] = loop.group.create_task(work)

    def _want(self, loop: _Loop, key: Key, *, believe: bool = False) -> None:
        wanted = self._pending.setdefault(key, _Wanted(self._clock.monotonic(), believe))
        wanted.believe |= believe
        if len(self._pending) > PENDING_MAX:
            self._pending = {FULL: wanted}
        loop.wake.set()

    async def _watch_files(self, loop: _Loop) -> None:
        while True:
            # The folder is there from the first pass on; watching begins before it is read.
            await loop.ready.wait()
            loop.ready.clear()
            self._passes.new_folder.clear()
            try:
                async for names in self._mirror.watch(self._passes.new_folder):
                    for key in names:
                        if key[0] in self._kinds:
                            self._want(loop, key)
            except StoreUnavailable as error:
                self._passes.standing.layer_is_off(str(error))
            # What changed while nobody watched shows in a look at everything.
            self._after(loop, RETRY_S, FULL)

    async def _follow_store(self, loop: _Loop, feed: Feed) -> None:
        async for _ in feed.changes():
            if feed.trouble:
                self._passes.standing.store_is_off(feed.trouble)
                self._after(loop, RETRY_S, FULL)
                continue
            for key in await self._read_journal(loop):
                self._want(loop, key)

    async def _read_journal(self, loop: _Loop) -> set[Key]:
        """Return the documents that entries since the last look are about."""
        found: set[Key] = set()
        while True:
            try:
                entries = await self._db.read(
                    partial(journal.since, seq=loop.journal_seq, limit=JOURNAL_CHUNK)
                )
            except StorageError as error:
                self._passes.standing.store_is_off(str(error))
                return {FULL}
            found |= {(entry.kind, entry.id) for entry in entries if entry.kind in self._kinds}
            asked = [entry for entry in entries if entry.action == ASKED]
            if asked:
                loop.asked_seq = asked[-1].seq
                loop.accepts |= any(entry.detail.get(ACCEPTS) is True for entry in asked)
                found.add(FULL)
            if entries:
                loop.journal_seq = entries[-1].seq
            if len(entries) < JOURNAL_CHUNK:
                return found

    async def _look_regularly(self, loop: _Loop) -> None:
        while True:
            await self._clock.sleep(FULL_EVERY_S)
            self._want(loop, FULL)

    def _tell(self) -> None:
        layers = self.health()
        if layers != self._told:
            self._told = layers
            self._on_change()
