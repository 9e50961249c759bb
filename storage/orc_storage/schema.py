"""Making, checking and migrating the store file.

Invariant: a store appears whole or not at all, and nothing that is there is ever replaced.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Final

from orc_storage import backups
from orc_storage.engine import (
    APPLICATION_ROLLBACK,
    APPLICATION_WAL,
    DAMAGED_REMEDY,
    STORE_FILE,
    Connection,
    Engine,
)
from orc_storage.errors import StoreCorrupt, StoreUnavailable
from orc_storage.lane import Opening
from orc_storage.lock import lives
from orc_storage.paths import check_own_file, ensure_private, sync_folder

_COMPANIONS: Final = ("-wal", "-journal")
_DRAFT_PREFIX: Final = ".new-"
WORKSHOP_PREFIX: Final = ".rehearsal-"
"""Of the scratch folders in which copies are checked; the pid of their maker follows."""
_INCREMENTAL: Final = 2
_PAGES_AT_ONCE: Final = 256


def migrations() -> list[tuple[int, str]]:
    """Return every migration as (schema version it leads to, SQL), in order."""
    folder = files("orc_storage") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text(encoding="utf-8")) for name in names]


def prepare(engine: Engine, folder: Path, *, read_only: bool) -> Opening:
    """Make the store if it is missing and it may be made, check it, and say how to open it."""
    path = folder / STORE_FILE
    if not read_only:
        ensure_private(folder)
        sweep(folder)
    found = check_own_file(path)
    if found is None:
        _check_missing(path, read_only=read_only)
        _create(engine, folder)
        found = check_own_file(path)
    if found is None:
        raise StoreUnavailable(f"{path} vanished while it was opened: try again")
    if found.st_size == 0:
        raise StoreCorrupt(f"{path} is empty, something cut it off: {DAMAGED_REMEDY}")
    try:
        is_wal = _check_header(engine, path, read_only=read_only)
    except engine.error as error:
        raise engine.translate(error, path) from error
    return Opening(
        engine, path, (found.st_dev, found.st_ino), is_wal=is_wal, can_change=not read_only
    )


def check_version(conn: Connection, path: Path) -> int:
    """Return the schema version; raises StoreUnavailable if it is newer than this program's."""
    version = int(conn.execute("PRAGMA user_version").fetchone()[0])
    newest = migrations()[-1][0]
    if version > newest:
        raise StoreUnavailable(
            f"{path} has schema {version}, this orc-tui knows {newest}: upgrade orc-tui"
        )
    return version


def check_current(conn: Connection, path: Path) -> None:
    """Raise StoreUnavailable unless the store has exactly this program's schema."""
    version = check_version(conn, path)
    newest = migrations()[-1][0]
    if version < newest:
        raise StoreUnavailable(
            f"{path} has schema {version}, not {newest}: open it once without --read-only"
        )


def migrate(engine: Engine, conn: Connection, path: Path) -> None:
    """Run the migrations that are missing, all in one transaction, after a backup."""
    version = check_version(conn, path)
    if version == migrations()[-1][0]:
        return
    if version > 0:
        try:
            backups.snapshot(conn, path.parent / "backups", at=time.time())
        except OSError as error:
            raise StoreUnavailable(
                f"{path} needs a migration, but no backup of it can be made"
                f" ({error.strerror}): check {path.parent / 'backups'} and the free space"
            ) from error
    conn.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one made its backup.
        done = check_version(conn, path)
        for target, script in migrations():
            if target > done:
                for statement in engine.statements(script):
                    conn.execute(statement)
                conn.execute(f"PRAGMA user_version = {target}")
        problems = conn.execute("PRAGMA quick_check(5)").fetchall()
        if problems != [("ok",)]:
            raise StoreCorrupt(f"{path} failed its check after a migration: {problems}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def give_back(conn: Connection) -> bool:
    """Give some unused pages back to the disk; False once there are none. Not in a transaction."""
    if conn.execute("PRAGMA auto_vacuum").fetchone() != (_INCREMENTAL,):
        conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
        conn.execute("VACUUM")
    # Only fetching makes it run to its end.
    conn.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
    (free,) = conn.execute("PRAGMA freelist_count").fetchone()
    if not free:
        conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return bool(free)


def _check_missing(path: Path, *, read_only: bool) -> None:
    for suffix in _COMPANIONS:
        companion = path.with_name(path.name + suffix)
        # Another process may have made the store since it was missed.
        if companion.exists() and not path.exists():
            raise StoreUnavailable(
                f"{path} is missing, but its {companion.name} is there: put the store back, or"
                f" move {companion.name} away to start anew"
            )
    if read_only:
        raise StoreUnavailable(f"{path} does not exist: open it once without --read-only")


def _create(engine: Engine, folder: Path) -> None:
    path = folder / STORE_FILE
    workshop = Path(tempfile.mkdtemp(prefix=f"{_DRAFT_PREFIX}{os.getpid()}-", dir=folder))
    try:
        draft = workshop / STORE_FILE
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        conn = engine.connect(draft, mode="rw")
        try:
            application = APPLICATION_WAL if engine.is_wal_safe else APPLICATION_ROLLBACK
            # First of all: it decides how pages are laid out, so that free ones can be given back.
            conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
            conn.execute(f"PRAGMA application_id = {application}")
            migrate(engine, conn, draft)
            if engine.is_wal_safe:
                conn.execute("PRAGMA journal_mode = WAL")
        finally:
            conn.close()
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
        sync_folder(folder)
    except engine.error as error:
        raise engine.translate(error, path) from error
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be made ({error.strerror}): check the folder and its free space"
        ) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what processes left that died while they made or checked a store here."""
    for prefix in (_DRAFT_PREFIX, WORKSHOP_PREFIX):
        for left in folder.glob(f"{prefix}*"):
            pid = left.name.removeprefix(prefix).partition("-")[0]
            if pid.isdecimal() and not lives(int(pid)):
                shutil.rmtree(left, ignore_errors=True)


def _check_header(engine: Engine, path: Path, *, read_only: bool) -> bool:
    """Return whether the store uses a write-ahead log; raises where it may not be opened."""
    conn = engine.connect(path, mode=_looking_mode(engine, path, read_only=read_only))
    try:
        application = conn.execute("PRAGMA application_id").fetchone()[0]
    finally:
        conn.close()
    if application not in (APPLICATION_WAL, APPLICATION_ROLLBACK):
        raise StoreCorrupt(
            f"{path} is not a store of orc-tui: move it away, or name another workspace"
        )
    if application == APPLICATION_WAL and not engine.is_wal_safe:
        raise _unsafe_log(engine, path)
    return bool(application == APPLICATION_WAL)


def _looking_mode(engine: Engine, path: Path, *, read_only: bool) -> str:
    """How to open the store for a first look.

    While a log or a journal is there the file alone is half of the truth: a writer may be moving
    pages into it, or was killed doing so. Only without them may it be read as a file at rest.
    """
    log, journal = (path.with_name(path.name + suffix).exists() for suffix in _COMPANIONS)
    if log and not engine.is_wal_safe:
        raise _unsafe_log(engine, path)
    if engine.is_wal_safe and not read_only:
        return "rw"
    if log or journal:
        return "ro" if read_only else "rw"
    return "immutable"


def _unsafe_log(engine: Engine, path: Path) -> StoreUnavailable:
    version = ".".join(map(str, engine.version))
    return StoreUnavailable(
        f"{path} uses a write-ahead log, which SQLite {version} can damage: install"
        " pysqlite3 (`pip install pysqlite3`), or a Python with SQLite 3.51.3 or newer"
    )
