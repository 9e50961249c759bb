"""Agents as they are seen: state, evidence, prompt and screen.

Invariant: a state always carries the evidence that decided it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

OTHER: Final = "other"
"""The kind of a pane that no rule knows."""

PANE_DEAD: Final = "pane-dead"
"""The rule of the evidence that a pane stands there with its program ended."""
LOST: Final = "lost"
"""The rule of the evidence that an agent should run and is not there."""
ENDED: Final = frozenset({PANE_DEAD, "shell-left", "shell-told"})
"""The rules of the evidence that an agent's program has ended, however it did."""
DASHBOARD: Final = "a dashboard: its screen is not shown"
"""What a pane does in which a dashboard runs: those are never captured."""


class State(StrEnum):
    """What an agent is doing, as far as the evidence goes."""

    __hash__ = str.__hash__

    STARTING = "starting"
    WORKING = "working"
    WAITING = "waiting"
    IDLE = "idle"
    DONE = "done"
    ERROR = "error"
    LIMITED = "limited"
    CRASHED = "crashed"
    GONE = "gone"
    UNKNOWN = "unknown"


class Waiting(StrEnum):
    """What a waiting agent waits for; NONE in every other state."""

    __hash__ = str.__hash__

    NONE = ""
    PERMISSION = "permission"
    QUESTION = "question"
    TRUST = "trust"
    AUTH = "auth"


class Source(StrEnum):
    """Where a signal came from, strongest first."""

    __hash__ = str.__hash__

    PROC = "proc"
    LEVEL = "level"
    HOOK = "hook"
    TITLE = "title"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signal that decided a state: its source, the rule, and when it was last seen.

    `text` is the piece of the title, file or screen that matched, cleaned and short.
    """

    source: Source
    rule: str
    at: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class PaneRef:
    """One pane of one tmux server, told apart from a later one with the same number."""

    server: str
    server_start: int
    pane_id: str
    pid: int

    @property
    def key(self) -> str:
        """The name of the pane for people and tables: `SOCKET:%pane`."""
        return f"{self.server}:{self.pane_id}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What an agent has used, as far as a source tells; None and "" where none does.

    `context` is the share of its context window that is used, 0 to 1. `account` is whose limit
    it runs under. `at` is when this was told, in seconds since the epoch.
    """

    context: float | None = None
    cost_usd: float | None = None
    tokens: int | None = None
    model: str = ""
    account: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Agent:
    """One pane as the fleet list shows it.

    `key` is stable for the life of the pane. `kind` is a rule file's id, or `other` where no
    rule knows the program. `does` says what it asks or does. `since` is when the state began,
    `changed_at` when its screen last changed; both are seconds since the epoch.
    """

    key: str
    name: str
    kind: str
    pane: PaneRef
    where: str
    session: str
    cwd: str
    command: str
    title: str
    state: State
    waiting: Waiting
    since: float
    changed_at: float
    evidence: Evidence
    does: str = ""
    agrees: bool = True
    last_prompt: str = ""
    task: str = ""
    busy_child: str = ""
    substate: str = ""
    """What kind of its state this is, e.g. `auth-401`, `retrying`, `compacting`; "" for none."""
    usage: Usage = field(default_factory=Usage)
    resets_at: float = 0.0
    """When the limit that it hit ends, in seconds since the epoch; 0 where that is not told."""
    flips: int = 0
    """How often its state changed in the last minute, where that is too often to be believed."""
    server: str = ""
    """What its tmux server is called, where several are watched and it is not on the own one."""
    stale_since: float = 0.0
    """When its server last answered, in seconds since the epoch, where it does not; else 0."""
    conversation: str = ""
    """By what the agent itself finds its conversation again; "" where nothing tells."""
    muted_until: float = 0.0
    """Until when nobody wants to hear of it, in seconds since the epoch; 0 where they do."""
    line_at: float = 0.0
    """When a line is to be typed to it that was planned, in seconds since the epoch; else 0."""
    ours: bool = False
    """It was spawned, adopted or registered: an agent, whether or not a rule knows it."""

    @property
    def place(self) -> str:
        """Where it is: `shop:3.0`, or `work:shop:3.0` on another server."""
        return f"{self.server}:{self.where}" if self.server else self.where

    @property
    def is_other(self) -> bool:
        """Whether nothing tells that an agent runs in the pane: neither a rule nor a person."""
        return self.kind == OTHER and not self.ours

    @property
    def is_stopped(self) -> bool:
        """Whether it ended because a person asked for that."""
        return self.state is State.GONE and not self.is_lost

    @property
    def is_lost(self) -> bool:
        """Whether it should run and is not there, so that it has no pane either."""
        return self.evidence.rule == LOST

    @property
    def has_ended(self) -> bool:
        """Whether its program is not there any more."""
        return self.state is State.GONE or self.evidence.rule in ENDED


@dataclass(frozen=True, slots=True)
class Signal:
    """One observation about an agent: what it says, where it came from, how fresh it is."""

    evidence: Evidence
    state: State
    waiting: Waiting = Waiting.NONE
    does: str = ""
    expired: bool = False
    attended: bool = False
    """A person brought this about (an interruption), so that nothing new waits to be seen."""
    substate: str = ""
    resets_at: float = 0.0
    decides: bool = True
    """False for what is told beside the others and never decides a state: a bell, a notice."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process under a pane; `depth` counts from the pane's own process, which has 0.

    `command` is its cleaned command line, `cpu_s` the processor time it has used so far.
    """

    pid: int
    depth: int
    command: str
    cpu_s: float
    state: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an agent is shown as it is: every signal, strongest first, and what runs in the pane.

    `winner` is the signal that decided, None where nothing was fresh. `files` are the rule files
    that were asked. `verdicts` say of each signal why it decided or did not. `refused` is the
    last step of its state that was refused as impossible.
    """

    agent: Agent
    signals: tuple[Signal, ...]
    winner: Signal | None
    processes: tuple[Process, ...]
    files: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One numbered answer of a prompt, and the keys that tmux types for it."""

    number: int
    label: str
    keys: tuple[str, ...]
    meaning: str = ""
    """`yes`, `no`, or "" where the choice is neither."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question that an agent's screen asks, read whole.

    `fingerprint` is the hash of the question as it was read; an answer is typed only while the
    pane still shows the same one. `whole` is False when its beginning or end was not on screen.
    `risks` names the risk rules that the text matches.
    """

    agent: str
    waiting: Waiting
    subject: str
    lines: tuple[str, ...]
    choices: tuple[Choice, ...]
    whole: bool
    fingerprint: str
    evidence: Evidence
    risks: tuple[str, ...] = ()
    about: str = ""
    """The one line that it is about, where its layout tells that; "" elsewhere."""


class Outcome(StrEnum):
    """What became of something typed into a pane."""

    WENT_ON = "went on"
    NO_CHANGE = "no change"
    PROMPT_CHANGED = "prompt changed"
    PROMPT_GONE = "prompt gone"
    REFUSED = "refused"
    GONE = "agent gone"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The report of one act of typing: the outcome, and one line for the operator."""

    outcome: Outcome
    text: str

    @property
    def sent(self) -> bool:
        """Whether anything was typed at all."""
        return self.outcome in (Outcome.WENT_ON, Outcome.NO_CHANGE)
