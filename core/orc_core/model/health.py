"""The health of the layers, and the link between this process and what it shows.

Invariant: health is never undefined; what was not seen yet is `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LayerState(StrEnum):
    """How a layer is."""

    OK = "ok"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one document in one layer, with what to do."""

    layer: str
    kind: str
    id: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of the sync pane.

    `behind_s` is the age of the oldest change not yet applied, `latency_s` how long the last
    one took from being noticed to being applied.
    """

    name: str
    state: LayerState
    strategy: str
    behind_s: float
    queued: int
    failed: int
    trouble: str = ""
    trouble_at: float = 0.0
    faults: tuple[Fault, ...] = ()
    latency_s: float = 0.0


class LinkState(StrEnum):
    """How far what is shown can be trusted."""

    STARTING = "starting"
    LIVE = "live"
    SYNC = "Mode: sync"
    STALE = "stale"
    GONE = "tmux gone"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One watched tmux server: what it is called, its line of the sync pane, who is in it.

    `others` are panes that no rule knows; `trouble` is what tmux last said, "" for nothing.
    """

    name: str
    layer: str
    socket_path: str
    state: LinkState
    agents: int
    others: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The right end of the header. `stale_s` counts only where the state is stale.

    `server` names the tmux server that the state is of, or how many of them; "" for all.
    """

    state: LinkState = LinkState.STARTING
    stale_s: float = 0.0
    read_only: bool = False
    leader: bool = False
    server: str = ""
