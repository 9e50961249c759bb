"""What going back makes of one document.

Invariant: what somebody wrote since is kept. A step merges by itself where nothing overlaps;
what does overlap stays as it is and is named, for a person to decide. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from orc_core.model.history import FieldChange, Standing, Step
from orc_core.sync.merge import Conflicting, conflicting, diff, merge
from orc_core.sync.paths import MISSING, same
from orc_core.sync.provenance import last_change, newest, writer
from orc_core.sync.rules import Rules
from orc_core.tasks.rules import KIND as TASK
from orc_core.tasks.rules import TaskRules
from orc_storage import documents
from orc_storage.database import Connection
from orc_storage.records import Body, Change, Revision

RULES: Final[Mapping[str, Rules]] = {TASK: TaskRules()}

OBSERVED: Final[Mapping[str, tuple[str, ...]]] = {"agent": ("server", "session", "pane")}
"""Fields that tmux owns: where an agent is now is no matter of what was."""


def back_to(now: Revision, target: Revision) -> Step:
    """Take a document back to one of its revisions, which may be a deletion."""
    body = None if target.deleted else keep_observed(now, target.body)
    return Step(
        kind=now.kind,
        id=now.id,
        from_rev=now.rev,
        body=body,
        diff=changes(_body(now), body),
        to_rev=target.rev,
    )


def without(conn: Connection, now: Revision, revs: Iterable[int]) -> Step:
    """Take single revisions out of a document, the newest first, and keep all the others."""
    body = _body(now)
    standing: dict[str, Standing] = {}
    for first, last in _runs(revs):
        base, before = _body_at(conn, now, last), _body_at(conn, now, first - 1)
        body, clashes = _merged(base, body, before)
        standing |= {one.path: _stand(conn, now, one, last, first - 1) for one in clashes}
    if body is not None:
        body = keep_observed(now, body)
    return Step(
        kind=now.kind,
        id=now.id,
        from_rev=now.rev,
        body=body,
        diff=changes(_body(now), body),
        standing=tuple(standing.values()),
    )


def turned(conn: Connection, change: Change) -> Step | None:
    """Take back one change of an act; None where nothing is left to do."""
    now = newest(conn, change.kind, change.id)
    if now is None:
        return None
    start, end = change.to_rev, change.from_rev
    base, target = _body_at(conn, now, start), _body_at(conn, now, end)
    body, clashes = _merged(base, _body(now), target)
    step = Step(
        kind=now.kind,
        id=now.id,
        from_rev=now.rev,
        body=body,
        diff=changes(_body(now), body),
        standing=tuple(_stand(conn, now, one, start, end) for one in clashes),
    )
    return step if step.diff or step.standing else None


def changes(before: Body | None, after: Body | None) -> tuple[FieldChange, ...]:
    """List what differs; a deletion is one change of the whole document, path ""."""
    if after is not None:
        return diff(before or {}, after)
    if before is None:
        return ()
    return (FieldChange("", dict(before), None, after_present=False),)


def keep_observed(now: Revision, body: Body) -> Body:
    """Return the body with the fields that tmux owns as they are now."""
    owned = OBSERVED.get(now.kind, ())
    if now.deleted or not owned:
        return body
    kept = {name: now.body[name] for name in owned if name in now.body}
    return {name: value for name, value in body.items() if name not in owned} | kept


def _runs(revs: Iterable[int]) -> list[tuple[int, int]]:
    """Revisions that follow each other, as (first, last), the newest run first."""
    runs: list[tuple[int, int]] = []
    for rev in sorted(set(revs), reverse=True):
        if runs and runs[-1][0] == rev + 1:
            runs[-1] = (rev, runs[-1][1])
        else:
            runs.append((rev, rev))
    return runs


def _body(revision: Revision) -> Body | None:
    return None if revision.deleted else revision.body


def _body_at(conn: Connection, now: Revision, rev: int) -> Body | None:
    return _body(documents.revision(conn, now.kind, now.id, rev)) if rev else None


def _merged(
    base: Body | None, ours: Body | None, theirs: Body | None
) -> tuple[Body | None, Sequence[Conflicting]]:
    """Merge two bodies, of which any may be absent."""
    if _equal(ours, theirs) or _equal(theirs, base):
        return ours, ()
    if _equal(ours, base):
        return theirs, ()
    if base is None or ours is None or theirs is None:
        values = (MISSING if body is None else body for body in (base, ours, theirs))
        return ours, (conflicting("", *values),)
    merged = merge(base, ours, theirs)
    return merged.body, merged.values


def _equal(a: Body | None, b: Body | None) -> bool:
    if a is None or b is None:
        return a is b
    return same(a, b)


def _stand(
    conn: Connection, now: Revision, clash: Conflicting, base_rev: int, wanted_rev: int
) -> Standing:
    source = last_change(conn, now, clash.path) if clash.path else now
    return Standing(
        path=clash.path,
        base=clash.base,
        now=clash.ours,
        wanted=clash.theirs,
        base_present=clash.base_present,
        now_present=clash.ours_present,
        wanted_present=clash.theirs_present,
        by=writer(source),
        rev=source.rev,
        base_rev=base_rev,
        wanted_rev=wanted_rev,
    )
