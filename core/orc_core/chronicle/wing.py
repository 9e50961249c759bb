"""The audit trail of one store, bound to whoever acts on it.

Invariant: nothing here rewrites what was recorded.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Final

from orc_core.chronicle.following import Step, follow
from orc_storage import audit, journal
from orc_storage.audit import Examination
from orc_storage.database import Database
from orc_storage.records import Entry, Filter

EXAMINE_TIMEOUT_S: Final = 300.0
PAGE_MAX: Final = 1000


class Chronicle:
    """What was done in one store; `now` gives seconds since the epoch."""

    def __init__(self, db: Database, now: Callable[[], float], actor: str) -> None:
        self._db = db
        self._now = now
        self._actor = actor

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

    def follow(
        self, *, after: int | None = None, kind: str = "", stay: bool = True
    ) -> AsyncGenerator[Step, None]:
        """Each entry behind `after`, or from now on, as it is made; see `following.follow`."""
        return follow(self._db, after=after, kind=kind, stay=stay)
