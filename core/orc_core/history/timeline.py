"""The timeline of a document, an agent or the workspace.

Invariant: newest first, journal and states of agents woven together by their times, each in the
order of its own numbers. A page ends where the next begins: nothing is told twice or left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orc_core.history.query import STATE, matches
from orc_core.model.history import Digest, Mark, Moment, Page, Place, Query
from orc_core.text import clean
from orc_storage import timeline
from orc_storage.database import Connection, Database
from orc_storage.records import Logged, NumberedState

PAGE: Final = 200
LOOKED_AT_MAX: Final = 200_000
"""How many rows one page looks through for what the filter asks."""

AGENT: Final = "agent"


class Timeline:
    """What happened in one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, query: Query, *, after: Place | None = None, limit: int = PAGE) -> Page:
        """Return the newest lines that pass the filter, or those that follow on `after`."""
        return await self._db.read(lambda conn: page(conn, query, after=after, limit=limit))

    async def digest(self, since: float) -> Digest:
        """Return what happened after a time, in seconds since the epoch."""
        states, conflicts = await self._db.read(lambda conn: timeline.happened(conn, since))
        return Digest(since, states, conflicts)

    async def newest(self) -> Place:
        """Return where the timeline begins now: it changes with whatever happens."""
        return Place(*await self._db.read(timeline.newest))

    async def marks(self, query: Query, *, limit: int) -> tuple[Mark, ...]:
        """Return the revisions that the filter's lines wrote, at most `limit` and one more."""
        return await self._db.read(lambda conn: _marks(conn, query, limit))


def page(conn: Connection, query: Query, *, after: Place | None = None, limit: int = PAGE) -> Page:
    """Read one page; `next` is None where nothing is left."""
    start = after or Place(timeline.END, timeline.END)
    entries, states = _entries(conn, query, start), _states(conn, query, start)
    entry, state = next(entries, None), next(states, None)
    found: list[Moment] = []
    # What is written after this page was read must not come in with the next one.
    at = Place(entry.seq + 1 if entry else 0, state.seq + 1 if state else 0)
    for _ in range(LOOKED_AT_MAX):
        if entry is None and state is None:
            return Page(tuple(found), None)
        if len(found) == limit:
            break
        if state is None or (entry is not None and entry.at >= state.at):
            if entry is not None:
                one, at = _of_entry(entry), Place(entry.seq, at.states)
                entry = next(entries, None)
        else:
            one, at = _of_state(state), Place(at.journal, state.seq)
            state = next(states, None)
        if matches(query, one):
            found.append(one)
    return Page(tuple(found), at)


def _entries(conn: Connection, query: Query, start: Place) -> Iterator[Logged]:
    if query.state or query.kind.casefold() == STATE:
        return iter(())
    before = min(start.journal, query.last + 1) if query.last else start.journal
    return timeline.entries(
        conn,
        before=before,
        kind=query.doc_kind if query.doc else "",
        id=query.doc,
        since=query.since,
        until=query.until,
    )


def _states(conn: Connection, query: Query, start: Place) -> Iterator[NumberedState]:
    wants_documents = (query.doc_kind or AGENT) != AGENT or query.first or query.last
    if wants_documents or query.kind.casefold() not in ("", STATE, AGENT):
        return iter(())
    return timeline.states(
        conn,
        before=start.states,
        name=query.agent or query.doc,
        since=query.since,
        until=query.until,
    )


def _of_entry(entry: Logged) -> Moment:
    told = entry.detail.get("cause") or entry.detail.get("conflict") or ""
    text = str(told)
    if path := entry.detail.get("path"):
        text = f"{text} {path}".strip()
    return Moment(
        seq=entry.seq,
        at=entry.at,
        actor=clean(entry.actor, limit=120),
        action=clean(entry.action, limit=40),
        kind=clean(entry.kind, limit=40),
        id=entry.id,
        rev=entry.rev if "sha256" in entry.detail else 0,
        now_rev=entry.now_rev,
        text=clean(text, limit=400),
    )


def _of_state(state: NumberedState) -> Moment:
    name = clean(state.name, limit=120)
    return Moment(
        seq=state.seq,
        at=state.at,
        actor=name,
        action=clean(state.state, limit=40),
        kind=AGENT,
        id=name,
        rev=0,
        now_rev=0,
        text=clean(state.evidence, limit=400),
        is_state=True,
    )


def _marks(conn: Connection, query: Query, limit: int) -> tuple[Mark, ...]:
    found: list[Mark] = []
    place: Place | None = None
    while len(found) <= limit:
        read = page(conn, query, after=place)
        found += [Mark(one.kind, one.id, one.rev) for one in read.moments if one.rev]
        if read.next is None:
            break
        place = read.next
    return tuple(found[: limit + 1])
