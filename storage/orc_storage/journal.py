"""The journal: a hash chain of everything that was done, and the change feed.

Invariant: an entry's hash covers the hash before it, so an entry that is changed, moved or
taken out shows. Cutting the tail or writing all anew shows only against a head kept elsewhere:
the chain is tamper-evident, not tamper-proof.
"""

from __future__ import annotations

from typing import Any, Final

from orc_storage.canonical import decode_body, digest, encode
from orc_storage.engine import Connection, Transaction
from orc_storage.records import Body, Entry

GENESIS: Final = "0" * 64
_PROBLEMS_MAX: Final = 50
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


def verify(conn: Connection) -> list[str]:
    """Return what is wrong with the chain and with the revisions it vouches for; [] is intact."""
    problems = _check_chain(conn)
    problems += [
        f"{kind} {id}: revision {rev} has no journal entry"
        for kind, id, rev in conn.execute(
            "SELECT kind, id, rev FROM revision r WHERE NOT EXISTS (SELECT 1 FROM journal j"
            " WHERE j.kind = r.kind AND j.id = r.id AND j.rev = r.rev) LIMIT ?",
            (_PROBLEMS_MAX,),
        )
    ]
    problems += [
        f"{kind} {id}: the document is not its newest revision"
        for kind, id in conn.execute(
            "SELECT kind, id FROM document d WHERE NOT EXISTS (SELECT 1 FROM revision r"
            " WHERE r.kind = d.kind AND r.id = d.id AND r.rev = d.rev AND r.body = d.body"
            " AND r.deleted = d.deleted) OR d.rev <> (SELECT max(rev) FROM revision r"
            " WHERE r.kind = d.kind AND r.id = d.id) LIMIT ?",
            (_PROBLEMS_MAX,),
        )
    ]
    return problems[:_PROBLEMS_MAX]


def _check_chain(conn: Connection) -> list[str]:
    problems: list[str] = []
    last, prev_hash = 0, GENESIS
    rows = conn.execute(
        "SELECT j.seq, j.at, j.actor, j.action, j.kind, j.id, j.rev, j.detail, j.prev_hash,"
        " j.hash, r.body FROM journal j LEFT JOIN revision r"
        " ON r.kind = j.kind AND r.id = j.id AND r.rev = j.rev ORDER BY j.seq"
    )
    for *content, found_prev, found_hash, body in rows:
        seq, at, actor, action, kind, id, rev, text = content
        if seq != last + 1:
            problems.append(f"journal: entry {last + 1} is missing before entry {seq}")
        elif found_prev != prev_hash:
            problems.append(f"journal: entry {seq} does not follow the entry before it")
        if found_hash != _link(found_prev, seq, at, actor, action, kind, id, rev, text):
            problems.append(f"journal: entry {seq} was changed after it was written")
        said = decode_body(text).get("sha256")
        if said is not None and (body is None or digest(body) != said):
            problems.append(f"{kind} {id}: revision {rev} is not what entry {seq} recorded")
        last, prev_hash = seq, found_hash
        if len(problems) >= _PROBLEMS_MAX:
            break
    return problems


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
    return Entry(seq, at, actor, action, kind, id, rev, decode_body(text), prev_hash, hash)
