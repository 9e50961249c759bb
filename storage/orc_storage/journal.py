"""The journal: a hash chain of everything that was done, and the change feed.

Invariant: an entry's hash covers the hash before it, so an entry that is changed, moved or
taken out shows. Cutting the tail or writing all anew shows only against a head kept elsewhere:
the chain is tamper-evident, not tamper-proof.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any, Final

from orc_storage import mends, segments
from orc_storage.canonical import decode_object, digest, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.errors import InvalidBody
from orc_storage.mends import Mend
from orc_storage.records import Body, Check, Entry, Filter, Finding

GENESIS: Final = "0" * 64
FINDINGS_MAX: Final = 50
_COLUMNS: Final = "seq, at, actor, action, kind, id, rev, detail, prev_hash, hash"


def append(
    tx: Transaction,
    *,
    actor: str,
    action: str,
    kind: str = "",
    id: str = "",
    rev: int = 0,
    detail: Body | None = None,
) -> Entry:
    """Add one entry behind the head as it is inside this transaction."""
    last, prev_hash = head(tx.conn)
    text = encode(detail or {})
    seq = last + 1
    hash = _link(prev_hash, seq, tx.at, actor, action, kind, id, rev, text)
    tx.conn.execute(
        f"INSERT INTO journal ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (seq, tx.at, actor, action, kind, id, rev, text, prev_hash, hash),
    )
    return Entry(seq, tx.at, actor, action, kind, id, rev, detail or {}, prev_hash, hash)


def head(conn: Connection) -> tuple[int, str]:
    """Return the newest entry's number and hash, (0, GENESIS) when there is none."""
    row = conn.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else (0, GENESIS)


def since(conn: Connection, seq: int, limit: int = 1000) -> list[Entry]:
    """Return at most `limit` entries after number `seq`, oldest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (seq, limit),
    )
    return [_entry(row) for row in rows]


def page(
    conn: Connection, wanted: Filter | None = None, *, before: int = 0, limit: int = 50
) -> list[Entry]:
    """Return at most `limit` entries, newest first; `before` goes on below that number."""
    where, values = ["TRUE"], list[str | float]()
    chosen = wanted or Filter()
    for column in ("kind", "id", "actor"):
        if value := getattr(chosen, column):
            where.append(f"{column} = ?")
            values.append(value)
    if before:
        where.append("seq < ?")
        values.append(before)
    if chosen.since:
        # The clock may have been set back, so times are not in order: the first entry that is
        # young enough bounds the search, and each one is looked at.
        where.append("seq >= (SELECT min(seq) FROM journal WHERE at >= ?) AND +at >= ?")
        values += [chosen.since, chosen.since]
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM journal WHERE {' AND '.join(where)}"  # noqa: S608
        " ORDER BY seq DESC LIMIT ?",
        (*values, limit),
    )
    return [_entry(row) for row in rows]


def verify(conn: Connection, *, mended: list[Mend] | None = None) -> list[Finding]:
    """Return what is wrong with the chain and with what it vouches for; [] is intact.

    Nothing that was damaged keeps the rest from being looked at. What was mended over is not
    wrong any more: it is added to `mended`.
    """
    known = mends.Known(conn)
    findings = _check_segments(conn) + _check_chain(conn, known)
    findings += _check_revisions(conn, known) + _check_documents(conn)
    if mended is not None:
        mended += known.met()
    return findings[:FINDINGS_MAX]


def _check_segments(conn: Connection) -> list[Finding]:
    """What is archived must be one chain from the first entry on, and vouched for by ours."""
    findings: list[Finding] = []
    end, prev_hash = 0, GENESIS
    for segment in segments.listing(conn):
        if (segment.first_seq, segment.prev_hash) != (end + 1, prev_hash):
            text = f"archive: {segment.file} does not follow entry {end}"
            findings.append(Finding(Check.ARCHIVE, text, seq=segment.first_seq))
        end, prev_hash = segment.last_seq, segment.head_hash
    if not end:
        return findings
    row = conn.execute(
        "SELECT CAST(detail AS BLOB) FROM journal WHERE action = ? ORDER BY seq DESC LIMIT 1",
        (segments.ACTION,),
    ).fetchone()
    said = decode_object("" if row is None else _text(row[0]))
    for name, found in segments.vouchers(conn).items():
        if said.get(name) != found:
            what = name.partition("_")[0]
            text = f"archive: the table {what} is not what the journal vouches for"
            findings.append(Finding(Check.ARCHIVE, text))
    return findings


def _check_chain(conn: Connection, known: mends.Known) -> list[Finding]:
    findings: list[Finding] = []
    segment = segments.last(conn)
    last, prev_hash = (segment.last_seq, segment.head_hash) if segment else (0, GENESIS)
    # Blobs, since a damaged text need not be UTF-8 any more.
    rows = conn.execute(
        "SELECT j.seq, j.at, j.rev, CAST(j.actor AS BLOB), CAST(j.action AS BLOB),"
        " CAST(j.kind AS BLOB), CAST(j.id AS BLOB), CAST(j.detail AS BLOB),"
        " CAST(j.prev_hash AS BLOB), CAST(j.hash AS BLOB), CAST(r.body AS BLOB)"
        " FROM journal j LEFT JOIN revision r"
        " ON r.kind = j.kind AND r.id = j.id AND r.rev = j.rev ORDER BY j.seq"
    )
    for seq, at, rev, *texts, body in rows:
        actor, action, kind, id, detail, found_prev, found_hash = map(_text, texts)
        about = partial(Finding, kind=kind, id=id, rev=rev, seq=seq)
        if seq != last + 1:
            text = f"journal: entry {last + 1} is missing before entry {seq}"
            findings.append(Finding(Check.CHAIN, text, seq=last + 1))
        elif found_prev != prev_hash:
            text = f"journal: entry {seq} does not follow the entry before it"
            findings.append(about(Check.CHAIN, text))
        if found_hash != _relink(found_prev, seq, at, actor, action, kind, id, rev, detail):
            text = f"journal: entry {seq} was changed after it was written"
            findings.append(about(Check.CHAIN, text))
        said = decode_object(detail).get("sha256")
        is_other = said is not None and mends.hash_of(body) != said
        if is_other and not known.covers(kind, id, rev, body):
            text = f"{kind} {id}: revision {rev} is not what entry {seq} recorded"
            findings.append(about(Check.REVISION, text))
        last, prev_hash = seq, found_hash
        if len(findings) >= FINDINGS_MAX:
            break
    return findings


def _check_revisions(conn: Connection, known: mends.Known) -> list[Finding]:
    """Each revision must have its entry, or outlast it as it was."""
    rows = conn.execute(
        "SELECT CAST(kind AS BLOB), CAST(id AS BLOB), rev FROM revision r WHERE NOT EXISTS"
        " (SELECT 1 FROM journal j WHERE j.kind = r.kind AND j.id = r.id AND j.rev = r.rev)"
        " AND NOT EXISTS (SELECT 1 FROM outlasting o WHERE o.kind = r.kind AND o.id = r.id"
        " AND o.rev = r.rev) LIMIT ?",
        (FINDINGS_MAX,),
    )
    findings = [
        _finding(Check.REVISION, kind, id, f"revision {rev} has no journal entry", rev)
        for kind, id, rev in rows
    ]
    rows = conn.execute(
        "SELECT CAST(o.kind AS BLOB), CAST(o.id AS BLOB), o.rev, o.sha256, CAST(r.body AS BLOB)"
        " FROM outlasting o LEFT JOIN revision r"
        " ON r.kind = o.kind AND r.id = o.id AND r.rev = o.rev"
    )
    for kind, id, rev, said, body in rows:
        is_other = mends.hash_of(body) != said
        if is_other and not known.covers(_text(kind), _text(id), rev, body):
            text = f"revision {rev} is not what its archived entry recorded"
            findings.append(_finding(Check.REVISION, kind, id, text, rev))
    return findings


def _check_documents(conn: Connection) -> list[Finding]:
    """Each document must be its newest revision, and what its own checksum says."""
    rows = conn.execute(
        "SELECT CAST(kind AS BLOB), CAST(id AS BLOB), rev FROM document d WHERE NOT EXISTS"
        " (SELECT 1 FROM revision r WHERE r.kind = d.kind AND r.id = d.id AND r.rev = d.rev"
        " AND r.body = d.body AND r.deleted = d.deleted) OR d.rev <> (SELECT max(rev)"
        " FROM revision r WHERE r.kind = d.kind AND r.id = d.id) LIMIT ?",
        (FINDINGS_MAX,),
    )
    findings = [
        _finding(Check.DOCUMENT, kind, id, "the document is not its newest revision", rev)
        for kind, id, rev in rows
    ]
    rows = conn.execute(
        "SELECT CAST(kind AS BLOB), CAST(id AS BLOB), rev, CAST(body AS BLOB),"
        " CAST(sha256 AS BLOB) FROM document"
    )
    for kind, id, rev, body, said in rows:
        if sha256(body).hexdigest() != _text(said) and len(findings) < FINDINGS_MAX:
            text = "the document is not what its checksum says"
            findings.append(_finding(Check.DOCUMENT, kind, id, text, rev))
    return findings


def _finding(check: Check, kind: bytes, id: bytes, text: str, rev: int) -> Finding:
    name = (_text(kind), _text(id))
    return Finding(check, f"{name[0]} {name[1]}: {text}", kind=name[0], id=name[1], rev=rev)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _relink(*content: Any) -> str:
    """The hash that an entry ought to have; "" where it holds what no entry can."""
    try:
        return _link(*content)
    except InvalidBody:
        return ""


def _link(
    prev_hash: str,
    seq: int,
    at: float,
    actor: str,
    action: str,
    kind: str,
    id: str,
    rev: int,
    detail: str,
) -> str:
    return digest(encode([prev_hash, seq, at, actor, action, kind, id, rev, detail]))


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, at, actor, action, kind, id, rev, text, prev_hash, hash = row
    if type(at) is not float or type(rev) is not int:
        at, rev = 0.0, 0  # it is damaged, as `verify` says; who follows the journal goes on
    return Entry(seq, at, actor, action, kind, id, rev, decode_object(text), prev_hash, hash)
