"""The audit trail of one store, bound to whoever acts on it.

Invariant: nothing here rewrites what was recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import BinaryIO, Final

from orc_core.chronicle.compacting import Bounds, Compaction, compact, foresee
from orc_core.chronicle.following import Step, follow
from orc_core.chronicle.importing import Importer, ImportReport
from orc_core.chronicle.mending import Mended, Mender
from orc_core.sync.rules import Rules
from orc_storage import audit, exports, journal, segments
from orc_storage.audit import Examination
from orc_storage.database import Database
from orc_storage.exports import Header
from orc_storage.records import Entry, Filter, Segment

EXAMINE_TIMEOUT_S: Final = 300.0
EXPORT_TIMEOUT_S: Final = 600.0
PAGE_MAX: Final = 1000


class Chronicle:
    """What was done in one store.

    `now` gives seconds since the epoch; `bounds` says how large the store may grow;
    `rules` are those of each kind of document.
    """

    def __init__(
        self,
        db: Database,
        now: Callable[[], float],
        actor: str,
        bounds: Bounds,
        rules: Mapping[str, Rules],
    ) -> None:
        self._db = db
        self._now = now
        self._importer = Importer(db, rules, actor)
        self._bounds = bounds
        self._mender = Mender(db, rules, actor)

    async def page(
        self, wanted: Filter | None = None, *, before: int = 0, limit: int = 50
    ) -> list[Entry]:
        """At most `limit` entries, newest first; `before` goes on below that number."""
        count = max(1, min(limit, PAGE_MAX))
        return await self._db.read(
            lambda conn: journal.page(conn, wanted, before=before, limit=count)
        )

    async def examine(self, *, noted: tuple[int, str] | None = None) -> Examination:
        """Look for damage and for tampering, also against the heads noted outside the store."""
        folder = self._db.folder
        return await self._db.read(
            lambda conn: audit.examine(conn, folder, noted=noted), timeout_s=EXAMINE_TIMEOUT_S
        )

    async def mend(self, kind: str, id: str, *, rev: int = 0, dry_run: bool = False) -> Mended:
        """Bring back what is left of a damaged document; see `mending.Mender.mend`."""
        return await self._mender.mend(kind, id, rev=rev, dry_run=dry_run)

    def follow(
        self, *, after: int | None = None, kind: str = "", stay: bool = True
    ) -> AsyncGenerator[Step, None]:
        """Each entry behind `after`, or from now on, as it is made; see `following.follow`."""
        return follow(self._db, after=after, kind=kind, stay=stay)

    async def archives(self) -> list[Segment]:
        """The parts of the journal that lie in archives, oldest first."""
        return await self._db.read(segments.listing)

    async def compact(self, *, keep_days: float | None = None, dry_run: bool = False) -> Compaction:
        """Archive what is older than `keep_days`, and more where the store is over its limit.

        Without `keep_days` the settings say it.
        """
        work = foresee if dry_run else compact
        days = self._bounds.keep_days if keep_days is None else keep_days
        return await work(self._db, self._now(), keep_days=days, limit=self._bounds.limit)

    async def export(self, out: BinaryIO) -> Header:
        """Write everything to a file as lines of JSON, in one consistent view."""
        return await self._db.read(
            lambda conn: exports.write(conn, out, at=self._now()), timeout_s=EXPORT_TIMEOUT_S
        )

    async def bring(
        self, source: BinaryIO, *, take: str = "", dry_run: bool = False
    ) -> ImportReport:
        """Import the documents of an export; see `importing.Importer`. Raises BadExport."""
        _, carried = await asyncio.to_thread(exports.read, source)
        work = self._importer.foresee if dry_run else self._importer.bring
        return await work(carried, take)
