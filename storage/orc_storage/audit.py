"""Examining a store: its pages, the chain, and the heads that were noted outside of it.

Invariant: an examination changes nothing, and goes on past whatever it finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_storage import anchors, archives, conflicts, journal, segments
from orc_storage.engine import Connection
from orc_storage.errors import UnsafePath
from orc_storage.mends import Mend
from orc_storage.records import Anchor, Check, Finding

_PAGES_MAX: Final = 10
_FAULTS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Examination:
    """What was looked at, and what is wrong; no findings mean that nothing is.

    `mended` is what was wrong until it was mended, and is nothing new.
    `seq` and `hash` are the journal's head, `entries` how many the store holds. `anchored` is
    how many noted heads were compared, `anchor` the newest of them, None where there is none.
    """

    findings: tuple[Finding, ...]
    entries: int
    seq: int
    hash: str
    anchored: int = 0
    anchor: Anchor | None = None
    mended: tuple[Mend, ...] = ()


def examine(conn: Connection, folder: Path, *, noted: tuple[int, str] | None = None) -> Examination:
    """Examine a store and the anchors in its `folder`.

    `noted` is a head (number, hash) that a person kept elsewhere.
    """
    # Before the store is: an anchor follows its commit, so the store holds all that is read here.
    known, findings = _anchors(folder)
    findings += _check_pages(conn)
    mended: list[Mend] = []
    findings += journal.verify(conn, mended=mended)
    conflicts.listing(conn, damaged=findings)
    findings += _check_archives(conn, folder)
    seq, hash = journal.head(conn)
    epoch = known[-1].epoch if known else 0
    current = [anchor for anchor in known if anchor.epoch == epoch]
    findings += _check_anchors(conn, current, seq)
    if noted is not None:
        findings += _check_head(conn, *noted, seq, "the head that you gave")
    (entries,) = conn.execute("SELECT count(*) FROM journal").fetchone()
    return Examination(
        tuple(findings[: journal.FINDINGS_MAX]),
        entries,
        seq,
        hash,
        len(current),
        current[-1] if current else None,
        tuple(mended),
    )


def _anchors(folder: Path) -> tuple[tuple[Anchor, ...], list[Finding]]:
    try:
        noted = anchors.read(folder)
    except (OSError, UnsafePath) as error:
        return (), [Finding(Check.ANCHOR, f"{anchors.FILE} cannot be read: {error}")]
    return noted.anchors, _told(noted.faults)


def _told(faults: tuple[str, ...]) -> list[Finding]:
    """So many of them that they cannot keep what is wrong with the store out of the answer."""
    told = [*faults[:_FAULTS_MAX]]
    if more := len(faults) - len(told):
        told.append(f"{anchors.FILE}: {more} more lines are no anchors")
    return [Finding(Check.ANCHOR, fault) for fault in told]


def _check_pages(conn: Connection) -> list[Finding]:
    rows = conn.execute(f"PRAGMA integrity_check({_PAGES_MAX})").fetchall()
    return [Finding(Check.PAGES, f"store: {text}") for (text,) in rows if text != "ok"]


def _check_archives(conn: Connection, folder: Path) -> list[Finding]:
    found = (
        (segment, archives.check(folder / segments.FOLDER, segment))
        for segment in segments.listing(conn)
    )
    return [Finding(Check.ARCHIVE, text, seq=segment.first_seq) for segment, text in found if text]


def _check_anchors(conn: Connection, known: list[Anchor], head: int) -> list[Finding]:
    """The newest anchor that is beyond the head, and the first that tells of another chain."""
    findings: list[Finding] = []
    if known and known[-1].seq > head:
        findings += _check_head(conn, known[-1].seq, known[-1].hash, head, anchors.FILE)
    for anchor in known:
        if anchor.seq > head:
            break
        if wrong := _check_head(conn, anchor.seq, anchor.hash, head, anchors.FILE):
            return findings + wrong
    return findings


def _check_head(conn: Connection, seq: int, hash: str, head: int, source: str) -> list[Finding]:
    if seq > head:
        text = (
            f"journal: it ends at entry {head}, but {source} vouches for entry {seq}: the newest"
            " entries were cut off, or the store was replaced by an older one"
        )
        return [Finding(Check.ANCHOR, text, seq=seq)]
    if seq == 0:
        return []
    row = conn.execute("SELECT CAST(hash AS BLOB) FROM journal WHERE seq = ?", (seq,)).fetchone()
    if row is None or bytes(row[0]).decode("utf-8", "replace") == hash:
        return []
    text = (
        f"journal: entry {seq} is not the one that {source} vouches for: the chain was written"
        " anew, or this is another store"
    )
    return [Finding(Check.ANCHOR, text, seq=seq)]
