"""Bringing the documents of an export into a store.

Invariant: it is one transaction of new revisions, and nothing that both sides wrote is decided
here: where neither is an earlier state of the other, the document is named and left alone unless
it was said whose side to take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orc_core.sync.paths import MISSING, same
from orc_core.sync.provenance import newest
from orc_core.sync.rules import Rules
from orc_core.text import clean
from orc_storage import acts, documents
from orc_storage.database import Connection, Database, Transaction
from orc_storage.exports import Carried, state
from orc_storage.records import Body, Change, Revision

TIMEOUT_S = 300.0


class Fate(StrEnum):
    """What becomes of one document of an export."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    SAME = "same"
    NEWER_HERE = "newer here"
    CONFLICT = "conflict"
    UNKNOWN = "unknown kind"


class SettingRules:
    """The rules of settings: whoever reads one takes what is not valid in it as not said."""

    def check(self, conn: Connection, before: Body | None, after: Body) -> None:
        """Accept every body."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What becomes, or would become, of one document; `fields` are those that differ."""

    kind: str
    id: str
    fate: Fate
    fields: tuple[str, ...] = ()
    rev: int = 0
    """The revision that was written, 0 where none was."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The fate of every document; `done` is False where nothing was written."""

    landings: tuple[Landing, ...] = ()
    done: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def conflicts(self) -> tuple[Landing, ...]:
        return tuple(one for one in self.landings if one.fate is Fate.CONFLICT)


class Importer:
    """Imports for one actor; `rules` are those of each kind, and other kinds are left out."""

    def __init__(self, db: Database, rules: Mapping[str, Rules], actor: str) -> None:
        self._db = db
        self._rules = rules
        self._actor = actor

    async def foresee(self, carried: Sequence[Carried], take: str = "") -> ImportReport:
        """Say what `bring` would do."""
        return await self._db.read(
            lambda conn: _report([self._landing(conn, one, take) for one in carried]),
            timeout_s=TIMEOUT_S,
        )

    async def bring(self, carried: Sequence[Carried], take: str = "") -> ImportReport:
        """Write what is new as new revisions, all or none; an act that can be undone.

        `take` says whose side counts where both were written, `import` or `store`; without it
        nothing is written as long as there is a conflict. Raises UsageError for a document that
        is not valid here.
        """
        return await self._db.write(lambda tx: self._bring(tx, carried, take), timeout_s=TIMEOUT_S)

    def _bring(self, tx: Transaction, carried: Sequence[Carried], take: str) -> ImportReport:
        planned = [self._landing(tx.conn, one, take) for one in carried]
        if any(one.fate is Fate.CONFLICT for one in planned):
            return _report(planned)
        landed: list[Landing] = []
        changes: list[Change] = []
        for one, landing in zip(carried, planned, strict=True):
            if landing.fate in (Fate.ADDED, Fate.CHANGED, Fate.DELETED):
                change = self._write(tx, one)
                changes.append(change)
                landed.append(
                    Landing(one.kind, change.id, landing.fate, landing.fields, change.to_rev)
                )
            else:
                landed.append(landing)
        # Only now: what a task depends on may come after it.
        for one, landing in zip(carried, planned, strict=True):
            if landing.fate in (Fate.ADDED, Fate.CHANGED):
                self._rules[one.kind].check(tx.conn, None, one.body)
        if changes:
            label = f"import of {len(changes)} document{'' if len(changes) == 1 else 's'}"
            acts.record(tx, actor=self._actor, label=label, changes=changes)
        return _report(landed, done=True)

    def _landing(self, conn: Connection, one: Carried, take: str) -> Landing:
        if one.kind not in self._rules:
            return Landing(one.kind, one.id, Fate.UNKNOWN)
        here = newest(conn, one.kind, one.id)
        if here is None:
            return Landing(one.kind, one.id, Fate.SAME if one.deleted else Fate.ADDED)
        fate = _fate(conn, one, here)
        if fate in (Fate.CONFLICT, Fate.NEWER_HERE) and take == "import":
            fate = Fate.DELETED if one.deleted else Fate.CHANGED
        elif fate is Fate.CONFLICT and take == "store":
            fate = Fate.NEWER_HERE
        return Landing(one.kind, here.id, fate, () if fate is Fate.SAME else _fields(one, here))

    def _write(self, tx: Transaction, one: Carried) -> Change:
        here = newest(tx.conn, one.kind, one.id)
        rev = 0 if here is None else here.rev
        by = clean(one.actor, limit=60) or "somebody unknown"
        cause = f"import: revision {one.rev} by {by}"
        if one.deleted:
            done = documents.delete(tx, one.kind, one.id, rev=rev, actor=self._actor, cause=cause)
        else:
            done = documents.put(
                tx,
                one.kind,
                one.id,
                one.body,
                rev=rev,
                actor=self._actor,
                cause=cause,
                action="import",
            )
        return Change(one.kind, done.id, rev, done.rev)


def _fate(conn: Connection, one: Carried, here: Revision) -> Fate:
    """Compare states: whoever holds an earlier one of the other is behind it."""
    theirs, ours = one.state, state(here.body, deleted=here.deleted)
    if theirs == ours:
        return Fate.SAME
    past = {state(r.body, deleted=r.deleted) for r in documents.history(conn, one.kind, one.id)}
    is_behind, is_ahead = theirs in past, ours in one.past
    if is_behind and is_ahead:
        # Both came back to where the other one stands: only the count of their steps can tell.
        is_behind, is_ahead = one.rev < here.rev, one.rev > here.rev
    if is_behind:
        return Fate.NEWER_HERE
    if is_ahead:
        return Fate.DELETED if one.deleted else Fate.CHANGED
    return Fate.CONFLICT


def _fields(one: Carried, here: Revision) -> tuple[str, ...]:
    if one.deleted or here.deleted:
        return ()
    names = sorted(one.body.keys() | here.body.keys())
    return tuple(
        clean(name, limit=40)
        for name in names
        if not same(one.body.get(name, MISSING), here.body.get(name, MISSING))
    )


def _report(landings: Sequence[Landing], *, done: bool = False) -> ImportReport:
    counts = {fate.value: sum(one.fate is fate for one in landings) for fate in Fate}
    return ImportReport(tuple(landings), done, counts)
