"""Who wrote what stands at a path, and what one side of a conflict is.

Invariant: the answer is a revision, so it names a writer, a time and a cause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from orc_core.sync.lines import find_run
from orc_core.sync.merge import Conflicting, plain, value_lines
from orc_core.sync.paths import MISSING, Value, get_path, same
from orc_core.text import clean
from orc_storage import documents
from orc_storage.database import Connection
from orc_storage.errors import Archived, DamagedDocument, NotFound
from orc_storage.records import OPERATOR, Revision, Side

STEPS_MAX: Final = 1000
"""How many revisions are looked back through; beyond them, and behind archived and
damaged ones, the oldest one looked at stands in."""


def newest(conn: Connection, kind: str, id: str) -> Revision | None:
    """Return the newest revision of a document, a deletion too; None if it never was.

    Raises DamagedDocument.
    """
    return documents.newest(conn, kind, id)


def value_at(revision: Revision, path: str) -> Value:
    """Return what a revision holds at a path; a deletion holds nothing."""
    return MISSING if revision.deleted else get_path(revision.body, path)


def last_change(conn: Connection, revision: Revision, path: str) -> Revision:
    """Return the revision that gave `path` the value it has in `revision`."""
    value = value_at(revision, path)
    return _since(conn, revision, lambda earlier: same(value_at(earlier, path), value))


def last_change_of_lines(
    conn: Connection, revision: Revision, field: str, run: Sequence[str], gone: Sequence[str]
) -> Revision:
    """Return the revision since which the text at `field` has the lines of `run`.

    An empty `run` asks since when the lines of `gone` are not there.
    """

    def is_so(earlier: Revision) -> bool:
        text = value_at(earlier, field)
        lines = text.split("\n") if isinstance(text, str) else []
        return bool(find_run(lines, run)) if run else not find_run(lines, gone)

    return _since(conn, revision, is_so)


def store_side(conn: Connection, found: Revision | None, path: str) -> Side:
    """Describe the store's side of a path: the revision that gave it its value."""
    if found is None:
        return Side("store", None, False, "", 0.0, 0, "")
    value = value_at(found, path)
    source = last_change(conn, found, path)
    return Side(
        layer="store",
        value=plain(value),
        present=value is not MISSING,
        writer=source.actor,
        at=source.at,
        rev=found.rev,
        cause=source.cause,
    )


def lines_side(conn: Connection, found: Revision | None, values: Conflicting) -> Side:
    """Describe the store's side of a hunk: the revision since which its lines are so."""
    side = store_side(conn, found, values.path)
    if found is None:
        return side
    run, gone = (
        value_lines(value if present else MISSING)
        for value, present in (
            (values.ours, values.ours_present),
            (values.base, values.base_present),
        )
    )
    source = last_change_of_lines(conn, found, values.path, run, gone)
    return replace(
        side,
        value=values.ours,
        present=values.ours_present,
        writer=source.actor,
        at=source.at,
        cause=source.cause,
    )


def right_side(conn: Connection, found: Revision | None, values: Conflicting) -> Side:
    """Describe the store's side of what conflicts."""
    if values.line:
        return lines_side(conn, found, values)
    return store_side(conn, found, values.path)


def _since(conn: Connection, revision: Revision, is_so: Callable[[Revision], bool]) -> Revision:
    """Return the oldest revision from which on it was so; the newest one is taken to be."""
    found = revision
    for rev in range(revision.rev - 1, max(0, revision.rev - STEPS_MAX), -1):
        try:
            earlier = documents.revision(conn, revision.kind, revision.id, rev)
        except (Archived, DamagedDocument, NotFound):
            break
        if not is_so(earlier):
            break
        found = earlier
    return found


def writer(revision: Revision) -> str:
    """Name who wrote a revision, for people."""
    if revision.actor == OPERATOR:
        return "you"
    return clean(revision.actor, limit=60) or "somebody unknown"
