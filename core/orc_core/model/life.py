"""The life of an agent as people speak of it: how it was started, stopped, watched over.

Invariant: plain values; what an act did is told step by step and never better than it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from orc_core.model.agent import PaneRef

ARGV_MAX: Final = 256
WORD_MAX: Final = 8192
PATH_MAX: Final = 4096
LIST_MAX: Final = 64
LABEL_MAX: Final = 60
NOTE_MAX: Final = 200


class Restart(StrEnum):
    """When an agent that ended is started again."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Policy:
    """When an agent is started again, and what it may use; times in seconds.

    More than `max_restarts` in a row that each lived less than `min_uptime_s` are an error.
    `memory_max` is in bytes over its whole process tree, 0 for no limit. `kill_after_s` is how
    long it may take to end by itself when it is stopped.
    """

    restart: Restart = Restart.NEVER
    max_restarts: int = 10
    min_uptime_s: float = 10.0
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    memory_max: int = 0
    kill_after_s: float = 5.0

    @property
    def watched(self) -> bool:
        """Whether a supervisor has anything to do for this agent."""
        return self.restart is not Restart.NEVER or self.memory_max > 0


class Phase(StrEnum):
    """Where a supervised agent stands in its life."""

    RUNNING = "running"
    WAITING = "waiting"
    """It ended, and is started again when its pause is over."""
    STOPPED = "stopped"
    ENDED = "ended"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a supervisor remembers of one agent.

    `quick` counts the restarts in a row after which it did not live long enough, `restarts` all
    of them. `due_s` is when it is started again, on the supervisor's own monotonic clock, and
    means something while it is WAITING only. `reason` says why it is in this phase.
    """

    phase: Phase = Phase.RUNNING
    quick: int = 0
    restarts: int = 0
    due_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """An agent that was spawned, adopted or registered, as its document says.

    `pane` is None where it has none, or where it is not known. `wanted` is `running` or
    `stopped`.
    """

    name: str
    rev: int
    origin: str
    kind: str
    argv: tuple[str, ...]
    cwd: str
    env: tuple[str, ...]
    server: str
    session: str
    labels: tuple[str, ...]
    capabilities: tuple[str, ...]
    version: str
    wanted: str
    policy: Policy
    pane: PaneRef | None
    updated_at: float = 0.0
    conversation: str = ""
    """By what the agent itself finds its last conversation again, "" where that was never told."""
    instance_of: str = ""
    """The agent that it was made after, "" for one of its own."""


class Presence(StrEnum):
    """Whether an agent that gives signs of life still does."""

    ONLINE = "online"
    OFFLINE = "offline"
    SILENT = "silent"
    """It never gave any, so that nothing follows from there being none."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did, step by step; `undo` says what is the way back, "" where there is none."""

    name: str
    ok: bool
    text: str
    steps: tuple[str, ...] = ()
    pane: PaneRef | None = None
    undoable: bool = False
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent that should run and is not there; `argv` is what would be run to resume it."""

    name: str
    kind: str
    why: str
    argv: tuple[str, ...]
    cwd: str
    server: str
    again: bool
    """Whether `argv` takes up its last conversation, rather than starting a new one."""
    is_guess: bool = False
    """Its own conversation is not known: `argv` takes up the newest one of `cwd`."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an agent's life adds up to; seconds by state, counts of what happened.

    `uptime_s` is how long its program runs now, None where it does not. `span_s` is what the
    figures cover.
    """

    uptime_s: float | None = None
    span_s: float = 0.0
    by_state: dict[str, float] = field(default_factory=dict)
    changes: int = 0
    crashes: int = 0
    restarts: int = 0
