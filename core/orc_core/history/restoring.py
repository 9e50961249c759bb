"""Planning the way of a whole workspace back to how its documents were.

Invariant: what was made later stays and is named, unless it is asked away; what tmux owns of an
agent stays as it is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.history.preview import LIVE, make_plan
from orc_core.history.steps import back_to, changes
from orc_core.model.history import Plan, Step
from orc_core.sync.provenance import newest
from orc_storage.database import Connection
from orc_storage.records import Revision

NAMED_MAX: Final = 20
"""How many documents one line of a preview names."""


def plan_restore(
    conn: Connection, then: Sequence[Revision], *, label: str, exact: bool = False
) -> Plan:
    """Plan to bring every document back to what it was in `then`; `exact` deletes all others.

    A revision of `then` may be of another store: what counts is its body.
    """
    steps: list[Step] = []
    for target in then:
        now = newest(conn, target.kind, target.id)
        steps.append(_made(target) if now is None else back_to(now, target))
    later = made_later(conn, then)
    if exact:
        steps += [Step(one.kind, one.id, one.rev, None, changes(one.body, None)) for one in later]
    stays = [LIVE]
    if later and not exact:
        stays.append(f"made later: {_named(later)}")
    return make_plan(label, "restore", steps, stays=stays, checkpoint=f"before: {label}")


def made_later(conn: Connection, then: Sequence[Revision]) -> list[Revision]:
    """Return the documents that are there now and were not."""
    known = {(one.kind, one.id.casefold()) for one in then}
    rows = conn.execute("SELECT kind, id FROM document WHERE deleted = 0 ORDER BY kind, id")
    missing = [(kind, id) for kind, id in rows if (kind, id.casefold()) not in known]
    found = (newest(conn, kind, id) for kind, id in missing)
    return [one for one in found if one is not None]


def _made(target: Revision) -> Step:
    """Make a document that this store never had."""
    return Step(target.kind, target.id, 0, target.body, changes(None, target.body))


def _named(later: Sequence[Revision]) -> str:
    names = ", ".join(f"{one.kind} {one.id}" for one in later[:NAMED_MAX])
    more = len(later) - NAMED_MAX
    return f"{names} and {more} more" if more > 0 else names
