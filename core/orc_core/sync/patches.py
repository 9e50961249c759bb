"""Hunks as they stand in the store and in the base: found again, decided, put back.

Invariant: lines are only ever put in place of the very lines that were expected there; where
somebody changed them since, nothing is found and nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from orc_core.sync.hunks import base_lines, find_hunk, replace_lines, shifted, side_lines
from orc_core.sync.lines import Lines
from orc_core.sync.merge import value_lines
from orc_core.sync.paths import MISSING, Value, field_of, get_path, hunk_number, set_path
from orc_storage import bases, conflicts, documents
from orc_storage.database import Connection, Transaction
from orc_storage.errors import Archived, DamagedDocument, NotFound
from orc_storage.records import Base, Body, Conflict


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a hunk stands in a text: the lines `lines` from line `at` on, which counts from 0."""

    field: str
    text: str
    at: int
    lines: Lines

    def put(self, body: Body, lines: Lines) -> Body:
        """Return the body with other lines in their place."""
        return set_path(body, self.field, replace_lines(self.text, self.at, self.lines, lines))


def open_spot(conn: Connection, conflict: Conflict, body: Body | None) -> Spot | None:
    """Find the store's lines of a waiting hunk in `body`; None where they were changed."""
    length = len(base_lines(conflict))
    base = base_text(conn, conflict)
    return _spot(base, conflict, length, body, side_lines(conflict.right))


def decided_spot(conn: Connection, conflict: Conflict, body: Body | None) -> Spot | None:
    """Find in `body` the lines that a hunk was decided for; None where they were changed."""
    wanted = value_lines(conflict.value if conflict.value_present else MISSING)
    try:
        then = documents.revision(conn, conflict.doc_kind, conflict.doc, conflict.closed_rev)
    except (NotFound, Archived, DamagedDocument):
        return None
    text = get_path(then.body, conflict.path)
    return _spot(text, conflict, len(wanted), body, wanted)


def base_text(conn: Connection, conflict: Conflict) -> Value:
    """Return the text of a hunk's field that layer and store last agreed on."""
    base = _base(conn, conflict)
    return MISSING if base is None or base.body is None else get_path(base.body, conflict.path)


def opens_beside(conn: Connection, conflict: Conflict) -> tuple[Conflict, ...]:
    """Return the waiting hunks of the same text, this one too if it waits."""
    field = field_of(conflict.path)
    found = conflicts.for_document(conn, conflict.left.layer, conflict.doc_kind, conflict.doc)
    return tuple(one for one in found if hunk_number(one.path) and field_of(one.path) == field)


def base_takes_left(tx: Transaction, conflict: Conflict) -> None:
    """Let the base have the layer's lines, as if both had agreed on them."""
    before, after = base_lines(conflict), side_lines(conflict.left)
    _rewrite_base(tx, conflict, conflict.line - 1, before, after)


def base_takes_back(tx: Transaction, conflict: Conflict, spot: Spot) -> Conflict | None:
    """Let the base have its own lines again; return the hunk with its line there.

    None where the base has neither the lines that were decided nor the layer's.
    """
    text = base_text(tx.conn, conflict)
    left = side_lines(conflict.left)
    found = find_hunk(spot.text, spot.at, len(spot.lines), text, spot.lines, left)
    if found is None:
        return None
    at, there = found
    _rewrite_base(tx, conflict, at, there, base_lines(conflict))
    return replace(conflict, line=at + 1)


def set_base_text(tx: Transaction, conflict: Conflict, text: Value) -> None:
    """Write the text of a hunk's field that layer and store agree on but for open hunks."""
    base = _base(tx.conn, conflict)
    if base is not None and base.body is not None:
        body = set_path(base.body, field_of(conflict.path), text)
        bases.put(tx, replace(base, body=body))


def _rewrite_base(
    tx: Transaction, conflict: Conflict, at: int, before: Lines, after: Lines
) -> None:
    text = base_text(tx.conn, conflict)
    if not isinstance(text, str):
        return
    set_base_text(tx, conflict, replace_lines(text, at, before, after))
    for other in opens_beside(tx.conn, conflict):
        moved = shifted(other, at, len(after) - len(before))
        if other.id != conflict.id and moved != other:
            conflicts.update(tx, moved)


def _spot(
    source: Value, conflict: Conflict, length: int, body: Body | None, wanted: Lines
) -> Spot | None:
    text = MISSING if body is None else get_path(body, conflict.path)
    found = find_hunk(source, conflict.line - 1, length, text, wanted)
    if found is None or not isinstance(text, str):
        return None
    return Spot(field_of(conflict.path), text, *found)


def _base(conn: Connection, conflict: Conflict) -> Base | None:
    return bases.get(conn, conflict.left.layer, conflict.doc_kind, conflict.doc)
