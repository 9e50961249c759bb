"""Keeping a store below its size: the oldest of the journal goes into archives.

Invariant: a step archives, cuts and acknowledges before the next one begins, so that it may be
stopped after any of them, and no writer waits longer than for one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import OrcError, UsageError
from orc_core.model.health import Layer, LayerState
from orc_core.settings import StoreSettings
from orc_core.text import clean
from orc_storage import archives, compaction, segments
from orc_storage.database import Connection, Database
from orc_storage.errors import StorageError
from orc_storage.records import Segment

MAX_MB: Final = "ORC_STATE_MAX_MB"
GOAL: Final = 0.8
"""The share of the limit that a store is brought down to, so that it is not cut every day."""

CHECK_EVERY_S: Final = 600.0
STEP_TIMEOUT_S: Final = 60.0
_DAY_S: Final = 86400.0
_MB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was archived, or would be: entries, revisions, the archives, and the store's size.

    `over` says that the store is still larger than its limit, since the rest of it is needed.
    """

    entries: int
    revisions: int
    archives: tuple[str, ...]
    bytes_before: int
    bytes_after: int
    limit: int
    over: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many bytes a store may have, and how many days of it are not archived for their age."""

    limit: int
    keep_days: float

    @classmethod
    def of(cls, environ: Mapping[str, str], told: StoreSettings) -> Bounds:
        """The settings, with the environment over them; raises UsageError where it is nonsense."""
        said = environ.get(MAX_MB, "") or str(told.max_mb)
        if not said.isdecimal() or len(said) > 9 or int(said) < 1:
            said = clean(said, limit=40)
            raise UsageError(f"{MAX_MB}={said} is no size: use whole megabytes, 1 or more")
        return cls(int(said) * _MB, float(told.keep_days))


async def foresee(db: Database, now: float, *, keep_days: float, limit: int) -> Compaction:
    """Say what `compact` would do; `now` is seconds since the epoch."""
    before = now - keep_days * _DAY_S

    def work(conn: Connection) -> Compaction:
        used = compaction.bytes_used(conn)
        plan = compaction.plan(conn, before=before)
        if used - plan.bytes > limit:
            plan = compaction.plan(conn, before=math.inf)
        left = used - plan.bytes
        return Compaction(plan.entries, plan.revisions, (), used, left, limit, left > limit)

    return await db.read(work, timeout_s=STEP_TIMEOUT_S)


async def compact(db: Database, now: float, *, keep_days: float, limit: int) -> Compaction:
    """Archive what is older than `keep_days`, then, while the store is over its limit, the oldest.

    Raises StorageError and OSError; what was archived until then stays archived.
    """
    size = await db.read(compaction.bytes_used)
    goal = limit * GOAL if size > limit else math.inf
    left, entries, revisions, made = size, 0, 0, list[str]()
    for before, enough in ((now - keep_days * _DAY_S, 0.0), (math.inf, goal)):
        # Found once: every step writes an entry itself, and would go on after it for ever.
        first, last = await db.read(partial(compaction.bounds, before=before))
        while first <= last and left > enough:
            segment, count = await _archive(
                db, now, first, min(last, first + compaction.ENTRIES_MAX - 1)
            )
            first = segment.last_seq + 1
            entries += first - segment.first_seq
            revisions += count
            made.append(f"{segments.FOLDER}/{segment.file}")
            left = await db.read(compaction.bytes_used)
    if made:
        await db.shrink()
        left = await db.read(compaction.bytes_used)
    return Compaction(entries, revisions, tuple(made), size, left, limit, left > limit)


async def _archive(db: Database, now: float, first: int, last: int) -> tuple[Segment, int]:
    """One step: archive entries and cut them; the segment, and how many revisions left."""
    folder = db.folder / segments.FOLDER
    segment = await db.read(
        lambda conn: archives.write(conn, folder, first, last, at=now), timeout_s=STEP_TIMEOUT_S
    )
    count = await db.write(lambda tx: compaction.cut(tx, segment), timeout_s=STEP_TIMEOUT_S)
    return segment, count


class Upkeep:
    """Compacts the store of a workspace now and then, while this process leads it.

    `trouble` is why the last time failed, "" if it did not, and since when; `changed` is called
    when that differs.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        bounds: Bounds,
        *,
        leads: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self.trouble = ("", 0.0)
        self._db = db
        self._clock = clock
        self._bounds = bounds
        self._leads = leads
        self._changed = changed

    async def run(self) -> None:
        """Look at the size every ten minutes, until cancelled."""
        while True:
            await self._clock.sleep(CHECK_EVERY_S)
            if self._leads():
                try:
                    await self.once()
                    self._note("")
                except (OrcError, StorageError, OSError) as error:
                    self._note(f"the journal was not archived: {error}")

    def layers(self) -> tuple[Layer, ...]:
        """A line of the sync pane while the journal cannot be archived."""
        trouble, at = self.trouble
        if not trouble:
            return ()
        return (Layer("archive", LayerState.DEGRADED, "", 0.0, 0, 0, trouble, at),)

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble[0]:
            self.trouble = (trouble, self._clock.now() if trouble else 0.0)
            self._changed()

    async def once(self) -> Compaction | None:
        """Compact the store if it is larger than it may be; None where it is not."""
        limit, keep_days = self._bounds.limit, self._bounds.keep_days
        if await self._db.read(compaction.bytes_used) <= limit:
            return None
        return await compact(self._db, self._clock.now(), keep_days=keep_days, limit=limit)
