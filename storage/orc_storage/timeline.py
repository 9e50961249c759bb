"""What was done and what was seen, newest first: the journal beside the states of agents.

Invariant: rows come in the order of their numbers, never of their times: a clock may be set
back, a number is not. Nothing is read that nobody asks the iterator for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orc_storage.canonical import decode_object
from orc_storage.engine import Connection, Value
from orc_storage.records import REV_MAX, Logged, NumberedState

END: Final = REV_MAX
"""Before the newest row of all."""

_ENTRIES: Final = (
    "SELECT j.seq, j.at, j.actor, j.action, j.kind, j.id, j.rev, j.detail, coalesce(d.rev, 0)"
    " FROM journal j LEFT JOIN document d ON d.kind = j.kind AND d.id = j.id"
)
_STATES: Final = "SELECT seq, name, at, state, evidence FROM agent_event"


def entries(
    conn: Connection,
    *,
    before: int = END,
    kind: str = "",
    id: str = "",
    since: float = 0.0,
    until: float = 0.0,
) -> Iterator[Logged]:
    """Tell the journal's entries below number `before`; "" and 0.0 ask for all."""
    # The plus keeps SQLite from walking the whole journal for the few entries of one document.
    seq = "+j.seq" if id else "j.seq"
    where, params = [f"{seq} < ?"], list[Value]([before])
    if kind:
        where.append("j.kind = ?")
        params.append(kind)
    if id:
        where.append("j.id = ?")
        params.append(id)
    _between("j.at", since, until, where, params)
    rows = conn.execute(f"{_ENTRIES} WHERE {' AND '.join(where)} ORDER BY {seq} DESC", params)
    for number, at, actor, action, of, doc, rev, detail, now_rev in rows:
        yield Logged(number, at, actor, action, of, doc, rev, decode_object(detail), now_rev)


def states(
    conn: Connection,
    *,
    before: int = END,
    name: str = "",
    since: float = 0.0,
    until: float = 0.0,
) -> Iterator[NumberedState]:
    """Tell the changes of agents' states below number `before`; `name` asks for one agent."""
    where, params = ["seq < ?"], list[Value]([before])
    if name:
        where.append("name = ? COLLATE NOCASE")
        params.append(name)
    _between("at", since, until, where, params)
    rows = conn.execute(f"{_STATES} WHERE {' AND '.join(where)} ORDER BY seq DESC", params)
    for row in rows:
        yield NumberedState(*row)


def happened(conn: Connection, since: float) -> tuple[dict[str, frozenset[str]], int]:
    """Return by state the names of agents that went into it after `since`, and the conflicts."""
    found: dict[str, set[str]] = {}
    rows = conn.execute("SELECT DISTINCT state, name FROM agent_event WHERE at > ?", (since,))
    for state, name in rows:
        found.setdefault(state, set()).add(name)
    (conflicts,) = conn.execute(
        "SELECT count(*) FROM conflict WHERE opened_at > ?", (since,)
    ).fetchone()
    return {state: frozenset(names) for state, names in found.items()}, conflicts


def _between(
    column: str, since: float, until: float, where: list[str], params: list[Value]
) -> None:
    if since:
        where.append(f"{column} >= ?")
        params.append(since)
    if until:
        where.append(f"{column} < ?")
        params.append(until)


def newest(conn: Connection) -> tuple[int, int]:
    """Return the numbers of the newest journal entry and of the newest change of a state."""
    row = conn.execute(
        "SELECT coalesce((SELECT max(seq) FROM journal), 0),"
        " coalesce((SELECT max(seq) FROM agent_event), 0)"
    ).fetchone()
    return row[0], row[1]
