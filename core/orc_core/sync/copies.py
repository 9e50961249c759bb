"""A layer's copy of a document, and what it was made from.

Invariant: a copy that says its revision is merged from what the layer was given at that one; what
cannot be told any more counts as unknown, so that nothing in the copy passes for unchanged.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orc_core.sync import decisions
from orc_core.sync.hunks import replace_lines, side_lines
from orc_core.sync.lines import find_run
from orc_core.sync.paths import MISSING, Value, field_of, get_path, hunk_number, same, set_path
from orc_storage import conflicts, documents
from orc_storage.database import Connection
from orc_storage.errors import Archived, DamagedDocument, NotFound
from orc_storage.records import Base, Body, Conflict, ConflictState, Revision

LATER_MAX: Final = 100
"""How many revisions are looked through for what was given or taken last."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A layer's copy of one document as it was read; `body` None is absent.

    `rev` is the revision it says it was made on, None where it says nothing; `at` is when it
    was written, in seconds since the epoch. `is_lost` says that the layer lost all it had at
    once: then nothing was deleted, and it is given everything anew.
    """

    layer: str
    kind: str
    id: str
    body: Body | None
    rev: int | None
    sha256: str
    at: float
    cause: str
    is_lost: bool = False


def find_basis(
    conn: Connection, copy: Copy, now: Revision | None, base: Base | None
) -> tuple[Body | None, int, bool]:
    """Find what a copy was made from: its body, its revision, and whether that is an old one."""
    seen, seen_rev = (None, 0) if base is None else (base.seen, base.rev)
    is_echo = base is not None and base.seen_sha256 == copy.sha256
    if is_echo or now is None or copy.body is None:
        return seen, seen_rev, False
    if copy.rev is None:
        given = None if base is None else _given_since(conn, copy, now, seen_rev)
        return (seen, seen_rev, False) if given is None else (given.body, given.rev, False)
    if copy.rev == seen_rev and not _took_since(conn, copy, now):
        return seen, seen_rev, False
    if base is None and not now.deleted:
        return None, 0, False  # both have it, and nothing says that one came from the other
    try:
        held = _held_at(conn, copy, now, copy.rev)
    except (Archived, DamagedDocument):
        # What it was made from is not known any more, so nothing in it counts as unchanged.
        return None, 0, False
    return held, copy.rev, base is None or copy.rev <= seen_rev


def _took_since(conn: Connection, copy: Copy, now: Revision) -> bool:
    """Whether the store took something from the layer after the revision a copy was made on.

    The layer was not given that, as far as is known, and who made the copy need not know of it.
    """
    made = _later(conn, copy.kind, now, copy.rev or 0)
    return any(revision.actor == copy.layer for revision in made)


def _given_since(conn: Connection, copy: Copy, now: Revision, rev: int) -> Revision | None:
    """The revision after `rev` that a copy without a number is word for word, if there is one.

    It was given, and whoever gave it died before that was written down: nobody edited it.
    """
    made = _later(conn, copy.kind, now, rev)
    return next((one for one in made if not one.deleted and same(one.body, copy.body)), None)


def _later(conn: Connection, kind: str, now: Revision, rev: int) -> Iterator[Revision]:
    """The revisions after `rev`, the newest first, as far as can be read; not all of very many."""
    for number in range(now.rev, max(rev, now.rev - LATER_MAX), -1):
        with contextlib.suppress(Archived, NotFound, DamagedDocument):
            yield documents.revision(conn, kind, now.id, number)


def _held_at(conn: Connection, copy: Copy, now: Revision, rev: int) -> Body:
    """What the layer held at a revision: its body, and the layer's side of what was open then."""
    body = documents.revision(conn, copy.kind, now.id, rev).body
    here = (copy.layer, copy.kind, now.id)
    over = {ConflictState.RESOLVED, ConflictState.SUPERSEDED}
    for conflict in conflicts.listing(conn, states=over):
        if (conflict.left.layer, conflict.doc_kind, conflict.doc) != here:
            continue
        was_open = conflict.right.rev <= rev < conflict.closed_rev
        if was_open and hunk_number(conflict.path):
            field = field_of(conflict.path)
            body = set_path(body, field, _given_lines(get_path(body, field), conflict))
        elif was_open and conflict.path:
            body = set_path(body, conflict.path, decisions.held(conflict.left))
    return body


def _given_lines(text: Value, conflict: Conflict) -> Value:
    """The text with the layer's lines in place of the store's; MISSING if these are not told.

    A text without a known past is merged with nothing: where sides differ, a person decides.
    """
    right = side_lines(conflict.right)
    found = find_run(text.split("\n"), right) if isinstance(text, str) and right else []
    if not isinstance(text, str) or len(found) != 1:
        return MISSING
    return replace_lines(text, found[0], right, side_lines(conflict.left))
