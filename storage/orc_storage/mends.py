"""What was mended over: revisions that were damaged, and what each of them was by then.

Invariant: only what a mend wrote down, and what is still the same, counts as mended. A revision
that is damaged since, or damaged further, is as wrong as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from orc_storage.canonical import decode_object
from orc_storage.engine import Connection
from orc_storage.records import Json

ACTION: Final = "mend"
OVER: Final = "over"
"""In the detail of a mend: the hash of each damaged revision as it was found, "" for none."""


@dataclass(frozen=True, slots=True)
class Mend:
    """A document that was mended over some of its revisions; `at` is seconds since the epoch."""

    kind: str
    id: str
    at: float
    revs: tuple[int, ...]


class Known:
    """What was mended over in one store, as an examination comes upon it."""

    def __init__(self, conn: Connection) -> None:
        self._over: dict[tuple[str, str, int], tuple[float, str]] = {}
        self._met: dict[tuple[str, str], tuple[float, set[int]]] = {}
        rows = conn.execute(
            "SELECT at, CAST(kind AS BLOB), CAST(id AS BLOB), CAST(detail AS BLOB) FROM journal"
            " WHERE action = ? ORDER BY seq",
            (ACTION,),
        )
        for at, kind, id, detail in rows:
            over = decode_object(_text(detail)).get(OVER)
            for rev, held in over.items() if isinstance(over, dict) else ():
                if rev.isdecimal():
                    self._over[_text(kind), _text(id), int(rev)] = (at, str(held))

    def covers(self, kind: str, id: str, rev: int, body: bytes | None) -> bool:
        """Whether this revision was mended over as it is; it is remembered then."""
        at, held = self._over.get((kind, id, rev), (0.0, None))
        if held != hash_of(body):
            return False
        newest, revs = self._met.get((kind, id), (0.0, set()))
        self._met[kind, id] = (max(newest, at), revs | {rev})
        return True

    def met(self) -> list[Mend]:
        """Every document of which a revision was covered."""
        found = sorted(self._met.items())
        return [Mend(*name, at, tuple(sorted(revs))) for name, (at, revs) in found]


def over(conn: Connection, kind: str, id: str) -> dict[str, Json]:
    """Return which revisions of a document are not what was recorded of them, and their hashes."""
    rows = conn.execute(
        "SELECT v.rev, CAST(v.said AS BLOB), CAST(r.body AS BLOB) FROM"
        " (SELECT rev, detail AS said FROM journal WHERE kind = ?1 AND id = ?2 AND rev > 0"
        " UNION ALL SELECT rev, '{\"sha256\":\"' || sha256 || '\"}' FROM outlasting"
        " WHERE kind = ?1 AND id = ?2) v"
        " LEFT JOIN revision r ON r.kind = ?1 AND r.id = ?2 AND r.rev = v.rev",
        (kind, id),
    )
    found: dict[str, Json] = {}
    for rev, said, body in rows:
        vouched = decode_object(_text(said)).get("sha256")
        if vouched is not None and vouched != hash_of(body):
            found[str(rev)] = hash_of(body)
    return found


def hash_of(body: bytes | None) -> str:
    """The hash of a revision's bytes, "" where there is no such revision."""
    return "" if body is None else sha256(body).hexdigest()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
