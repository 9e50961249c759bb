"""Leading a workspace, or following who does.

Invariant: only the process that holds `leader.lock` syncs; whoever follows asks it, and shows
what it posted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from orc_core import leader
from orc_core.clock import Clock
from orc_core.errors import OrcError, ReadOnly
from orc_core.model.health import Layer
from orc_core.sync.synchronizer import Synchronizer, SyncReport
from orc_storage.errors import StorageError

RETRY_S: Final = 1.0
FOLLOW_S: Final = 0.5
BEAT_S: Final = 1.0
STALLED_S: Final = 5.0
"""After so long without a sign of life a leader that keeps its lock counts as stalled."""


class Leadership:
    """One process's part in syncing a workspace.

    `changed` is called when what `layers` says may differ, `trouble` with what went wrong;
    `beside` gives further lines of what this process does while it leads.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        actor: str,
        read_only: bool,
        changed: Callable[[], None],
        trouble: Callable[[str], None],
        beside: Callable[[], tuple[Layer, ...]],
    ) -> None:
        self.leads = False
        """Whether this process syncs the workspace."""
        self._folder = folder
        self._clock = clock
        self._actor = actor
        self._read_only = read_only
        self._changed = changed
        self._trouble = trouble
        self._beside = beside
        self._lock = leader.lock(folder)
        self._posted: tuple[Layer, ...] | None = None
        self._news = asyncio.Event()
        """Set where the followers are to be told anew."""

    @property
    def led_elsewhere(self) -> bool:
        """Whether another live process syncs the workspace."""
        return not self.leads and self._lock.holder() is not None

    @property
    def stall(self) -> str:
        """Why the leader, which is another process, does nothing; "" if it gives signs of life."""
        holder = None if self.leads else self._lock.holder()
        silent_s = self._clock.now() - self._lock.beaten_at()
        if holder is None or silent_s < STALLED_S:
            return ""
        return (
            f"the process that syncs this workspace, {holder['pid']}, gives no sign of life:"
            f" continue it (`kill -CONT {holder['pid']}`), or end it"
        )

    async def run(self, synchronizer: Synchronizer) -> None:
        """Sync whenever nobody else does, until cancelled; what fails is tried again."""
        while True:
            try:
                await self._lead(synchronizer)
            except* (OrcError, StorageError, OSError) as group:
                self._trouble("; ".join(map(str, group.exceptions)))
            await self._clock.sleep(RETRY_S)

    async def _lead(self, synchronizer: Synchronizer) -> None:
        while not self._lock.try_acquire():
            await self._clock.sleep(leader.RETRY_S)
        self.leads = True
        beside = [
            asyncio.create_task(self._beat()),
            asyncio.create_task(self._keep_posted(synchronizer)),
        ]
        try:
            self.post()
            self._changed()
            await synchronizer.run(asyncio.Event())
        finally:
            # Before anything is waited for: whoever is cancelled here leads no more.
            self.leads = False
            self._lock.release()
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)

    async def follow(self) -> None:
        """Keep what the leader posted at hand while another leads, until cancelled."""
        while True:
            # On a thread: whoever draws may not wait for a disk.
            posted = await asyncio.to_thread(self._read) if not self.leads else None
            if posted != self._posted:
                self._posted = posted
                self._changed()
            await self._clock.sleep(FOLLOW_S)

    def _read(self) -> tuple[Layer, ...]:
        led = self.leads or self.led_elsewhere
        return leader.read(self._folder, led=led, stall=self.stall)

    async def _beat(self) -> None:
        while True:
            # A disk that takes no sign of life ends no sync: the next one may come through.
            with contextlib.suppress(OSError):
                self._lock.beat(self._clock.now())
            await self._clock.sleep(BEAT_S)

    async def _keep_posted(self, synchronizer: Synchronizer) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            layers = (*synchronizer.health(), *self._beside())
            # On a thread: whoever syncs and draws may not wait for a disk.
            await asyncio.to_thread(leader.post, self._folder, layers)

    async def sync_once(
        self, synchronizer: Synchronizer, *, accept_deletions: bool, timeout_s: float
    ) -> SyncReport | None:
        """Bring the layers and the store in step now; None where another process did it.

        Raises ReadOnly, and OrcError where the leader does not answer within `timeout_s`.
        """
        if self._read_only:
            raise ReadOnly("cannot sync: opened with --read-only")
        # A lock of its own: ours may be taken, or given back, by the loop that leads.
        lock = leader.lock(self._folder)
        if self.leads or lock.try_acquire():
            try:
                report = await synchronizer.once(accept_deletions=accept_deletions)
                if self.leads:
                    self.post()
                else:
                    await asyncio.to_thread(leader.post, self._folder, synchronizer.health())
            finally:
                lock.release()
            return report
        if not await synchronizer.ask(
            self._actor, accept_deletions=accept_deletions, timeout_s=timeout_s
        ):
            raise OrcError(
                f"the process that syncs {self._folder} did not answer in {timeout_s:g} s: "
                "look at its dashboard, or end it"
            )
        return None

    async def sync_before(self, synchronizer: Synchronizer, kind: str, *, timeout_s: float) -> bool:
        """Documents of a kind are about to be read: bring in step what is lazy about them.

        False where nothing is. Whoever leads has `timeout_s` for it; what is read then may be
        older than the layers.
        """
        if not await synchronizer.is_lazy(kind):
            return False
        if self.leads:
            await synchronizer.read(kind, timeout_s=timeout_s)
            return True
        lock = leader.lock(self._folder)
        if lock.try_acquire():
            try:
                await synchronizer.once()
            finally:
                lock.release()
        else:
            await synchronizer.ask(self._actor, reads=kind, timeout_s=timeout_s)
        return True

    def post(self) -> None:
        """Have the followers told how the layers are, if this process leads."""
        if self.leads:
            self._news.set()

    def layers(self, synchronizer: Synchronizer | None) -> tuple[Layer, ...]:
        """The layers and the store: as we see them, or as the leader posted them."""
        if self.leads and synchronizer is not None:
            return (*synchronizer.health(), *self._beside())
        return self._posted if self._posted is not None else self._read()
