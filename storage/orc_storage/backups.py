"""Copies of the store.

Invariant: a copy is whole and was checked, or it is not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path

from orc_storage.engine import Connection
from orc_storage.errors import StoreCorrupt
from orc_storage.paths import ensure_private


def snapshot(conn: Connection, folder: Path, *, at: float) -> Path:
    """Copy the store into `folder` with its SHA-256 beside it, and return the copy's path.

    `at` is seconds since the epoch and goes into the name. Must run outside a transaction.
    Raises StoreCorrupt if the store fails its own check.
    """
    problems = conn.execute("PRAGMA quick_check(5)").fetchall()
    if problems != [("ok",)]:
        raise StoreCorrupt(f"the store fails its check, no backup was made: {problems}")
    ensure_private(folder)
    version = conn.execute("PRAGMA user_version").fetchone()[0]
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    # A name of its own for each: several processes may find the same old store at once.
    fd, name = tempfile.mkstemp(".part", f"store-v{version}-{stamp}-", folder)
    os.close(fd)
    draft = Path(name)
    copy = draft.with_suffix(".db")
    try:
        conn.execute("VACUUM INTO ?", (str(draft),))
        with draft.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
            os.fsync(data.fileno())
        checksum = copy.with_suffix(".sha256")
        checksum.write_text(f"{digest}  {copy.name}\n", encoding="utf-8")
        checksum.chmod(0o600)
        draft.rename(copy)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    return copy
