"""How one layer stands: faults, failures, what was last in the way, and how fast it goes.

Invariant: a fault lasts until its document is right again, a failure until it was tried again
with success; neither is forgotten because something else went well.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from orc_core.clock import Clock
from orc_core.model.health import Fault, Layer, LayerState
from orc_core.sync.layers import Key
from orc_core.text import clean

TEXT_MAX: Final = 1000
LATENCIES: Final = 200
"""Over how many passes the figures are reckoned."""


class Standing:
    """The health of one layer, as the sync sees it."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.is_off = False
        """Whether the layer was switched off."""
        self.passes = 0
        self.errors = 0
        self._name = name
        self._clock = clock
        self._faults: dict[Key, Fault] = {}
        self._failed: dict[Key, str] = {}
        self._offline = ""
        self._trouble = ("", 0.0)
        self._was_reached = False
        self._latencies: deque[float] = deque(maxlen=LATENCIES)

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(self._faults[key] for key in sorted(self._faults))

    @property
    def failed(self) -> int:
        return len(self._failed)

    @property
    def is_offline(self) -> bool:
        """Whether the layer could not be read or written the last time."""
        return bool(self._offline)

    def faulty(self, kind: str) -> set[str]:
        """Return the ids of a kind that are at fault or failed."""
        return {id for each, id in {*self._faults, *self._failed} if each == kind and id}

    def says(self, key: Key, text: str) -> bool:
        """Whether this very fault is known."""
        return key in self._faults and self._faults[key].text == _safe(text)

    def fault(self, key: Key, text: str) -> None:
        """Note what is wrong with a document in the layer; it was tried, so it is no failure."""
        self._failed.pop(key, None)
        text = _safe(text)
        if self.says(key, text):
            return
        kind, id = key
        self._faults[key] = Fault(self._name, kind, id, text, self._clock.now())
        name = f"{id}.json" if self._name == "file" else id
        self._note(f"{name} {text}" if id else text)

    def fail(self, key: Key, text: str) -> None:
        """Note that a document could not be synced after all retries."""
        self._failed[key] = _safe(text)
        self._note(f"{key[1]} {text}")

    def is_right(self, key: Key) -> None:
        """Note that a document is in order."""
        self._faults.pop(key, None)
        self._failed.pop(key, None)

    def goes_offline(self, text: str) -> None:
        """Note that the layer cannot be read or written at all."""
        self._offline = text
        self._note(text)

    def was_reached(self) -> None:
        """Note that the layer answers."""
        self._was_reached = True
        self._offline = ""

    def took(self, latency_s: float) -> None:
        """Note how long a change took from being noticed to being applied."""
        self._latencies.append(latency_s)

    def layer(
        self, strategy: str, *, queued: int = 0, behind_s: float = 0.0, rests_s: float = 0.0
    ) -> Layer:
        """Return the layer's line of the sync pane."""
        trouble, trouble_at = self._trouble
        last = self._latencies[-1] if self._latencies else 0.0
        return Layer(
            self._name,
            self._state(),
            strategy,
            behind_s=behind_s,
            queued=queued,
            failed=self.failed,
            trouble=trouble,
            trouble_at=trouble_at,
            faults=self.faults,
            latency_s=last,
            p95_s=_p95(self._latencies),
            passes=self.passes,
            errors=self.errors,
            rests_s=rests_s,
        )

    def _state(self) -> LayerState:
        if self.is_off:
            return LayerState.OFF
        if self._offline:
            return LayerState.OFFLINE
        if not self._was_reached:
            return LayerState.STARTING
        return LayerState.DEGRADED if self._faults or self._failed else LayerState.OK

    def _note(self, text: str) -> None:
        text = _safe(text)
        if self._trouble[0] != text:
            self._trouble = (text, self._clock.now())


def _p95(figures: deque[float]) -> float:
    """The figure that 95 of 100 do not exceed; 0.0 where there are none."""
    if not figures:
        return 0.0
    return sorted(figures)[math.ceil(len(figures) * 0.95) - 1]


def _safe(text: str) -> str:
    """What is said of a file may quote it, and a file is written by anyone."""
    return clean(text, limit=TEXT_MAX)
