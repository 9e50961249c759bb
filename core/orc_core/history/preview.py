"""What a revert would do, in lines for people.

Invariant: a preview has three lists: what comes back, what stays, what cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.model.history import FieldChange, Plan
from orc_core.sync.merge import diff
from orc_core.sync.paths import MISSING
from orc_core.sync.wording import word
from orc_core.text import clean
from orc_storage import documents
from orc_storage.database import Connection
from orc_storage.records import Body, Revision

NOT_TOUCHED: Final = "files in the work tree are not touched"
LEASES: Final = "leases are not touched: whoever works on it goes on"
MESSAGES: Final = "messages already sent to agents are not taken back"
GONE: Final = "the whole document: it is deleted"


def changes(before: Revision | None, after: Revision) -> tuple[FieldChange, ...]:
    """List what a revision changed; a deletion is one change of the whole document, path ""."""
    old: Body = {} if before is None or before.deleted else before.body
    if not after.deleted:
        return diff(old, after.body)
    if before is not None and before.deleted:
        return ()
    return (FieldChange("", dict(old), None, after_present=False),)


def line(change: FieldChange) -> str:
    """Say one change: `title: Cart -> Basket`."""
    if not change.path:
        return GONE
    before = word(change.before if change.before_present else MISSING)
    after = word(change.after if change.after_present else MISSING)
    return f"{clean(change.path, limit=80)}: {before} -> {after}"


def make_plan(conn: Connection, now: Revision, target: Revision) -> Plan:
    """Plan the way from the newest revision back to `target`."""
    found = changes(now, target)
    return Plan(
        kind=now.kind,
        id=now.id,
        from_rev=now.rev,
        to_rev=target.rev,
        diff=found,
        returns=tuple(line(change) for change in found),
        stays=(NOT_TOUCHED, *_later(conn, now, target), LEASES),
        lost=(MESSAGES,),
    )


def _later(conn: Connection, now: Revision, target: Revision) -> Sequence[str]:
    first, last = target.rev + 1, now.rev
    span = f"revision {last}" if first == last else f"revisions {first} to {last}"
    lines = [f"in its history: {span} of {now.id}"] if first <= last else []
    made_later = sum(
        documents.revision(conn, now.kind, other.id, 1).at > target.at
        for other in documents.listing(conn, now.kind)
        if other.id != now.id
    )
    if made_later:
        plural = "" if made_later == 1 else "s"
        lines.append(f"{made_later} {clean(now.kind, limit=20)}{plural} made later")
    return lines
