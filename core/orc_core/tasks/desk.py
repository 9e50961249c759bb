"""The desk where tasks are added and edited.

Invariant: a task is written in one transaction with its revision, its journal entry and the
act that takes it back; what the rules refuse leaves no trace, not even a used-up id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orc_core.errors import OrcError, UnknownName, UsageError
from orc_core.model.history import Tally, spelled
from orc_core.model.task import TEXT_MAX, Status, Task
from orc_core.model.task_body import TaskBody
from orc_core.tasks.ages import ages
from orc_core.tasks.graph import view
from orc_core.tasks.handover import decide
from orc_core.tasks.machine import move
from orc_core.tasks.rules import KIND, TaskRules, read_body
from orc_core.text import clean
from orc_storage import acts, documents, keys, salvage
from orc_storage.canonical import digest, encode
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import DamagedDocument, StaleRevision
from orc_storage.records import Body, Change, Document, Json

PREFIX: Final = "T"
FIELDS: Final = tuple(name for name in TaskBody.model_fields if name != "id")


class Tasks:
    """Tasks of one store: add, edit, move, look."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rules = TaskRules()

    async def add(
        self, title: str, *, actor: str, cause: str, key: str = "", **fields: Json
    ) -> Task:
        """Add a task; `fields` are those of TaskBody.

        What was asked for under the same `key` within a day is not added again: that task is
        returned as it is now. Raises UsageError naming the field that is wrong, the dependency
        that is not there, the circle of dependencies, or a key that was used for something else.
        """
        given = _clean_fields({"title": title, **fields})
        asked = digest(encode(given))

        def work(tx: Transaction) -> Task:
            before = keys.find(tx.conn, key, now=tx.at) if key else None
            if before is not None:
                return _asked_before(tx.conn, key, before, asked)
            id = documents.allocate(tx, PREFIX)
            if key:
                keys.remember(tx, key, keys.Made(KIND, id, asked))
            body = TaskBody.model_construct(id=id).model_dump() | given
            body["depends_on"] = _known(tx.conn, id, body["depends_on"], [])
            self._rules.check(tx.conn, None, body)
            made = documents.put(tx, KIND, id, body, rev=0, actor=actor, cause=cause, action="add")
            _record(tx, actor, f"add {id}", 0, made)
            return _shown(tx.conn, made)

        return await self._db.write(work)

    async def edit(
        self,
        id: str,
        fields: Mapping[str, Json],
        *,
        actor: str,
        cause: str,
        rev: int | None = None,
    ) -> Task:
        """Change fields of a task; with `rev`, only if that is still its revision.

        A status goes through the task machine. Raises UnknownName, UsageError, IllegalMove,
        StaleRevision.
        """
        given = _clean_fields(fields)

        def work(tx: Transaction) -> Task:
            found = _find(tx.conn, id)
            if rev is not None and rev != found.rev:
                raise StaleRevision(KIND, found.id, rev, found.rev)
            written = self._change(tx, found, given, actor, cause)
            if written is None:
                return _shown(tx.conn, found)
            changed = [name for name in given if written.body[name] != found.body.get(name)]
            label = f"edit {found.id} {', '.join(changed)}"
            if changed == ["status"]:
                label = f"set {found.id} to {written.body['status']}"
            _record(tx, actor, label, found.rev, written)
            return _shown(tx.conn, written)

        return await self._db.write(work)

    def _change(
        self, tx: Transaction, found: Document, given: Body, actor: str, cause: str
    ) -> Document | None:
        """Write other fields of a task; None where they say nothing new."""
        body = found.body | given
        if "depends_on" in given:
            body["depends_on"] = _known(
                tx.conn, found.id, given["depends_on"], found.body.get("depends_on")
            )
        if all(body[name] == found.body.get(name) for name in given):
            return None
        self._rules.check(tx.conn, found.body, body)
        if body.get("status") != found.body.get("status"):
            decide(tx, found.id, Status(str(body["status"])), actor=actor)
        return documents.put(tx, KIND, found.id, body, rev=found.rev, actor=actor, cause=cause)

    async def edit_many(
        self, ids: Sequence[str], fields: Mapping[str, Json], *, actor: str, cause: str
    ) -> Tally:
        """Change fields of several tasks as one act; what the rules refuse stays, and says why.

        A task that is so already counts as done.
        """
        given = _clean_fields(fields)
        told = ", ".join(f"{name} {json.dumps(value)}" for name, value in given.items())
        word = f"set to {given['status']}" if list(given) == ["status"] else f"set to {told}"

        def change(tx: Transaction, found: Document) -> Document | None:
            return self._change(tx, found, given, actor, cause)

        return await self._many(ids, change, word, actor=actor)

    async def delete_many(self, ids: Sequence[str], *, actor: str, cause: str) -> Tally:
        """Delete several tasks as one act; their history stays."""

        def change(tx: Transaction, found: Document) -> Document:
            decide(tx, found.id, Status.CANCELLED, actor=actor)
            return documents.delete(tx, KIND, found.id, rev=found.rev, actor=actor, cause=cause)

        return await self._many(ids, change, "deleted", actor=actor)

    async def _many(
        self,
        ids: Sequence[str],
        change: Callable[[Transaction, Document], Document | None],
        word: str,
        *,
        actor: str,
    ) -> Tally:
        def work(tx: Transaction) -> Tally:
            done: list[str] = []
            refused: list[str] = []
            changes: list[Change] = []
            for id in dict.fromkeys(ids):
                try:
                    found = _find(tx.conn, id)
                    written = change(tx, found)
                except (OrcError, DamagedDocument) as error:
                    refused.append(str(error))
                    continue
                done.append(found.id)
                if written is not None:
                    changes.append(Change(KIND, found.id, found.rev, written.rev))
            if changes:
                label = f"{spelled([one.id for one in changes])}: {word}"
                acts.record(tx, actor=actor, label=label, changes=tuple(changes))
            return Tally(tuple(done), tuple(refused), word)

        return await self._db.write(work)

    async def set_status(self, id: str, status: Status, *, actor: str, cause: str) -> Task:
        """Move a task along an arrow of the machine; raises UnknownName, IllegalMove."""
        return await self.edit(id, {"status": str(status)}, actor=actor, cause=cause)

    async def listing(self) -> tuple[Task, ...]:
        """Return all tasks in the order of their ids."""

        def work(conn: Connection) -> tuple[Task, ...]:
            found = documents.listing(conn, KIND)
            return view(found, since={id: age.since for id, age in ages(conn, found).items()})

        return await self._db.read(work)

    async def get(self, id: str) -> Task:
        """Return one task, found without regard to case; raises UnknownName."""
        return await self._db.read(lambda conn: _shown(conn, _find(conn, id)))


def _asked_before(conn: Connection, key: str, before: keys.Made, asked: str) -> Task:
    if before.asked != asked:
        raise UsageError(
            f"the key {clean(key, limit=80)!r} stands for {before.id}, which was asked for with"
            " other fields: use another key"
        )
    return _shown(conn, _find(conn, before.id))


def made(id: str, fields: Mapping[str, Json]) -> Body:
    """The body of a new task; raises UsageError naming the field that is wrong.

    What it depends on is not looked up.
    """
    body = TaskBody.model_construct(id=id).model_dump() | _clean_fields(fields)
    read_body(body)
    return body


def edited(before: Document, fields: Mapping[str, Json]) -> Body:
    """The body of a task with other fields; raises UsageError, IllegalMove.

    What it depends on is not looked up.
    """
    body = before.body | _clean_fields(fields)
    after = read_body(body)
    move(after.id, str(before.body.get("status", "ready")), after.status)
    return body


def _find(conn: Connection, id: str) -> Document:
    found = documents.get(conn, KIND, id)
    if found is None:
        raise UnknownName(f"no task goes by {clean(id, limit=80)!r}: `orc tasks` lists them")
    return found


def _shown(conn: Connection, document: Document) -> Task:
    needed = document.body.get("depends_on")
    others = [
        other
        for id in (needed if isinstance(needed, list) else ())
        if (other := _other(conn, str(id))) is not None
    ]
    since = {document.id: ages(conn, [document])[document.id].since}
    return view([document, *others], since=since)[0]


def _other(conn: Connection, id: str) -> Document | None:
    """A task that another one waits for; it may be damaged, and is there all the same."""
    try:
        return salvage.readable(conn, KIND, id)
    except DamagedDocument as error:
        return salvage.stand_in(conn, KIND, error.id, error.rev)


def _record(tx: Transaction, actor: str, label: str, from_rev: int, made: Document) -> None:
    change = Change(KIND, made.id, from_rev, made.rev)
    acts.record(tx, actor=actor, label=label, changes=(change,))


def _known(conn: Connection, id: str, wanted: Json, before: Json) -> Json:
    """Spell dependencies as their tasks are spelled; refuse new ones that are not there."""
    if not isinstance(wanted, list):
        return wanted  # the rules say what is wrong with it
    had = {str(item).casefold() for item in before} if isinstance(before, list) else set()
    spelled: list[Json] = []
    for item in wanted:
        found = _other(conn, str(item))
        if found is None and str(item).casefold() not in had:
            raise UsageError(
                f"{id}: depends_on names {clean(str(item), limit=63)!r}, which is no task:"
                " `orc tasks` lists them"
            )
        spelled.append(item if found is None else found.id)
    return list(dict.fromkeys(spelled)) if all(isinstance(s, str) for s in spelled) else spelled


def _clean_fields(fields: Mapping[str, Json]) -> Body:
    """Refuse what is no field of a task, and clean what will be shown."""
    for name in fields:
        if name not in FIELDS:
            raise UsageError(
                f"a task has no field {clean(name, limit=40)!r} to set; it has {', '.join(FIELDS)}"
            )
    return {name: _clean_value(name, value) for name, value in fields.items()}


def _clean_value(name: str, value: Json) -> Json:
    if isinstance(value, str):
        # One character more than fits, so that what is too long is refused and not cut.
        return clean(value, limit=TEXT_MAX + 1, newlines=name == "text")
    if isinstance(value, list | tuple):
        return [_clean_value(name, item) for item in value]
    return value
