"""Watching one tmux server: what is there, and what changed since.

Invariant: an unhappy server is a state and never an exception; one that does not answer
changes nothing. Watching leaves the user's server as it was. A tick forks at most one process
for captures, and none when nothing changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import TmuxError, TmuxGone
from orc_core.model.agent import PaneRef
from orc_core.model.health import LinkState
from orc_core.tmux.cadence import OTHERS_S, Cadence
from orc_core.tmux.inotify import TerminalMarks
from orc_core.tmux.link import Link, Listing, Strategy
from orc_core.tmux.memory import Memory, Pane, Sighting
from orc_core.tmux.panes import PaneInfo
from orc_core.tmux.server import Address

__all__ = ["PaneInfo", "Sighting", "Strategy", "Tick", "Watcher"]

CAPTURES_MAX: Final = 120
"""Captures in one tick: they hold up the server, and with it everyone's typing."""

URGENT_MAX: Final = 16
FULL_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Tick:
    """One look at a server.

    `sightings` has all panes that are there; `gone` those that are not any more, after two
    lists without them. A pane whose number was given to another is not in `gone`: the sighting
    carries the new `PaneRef`. Where `complete` is False nothing was learned. `wall_s` is how
    long the look took, `forks` how many processes it started; `trouble` says what tmux said.
    """

    at: float
    state: LinkState
    sightings: tuple[Sighting, ...]
    gone: tuple[PaneRef, ...]
    complete: bool
    forks: int
    wall_s: float
    trouble: str = ""


class Watcher:
    """Watches the panes of one server; close the iterator or call `close` when done."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        *,
        skip_ttys: Callable[[], set[str]] = set,
        strategy: Strategy = "async",
    ) -> None:
        self.urgent: set[str] = set()
        """Keys of panes to be captured as soon as they change, once; add to it freely."""
        self._address = address
        self._clock = clock
        self._skip_ttys = skip_ttys
        self._selected: str | None = None
        self._memory = Memory(address.socket_path)
        self._link = Link(address, clock, strategy)
        self._marks = TerminalMarks()
        self._cadence = Cadence(clock)
        self._full_at = 0.0
        self._answers = False
        self._nap: asyncio.Task[None] | None = None

    def select(self, key: str | None) -> None:
        """Capture this pane in colour, and as soon as it changes; None for no pane."""
        if key == self._selected:
            return
        for pane in self._memory.panes.values():
            # The one that was selected, too: its plain text is not known to be the same.
            if pane.info.pane.key in (key, self._selected):
                pane.dirty, pane.digest, pane.colour_digest = True, 0, 0
        self._selected = key
        self._cadence.hurry()
        self._wake()

    def use(self, strategy: Strategy) -> None:
        """Watch by this strategy from the next list on, which is a second away at most."""
        self._link.use(strategy)

    async def ticks(self) -> AsyncGenerator[Tick, None]:
        """Look again and again; one tick a second at least, and one for whatever changes."""
        self._marks.open()
        if not self._marks.available:
            self._cadence.selected_s = OTHERS_S
        try:
            while True:
                tick = await self._look()
                if tick is not None:
                    yield tick
                await self._rest()
        finally:
            await self.close()

    async def once(self) -> Tick:
        """Look at everything once, by plain processes; no session is made."""
        began = self._clock.monotonic()
        memory = Memory(self._address.socket_path)
        link = Link(self._address, self._clock, "sync")
        fresh: list[Sighting] = []
        try:
            listing = await link.listing(0)
            memory.merge(listing.rows, listing.start, self._clock.now(), "")
            panes = [pane.row.pane_id for pane in memory.dirty(self._skip_ttys())]
            for first in range(0, len(panes), CAPTURES_MAX):
                chunk = [(pane_id, False) for pane_id in panes[first : first + CAPTURES_MAX]]
                for shot in await link.captures(chunk):
                    sighting = memory.take_shot(shot, self._clock.now(), colour=False)
                    fresh += [sighting] if sighting else []
        except TmuxError as error:
            return self._unhappy(error, link.forks, began)
        return Tick(
            at=self._clock.now(),
            state=LinkState.LIVE,
            sightings=memory.sightings(fresh),
            gone=(),
            complete=True,
            forks=link.forks,
            wall_s=self._clock.monotonic() - began,
        )

    async def close(self) -> None:
        """Stop watching: our session ends, and with it the connection."""
        self._stop_listening()
        self._marks.close()
        await self._link.close()

    async def _look(self) -> Tick | None:
        """Do what is due; None when there was nothing to tell."""
        began = self._clock.monotonic()
        forks = self._link.forks
        gone: tuple[PaneRef, ...] = ()
        listed = self._cadence.list_due()
        try:
            if listed:
                gone = await self._list()
            self._drain()
            fresh, captured = await self._capture()
        except (TmuxError, OSError) as error:  # OSError: no process could be started
            self._answers = False
            self._cadence.listed()
            return self._unhappy(error, self._link.forks - forks, began)
        if not listed and not captured:
            return None
        return Tick(
            at=self._clock.now(),
            state=self._link.state,
            sightings=self._memory.sightings(fresh),
            gone=gone,
            complete=True,
            forks=self._link.forks - forks,
            wall_s=self._clock.monotonic() - began,
        )

    def _unhappy(self, error: Exception, forks: int, began: float) -> Tick:
        return Tick(
            at=self._clock.now(),
            state=LinkState.GONE if isinstance(error, TmuxGone) else LinkState.STALE,
            sightings=(),
            gone=(),
            complete=False,
            forks=forks,
            wall_s=self._clock.monotonic() - began,
            trouble=str(error),
        )

    async def _list(self) -> tuple[PaneRef, ...]:
        """Ask which panes there are, and leave a server that has nobody else."""
        now = self._clock.monotonic()
        full = self._link.take_structural() or now >= self._full_at
        gone = None if full else self._merge(await self._link.listing(self._since()))
        if gone is None:
            self._full_at = now + FULL_EVERY_S
            gone = self._merge(await self._link.listing(0)) or ()
        self._cadence.listed()
        self._answers = True
        self._link.lonely(self._memory.alone)
        if self._memory.alone or self._memory.visitors:
            self._memory.visitors = False
            await self._link.leave()
        skipped = self._skip_ttys()
        ttys = {pane.info.tty for pane in self._memory.panes.values()}
        self._marks.watch(tty for tty in ttys - skipped if tty.startswith("/dev/"))
        return gone

    def _merge(self, listing: Listing) -> tuple[PaneRef, ...] | None:
        start = listing.start or self._memory.start
        return self._memory.merge(listing.rows, start, self._clock.now(), self._link.session)

    def _since(self) -> int:
        """Whatever changed after the last list did so in the newest second it told, or later."""
        return max(self._memory.newest_activity, 1)

    def _drain(self) -> None:
        """Take the marks of terminals that were written to."""
        if self._cadence.drain_due():
            self._memory.mark(self._marks.drain(), self._clock.now())
            self._cadence.drained()

    def _waiting(self) -> tuple[list[Pane], list[Pane]]:
        """The panes to be captured: those that someone looks at, and the others.

        None while the server does not answer: the next list finds out how it is.
        """
        if not self._answers:
            return [], []
        if len(self.urgent) > URGENT_MAX:
            self.urgent.clear()
        wanted = {*self.urgent, self._selected}
        selected: list[Pane] = []
        others: list[Pane] = []
        for pane in self._memory.dirty(self._skip_ttys(), () if self._marks.available else wanted):
            (selected if pane.info.pane.key in wanted else others).append(pane)
        return selected, others

    async def _capture(self) -> tuple[list[Sighting], bool]:
        """Capture what is due, in one process or over the connection."""
        selected, others = self._waiting()
        if not self._cadence.selected_due():
            selected = []
        if not self._cadence.others_due():
            others = []
        due = [*selected, *sorted(others, key=lambda pane: pane.dirty_since)][:CAPTURES_MAX]
        if not due:
            return [], False
        colour = {pane.row.pane_id: pane.info.pane.key == self._selected for pane in due}
        # What changes from here on may or may not be on the screens that come back.
        for pane in due:
            pane.dirty = False
        try:
            shots = await self._link.captures(list(colour.items()))
        except BaseException:
            for pane in due:
                pane.dirty = True
            raise
        left = len(selected) + len(others) > len(due)
        self._cadence.captured(others=bool(others), backlog=left)
        self.urgent -= {pane.info.pane.key for pane in due}
        at = self._clock.now()
        fresh = [
            self._memory.take_shot(shot, at, colour=colour[shot.pane_id])
            for shot in shots
            if shot.pane_id in colour
        ]
        return [sighting for sighting in fresh if sighting is not None], True

    async def _rest(self) -> None:
        """Sleep until something is due, a terminal is written to, or someone calls."""
        selected, others = self._waiting()
        delay_s = self._cadence.delay(selected=bool(selected), others=bool(others))
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        nap = self._nap = asyncio.ensure_future(self._clock.sleep(delay_s))
        self._listen()
        try:
            await asyncio.wait({nap})
        finally:
            self._nap = None
            self._stop_listening()
            nap.cancel()

    def _listen(self) -> None:
        if self._marks.available and not self._cadence.noticed:
            asyncio.get_running_loop().add_reader(self._marks.fd, self._written)

    def _stop_listening(self) -> None:
        if self._marks.available:
            asyncio.get_running_loop().remove_reader(self._marks.fd)

    def _written(self) -> None:
        """A terminal was written to: look soon, and listen no more until then."""
        self._stop_listening()
        self._cadence.notice()
        self._wake()

    def _wake(self) -> None:
        if self._nap is not None:
            self._nap.cancel()
