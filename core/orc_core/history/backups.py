"""Backups of a workspace: made, checked, kept for a while, and brought back.

Invariant: bringing a backup back writes new revisions; what was made since stays unless a person
says otherwise. Only a store that is damaged or gone is replaced by a copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from orc_core import leader
from orc_core.clock import Clock
from orc_core.errors import OrcError, ReadOnly, UsageError
from orc_core.history.restoring import plan_restore
from orc_core.history.schedule import is_due
from orc_core.model.health import Layer, LayerState
from orc_core.model.history import Plan
from orc_core.settings import BackupSettings
from orc_storage import audit, backups, engine, journal, recovery
from orc_storage.backups import Backup, Reason
from orc_storage.database import Database
from orc_storage.errors import StorageError, StoreCorrupt
from orc_storage.records import Document, Revision
from orc_storage.recovery import Rehearsal, Replaced

LOOK_S: Final = 60.0
RETRY_S: Final = 3600.0


class Backups:
    """The copies of one store, and the daily one while `leads` says that this process leads.

    `trouble` is why the last daily one failed or is not sound, "" for neither, and since when.
    """

    def __init__(
        self,
        store: Database,
        clock: Clock,
        settings: BackupSettings,
        *,
        leads: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self.trouble = ("", 0.0)
        self._unsound = ""
        self._leads = leads
        self._changed = changed
        self._store = store
        self._clock = clock
        self._settings = settings
        self.folder = store.folder / backups.FOLDER

    async def listing(self) -> list[Backup]:
        """Return all copies, newest first."""
        return await listing(self._store.folder)

    async def find(self, name: str) -> Backup:
        """Return the copy of that name or of a part of it; raises NotFound."""
        return await find(self._store.folder, name)

    async def create(self, reason: Reason = Reason.MANUAL) -> Backup:
        """Copy the store while it is in use; raises ReadOnly, StoreCorrupt, StoreUnavailable."""
        if self._store.read_only:
            raise ReadOnly("cannot make a backup: opened with --read-only")
        return await self._store.backup(reason, at=self._clock.now())

    async def rehearse(self, backup: Backup) -> Rehearsal:
        """Restore a copy into a scratch folder and check it there; changes nothing."""
        return await rehearse(backup)

    async def plan_restore(self, backup: Backup, *, exact: bool = False) -> Plan:
        """Preview bringing the documents of a copy back, as new revisions.

        What was made since stays; `exact` deletes it. Raises StoreCorrupt where the copy is not
        sound.
        """
        found = await self.rehearse(backup)
        if found.problems:
            raise StoreCorrupt(f"{backup.name} is not sound: {found.problems[0]}")
        then = [_as_revision(document) for document in found.documents if not document.deleted]
        label = f"restore backup {backup.name}"
        return await self._store.read(
            lambda conn: plan_restore(conn, then, label=label, exact=exact)
        )

    async def run(self) -> None:
        """Make the daily backup whenever it is due, until cancelled."""
        while self._settings.scheduled:
            rest_s = LOOK_S
            if self._leads():
                try:
                    self._note(await self._make_due())
                except (StorageError, OSError) as error:
                    self._note(f"the daily backup failed: {error}")
                    rest_s = RETRY_S
            await self._clock.sleep(rest_s)

    def layers(self) -> tuple[Layer, ...]:
        """A line of the sync pane while the daily backup cannot be made."""
        trouble, at = self.trouble
        if not trouble:
            return ()
        return (Layer("backup", LayerState.DEGRADED, "", 0.0, 0, 0, trouble, at),)

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble[0]:
            self.trouble = (trouble, self._clock.now() if trouble else 0.0)
            self._changed()

    async def _make_due(self) -> str:
        """Make the daily backup if it is due; return what is wrong with the newest one."""
        now = self._clock.now()
        known = await self.listing()
        made = [backup.at for backup in known if backup.reason is Reason.DAILY]
        last = max(made) if made else await self._born_at(now)
        if not is_due(now, self._settings.at, last):
            return self._unsound
        backup = await self.create(Reason.DAILY)
        rehearsal = await self.rehearse(backup)
        if rehearsal.problems:
            # It stays, since it holds what is whole; so do all older ones, as long as it is so.
            self._unsound = f"{backup.name} is not sound: {rehearsal.problems[0]}"
            return self._unsound
        self._unsound = ""
        keep_days = self._settings.keep_days
        await asyncio.to_thread(backups.prune, self.folder, now=now, keep_days=keep_days)
        return ""

    async def _born_at(self, now: float) -> float:
        """When the store was first written to: one that is new has nothing to make up for."""
        first = await self._store.read(lambda conn: journal.since(conn, 0, limit=1))
        return first[0].at if first else now


async def listing(folder: Path) -> list[Backup]:
    """Return all copies of the workspace in `folder`, newest first, however its store is."""
    return await asyncio.to_thread(backups.listing, folder / backups.FOLDER)


async def find(folder: Path, name: str) -> Backup:
    """Return the copy of that name or of a part of it in a workspace; raises NotFound."""
    return await asyncio.to_thread(backups.find, folder / backups.FOLDER, name)


async def rehearse(backup: Backup) -> Rehearsal:
    """Restore a copy into a scratch folder and check it there; changes nothing."""
    return await asyncio.to_thread(recovery.rehearse, engine.pick(), backup)


async def rehearse_replacement(folder: Path, name: str) -> Rehearsal:
    """Tell what `replace_damaged` would put in the place of the store; changes nothing.

    Raises as it does.
    """
    backup = await find(folder, name)
    with _alone(folder):
        await _check_damaged(folder)
        found = await rehearse(backup)
    if found.problems:
        raise StoreCorrupt(f"{backup.name} is not sound: {found.problems[0]}")
    return found


async def replace_damaged(folder: Path, name: str, clock: Clock) -> Replaced:
    """Put a copy in the place of the store in `folder`, which must be damaged or gone.

    The old files are kept in `quarantine/`. Raises UsageError where the store is sound, OrcError
    while a dashboard uses it, NotFound, StoreCorrupt where the copy is not sound.
    """
    backup = await find(folder, name)
    with _alone(folder):
        await _check_damaged(folder)
        return await asyncio.to_thread(
            recovery.replace_store, engine.pick(), folder, backup, at=clock.now()
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody leads the workspace meanwhile; raises OrcError while a dashboard does."""
    lock = leader.lock(folder)
    if not lock.try_acquire():
        raise OrcError(f"a dashboard uses {folder}: close it first, then repeat this")
    try:
        yield
    finally:
        lock.release()


async def _check_damaged(folder: Path) -> None:
    if not await _is_damaged(folder):
        raise UsageError(
            f"the store in {folder} is sound: leave out --replace, and the backup comes back "
            "as new revisions"
        )


async def _is_damaged(folder: Path) -> bool:
    """Whether the store cannot be opened, or fails its own checks."""
    if not (folder / engine.STORE_FILE).exists():
        return True
    try:
        store = await Database.open(folder)
    except StoreCorrupt:
        return True
    try:
        found = await store.read(lambda conn: audit.examine(conn, folder), timeout_s=60.0)
        # A copy of the store brings no archive back, and would set aside what is sound.
        return any(not finding.is_beside for finding in found.findings)
    except StoreCorrupt:
        return True
    finally:
        await store.close()


def _as_revision(document: Document) -> Revision:
    return Revision(
        kind=document.kind,
        id=document.id,
        rev=document.rev,
        parent_rev=document.rev - 1,
        body=document.body,
        at=document.updated_at,
        actor=document.updated_by,
        cause="backup",
        deleted=document.deleted,
    )
