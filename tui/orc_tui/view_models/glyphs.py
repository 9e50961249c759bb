"""The sign and the ink of every state, and the plain form of every sign.

Invariant: each sign is one cell wide, in Unicode and in ASCII alike, so that the setting never
moves a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orc_core.model.agent import State
from orc_core.model.health import LayerState
from orc_core.model.task import Status
from orc_storage import sagas
from orc_storage.records import ConflictState

STATES: Final[Mapping[State, tuple[str, str]]] = {
    State.WAITING: ("◆", "waiting"),
    State.CRASHED: ("✗", "crashed"),
    State.ERROR: ("▲", "error"),
    State.LIMITED: ("‖", "limited"),
    State.DONE: ("✓", "done"),
    State.WORKING: ("●", "text"),
    State.STARTING: ("◌", "text"),
    State.UNKNOWN: ("?", "text"),
    State.IDLE: ("○", "text"),
    State.GONE: ("✗", "dim"),
}

STOPPED: Final = ("■", "dim")
"""An agent that a person stopped: its end is no trouble."""

STATUSES: Final[Mapping[Status, tuple[str, str]]] = {
    Status.FAILED: ("✗", "crashed"),
    Status.READY: ("○", "text"),
    Status.BLOCKED: ("◌", "text"),
    Status.RUNNING: ("●", "text"),
    Status.DONE: ("✓", "dim"),
    Status.CANCELLED: ("✗", "dim"),
}

CONFLICTS: Final[Mapping[ConflictState, tuple[str, str]]] = {
    ConflictState.OPEN: ("◆", "waiting"),
    ConflictState.DEFERRED: ("◇", "dim"),
    ConflictState.RESOLVED: ("✓", "dim"),
    ConflictState.SUPERSEDED: ("✓", "dim"),
}

WORKFLOWS: Final[Mapping[sagas.State, tuple[str, str]]] = {
    sagas.State.PENDING: ("◌", "text"),
    sagas.State.RUNNING: ("●", "text"),
    sagas.State.PAUSED: ("‖", "limited"),
    sagas.State.COMPENSATING: ("▲", "limited"),
    sagas.State.COMPLETED: ("✓", "done"),
    sagas.State.FAILED: ("✗", "error"),
    sagas.State.ROLLED_BACK: ("○", "text"),
    sagas.State.ABORTED: ("■", "dim"),
}

WORKFLOW_WAITS: Final = ("◆", "waiting")
"""A workflow that waits at a gate for a person."""

PHASES: Final[Mapping[sagas.Phase, tuple[str, str]]] = {
    sagas.Phase.WAITING: ("◌", "dim"),
    sagas.Phase.DOING: ("●", "text"),
    sagas.Phase.DONE: ("✓", "done"),
    sagas.Phase.FAILED: ("✗", "error"),
    sagas.Phase.UNSURE: ("?", "limited"),
    sagas.Phase.UNDOING: ("▲", "limited"),
    sagas.Phase.UNDONE: ("○", "text"),
    sagas.Phase.UNDO_FAILED: ("✗", "error"),
    sagas.Phase.KEPT: ("✓", "dim"),
    sagas.Phase.SKIPPED: ("·", "dim"),
}

LAYERS: Final[Mapping[LayerState, tuple[str, str]]] = {
    LayerState.OK: ("✓", "text"),
    LayerState.DEGRADED: ("▲", "limited"),
    LayerState.OFFLINE: ("✗", "error"),
    LayerState.STARTING: ("◌", "dim"),
    LayerState.UNKNOWN: ("?", "dim"),
    LayerState.OFF: ("○", "dim"),
}

OTHER: Final = "·"
"""The sign of a pane that no rule knows."""

CURSOR: Final = "›"

ASCII: Final = str.maketrans(
    {
        "◆": "!",
        "✗": "x",
        "▲": "E",
        "‖": "=",
        "✓": "v",
        "●": "*",
        "◌": "~",
        "○": "-",
        "◇": "-",
        "·": "-",
        "■": "_",
        "›": ">",
        "»": "#",
        "…": "~",
        "─": "-",
        "━": "=",
        "❯": ">",
        "│": "|",
        "╭": "+",
        "╮": "+",
        "╰": "+",
        "╯": "+",
        "├": "+",
        "┤": "+",
        "┃": "#",
        "“": '"',
        "”": '"',
        "←": "<",
        "→": ">",
        "↑": "^",
        "↓": "v",
    }
)
"""What ORC_ASCII draws instead; the screens of agents are left as they are."""

ASCII_LAYERS: Final = ASCII | str.maketrans({"▲": "!"})
"""In the Sync pane the triangle is `degraded`, which nothing else there is."""
