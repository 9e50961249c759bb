"""Files that hold an old part of the journal, with the revisions it tells of.

Invariant: a file under its name is whole and on disk; it is made beside that name, and never
changed afterwards.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from orc_storage import segments
from orc_storage.canonical import encode
from orc_storage.engine import Connection
from orc_storage.errors import StoreCorrupt, UnsafePath
from orc_storage.paths import check_own_file, ensure_private, sync_folder
from orc_storage.records import Body, Segment

FORMAT: Final = "orc-tui journal"
VERSION: Final = 1
_LEVEL: Final = 6
_NAMES_MAX: Final = 1000
_DRAFT_AGE_MAX_S: Final = 3600.0


def write(conn: Connection, folder: Path, first: int, last: int, *, at: float) -> Segment:
    """Write the entries `first` to `last` with their revisions into an archive of `folder`.

    `at` is seconds since the epoch. Raises OSError, UnsafePath, and StoreCorrupt where an entry
    is missing.
    """
    ensure_private(folder)
    _sweep(folder)
    fd, name = tempfile.mkstemp(".part", f"journal-{first}-{last}-", folder)
    draft = Path(name)
    try:
        with os.fdopen(fd, "wb") as raw:
            # Without its name and time, equal entries give equal files.
            with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
                ends = _fill(conn, packed, first, last)
            raw.flush()
            os.fsync(raw.fileno())
        with draft.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
        size = draft.stat().st_size
        target = _place(draft, folder / f"journal-{first}-{last}.ndjson.gz", digest)
        sync_folder(folder)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return Segment(first, last, *ends, target.name, digest, size, at)


def check(folder: Path, segment: Segment) -> str:
    """Return what is wrong with the archive of a segment, "" where nothing is."""
    path = folder / segment.file
    named = f"{segments.FOLDER}/{segment.file}"
    try:
        if check_own_file(path) is None:
            return f"{named} is missing: put it back, it holds entries up to {segment.last_seq}"
        with path.open("rb") as data:
            found = hashlib.file_digest(data, "sha256").hexdigest()
    except (OSError, UnsafePath) as error:
        return f"{named} cannot be read: {error}"
    return "" if found == segment.sha256 else f"{named} is not the file that was archived"


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the header of an archive and then its entries, as they were written."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _sweep(folder: Path) -> None:
    """Remove drafts of the dead; another process may be about to finish a young one."""
    for draft in folder.glob("journal-*.part"):
        with suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > _DRAFT_AGE_MAX_S:
                draft.unlink()


def _fill(conn: Connection, packed: gzip.GzipFile, first: int, last: int) -> tuple[str, str]:
    """Write header and entries; return the hash before the first and the one of the last."""
    header: Body = {"format": FORMAT, "version": VERSION, "first": first, "last": last}
    packed.write(encode(header).encode() + b"\n")
    before, hash = "", ""
    seq = first - 1
    rows = conn.execute(
        "SELECT j.seq, j.at, j.actor, j.action, j.kind, j.id, j.rev, j.detail, j.prev_hash,"
        " j.hash, r.parent_rev, r.body, r.at, r.actor, r.cause, r.deleted"
        " FROM journal j LEFT JOIN revision r"
        " ON r.kind = j.kind AND r.id = j.id AND r.rev = j.rev"
        " WHERE j.seq BETWEEN ? AND ? ORDER BY j.seq",
        (first, last),
    )
    for row in rows:
        entry = dict(zip(_ENTRY, row[:10], strict=True))
        if row[11] is not None:
            # Bodies stay text: their hashes are over these very characters.
            entry["revision"] = dict(zip(_REVISION, row[10:], strict=True))
        packed.write(encode(entry).encode() + b"\n")
        seq += 1
        if row[0] != seq:
            raise StoreCorrupt(f"journal entry {seq} is missing: run `orc audit verify`")
        before, hash = before or row[8], row[9]
    if seq != last:
        raise StoreCorrupt(f"journal entry {seq + 1} is missing: run `orc audit verify`")
    return before, hash


_ENTRY: Final = (
    "seq",
    "at",
    "actor",
    "action",
    "kind",
    "id",
    "rev",
    "detail",
    "prev_hash",
    "hash",
)
_REVISION: Final = ("parent_rev", "body", "at", "actor", "cause", "deleted")


def _place(draft: Path, wanted: Path, digest: str) -> Path:
    """Give the draft its name; one that died before its cut may have left the same file."""
    for number in range(1, _NAMES_MAX):
        target = (
            wanted
            if number == 1
            else wanted.with_name(wanted.name.replace(".ndjson", f"-{number}.ndjson"))
        )
        try:
            target.hardlink_to(draft)
        except FileExistsError:
            if check_own_file(target) is None:
                continue
            with target.open("rb") as data:
                if hashlib.file_digest(data, "sha256").hexdigest() != digest:
                    continue
        return target
    raise StoreCorrupt(f"{wanted.parent} holds {_NAMES_MAX} archives of the same entries")
