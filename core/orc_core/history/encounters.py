"""What was said of encounters in code, and when each began and ended: kept in the journal.

Invariant: an encounter that is begun is ended before it begins again, whichever process sees it,
and each is counted once, in the transaction in which it is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.clock import Clock
from orc_core.model.history import Report
from orc_core.sync.settlement import day_of
from orc_storage import counters, journal
from orc_storage.database import Connection, Database, Transaction
from orc_storage.records import Body, Clash, Conflict, Filter

KIND: Final = "encounter"
ACTOR: Final = "watch"
KNOWN_MAX: Final = 200
"""How many entries are looked at; what is older than these is over."""
LOOK_S: Final = 2.0
_BEGUN, _ENDED, _DEFERRED = "begin", "end", "defer"


@dataclass(frozen=True, slots=True)
class Seen:
    """How many files two agents were in at once, and how many merges would have conflicted."""

    overlaps: int = 0
    forecasts: int = 0


def put_off(conn: Connection, now: float) -> Mapping[str, float]:
    """Until when encounters are deferred, by id; those of which that is over are left out."""
    found: dict[str, float] = {}
    for entry in journal.page(conn, Filter(kind=KIND), limit=KNOWN_MAX):
        until = entry.detail.get("until")
        if entry.action == _DEFERRED and entry.id not in found and isinstance(until, float):
            found[entry.id] = until
    return {id: until for id, until in found.items() if until > now}


def seen(conn: Connection) -> Seen:
    """What was written down of all that there were."""
    return Seen(*(counters.total(conn, kind.value) for kind in (Clash.OVERLAP, Clash.FORECAST)))


async def defer(db: Database, conflict_id: str, until: float, *, actor: str) -> Report:
    """Put an encounter off until a time, in seconds since the epoch; 0 takes it up again."""

    def work(tx: Transaction) -> Report:
        told: Body = {"until": until, "cause": "deferred" if until else "taken up again"}
        journal.append(tx, actor=actor, action=_DEFERRED, kind=KIND, id=conflict_id, detail=told)
        text = f"{conflict_id} is {told['cause']}"
        return Report(f"{text}: L takes it up again" if until else text, undoable=False)

    return await db.write(work)


class Encounters:
    """Writes down which encounters begin and end, while this process leads.

    `now` gives those that are there.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        now: Callable[[], Sequence[Conflict]],
        *,
        leads: Callable[[], bool],
    ) -> None:
        self._db = db
        self._clock = clock
        self._now = now
        self._leads = leads
        self._written: frozenset[str] | None = None

    async def run(self) -> None:
        """Look for those that came or went, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Write down what differs from what was written last."""
        here = {one.id: one for one in self._now() if one.of_code}
        if not self._leads():
            self._written = None
        elif here.keys() != self._written and (here or self._written is not None):
            # With nothing seen yet it is not known that what there was has ended.
            await self._db.write(lambda tx: write(tx, here.values()))
            self._written = frozenset(here)


def write(tx: Transaction, here: Collection[Conflict]) -> None:
    """Note which of these begin, and which that were there have ended."""
    last: dict[str, str] = {}
    for entry in journal.page(tx.conn, Filter(kind=KIND), limit=KNOWN_MAX):
        if entry.action != _DEFERRED:
            last.setdefault(entry.id, entry.action)
    begun = {id for id, action in last.items() if action == _BEGUN}
    for one in here:
        if one.id not in begun:
            counters.bump(tx, one.kind.value, day_of(tx.at))
            _note(tx, one.id, _BEGUN, f"{one.left.writer}, {one.right.writer}: {one.doc}")
    for id in sorted(begun - {one.id for one in here}):
        _note(tx, id, _ENDED, "it is over")


def _note(tx: Transaction, id: str, action: str, cause: str) -> None:
    journal.append(tx, actor=ACTOR, action=action, kind=KIND, id=id, detail={"cause": cause})
