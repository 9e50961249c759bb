"""How the file layer and the store stand: faults, failures, and what was last in the way.

Invariant: a fault lasts until its document is right again, a failure until it was tried again
with success; neither is forgotten because something else went well.
"""

from __future__ import annotations

from orc_core.clock import Clock
from orc_core.model.health import Fault, Layer, LayerState
from orc_core.text import clean

Key = tuple[str, str]
"""A document: its kind and its id."""

STRATEGY = "realtime"
TEXT_MAX = 1000


class Standing:
    """The health of the file layer and of the store, as the sync sees it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: dict[Key, Fault] = {}
        self._failed: dict[Key, str] = {}
        self._layer_trouble = ""
        self._store_trouble = ""
        self._trouble: dict[str, tuple[str, float]] = {}
        self._was_seen = False
        self.latency_s = 0.0

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(self._faults[key] for key in sorted(self._faults))

    @property
    def failed(self) -> int:
        return len(self._failed)

    def faulty(self, kind: str) -> set[str]:
        """Return the ids of a kind that are at fault or failed."""
        return {id for each, id in {*self._faults, *self._failed} if each == kind and id}

    def says(self, key: Key, text: str) -> bool:
        """Whether this very fault is known."""
        return key in self._faults and self._faults[key].text == _safe(text)

    def fault(self, key: Key, text: str) -> None:
        """Note what is wrong with a document in the file layer."""
        text = _safe(text)
        if self.says(key, text):
            return
        kind, id = key
        self._faults[key] = Fault("file", kind, id, text, self._clock.now())
        self._note("file", f"{id}.json {text}" if id else text)

    def fail(self, key: Key, text: str) -> None:
        """Note that a document could not be synced after all retries."""
        self._failed[key] = _safe(text)
        self._note("file", f"{key[1]} {text}")

    def is_right(self, key: Key) -> None:
        """Note that a document is in order."""
        self._faults.pop(key, None)
        self._failed.pop(key, None)

    def layer_is_off(self, text: str) -> None:
        """Note that the file layer cannot be read at all."""
        self._layer_trouble = text
        self._note("file", text)

    def store_is_off(self, text: str) -> None:
        """Note that the store cannot be read or written."""
        self._store_trouble = text
        self._note("store", text)

    def all_was_seen(self) -> None:
        """Note that layer and store were both read whole."""
        self._was_seen = True
        self._layer_trouble = self._store_trouble = ""

    def layers(self, *, queued: int, behind_s: float) -> tuple[Layer, ...]:
        """Return the lines of the sync pane for the file layer and the store."""
        trouble, trouble_at = self._trouble.get("file", ("", 0.0))
        file = Layer(
            "file",
            self._state(self._layer_trouble, bool(self._faults or self._failed)),
            STRATEGY,
            behind_s=behind_s,
            queued=queued,
            failed=self.failed,
            trouble=trouble,
            trouble_at=trouble_at,
            faults=self.faults,
            latency_s=self.latency_s,
        )
        trouble, trouble_at = self._trouble.get("store", ("", 0.0))
        store = Layer(
            "store",
            self._state(self._store_trouble, is_degraded=False),
            "",
            behind_s=0.0,
            queued=0,
            failed=0,
            trouble=trouble,
            trouble_at=trouble_at,
        )
        return (file, store)

    def _state(self, off: str, is_degraded: bool) -> LayerState:
        if off:
            return LayerState.OFFLINE
        if not self._was_seen:
            return LayerState.UNKNOWN
        return LayerState.DEGRADED if is_degraded else LayerState.OK

    def _note(self, layer: str, text: str) -> None:
        text = _safe(text)
        if self._trouble.get(layer, ("",))[0] != text:
            self._trouble[layer] = (text, self._clock.now())


def _safe(text: str) -> str:
    """What is said of a file may quote it, and a file is written by anyone."""
    return clean(text, limit=TEXT_MAX)
