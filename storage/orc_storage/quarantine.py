"""Copies of what is damaged, for a person to look at.

Invariant: a copy is the bytes that were found, written once and never over another; what was
copied stays where it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orc_storage import conflicts, documents
from orc_storage.engine import Connection
from orc_storage.paths import ensure_private, sync_folder
from orc_storage.records import Finding
from orc_storage.replacing import QUARANTINE

FOLDER: Final = QUARANTINE
FILES_MAX: Final = 1000
"""How many files the folder may hold; beyond that no further copies are made."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """The raw bytes of one damaged row, and the name of the file that holds them."""

    name: str
    data: bytes


def examine(conn: Connection) -> list[Finding]:
    """Look at every document and conflict; return those that are damaged."""
    found: list[Finding] = []
    kinds = conn.execute("SELECT DISTINCT kind FROM document ORDER BY kind").fetchall()
    for (kind,) in kinds:
        documents.listing(conn, kind, with_deleted=True, damaged=found)
    conflicts.listing(conn, damaged=found)
    return found


def specimens(conn: Connection, damaged: Iterable[Finding]) -> list[Specimen]:
    """Return the raw rows of what is damaged: of a document also those of its revision."""
    found: list[Specimen] = []
    for one in damaged:
        if one.kind == "conflict":
            rows = conn.execute("SELECT CAST(record AS BLOB) FROM conflict WHERE id = ?", (one.id,))
            found += [_specimen(one.kind, one.id, "", data) for (data,) in rows]
            continue
        for table in ("document", "revision"):
            rows = conn.execute(
                f"SELECT rev, CAST(body AS BLOB) FROM {table}"  # noqa: S608
                " WHERE kind = ? AND id = ? ORDER BY rev DESC LIMIT 1",
                (one.kind, one.id),
            )
            last = "" if table == "document" else "-revision"
            found += [_specimen(one.kind, one.id, f"-r{rev}{last}", data) for rev, data in rows]
    return found


def keep(workspace: Path, found: Sequence[Specimen]) -> list[Path]:
    """Write copies into the quarantine of a workspace; return those that were not there yet.

    Raises OSError and UnsafePath.
    """
    if not found:
        return []
    folder = workspace / FOLDER
    ensure_private(folder)
    made: list[Path] = []
    for one in found:
        path = folder / one.name
        if path.exists() or sum(1 for _ in folder.iterdir()) >= FILES_MAX:
            continue
        draft = folder / f".{one.name}.{os.getpid()}"
        try:
            fd = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(one.data)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(draft)
                made.append(path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
    if made:
        sync_folder(folder)
    return made


def _specimen(kind: str, id: str, number: str, data: Any) -> Specimen:
    raw = data if isinstance(data, bytes) else b""
    safe = all(documents.ID_PATTERN.fullmatch(one) for one in (kind, id))
    name = f"{kind}-{id}" if safe else f"row-{hashlib.sha256(raw).hexdigest()[:12]}"
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return Specimen(f"{name}{number}.txt", raw)
    return Specimen(f"{name}{number}.json", raw)
