"""The health of the layers, and the link between this process and what it shows.

Invariant: health is never undefined; what was not seen yet is `unknown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

STORE: Final = "store"
"""The layer that the others are brought to."""


class LayerState(StrEnum):
    """How a layer is; `starting` is one that was not reached yet, `off` one that was switched."""

    OK = "ok"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    STARTING = "starting"
    UNKNOWN = "unknown"
    OFF = "off"


class Overall(StrEnum):
    """How all layers are together."""

    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"
    STARTING = "starting"
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
    one took from being noticed to being applied, `p95_s` how long nearly all of them took.
    `passes` and `errors` count how often it was brought in step, and how often that failed.
    `rests_s` is for how long it is left alone yet, after it failed too often.
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
    p95_s: float = 0.0
    passes: int = 0
    errors: int = 0
    rests_s: float = 0.0


def overall(layers: Sequence[Layer]) -> Overall:
    """Say how all layers are together: the store offline is critical, any other trouble is not.

    What was switched off counts for nothing.
    """
    on = [layer for layer in layers if layer.state is not LayerState.OFF]
    states = {layer.state for layer in on}
    if any(layer.name == STORE and layer.state is LayerState.OFFLINE for layer in on):
        return Overall.CRITICAL
    if states & {LayerState.OFFLINE, LayerState.DEGRADED} or any(layer.failed for layer in on):
        return Overall.WARNING
    if LayerState.UNKNOWN in states or not on:
        return Overall.UNKNOWN
    return Overall.STARTING if LayerState.STARTING in states else Overall.HEALTHY


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
    `pending` is how many changes of this process wait for the store.
    """

    state: LinkState = LinkState.STARTING
    stale_s: float = 0.0
    read_only: bool = False
    leader: bool = False
    server: str = ""
    pending: int = 0
