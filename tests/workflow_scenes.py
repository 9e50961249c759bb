"""Workflows to be drawn: one at a gate, one that failed, one paused, one that went well."""

from __future__ import annotations

from collections.abc import Sequence

from dialog_scenes import NOW
from orc_storage.records import OPERATOR
from orc_storage.sagas import Phase, Saga, State, Step, Wish

_ASK = {"name": "ask", "gate": "Put 1.2 on staging?"}


def _step(number: int, name: str, phase: Phase, attempts: int = 1, reason: str = "") -> Step:
    begun = NOW - 200 + 10 * number if attempts else 0.0
    kind = "gate" if name == "ask" else "run"
    ended = begun + 3.2 if attempts and phase is not Phase.DOING else 0.0
    is_undoable = kind == "run"
    return Step(
        number, name, kind, 3, is_undoable, phase, attempts, "", "", "", reason, begun, ended
    )


def _saga(number: int, name: str, state: State, *steps: Step, by: str, reason: str = "") -> Saga:
    at = NOW - 60.0 * (8 - number) * (1 if number == 4 else 20)
    id, body = f"S-{number}", {"step": [_ASK]}
    return Saga(id, name, body, state, Wish.NONE, reason, "", 0, 1, 0.0, at, by, at, steps)  # type: ignore[arg-type]


GATED = _saga(
    4,
    "ship",
    State.RUNNING,
    _step(0, "build", Phase.DONE),
    _step(1, "tag", Phase.DONE, 2),
    _step(2, "ask", Phase.DOING),
    _step(3, "put", Phase.WAITING, 0),
    by=OPERATOR,
)
FAILED = _saga(
    3,
    "ship",
    State.FAILED,
    _step(0, "build", Phase.UNDONE),
    _step(1, "tag", Phase.UNDO_FAILED, 4, "git ended with 1: remote rejected"),
    _step(2, "put", Phase.FAILED, 4, "put ended with 7: no such host"),
    by="claude-2",
    reason="put: put ended with 7: no such host",
)
PAUSED = _saga(
    2,
    "rolling-restart",
    State.PAUSED,
    _step(0, "stop-one", Phase.DONE),
    _step(1, "stop-two", Phase.WAITING, 0),
    by="codex-1",
)
COMPLETED = _saga(1, "spawn-team", State.COMPLETED, _step(0, "rev", Phase.DONE), by=OPERATOR)
SAGAS = (GATED, FAILED, PAUSED, COMPLETED)


class Shelf:
    """Keeps workflows as a store does."""

    def __init__(self, sagas: Sequence[Saga] = SAGAS) -> None:
        self.sagas = sagas
        self.commits = 1
        self.reads = 0

    async def version(self) -> int:
        return self.commits

    async def listing(self) -> Sequence[Saga]:
        self.reads += 1
        return self.sagas
