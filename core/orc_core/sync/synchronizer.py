"""The layers of a workspace and its store, kept in step.

Invariant: one process at a time runs it (the leader). It acts on what it reads and never on a
guess: every pass may be the first, any number of passes do the same as one. A layer that is at
fault keeps no other from being synced, as no document keeps another.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import LayerOffline
from orc_core.model.health import STORE, Fault
from orc_core.model.health import Layer as LayerHealth
from orc_core.settings import Settings
from orc_core.sync import events
from orc_core.sync.choices import Choices, is_about
from orc_core.sync.follower import ALL, RETRY_S, ROUNDS_MAX, Follower
from orc_core.sync.layers import Layer
from orc_core.sync.rules import Rules
from orc_core.sync.standing import Standing
from orc_core.sync.tally import Tally
from orc_storage import journal
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import StorageError
from orc_storage.feed import Feed
from orc_storage.records import Body, Entry

JOURNAL_CHUNK: Final = 1000

ASKED: Final = "sync asked"
"""The journal's word for a follower's wish that everything be brought in step now."""
ACCEPTS: Final = "accept_deletions"
READS: Final = "reads"
"""In a wish: the kind that is read, so that only what is lazy about it is brought in step."""
ANSWERED: Final = "sync answered"
LEADER: Final = "leader"


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one full sync did; `imported` counts writes to the store, `exported` to layers.

    `offline` are the layers that could not be read at all.
    """

    imported: int = 0
    exported: int = 0
    merged: int = 0
    conflicts: int = 0
    failed: int = 0
    faults: tuple[Fault, ...] = ()
    offline: tuple[str, ...] = ()


class Synchronizer:
    """Keeps layers in step with a store; `rules` are those of each kind of document.

    `once` serves the layers in the order given, those that `find` finds after them; followed,
    each goes at its own pace and waits for no other. `on_change` is called on the loop whenever
    `health()` changed.
    """

    def __init__(
        self,
        db: Database,
        layers: Sequence[Layer],
        clock: Clock,
        on_change: Callable[[], None] = lambda: None,
        *,
        rules: Mapping[str, Rules],
        choices: Choices | None = None,
        find: Callable[[], Iterable[Layer]] = tuple,
    ) -> None:
        self.choices = choices or Choices(db, Settings())
        self._db = db
        self._clock = clock
        self._on_change = on_change
        self._rules = rules
        self._find: Callable[[], Iterable[Layer]] | None = find
        self._store = Standing(STORE, clock)
        self._followers = tuple(map(self._follower, layers))
        self._told: tuple[LayerHealth, ...] = ()
        self._journal_seq = 0
        self._asked_seq = 0
        """The newest wish that is not answered yet, 0 for none."""
        self._progress = asyncio.Event()
        """Set for whoever answers wishes, as `_news` is for who waits here."""
        self._news = asyncio.Event()

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that are known, in the order in which they are served."""
        return tuple(one.name for one in self._followers)

    def kinds(self, name: str) -> frozenset[str]:
        """The kinds of documents that a layer holds."""
        found = next(one for one in self._followers if one.name == name)
        return found.layer.kinds & self._rules.keys()

    async def load(self) -> None:
        """Find the layers that there are, and what was chosen for each; raises StorageError."""
        if self._find is not None:
            find, self._find = self._find, None
            more = await asyncio.to_thread(lambda: tuple(find()))
            self._followers += tuple(map(self._follower, more))
        await self.choices.load()
        for follower in self._followers:
            await follower.use(self.choices.of(follower.name))

    def close(self) -> None:
        """Let go of all layers."""
        for follower in self._followers:
            follower.layer.close()

    def health(self) -> tuple[LayerHealth, ...]:
        """Return the lines of the sync pane for the layers and the store."""
        return (*(one.health() for one in self._followers), self._store.layer(""))

    async def once(self, *, accept_deletions: bool = False) -> SyncReport:
        """Bring everything that is on in step once, second looks included.

        Raises StorageError, and LayerOffline where there is no layer that can be read.
        """
        await self.load()
        on = [follower for follower in self._followers if follower.is_on]
        tally = Tally()
        offline: dict[str, LayerOffline] = {}
        for _ in range(ROUNDS_MAX):
            later_ones = 0
            for number, follower in enumerate(on):
                before = tally.imported
                if follower.name in offline:
                    continue
                try:
                    await follower.once(tally, accept_deletions=accept_deletions)
                except LayerOffline as error:
                    offline[follower.name] = error
                later_ones += number and tally.imported - before
            # What a later layer brought, the earlier ones do not have yet.
            if not later_ones:
                break
        self._tell()
        if offline and len(offline) == len(on):
            raise next(iter(offline.values()))
        return SyncReport(
            imported=tally.imported,
            exported=tally.exported,
            merged=tally.merged,
            conflicts=tally.conflicts,
            failed=sum(one.standing.failed for one in on),
            faults=(*(fault for one in on for fault in one.standing.faults), *self._store.faults),
            offline=tuple(offline),
        )

    async def is_lazy(self, kind: str) -> bool:
        """Whether some layer brings documents of a kind in step when they are read only."""
        await self.choices.load()
        return self.choices.is_lazy(kind)

    async def ask(
        self, actor: str, *, accept_deletions: bool = False, reads: str = "", timeout_s: float
    ) -> bool:
        """Have the leader bring everything in step, or what is lazy about a kind that is read.

        False where it did not answer in time.
        """
        async with Feed(self._db) as feed:
            wish: Body = {ACCEPTS: accept_deletions, READS: reads}
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

    async def read(self, kind: str, *, timeout_s: float) -> None:
        """Documents of a kind are read in this process, which leads: sync what is lazy first."""
        lazy = [one for one in self._followers if one.reads(kind)]
        if lazy:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while not self._is_quiet:
                        self._news.clear()
                        await self._news.wait()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow layers and store until `stop` is set or the task is cancelled."""
        try:
            await self._run(stop)
        finally:
            # What was begun is written though nobody waits for it: this process leads till then.
            with contextlib.suppress(StorageError):
                await self._db.write(_nothing)

    async def _run(self, stop: asyncio.Event) -> None:
        async with Feed(self._db) as feed, asyncio.TaskGroup() as group:
            self._journal_seq = (await self._db.read(journal.head))[0]
            self._asked_seq = 0
            await self.load()
            self._store.was_reached()
            tasks = [group.create_task(one.run()) for one in self._followers]
            tasks += [
                group.create_task(self._follow_store(feed)),
                group.create_task(self._answer()),
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()

    @property
    def _is_quiet(self) -> bool:
        return all(one.is_quiet for one in self._followers)

    def _follower(self, layer: Layer) -> Follower:
        return Follower(self._db, layer, self._clock, self._rules, self._store, self._went_on)

    def _went_on(self) -> None:
        self._progress.set()
        self._news.set()
        self._tell()

    async def _answer(self) -> None:
        """Tell who asked once everything up to their wish is in step."""
        while True:
            await self._progress.wait()
            self._progress.clear()
            if not self._asked_seq or not self._is_quiet:
                continue
            asked, self._asked_seq = self._asked_seq, 0
            for follower in self._followers:
                follower.accepts = False
            with contextlib.suppress(StorageError):
                await self._db.write(partial(_answer, asked=asked))

    async def _follow_store(self, feed: Feed) -> None:
        async for _ in feed.changes():
            if feed.trouble:
                await self._lose_store(feed.trouble)
                continue
            try:
                await self._read_journal()
                self._store.was_reached()
            except StorageError as error:
                await self._lose_store(str(error))

    async def _lose_store(self, trouble: str) -> None:
        self._store.goes_offline(trouble)
        self._tell()
        await self._clock.sleep(RETRY_S)
        for follower in self._followers:
            follower.want(ALL)

    async def _read_journal(self) -> None:
        """Tell every layer of what was written since the last look."""
        while True:
            entries, happened = await self._db.read(
                partial(_look, seq=self._journal_seq, with_events=self._hears_events)
            )
            if any(is_about(entry.kind, entry.id) for entry in entries):
                await self.load()
            for follower in self._followers:
                for key in {(entry.kind, entry.id) for entry in entries}:
                    follower.note(key)
                if happened:
                    follower.heard(happened)
            self._take_wishes([entry for entry in entries if entry.action == ASKED])
            if entries:
                self._journal_seq = entries[-1].seq
            if len(entries) < JOURNAL_CHUNK:
                return

    @property
    def _hears_events(self) -> bool:
        return any(one.hears_events for one in self._followers)

    def _take_wishes(self, asked: Sequence[Entry]) -> None:
        for entry in asked:
            self._asked_seq = entry.seq
            for follower in self._followers:
                if kind := entry.detail.get(READS):
                    follower.reads(str(kind))
                else:
                    follower.accepts |= entry.detail.get(ACCEPTS) is True
                    follower.demand()
        if asked:
            self._progress.set()

    def _tell(self) -> None:
        layers = self.health()
        if layers != self._told:
            self._told = layers
            self._on_change()


def _answer(tx: Transaction, asked: int) -> None:
    journal.append(tx, actor=LEADER, action=ANSWERED, rev=asked)


def _nothing(tx: Transaction) -> None:
    """Write nothing, behind all that waits."""


def _look(conn: Connection, seq: int, with_events: bool) -> tuple[list[Entry], set[str]]:
    entries = journal.since(conn, seq=seq, limit=JOURNAL_CHUNK)
    return entries, events.names(conn, entries) if with_events else set()
