"""Taking the documents of an act from one revision's content to another's.

Invariant: what somebody wrote since is kept. A step merges by itself where nothing overlaps and
otherwise stops before anything is written, naming the field, its writer and the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orc_core.errors import Overlap
from orc_core.sync.merge import merge
from orc_core.sync.paths import same
from orc_core.sync.provenance import last_change, newest, writer
from orc_core.sync.rules import Rules
from orc_core.sync.wording import place
from orc_core.tasks.rules import KIND as TASK
from orc_core.tasks.rules import TaskRules
from orc_storage import documents
from orc_storage.database import Connection, Transaction
from orc_storage.records import Body, Change, Revision

RULES: Final[Mapping[str, Rules]] = {TASK: TaskRules()}


def step(tx: Transaction, change: Change, *, is_undo: bool, actor: str, label: str) -> int:
    """Undo or redo one change and return the revision that did it, 0 where nothing was left to do.

    Raises Overlap, and UsageError where the result would not be valid.
    """
    kind, id = change.kind, change.id
    start, end = change.from_rev, change.to_rev
    if is_undo:
        start, end = end, start
    base, target = _body_at(tx.conn, kind, id, start), _body_at(tx.conn, kind, id, end)
    now = newest(tx.conn, kind, id)
    current = None if now is None or now.deleted else now.body
    if now is None or _equal(current, target):
        return 0
    verb = "undo" if is_undo else "redo"
    wanted = target if _equal(current, base) else _merged(tx.conn, verb, now, base, current, target)
    cause = f"{verb}: {label}"
    if wanted is None:
        return documents.delete(tx, kind, now.id, rev=now.rev, actor=actor, cause=cause).rev
    if rules := RULES.get(kind):
        rules.check(tx.conn, None, wanted)
    rev = 0 if current is None else now.rev
    return documents.put(
        tx, kind, now.id, wanted, rev=rev, actor=actor, cause=cause, action=verb
    ).rev


def _body_at(conn: Connection, kind: str, id: str, rev: int) -> Body | None:
    if rev == 0:
        return None
    found = documents.revision(conn, kind, id, rev)
    return None if found.deleted else found.body


def _equal(a: Body | None, b: Body | None) -> bool:
    if a is None or b is None:
        return a is b
    return same(a, b)


def _merged(
    conn: Connection,
    verb: str,
    now: Revision,
    base: Body | None,
    current: Body | None,
    target: Body | None,
) -> Body:
    """Merge the step into what is there now; raises Overlap where that cannot be."""
    if base is None or current is None or target is None:
        done = "deleted" if current is None else "edited"
        raise Overlap(
            f"cannot {verb}: {now.id} was {done} by {writer(now)} at revision {now.rev} since;"
            f" see `orc history {now.kind} {now.id}` and revert that first"
        )
    merged = merge(base, current, target)
    if not merged.conflicts:
        return merged.body
    path = merged.conflicts[0].path
    source = last_change(conn, now, path)
    raise Overlap(
        f"cannot {verb}: {place(now.id, path)} was changed by {writer(source)} at revision"
        f" {source.rev} since; revert that first, or edit the field"
    )
