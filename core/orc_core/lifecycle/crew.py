"""The crew: the documents of the agents that were spawned, adopted or registered.

Invariant: a name belongs to one agent, without regard to case; it is taken in the transaction
that checks it. An agent that was forgotten leaves its history and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from orc_core.agents.names import Declared
from orc_core.errors import UnknownName, UsageError
from orc_core.lifecycle.rules import KIND, AgentRules, clean_fields, known
from orc_core.model.agent import PaneRef
from orc_core.model.agent_body import AgentBody
from orc_core.model.life import Known
from orc_core.text import clean
from orc_storage import acts, documents, lives
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import DamagedDocument
from orc_storage.records import BeatRow, Change, Document, Finding, Json, StandingRow

NAME_TRIES: Final = 10_000


class Crew:
    """The agents of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rules = AgentRules()
        self._read: dict[str, tuple[int, Known | None]] = {}
        self.damaged: tuple[Finding, ...] = ()
        """Agents that the store cannot tell any more; what was read of them last stands."""

    async def listing(self) -> tuple[Known, ...]:
        """All agents in the order of their names; a document that is not valid is left out."""
        found, self.damaged = await self._db.read(_all)
        # Checking a body costs more than reading it, and most are as they were.
        read = self._read
        self._read = {
            one.id: read[one.id] if read.get(one.id, (0,))[0] == one.rev else (one.rev, _valid(one))
            for one in found
        } | {one.id: read[one.id] for one in self.damaged if one.id in read}
        return tuple(known for _, known in self._read.values() if known is not None)

    async def get(self, name: str) -> Known:
        """One agent, found without regard to case; raises UnknownName."""
        return await self._db.read(lambda conn: _get(conn, name))

    async def find(self, name: str) -> Known | None:
        return await self._db.read(lambda conn: _find(conn, name))

    async def add(
        self,
        fields: Mapping[str, Json],
        *,
        name: str,
        base: str,
        taken: Collection[str],
        actor: str,
        cause: str,
        label: str = "",
    ) -> Known:
        """Write a new agent under `name`, or under the first free `base-N` where that is "".

        `taken` are further names that are not free. With `label` the act can be undone. Raises
        UsageError naming the field that is wrong, or the name that is taken.
        """
        given = clean_fields(fields)
        closed = {one.casefold() for one in taken}

        def work(tx: Transaction) -> Known:
            id = _free(tx.conn, name, closed) if name else _next(tx.conn, base, closed)
            body = AgentBody.model_construct(id=id).model_dump() | given
            self._rules.check(tx.conn, None, body)
            made = documents.put(tx, KIND, id, body, rev=0, actor=actor, cause=cause, action="add")
            if label:
                change = Change(KIND, id, 0, made.rev)
                acts.record(tx, actor=actor, label=f"{label} {id}", changes=(change,))
            return known(made)

        return await self._db.write(work)

    async def edit(
        self,
        name: str,
        fields: Mapping[str, Json],
        *,
        actor: str,
        cause: str,
        label: str = "",
    ) -> Known:
        """Change fields of an agent, whatever its revision; raises UnknownName, UsageError."""
        given = clean_fields(fields)

        def work(tx: Transaction) -> Known:
            found = _document(tx.conn, name)
            body = found.body | given
            if body == found.body:
                return known(found)
            self._rules.check(tx.conn, found.body, body)
            made = documents.put(tx, KIND, found.id, body, rev=found.rev, actor=actor, cause=cause)
            if label:
                change = Change(KIND, found.id, found.rev, made.rev)
                acts.record(tx, actor=actor, label=f"{label} {found.id}", changes=(change,))
            return known(made)

        return await self._db.write(work)

    async def drop(self, name: str, *, actor: str, cause: str, label: str = "") -> Known:
        """Take an agent off the crew, with all that is remembered of it; raises UnknownName."""

        def work(tx: Transaction) -> Known:
            found = _document(tx.conn, name)
            gone = documents.delete(tx, KIND, found.id, rev=found.rev, actor=actor, cause=cause)
            lives.forget(tx, found.id)
            if label:
                change = Change(KIND, found.id, found.rev, gone.rev)
                acts.record(tx, actor=actor, label=f"{label} {found.id}", changes=(change,))
            return known(found)

        return await self._db.write(work)

    async def beat(self, row: BeatRow) -> None:
        await self._db.write(lambda tx: lives.beat(tx, row))

    async def beats(self) -> dict[str, BeatRow]:
        """The last sign of life of each agent, by its name in lower case."""
        rows = await self._db.read(lives.beats)
        return {row.name.casefold(): row for row in rows}

    async def stand(self, row: StandingRow) -> None:
        await self._db.write(lambda tx: lives.stand(tx, row))

    async def standings(self) -> dict[str, StandingRow]:
        """What is remembered of each supervised agent, by its name in lower case."""
        rows = await self._db.read(lives.standings)
        return {row.name.casefold(): row for row in rows}


def declared(all: Iterable[Known]) -> tuple[dict[PaneRef, Declared], tuple[str, ...]]:
    """How the panes of agents are to be called, and all names that are theirs."""
    named = {
        one.pane: Declared(one.name, one.kind, stopped=one.wanted == "stopped")
        for one in all
        if one.pane is not None
    }
    return named, tuple(one.name for one in all)


def base_of(program: str) -> str:
    """What the names of agents that run a program begin with: `my_agent.py` gives `my-agent`."""
    stem = re.sub(r"\.(py|js|sh|ts|rb|pl)$", "", program.rpartition("/")[2])
    safe = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:40]
    return safe or "agent"


def _free(conn: Connection, name: str, closed: Collection[str]) -> str:
    documents.check_id(name)
    if name.casefold() in closed or _is_taken(conn, name):
        raise UsageError(f"the name {name} is taken: choose another --name, see `orc agents`")
    return _as_spelled(conn, name)


def _next(conn: Connection, base: str, closed: Collection[str]) -> str:
    for number in range(1, NAME_TRIES):
        name = f"{base}-{number}"
        if name.casefold() not in closed and not _is_taken(conn, name):
            return _as_spelled(conn, name)
    raise UsageError(f"{base}-1 to {base}-{NAME_TRIES - 1} are all taken: give a --name")


def _all(conn: Connection) -> tuple[list[Document], tuple[Finding, ...]]:
    damaged: list[Finding] = []
    return documents.listing(conn, KIND, damaged=damaged), tuple(damaged)


def _is_taken(conn: Connection, name: str) -> bool:
    try:
        return documents.get(conn, KIND, name) is not None
    except DamagedDocument:
        return True


def _as_spelled(conn: Connection, name: str) -> str:
    """A name that a forgotten agent had is spelled as that one spelled it."""
    row = conn.execute("SELECT id FROM document WHERE kind = ? AND id = ?", (KIND, name)).fetchone()
    return name if row is None else str(row[0])


def _valid(document: Document) -> Known | None:
    try:
        return known(document)
    except UsageError:
        return None  # somebody wrote it by other means; it is shown nowhere and stays as it is


def _document(conn: Connection, name: str) -> Document:
    found = documents.get(conn, KIND, name) if documents.ID_PATTERN.fullmatch(name) else None
    if found is None:
        raise UnknownName(
            f"no agent {clean(name, limit=80)!r} was spawned, adopted or registered here: "
            "`orc adopt` makes one known"
        )
    return found


def _get(conn: Connection, name: str) -> Known:
    return known(_document(conn, name))


def _find(conn: Connection, name: str) -> Known | None:
    try:
        return _get(conn, name)
    except UnknownName:
        return None
