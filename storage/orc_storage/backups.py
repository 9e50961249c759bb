"""Copies of the store.

Invariant: a copy is whole and was checked, or it is not there. Its name says when and why it was
made and at which schema; its checksum stands beside it.
"""

from __future__ import annotations

import calendar
import contextlib
import hashlib
import os
import re
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from orc_storage.engine import Connection
from orc_storage.errors import NotFound, StoreCorrupt
from orc_storage.paths import ensure_private, sync_folder

FOLDER: Final = "backups"
DAY_S: Final = 86_400.0

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(
    r"store-v(?P<schema>\d{1,6})-(?P<stamp>\d{8}T\d{6}Z)-(?:(?P<reason>daily|manual|upgrade)-)?\w+"
)
_DRAFT_AGE_MAX_S: Final = 3600.0


class Reason(StrEnum):
    """Why a copy was made; those that a person asked for are theirs to remove."""

    DAILY = "daily"
    MANUAL = "manual"
    UPGRADE = "upgrade"


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy: `at` is seconds since the epoch, `schema` the version it was made at."""

    path: Path
    at: float
    reason: Reason
    schema: int
    size_bytes: int

    @property
    def name(self) -> str:
        return self.path.stem


def snapshot(
    conn: Connection, folder: Path, *, at: float, reason: Reason = Reason.UPGRADE
) -> Backup:
    """Copy the store into `folder` with its SHA-256 beside it.

    `at` is seconds since the epoch and goes into the name. Must run outside a transaction.
    Raises StoreCorrupt if the store fails its own check.
    """
    problems = conn.execute("PRAGMA quick_check(5)").fetchall()
    if problems != [("ok",)]:
        raise StoreCorrupt(f"the store fails its check, no backup was made: {problems}")
    ensure_private(folder)
    version = conn.execute("PRAGMA user_version").fetchone()[0]
    stamp = time.strftime(_STAMP, time.gmtime(at))
    # A name of its own for each: several processes may find the same old store at once.
    fd, name = tempfile.mkstemp(".part", f"store-v{version}-{stamp}-{reason}-", folder)
    os.close(fd)
    draft = Path(name)
    copy = draft.with_suffix(".db")
    try:
        conn.execute("VACUUM INTO ?", (str(draft),))
        with draft.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
            os.fsync(data.fileno())
        _write_checksum(copy, digest)
        draft.rename(copy)
        sync_folder(folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    return Backup(copy, at, reason, version, copy.stat().st_size)


def listing(folder: Path) -> list[Backup]:
    """Return the copies in `folder`, newest first; whatever else lies there is left alone."""
    found = [backup for path in _files(folder) if (backup := _backup(path)) is not None]
    return sorted(found, key=lambda backup: (backup.at, backup.name), reverse=True)


def find(folder: Path, name: str) -> Backup:
    """Return the copy of that name or of a part that no other has; `latest` is the newest.

    Raises NotFound.
    """
    known = listing(folder)
    if name == "latest" and known:
        return known[0]
    wanted = name.removesuffix(".db")
    matches = [backup for backup in known if wanted and wanted in backup.name]
    if len(matches) > 1:
        matches = [backup for backup in matches if backup.name == wanted] or matches
    if len(matches) == 1:
        return matches[0]
    count = "no backup is" if not matches else f"{len(matches)} backups are"
    raise NotFound(f"{count} called {wanted[:120]!r} in {folder}: `orc backup list` names them")


def check_sum(backup: Backup) -> str:
    """Return what is wrong with the bytes of a copy, "" if they are what was written."""
    checksum = backup.path.with_suffix(".sha256")
    try:
        said = checksum.read_text(encoding="utf-8").partition(" ")[0]
        with backup.path.open("rb") as data:
            found = hashlib.file_digest(data, "sha256").hexdigest()
    except (OSError, UnicodeDecodeError) as error:
        return f"{checksum.name} or its copy cannot be read ({error}): make a new backup"
    if found != said:
        return f"{backup.path.name} is not what was written: its SHA-256 differs"
    return ""


def prune(folder: Path, *, now: float, keep_days: int) -> list[Backup]:
    """Remove what was made by itself and is older than `keep_days`; return what was removed.

    The newest copy of all stays whatever its age, and so does what a person asked for.
    """
    known = listing(folder)
    old = [
        backup
        for backup in known[1:]
        if backup.reason is not Reason.MANUAL and now - backup.at > keep_days * DAY_S
    ]
    for backup in old:
        for path in (backup.path, backup.path.with_suffix(".sha256")):
            path.unlink(missing_ok=True)
    for draft in folder.glob("store-v*.part"):
        with contextlib.suppress(FileNotFoundError):
            if now - draft.stat().st_mtime > _DRAFT_AGE_MAX_S:
                draft.unlink()
    return old


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix == ".db"]
    except FileNotFoundError:
        return []


def _backup(path: Path) -> Backup | None:
    named = _NAME.fullmatch(path.stem)
    if named is None or path.is_symlink() or not path.is_file():
        return None
    try:
        at = calendar.timegm(time.strptime(named["stamp"], _STAMP))
    except ValueError:
        return None
    reason = Reason(named["reason"] or Reason.UPGRADE)
    return Backup(path, at, reason, int(named["schema"]), path.stat().st_size)


def _write_checksum(copy: Path, digest: str) -> None:
    checksum = copy.with_suffix(".sha256")
    fd = os.open(checksum, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(f"{digest}  {copy.name}\n")
        file.flush()
        os.fsync(file.fileno())
