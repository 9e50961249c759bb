"""Bringing a copy of the store back.

Invariant: a copy is used only after it was opened, migrated and checked somewhere else. A store
is replaced in one rename, and what it held is kept beside it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orc_storage import backups, documents, journal, laters, replacing, schema
from orc_storage.backups import Backup
from orc_storage.engine import (
    APPLICATION_ROLLBACK,
    APPLICATION_WAL,
    STORE_FILE,
    Connection,
    Engine,
    Transaction,
)
from orc_storage.errors import StorageError, StoreCorrupt, StoreUnavailable
from orc_storage.records import Body, Document, Entry


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What bringing a copy back would give; `problems` is empty when it is sound."""

    backup: Backup
    problems: tuple[str, ...]
    documents: tuple[Document, ...] = ()
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Replaced:
    """A store that was put in the place of another; `quarantine` holds what was there."""

    backup: Backup
    quarantine: Path
    entries: int


def rehearse(engine: Engine, backup: Backup) -> Rehearsal:
    """Restore a copy into a scratch folder, and check the whole of it there.

    Documents come with those that are deleted. What is wrong is in the answer; raises
    StoreUnavailable where there is no room for a scratch copy.
    """
    if problem := backups.check_sum(backup):
        return Rehearsal(backup, (problem,))
    try:
        with restored(engine, backup) as conn:
            problems = _check(conn)
            return Rehearsal(backup, tuple(problems), _documents(conn), journal.head(conn)[0])
    except StorageError as error:
        return Rehearsal(backup, (str(error),))


def replace_store(engine: Engine, folder: Path, backup: Backup, *, at: float) -> Replaced:
    """Put a copy in the place of a store that is damaged or gone; it starts a new journal epoch.

    The old files go to `quarantine/` in the workspace. No other process may use the store.
    Raises StoreCorrupt where the copy is not sound either.
    """
    if problem := backups.check_sum(backup):
        raise StoreCorrupt(f"{problem}: choose another backup")
    replacing.settle(folder)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    aside = f"store-{stamp}-{secrets.token_hex(4)}"
    with _workshop(folder) as shop:
        draft = _copy(backup, shop)
        conn = _open(engine, draft)
        try:
            if problems := _check(conn):
                raise StoreCorrupt(f"{backup.name} is not sound: {problems[0]}")
            entry = _begin_epoch(conn, backup, aside, at)
            if engine.is_wal_safe:
                conn.execute("PRAGMA journal_mode = WAL")
        except engine.error as error:
            raise engine.translate(error, backup.path) from error
        finally:
            conn.close()
        _sync_file(draft)
        replacing.swap_in(
            folder,
            draft,
            aside=aside,
            seq=entry.seq,
            hash=entry.hash,
            at=at,
            why=f"restored from {backup.name}",
        )
    return Replaced(backup, folder / replacing.QUARANTINE / aside, entry.seq)


def _begin_epoch(conn: Connection, backup: Backup, quarantine: str, at: float) -> Entry:
    """Write down that what follows was written after a restore."""
    detail: Body = {"backup": backup.name, "made_at": backup.at, "quarantine": quarantine}
    conn.execute("BEGIN IMMEDIATE")
    # Layers go on holding what was written after the copy was made: nothing of that was agreed on
    # with this store, so that what differs is decided by a person and never overwritten.
    conn.execute("DELETE FROM base")
    # What was to be typed may have been typed since the copy was made.
    laters.end_all(Transaction(conn, at), "the store was replaced by a backup")
    entry = journal.append(
        Transaction(conn, at), actor="operator", action="restore-store", detail=detail
    )
    conn.execute("COMMIT")
    return entry


def _documents(conn: Connection) -> tuple[Document, ...]:
    kinds = conn.execute("SELECT DISTINCT kind FROM document ORDER BY kind").fetchall()
    return tuple(
        document
        for (kind,) in kinds
        for document in documents.listing(conn, kind, with_deleted=True)
    )


def _check(conn: Connection) -> list[str]:
    found = [str(text) for (text,) in conn.execute("PRAGMA integrity_check(20)")]
    problems = [] if found == ["ok"] else found
    return problems or [str(finding) for finding in journal.verify(conn)]


@contextmanager
def restored(engine: Engine, backup: Backup) -> Iterator[Connection]:
    """A copy, restored into a scratch folder for as long as this lasts; raises StorageError."""
    with _workshop(backup.path.parent) as shop:
        conn = _open(engine, _copy(backup, shop))
        try:
            yield conn
        except engine.error as error:
            raise engine.translate(error, backup.path) from error
        finally:
            conn.close()


def _open(engine: Engine, draft: Path) -> Connection:
    """Open a scratch copy at this program's schema."""
    try:
        conn = engine.connect(draft, mode="rw")
        try:
            application = APPLICATION_WAL if engine.is_wal_safe else APPLICATION_ROLLBACK
            if conn.execute("PRAGMA application_id").fetchone()[0] not in (
                APPLICATION_WAL,
                APPLICATION_ROLLBACK,
            ):
                raise StoreCorrupt(f"{draft.name} is not a store of orc-tui")
            conn.execute(f"PRAGMA application_id = {application}")
            schema.migrate(engine, conn, draft)
        except BaseException:
            conn.close()
            raise
    except engine.error as error:
        raise engine.translate(error, draft) from error
    return conn


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A private scratch folder on the same disk; those of the dead are removed."""
    schema.sweep(folder)
    shop = Path(tempfile.mkdtemp(prefix=f"{schema.WORKSHOP_PREFIX}{os.getpid()}-", dir=folder))
    try:
        yield shop
    finally:
        shutil.rmtree(shop, ignore_errors=True)


def _copy(backup: Backup, shop: Path) -> Path:
    draft = shop / STORE_FILE
    try:
        shutil.copyfile(backup.path, draft)
        draft.chmod(0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"{backup.path} cannot be copied ({error.strerror}): check the free space"
        ) from error
    return draft


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
