"""Handing snapshots to whoever draws them.

Invariant: a subscriber is never waited for; one that is slow skips to the newest snapshot, and
hears of every part that changed on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from orc_core.model.snapshot import Delta, Part, Snapshot


@dataclass(slots=True, eq=False)
class _Subscriber:
    parts: set[Part]
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Publisher:
    """The newest snapshot, and those who follow it."""

    def __init__(self, first: Snapshot) -> None:
        self.snapshot = first
        self._subscribers: set[_Subscriber] = set()
        self._failure: BaseException | None = None

    async def subscribe(self) -> AsyncIterator[Delta]:
        """The snapshot now, then each newer one; raises what `fail` was told."""
        subscriber = _Subscriber(set(Part))
        subscriber.wake.set()
        self._subscribers.add(subscriber)
        try:
            while True:
                await subscriber.wake.wait()
                subscriber.wake.clear()
                if self._failure is not None:
                    raise self._failure
                parts = frozenset(subscriber.parts)
                subscriber.parts.clear()
                yield Delta(self.snapshot, parts)
        finally:
            self._subscribers.discard(subscriber)

    def publish(self, fresh: Snapshot) -> None:
        """Put a snapshot in the place of the last, and wake those whom a change concerns."""
        parts = _differing(self.snapshot, fresh)
        self.snapshot = fresh
        if parts:
            for subscriber in self._subscribers:
                subscriber.parts |= parts
                subscriber.wake.set()

    def fail(self, failure: BaseException) -> None:
        """End every subscription with what ended the watching."""
        self._failure = failure
        for subscriber in self._subscribers:
            subscriber.wake.set()


def _differing(before: Snapshot, after: Snapshot) -> frozenset[Part]:
    pairs = {
        Part.AGENTS: (before.agents, after.agents),
        Part.TASKS: (before.tasks, after.tasks),
        Part.CONFLICTS: (
            (before.conflicts, before.merged_today, before.ruled_today),
            (after.conflicts, after.merged_today, after.ruled_today),
        ),
        Part.LATERS: (before.laters, after.laters),
        Part.LAYERS: (before.layers, after.layers),
        Part.LINK: ((before.link, before.recordings), (after.link, after.recordings)),
        Part.SCREEN: (before.screen, after.screen),
        Part.CODE: (before.code, after.code),
        Part.PREVIEWS: (before.previews, after.previews),
    }
    return frozenset(part for part, (old, new) in pairs.items() if old != new)
