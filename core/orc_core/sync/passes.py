"""One pass over documents of one layer: read, settle, give, record.

Invariant: passes do not overlap, and within one each document is handled once; a pass leaves
behind what it could not finish, and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import LayerOffline, LayerSpun, OrcError
from orc_core.sync.absences import Absences, are_too_many, question
from orc_core.sync.bringing import Bringing, Verdict
from orc_core.sync.conflicts import call_back_due, list_due
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Key, Layer, Reading, Unreadable, absent
from orc_core.sync.paths import same
from orc_core.sync.rules import Rules
from orc_core.sync.standing import Standing
from orc_core.sync.tally import Later, Tally
from orc_storage import bases, documents
from orc_storage.database import Connection, Database
from orc_storage.errors import StorageError
from orc_storage.records import Base, Document, Finding

RETRIES_MAX: Final = 3
AT_ONCE: Final = 24
"""Documents that share a commit; as many as keep no other writer waiting for long."""
CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows of some documents, by folded id."""

    documents: Mapping[str, Document]
    bases: Mapping[str, Base]
    damaged: Mapping[str, Finding]
    """What is there and is not to be believed: neither changed nor deleted."""

    def ids(self) -> dict[str, str]:
        """Return the ids of all that is known, by folded id."""
        found = {id: base.id for id, base in self.bases.items()}
        return found | {id: document.id for id, document in self.documents.items()}

    def is_settled(self, reading: Reading) -> bool:
        """Whether nothing changed on either side since the layer was given what it holds."""
        id = reading.id.casefold()
        base, document = self.bases.get(id), self.documents.get(id)
        if isinstance(reading, Unreadable) or base is None or document is None:
            return False
        return (
            reading.sha256 == base.seen_sha256
            and document.rev == base.rev
            and same(base.body, base.seen)
            and same(document.body, base.seen)
        )

    def is_strange(self, reading: Reading) -> bool:
        """Whether something stands there that is no copy, where none was expected."""
        known = self.ids()
        return (
            isinstance(reading, Unreadable)
            and reading.foreign
            and reading.id.casefold() not in known
        )

    def is_missing(self, reading: Reading) -> bool:
        """Whether a copy is gone that the layer had, while the store still has the document."""
        base = self.bases.get(reading.id.casefold())
        return (
            isinstance(reading, Copy)
            and reading.body is None
            and not reading.is_lost
            and base is not None
            and base.seen is not None
            and reading.id.casefold() in self.documents
        )


class Passes:
    """Passes over one layer and the store; `rules` are those of each kind that is synced.

    How the layer and the store stand is told to `standing` and `store`.
    """

    def __init__(
        self,
        db: Database,
        layer: Layer,
        clock: Clock,
        rules: Mapping[str, Rules],
        *,
        standing: Standing,
        store: Standing,
    ) -> None:
        self._db = db
        self._layer = layer
        self._clock = clock
        self._rules = rules
        self._standing = standing
        self._store = store
        self._absences = Absences()
        self._attempts: dict[Key, int] = {}
        self._gate = asyncio.Lock()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are synced; a layer may know only when it runs which it holds."""
        return tuple(kind for kind in self._rules if kind in self._layer.kinds)

    @property
    def everything(self) -> frozenset[Key]:
        """What names all documents of all kinds."""
        return frozenset((kind, "") for kind in self.kinds)

    async def prepare(self) -> None:
        """Make the places where documents live; raises LayerOffline."""
        for kind in self.kinds:
            await self._layer.prepare(kind)
        self._standing.was_reached()

    async def run(
        self,
        names: Collection[Key],
        tally: Tally,
        *,
        believe: Collection[Key] = (),
        accept_deletions: bool = False,
    ) -> Later:
        """Sync the documents named; one without an id stands for all of its kind.

        What is unreadable counts as a fault if it is in `believe` or known already, else it is
        left for later. Raises LayerOffline and StorageError where one side cannot be read at all.
        """
        later = Later()
        whole = [kind for kind in self.kinds if (kind, "") in names]
        single = sorted(key for key in names if key[0] not in whole and key[0] in self.kinds)
        async with self._gate:
            self._standing.passes += 1
            try:
                readings = await self._look_at_all(whole, later, accept_deletions)
                readings += await self._look_at(single, later) if single else []
                for chunk in self._chunks(readings):
                    self._judge(await self._bring(chunk, tally, later), believe, later)
                await self._layer.finish()
            except LayerOffline as error:
                self._standing.errors += 1
                self._standing.goes_offline(str(error))
                raise
            except StorageError as error:
                self._standing.errors += 1
                self._store.errors += 1
                self._store.goes_offline(str(error))
                raise
            if set(whole) >= set(self.kinds):
                self._standing.was_reached()
                self._store.was_reached()
        return later

    async def _look_at(self, names: Collection[Key], later: Later) -> list[Reading]:
        known = await self._db.read(lambda conn: _look_up(conn, self._layer.name, names))
        found: list[Reading] = []
        for kind, id in names:
            if self._is_damaged((kind, id), known[kind]):
                continue
            reading = await self._layer.read(kind, id)
            if reading is None:
                self._is_right((kind, id))
            elif known[kind].is_missing(reading):
                self._absences.note((kind, id), self._clock.monotonic())
                later.missed = True
            elif known[kind].is_settled(reading) or known[kind].is_strange(reading):
                self._is_right((kind, id))
            else:
                found.append(reading)
        return found

    async def _look_at_all(
        self, kinds: Collection[str], later: Later, accept_deletions: bool
    ) -> list[Reading]:
        if kinds:
            await self._call_back_due()
        due: list[Reading] = []
        for kind in kinds:
            is_new = await self._layer.prepare(kind)
            if kind not in self._layer.kinds:
                continue
            due += await self._look_at_kind(kind, later, accept_deletions, is_new=is_new)
        return due

    async def _look_at_kind(
        self, kind: str, later: Later, accept_deletions: bool, *, is_new: bool
    ) -> list[Reading]:
        layer = self._layer.name
        readings = await self._layer.scan(kind)
        known = await self._db.read(partial(_look_up_all, layer=layer, kind=kind))
        faulty = {id.casefold(): id for id in self._standing.faulty(kind)}
        there = {id.casefold() for id in readings}
        ids = faulty | known.ids() if self._layer.lists_all else {}  # the document's spelling
        for id, name in faulty.items():
            if name not in readings and (id in there or ids.get(id) != name):
                self._is_right((kind, name))
        lost = [absent(layer, kind, ids[id], is_lost=is_new) for id in ids if id not in there]
        for id in {*self._store.faulty(kind), *(one.id for one in known.damaged.values())}:
            self._is_damaged((kind, id), known)
        due: list[Reading] = []
        missing: dict[Key, Reading] = {}
        for number, reading in enumerate((*readings.values(), *lost), start=1):
            if number % CHUNK == 0:
                await asyncio.sleep(0)  # comparing a thousand bodies is felt on the screen
            key = (kind, reading.id)
            if reading.id.casefold() in known.damaged:
                continue
            if known.is_missing(reading):
                missing[key] = reading
            elif known.is_settled(reading):
                self._is_right(key)
            else:
                due.append(reading)
        gone = self._confirm(kind, missing, known, later, accept_deletions)
        # What was not listed may still be in the way there: that is a fault and no deletion.
        again = [await self._layer.read(kind, reading.id) for reading in gone]
        return due + [reading for reading in again if reading is not None]

    def _confirm(
        self,
        kind: str,
        missing: Mapping[Key, Reading],
        known: _Known,
        later: Later,
        accept_deletions: bool,
    ) -> list[Reading]:
        """Return the absent copies that count as removed."""
        gone = self._absences.look(kind, missing, self._clock.monotonic())
        had = sum(base.seen is not None for base in known.bases.values())
        if are_too_many(len(missing), had) and not accept_deletions:
            self._standing.fault((kind, ""), question(kind, len(missing), had))
            return []
        self._standing.is_right((kind, ""))
        later.missed = later.missed or len(gone) < len(missing)
        return [reading for key, reading in missing.items() if key in gone]

    async def _call_back_due(self) -> None:
        now = self._clock.now()
        if await self._db.read(partial(list_due, now=now)):
            await self._db.write(partial(call_back_due, now=now))

    def _chunks(self, readings: Sequence[Reading]) -> Iterator[Sequence[Reading]]:
        """What is brought in step together; what failed before takes no other down with it."""
        failed = [one for one in readings if (one.kind, one.id) in self._attempts]
        rest = [one for one in readings if (one.kind, one.id) not in self._attempts]
        for begin in range(0, len(rest), AT_ONCE):
            yield rest[begin : begin + AT_ONCE]
        for one in failed:
            yield [one]

    async def _bring(
        self, chunk: Sequence[Reading], tally: Tally, later: Later
    ) -> Mapping[Key, Verdict]:
        def missed(key: Key) -> None:
            self._absences.note(key, self._clock.monotonic())
            later.missed = True

        bringing = Bringing(self._db, self._layer, self._rules, self._store, missed)
        try:
            verdicts = await bringing.bring(chunk, tally)
        except Exception as error:
            return {(one.kind, one.id): error for one in chunk}
        for verdict in verdicts.values():
            if isinstance(verdict, LayerSpun):
                raise verdict  # with the next document it would spin again
        return verdicts

    def _judge(
        self, verdicts: Mapping[Key, Verdict], believe: Collection[Key], later: Later
    ) -> None:
        for key, verdict in verdicts.items():
            if isinstance(verdict, Exception):
                tries = self._attempts[key] = self._attempts.get(key, 0) + 1
                if tries <= RETRIES_MAX:
                    later.again.add(key)
                else:
                    self._standing.fail(key, said(verdict))
            elif not verdict:
                self._is_right(key)
            elif key in believe or self._standing.says(key, verdict):
                self._standing.fault(key, verdict)
            else:
                later.doubtful.add(key)

    def _is_damaged(self, key: Key, known: _Known) -> bool:
        """Whether the store cannot say what a document is; then no layer is told anything."""
        found = known.damaged.get(key[1].casefold())
        if found is None:
            self._store.is_right(key)
            return False
        text = found.text.removeprefix(f"{found.kind} {found.id} ")
        self._store.fault((found.kind, found.id), text)
        return True

    def _is_right(self, key: Key) -> None:
        self._standing.is_right(key)
        self._attempts.pop(key, None)


def said(error: Exception) -> str:
    """Say what went wrong; what we did not foresee is named as a defect."""
    if isinstance(error, OrcError | StorageError):
        return str(error)
    return f"cannot be synced ({type(error).__name__}: {str(error)[:160]}): please report this"


def _look_up(conn: Connection, layer: str, names: Collection[Key]) -> dict[str, _Known]:
    found: dict[str, _Known] = {}
    for kind in {kind for kind, _ in names}:
        ids = [id for each, id in names if each == kind]
        damaged: list[Finding] = []
        held = documents.of(conn, kind, ids, damaged=damaged)
        agreed = [base for id in ids if (base := bases.get(conn, layer, kind, id)) is not None]
        found[kind] = _fold(held, agreed, damaged)
    return found


def _look_up_all(conn: Connection, layer: str, kind: str) -> _Known:
    damaged: list[Finding] = []
    held = documents.listing(conn, kind, damaged=damaged)
    return _fold(held, bases.listing(conn, layer, kind), damaged)


def _fold(
    held: Collection[Document], agreed: Collection[Base], damaged: Collection[Finding]
) -> _Known:
    return _Known(
        {document.id.casefold(): document for document in held},
        {base.id.casefold(): base for base in agreed},
        {one.id.casefold(): one for one in damaged},
    )
