"""Checkpoints: points to come back to, and the way there.

Invariant: a checkpoint holds no copies. Restoring one writes documents as new revisions, after
an automatic checkpoint of how they were; what was made later stays unless it is asked away.
"""

from __future__ import annotations

from typing import Final

from orc_core.errors import UnknownName
from orc_core.history.restoring import made_later, plan_restore
from orc_core.history.steps import back_to
from orc_core.model.history import Held, Plan, Report, Saved
from orc_core.sync.provenance import newest
from orc_core.text import clean
from orc_storage import checkpoints
from orc_storage.database import Connection, Database
from orc_storage.records import Checkpoint, Revision

NOTE_MAX: Final = 200


class Checkpoints:
    """The checkpoints of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, name: str, *, note: str, actor: str) -> Report:
        """Make a checkpoint of all documents; raises InvalidId where the name is taken."""
        made = await self._db.write(
            lambda tx: checkpoints.create(tx, name, note=clean(note, limit=NOTE_MAX), actor=actor)
        )
        return Report(f"checkpoint {made.name} is made", undoable=False)

    async def listing(self) -> list[Saved]:
        """Return all checkpoints, the newest first."""

        def work(conn: Connection) -> list[Saved]:
            counts = checkpoints.counts(conn)
            return [_saved(one, counts.get(one.number, 0)) for one in checkpoints.listing(conn)]

        return await self._db.read(work)

    async def show(self, name: str) -> tuple[Saved, tuple[Held, ...]]:
        """Return a checkpoint and how its documents stand now; raises UnknownName."""

        def work(conn: Connection) -> tuple[Saved, tuple[Held, ...]]:
            found = _find(conn, name)
            then = checkpoints.revisions(conn, found)
            held = [_held(conn, one) for one in then]
            held += [Held(one.kind, one.id, 0, one.rev, True) for one in made_later(conn, then)]
            return _saved(found, len(then)), tuple(held)

        return await self._db.read(work)

    async def rename(self, name: str, *, to: str, note: str | None, actor: str) -> Report:
        """Give a checkpoint another name, or another note; raises UnknownName, InvalidId."""
        found = await self._db.read(lambda conn: _find(conn, name))
        kept = found.note if note is None else clean(note, limit=NOTE_MAX)
        made = await self._db.write(
            lambda tx: checkpoints.rename(tx, found.name, to=to, note=kept, actor=actor)
        )
        return Report(f"checkpoint {found.name} is called {made.name}", undoable=False)

    async def remove(self, name: str, *, actor: str) -> Report:
        """Forget a checkpoint; no document changes. Raises UnknownName."""
        found = await self._db.read(lambda conn: _find(conn, name))
        await self._db.write(lambda tx: checkpoints.remove(tx, found.name, actor=actor))
        return Report(f"checkpoint {found.name} is forgotten", undoable=False)

    async def plan_restore(self, name: str, *, exact: bool = False) -> Plan:
        """Preview going back to a checkpoint; raises UnknownName.

        Documents made later stay and are named; `exact` deletes them.
        """

        def work(conn: Connection) -> Plan:
            found = _find(conn, name)
            then = checkpoints.revisions(conn, found)
            return plan_restore(conn, then, label=f"restore {found.name}", exact=exact)

        return await self._db.read(work)


def _held(conn: Connection, then: Revision) -> Held:
    now = newest(conn, then.kind, then.id)
    if now is None or now.deleted:
        return Held(then.kind, then.id, then.rev, 0, True)
    return Held(then.kind, then.id, then.rev, now.rev, bool(back_to(now, then).diff))


def _find(conn: Connection, name: str) -> Checkpoint:
    found = checkpoints.get(conn, name)
    if found is None:
        raise UnknownName(
            f"no checkpoint goes by {clean(name, limit=80)!r}: `orc checkpoint list` has all"
        )
    return found


def _saved(one: Checkpoint, documents: int) -> Saved:
    return Saved(one.name, one.note, one.at, one.actor, one.seq, one.automatic, documents)
