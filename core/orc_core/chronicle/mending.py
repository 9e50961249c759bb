"""Mending a damaged document: what is left of it, written as a new revision.

Invariant: the damaged row stays where it is, and nothing is written that was never said of that
document. Where what comes back is not what was there last, no layer is overwritten by it: what
they hold beside it is for a person to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from orc_core.errors import OrcError, UnknownName, UsageError
from orc_core.sync.rules import Rules
from orc_core.text import clean
from orc_storage import acts, bases, conflicts, documents, engine, journal, salvage
from orc_storage.backups import FOLDER as BACKUPS
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import DamagedDocument, DamagedRow, FileFault, InvalidId, StorageError
from orc_storage.files import FOLDERS, Mirror, parse
from orc_storage.mends import ACTION
from orc_storage.records import Body, Change
from orc_storage.salvage import Promise, Salvaged
from orc_storage.segments import FOLDER as ARCHIVES

CONFLICT: Final = "conflict"
TRIED_MAX: Final = 10_000
"""How many former states of a document are looked at."""
TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Mended:
    """What a document got back, or would: as which revision, what it was, and who had it.

    `is_whole` says that it is what was there last: nothing is lost. `rev` is 0 where nothing was
    written, `was` where it is not known which revision it was.
    """

    kind: str
    id: str
    rev: int
    was: int
    source: str
    is_whole: bool
    body: Body


class Mender:
    """Mends documents of one store; `rules` are those of each kind."""

    def __init__(self, db: Database, rules: Mapping[str, Rules], actor: str) -> None:
        self._db = db
        self._rules = rules
        self._actor = actor
        self._mirror = Mirror(db.folder / "files")

    async def mend(self, kind: str, id: str, *, rev: int = 0, dry_run: bool = False) -> Mended:
        """Bring back what was there last, or revision `rev`, from wherever it still is.

        Raises UsageError where nothing is damaged, UnknownName where there is no such document,
        OrcError where nothing is left of it.
        """
        if kind == CONFLICT:
            return await self._ask_again(id, dry_run=dry_run)
        lost = await self._db.read(lambda conn: _look(conn, kind, id))
        best = await self._find(kind, lost, rev)
        is_whole = best.sha256 == lost.sha256
        mended = Mended(kind, lost.id, 0, best.rev, best.source, is_whole, best.body)
        if dry_run:
            return mended
        written = await self._db.write(lambda tx: self._write(tx, kind, lost, best))
        return replace(mended, rev=written)

    async def _find(self, kind: str, lost: Promise, rev: int) -> Salvaged:
        """What was there last, else the newest that is known by its number, else the file."""

        def work(conn: Connection) -> Salvaged:
            seen: list[Salvaged] = []
            for one in islice(self._sources(conn, kind, lost.id), TRIED_MAX):
                if one.rev == rev if rev else one.sha256 == lost.sha256:
                    return one
                seen.append(one)
            if rev:
                known = ", ".join(map(str, sorted({one.rev for one in seen if one.rev})))
                raise UnknownName(
                    f"revision {rev} of {lost.id} is nowhere, there are: {known or 'none'}"
                )
            if not seen:
                raise OrcError(
                    f"nothing is left of {kind} {lost.id}: no revision, archive, backup or file"
                    " has it"
                )
            return max(seen, key=lambda one: one.rev)

        return await self._db.read(work, timeout_s=TIMEOUT_S)

    def _sources(self, conn: Connection, kind: str, id: str) -> Iterator[Salvaged]:
        folder = self._db.folder
        yield from salvage.of_store(conn, kind, id)
        yield from salvage.of_archives(conn, folder / ARCHIVES, kind, id)
        yield from salvage.of_backups(engine.pick(), folder / BACKUPS, kind, id)
        yield from self._of_file(conn, kind, id)

    def _of_file(self, conn: Connection, kind: str, id: str) -> Iterator[Salvaged]:
        if kind not in FOLDERS:
            return
        try:
            file = self._mirror.read(kind, id)
            if file is None or file.trouble:
                return
            body, _ = parse(file.data, id)
            if (rules := self._rules.get(kind)) is not None:
                rules.check(conn, None, body)
        except (FileFault, InvalidId, OrcError, StorageError):
            return
        # Its number says what it was made on, not what it is: somebody may have edited it since.
        yield Salvaged(body, False, 0, f"the file {id}.json")

    def _write(self, tx: Transaction, kind: str, lost: Promise, best: Salvaged) -> int:
        now = _look(tx.conn, kind, lost.id)
        if now != lost:
            raise OrcError(f"{kind} {lost.id} was written meanwhile: look at it again")
        sound = salvage.last_sound(tx.conn, kind, lost.id)
        cause = f"mend: {best.source}"
        written = documents.mend(
            tx, kind, lost.id, best.body, deleted=best.deleted, actor=self._actor, cause=cause
        )
        if best.sha256 != lost.sha256:
            bases.remove_all(tx, kind, lost.id)
        change = Change(kind, lost.id, 0 if sound is None else sound.rev, written.rev)
        acts.record(tx, actor=self._actor, label=f"mend {lost.id}", changes=(change,))
        return written.rev

    async def _ask_again(self, id: str, *, dry_run: bool) -> Mended:
        """Close a conflict that cannot be read; the next sync opens it from what both hold."""

        def work(tx: Transaction) -> Mended:
            try:
                found = conflicts.get(tx.conn, id)
            except DamagedRow as error:
                spelled = error.id
            else:
                raise _sound(CONFLICT, id) if found else _unknown(CONFLICT, id)
            layer, doc_kind, doc = conflicts.close_damaged(tx, spelled)
            base = bases.get(tx.conn, layer, doc_kind, doc)
            if base is not None:
                # What the layer holds counts as its edit again.
                bases.put(tx, replace(base, seen=base.body, seen_sha256=""))
            journal.append(tx, actor=self._actor, action=ACTION, kind=CONFLICT, id=spelled)
            source = f"{doc_kind} {doc} in the {layer} and the store"
            return Mended(CONFLICT, spelled, 0, 0, source, False, {})

        return await self._db.write(lambda tx: _undone(tx, work) if dry_run else work(tx))


def _look(conn: Connection, kind: str, id: str) -> Promise:
    """Say what a damaged document was last.

    Raises UsageError where nothing is damaged, UnknownName where there never was one.
    """
    documents.check_id(id)
    try:
        documents.get(conn, kind, id)
        found = documents.newest(conn, kind, id)
    except DamagedDocument as error:
        return salvage.promised(conn, kind, id) or Promise(str(error.id), 0, "")
    if found is None:
        if (promise := salvage.promised(conn, kind, id)) is None:
            raise _unknown(kind, id)
        return promise
    raise _sound(kind, found.id)


def _undone(tx: Transaction, work: Callable[[Transaction], Mended]) -> Mended:
    tx.conn.execute("SAVEPOINT look")
    try:
        return work(tx)
    finally:
        tx.conn.execute("ROLLBACK TO look")
        tx.conn.execute("RELEASE look")


def _sound(kind: str, id: str) -> UsageError:
    return UsageError(
        f"{kind} {clean(id, limit=63)} is sound as it is now, and older revisions are not mended:"
        " `orc revert` goes back to one that can be read"
    )


def _unknown(kind: str, id: str) -> UnknownName:
    return UnknownName(f"there never was a {clean(kind, limit=40)} {clean(id, limit=63)}")
