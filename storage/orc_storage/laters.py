"""What a person put off until a time: lines to agents, and agents not to hear of.

Invariant: one that was claimed is never waiting again, so that none is carried out twice. Each
step is in the journal, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from orc_storage import documents, journal
from orc_storage.engine import Connection, Transaction
from orc_storage.records import Body

KIND: Final = "later"
"""What the journal calls them."""
ENDED_MAX: Final = 200
"""How many are kept that are over; the oldest go first."""
_PREFIX: Final = "L"
_NAMES: Final = (
    *("id", "what", "agent", "server", "server_start", "pane_id", "pane_pid", "state"),
    *("text", "at", "made_at", "made_by", "phase", "outcome", "ended_at"),
)
_COLUMNS: Final = ", ".join(_NAMES)


class What(StrEnum):
    """What is put off: a line is typed then; until then nothing is heard of a muted agent."""

    LINE = "line"
    MUTE = "mute"


class Phase(StrEnum):
    """Where it stands; SENDING says that a process took it on and has not said how it went."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OVER = "over"


OPEN: Final = (Phase.WAITING, Phase.SENDING)


@dataclass(frozen=True, slots=True)
class Later:
    """One thing put off; times are seconds since the epoch.

    `state` is what the agent was doing when it was planned. `outcome` says how it went, and
    `ended_at` is 0 while it is open.
    """

    id: str
    what: What
    agent: str
    server: str
    server_start: int
    pane_id: str
    pane_pid: int
    state: str
    text: str
    at: float
    made_at: float
    made_by: str
    phase: Phase = Phase.WAITING
    outcome: str = ""
    ended_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it is still to come, or under way."""
        return self.phase in OPEN


def add(tx: Transaction, wanted: Later) -> Later:
    """Write down a new one under the next free id, which its own does not matter for."""
    made = _numbered(tx, wanted)
    tx.conn.execute(
        f"INSERT INTO later ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})",  # noqa: S608
        [getattr(made, name) for name in _NAMES],
    )
    _note(tx, made, actor=made.made_by, action=made.what.value, cause=_told(made))
    _prune(tx)
    return made


def listing(conn: Connection, *, ended_since: float = 0.0) -> list[Later]:
    """Return what is open, the next first, then what ended since, the newest first."""
    marks = ", ".join("?" for _ in OPEN)
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM later WHERE phase IN ({marks}) OR ended_at > ?"  # noqa: S608
        " ORDER BY ended_at > 0, iif(ended_at > 0, -ended_at, at), id",
        (*(one.value for one in OPEN), ended_since),
    )
    return [_later(row) for row in rows]


def get(conn: Connection, id: str) -> Later | None:
    """Return one, None where there is none."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM later WHERE id = ?", (id,)).fetchone()  # noqa: S608
    return None if row is None else _later(row)


def claim(tx: Transaction, id: str, *, actor: str) -> bool:
    """Take one on, to carry it out; False where it waits no more."""
    return _move(tx, id, Phase.SENDING, "", actor=actor, of=(Phase.WAITING,))


def end(
    tx: Transaction,
    id: str,
    phase: Phase,
    outcome: str,
    *,
    actor: str,
    of: Sequence[Phase] = OPEN,
) -> bool:
    """Say what became of one that is in one of the phases `of`; False where it is in none."""
    return _move(tx, id, phase, outcome, actor=actor, of=of)


def end_all(tx: Transaction, outcome: str) -> None:
    """End all that is open, for a store that may be older than what was carried out.

    It may be so old that nothing could be put off then.
    """
    found = tx.conn.execute("SELECT 1 FROM sqlite_schema WHERE name = 'later'").fetchone()
    if found is None:
        return
    tx.conn.execute(
        "UPDATE later SET phase = ?, outcome = ?, ended_at = ? WHERE ended_at = 0",
        (Phase.FAILED.value, outcome, tx.at),
    )


def _move(
    tx: Transaction, id: str, phase: Phase, outcome: str, *, actor: str, of: Sequence[Phase]
) -> bool:
    found = get(tx.conn, id)
    if found is None or found.phase not in of:
        return False
    ended_at = 0.0 if phase in OPEN else tx.at
    tx.conn.execute(
        "UPDATE later SET phase = ?, outcome = ?, ended_at = ? WHERE id = ?",
        (phase.value, outcome, ended_at, found.id),
    )
    _note(tx, found, actor=actor, action=phase.value, cause=outcome or _told(found))
    return True


def _note(tx: Transaction, one: Later, *, actor: str, action: str, cause: str) -> None:
    detail: Body = {"agent": one.agent, "at": one.at, "cause": f"{one.agent}: {cause}"}
    if one.text:
        detail["text"] = one.text
    journal.append(tx, actor=actor, action=action, kind=KIND, id=one.id, detail=detail)


def _told(one: Later) -> str:
    return one.text if one.what is What.LINE else "muted"


def _numbered(tx: Transaction, wanted: Later) -> Later:
    return replace(wanted, id=documents.allocate(tx, _PREFIX))


def _prune(tx: Transaction) -> None:
    tx.conn.execute(
        "DELETE FROM later WHERE id IN (SELECT id FROM later WHERE ended_at > 0"
        " ORDER BY ended_at DESC LIMIT -1 OFFSET ?)",
        (ENDED_MAX,),
    )


def _later(row: Sequence[object]) -> Later:
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    return Later(**values | {"what": What(values["what"]), "phase": Phase(values["phase"])})
