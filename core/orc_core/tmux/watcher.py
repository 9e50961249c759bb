"""Watching one tmux server: what is there, and what changed since.

Invariant: an unhappy server is a state and never an exception; one that does not answer
changes nothing. Watching leaves the user's server as it was. A tick forks at most one process
for captures, and none when nothing changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import TmuxError, TmuxGone
from orc_core.model.agent import PaneRef
from orc_core.model.health import LinkState
from orc_core.tmux.cadence import OTHERS_S, Cadence
from orc_core.tmux.captures import CAPTURES_MAX, Captures, Share
from orc_core.tmux.inotify import TerminalMarks
from orc_core.tmux.link import Link, Listing, Strategy
from orc_core.tmux.memory import Memory, Sighting
from orc_core.tmux.panes import PaneInfo, Shot
from orc_core.tmux.server import Address
from orc_core.tmux.ticks import Tick, joined, portions

__all__ = ["PaneInfo", "Sighting", "Strategy", "Tick", "Watcher"]

FULL_EVERY_S: Final = 10.0
"""A program may change its folder, or another may run, without a sign of it."""


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
        self._address = address
        self._clock = clock
        self._memory = Memory(address.socket_path)
        self._link = Link(address, clock, strategy)
        self._marks = TerminalMarks()
        self._cadence = Cadence(clock)
        self._captures = Captures(self._memory, self._link, self._cadence, clock, skip_ttys)
        self._full_at = 0.0
        self._since = 0
        self._watched: tuple[int, set[str]] | None = None
        self._answers = False
        self._nap: asyncio.Task[None] | None = None

    @property
    def urgent(self) -> set[str]:
        """Keys of panes to be captured as soon as they change, once; add to it freely."""
        return self._captures.urgent

    def heed(self, keys: Collection[str]) -> None:
        """Capture these panes as soon as they change, until others are named; not too many."""
        self._captures.heeded = frozenset(keys)

    def select(self, key: str | None, beside: frozenset[str] = frozenset()) -> None:
        """Capture this pane as soon as it changes, and in colour, as those `beside` are."""
        captures = self._captures
        coloured = beside if key is None else beside | {key}
        if key == captures.selected and coloured == captures.coloured:
            return
        self._memory.forget_screens({*(coloured ^ captures.coloured), key, captures.selected})
        captures.selected, captures.coloured = key, coloured
        self._cadence.hurry()
        self._wake()

    @property
    def paused_s(self) -> float:
        """Seconds until the connection is tried again that failed too often; 0.0 for no pause."""
        return self._link.paused_s

    def use(self, strategy: Strategy) -> None:
        """Watch by this strategy from the next list on, which is a second away at most."""
        self._link.use(strategy)

    def rest(self, *, long: bool) -> None:
        """Whether to look rarely, because nothing is there to be watched over."""
        if self._cadence.rest(long=long):
            self._wake()

    async def ticks(self) -> AsyncGenerator[Tick, None]:
        """Look again and again; one tick a second at least, and one for whatever changes.

        A server at rest has fewer.
        """
        self._marks.open()
        if not self._marks.available:
            self._cadence.selected_s = OTHERS_S
        try:
            while True:
                async with aclosing(self._looking()) as told:
                    async for tick in told:
                        for part in portions(tick):
                            yield part
                            await asyncio.sleep(0)
                await self._rest()
        finally:
            await self.close()

    async def look(self) -> Tick:
        """Look now, whatever is due: list all panes and capture those that changed."""
        async with aclosing(self.look_in_parts()) as told:
            return joined([tick async for tick in told])

    async def look_in_parts(self) -> AsyncGenerator[Tick, None]:
        """The same as it goes on: the first screens are told while tmux is at work on others."""
        if not self._marks.available:
            self._marks.open()
        self._cadence.all_due()
        async with aclosing(self._looking()) as told:
            async for tick in told:
                yield tick

    @property
    def backlog(self) -> bool:
        """Whether panes are known to have changed that were not captured yet."""
        return self._captures.backlog

    async def once(self) -> Tick:
        """Look at everything once, by plain processes; no session is made."""
        began = self._clock.monotonic()
        memory = Memory(self._address.socket_path)
        link = Link(self._address, self._clock, "sync")
        fresh: list[Sighting] = []
        try:
            listing = await link.listing(0)
            memory.merge(listing.rows, listing.start, self._clock.now(), "")
            panes = [pane.row.pane_id for pane in memory.dirty(self._captures.skip())]
            for first in range(0, len(panes), CAPTURES_MAX):
                chunk = [(pane_id, False) for pane_id in panes[first : first + CAPTURES_MAX]]
                shots: list[Shot] = []
                await link.captures(chunk, shots.extend)
                for shot in shots:
                    sighting = memory.take_shot(shot, self._clock.now(), colour=False)
                    fresh += [sighting] if sighting else []
        except (TmuxError, OSError) as error:  # OSError: no process could be started
            return self._unhappy(error, link.forks, began)
        return Tick(
            at=self._clock.now(),
            state=LinkState.LIVE,
            panes=memory.there,
            news=memory.take_news(fresh),
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

    async def _looking(self) -> AsyncGenerator[Tick, None]:
        """Do what is due and tell what comes of it, while the server is at work on the rest."""
        told: asyncio.Queue[Tick | None] = asyncio.Queue()
        look = asyncio.ensure_future(self._look(told.put_nowait))
        look.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (tick := await told.get()) is not None:
                yield tick
            await look
        finally:
            look.cancel()
            await asyncio.wait({look})
            if not look.cancelled():
                look.exception()  # whoever waited for it has heard of it

    async def _look(self, tell: Callable[[Tick], None]) -> None:
        """Do what is due; nothing is told where there was nothing to tell."""
        began = self._clock.monotonic()
        forks = self._link.forks
        gone: tuple[PaneRef, ...] = ()
        listed = self._cadence.list_due()
        captured = False
        fresh: list[Sighting] = []

        def seen(sightings: list[Sighting], waiting: Collection[str]) -> None:
            """Some screens are there; of the panes that wait for theirs nothing is told yet."""
            nonlocal gone
            tell(self._tick(sightings, gone, waiting))
            gone = ()

        try:
            if listed:
                self._foresee()
                gone = await self._list()
            self._drain()
            share = self._due()
            if share.panes:
                fresh, captured = await self._captures.take(share, seen), True
        except (TmuxError, OSError) as error:  # OSError: no process could be started
            self._answers = False
            self._cadence.listed()
            tell(self._unhappy(error, self._link.forks - forks, began))
            return
        finally:
            await self._link.withdraw()
        if listed or captured:
            tick = self._tick(fresh, gone)
            forks, wall_s = self._link.forks - forks, self._clock.monotonic() - began
            tell(replace(tick, forks=forks, wall_s=wall_s))

    def _tick(
        self, fresh: list[Sighting], gone: tuple[PaneRef, ...], waiting: Collection[str] = ()
    ) -> Tick:
        return Tick(
            at=self._clock.now(),
            state=self._link.state,
            panes=self._memory.there,
            news=self._memory.take_news(fresh, waiting),
            gone=gone,
            complete=True,
            forks=0,
            wall_s=0.0,
        )

    def _unhappy(self, error: Exception, forks: int, began: float) -> Tick:
        return Tick(
            at=self._clock.now(),
            state=LinkState.GONE if isinstance(error, TmuxGone) else LinkState.STALE,
            panes=(),
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
        gone = None if full else self._merge(await self._link.listing(self._since))
        if gone is None:
            gone = self._merge(await self._link.listing(0)) or ()
            self._full_at = now + FULL_EVERY_S
        self._cadence.listed()
        self._answers = True
        self._link.lonely(self._memory.alone)
        if self._memory.alone or self._memory.visitors:
            self._memory.visitors = False
            await self._link.leave()
        self._watch_terminals()
        return gone

    def _merge(self, listing: Listing) -> tuple[PaneRef, ...] | None:
        start = listing.start or self._memory.start
        if listing.second < self._since:
            self._memory.forget_seconds()
            self._since = self._full_at = 0
        now = self._clock.now()
        gone = self._memory.merge(listing.rows, start, now, self._link.session)
        if gone is not None:
            # Whatever changes after this list does so in its second, or later.
            self._since = listing.second
        return gone

    def _watch_terminals(self) -> None:
        """Have the kernel mark the terminals of all panes, but for dashboards' own."""
        skipped = self._captures.skip()
        watched = (self._memory.version, skipped)
        if watched != self._watched:
            self._watched = watched
            ttys = {pane.info.tty for pane in self._memory.panes.values()} - skipped
            self._marks.watch(tty for tty in ttys if tty.startswith("/dev/"))

    def _foresee(self) -> None:
        """Have a process ready for the captures if a terminal was written to."""
        self._memory.mark(self._marks.drain(), self._clock.now())
        if self._due().panes:
            self._link.prepare()

    def _drain(self) -> None:
        """Take the marks of terminals that were written to."""
        if self._cadence.drain_due():
            self._memory.mark(self._marks.drain(), self._clock.now())
            self._cadence.drained()

    def _due(self) -> Share:
        """The panes to be captured now; none while the server does not answer.

        The next list finds out how it is.
        """
        if not self._answers:
            return Share((), False, False)
        return self._captures.due(marked=self._marks.available)

    async def _rest(self) -> None:
        """Sleep until something is due, a terminal is written to, or someone calls."""
        selected = others = False
        if self._answers:
            selected, others = map(bool, self._captures.waiting(marked=self._marks.available))
        delay_s = self._cadence.delay(selected=selected, others=others)
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
