"""Watching one tmux server: what is there, and what changed since.

Invariant: an unhappy server is a state and never an exception; one that does not answer
changes nothing. Watching leaves the user's server as it was. A tick forks at most one process
for captures, and none when nothing changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import TmuxError, TmuxGone
from orc_core.model.agent import PaneRef
from orc_core.model.health import LinkState
from orc_core.tmux.cadence import OTHERS_S, Cadence
from orc_core.tmux.inotify import TerminalMarks
from orc_core.tmux.link import CHUNK, Link, Listing, Strategy
from orc_core.tmux.memory import Memory, Pane, Sighting
from orc_core.tmux.panes import PaneInfo, Shot
from orc_core.tmux.server import Address
from orc_core.tmux.ticks import Tick, joined, portions

__all__ = ["PaneInfo", "Sighting", "Strategy", "Tick", "Watcher"]

CAPTURES_MAX: Final = 240
"""Captures in one tick: they hold up the server, and with it everyone's typing, by 10 ms."""

URGENT_MAX: Final = 16
HEEDED_MAX: Final = 32
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
        self.urgent: set[str] = set()
        """Keys of panes to be captured as soon as they change, once; add to it freely."""
        self.heeded: frozenset[str] = frozenset()
        """Keys of panes to be captured as soon as they change, until another set is given.

        Where they are more than HEEDED_MAX they are like all others.
        """
        self._address = address
        self._clock = clock
        self._skip_ttys = skip_ttys
        self._selected: str | None = None
        self._memory = Memory(address.socket_path)
        self._link = Link(address, clock, strategy)
        self._marks = TerminalMarks()
        self._cadence = Cadence(clock)
        self._full_at = 0.0
        self._since = 0
        self._watched: tuple[int, set[str]] | None = None
        self._skipped: set[str] = set()
        self._answers = False
        self._took_s = 0.0
        """How long the last captures kept the server busy."""
        self._nap: asyncio.Task[None] | None = None

    def select(self, key: str | None) -> None:
        """Capture this pane in colour, and as soon as it changes; None for no pane."""
        if key == self._selected:
            return
        for pane in self._memory.panes.values():
            # The one that was selected, too: its plain text is not known to be the same.
            if pane.key in (key, self._selected):
                pane.dirty, pane.digest, pane.colour_digest = True, 0, 0
        self._selected = key
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
        return bool(self._memory.dirty(self._skipped))

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
            due, backlog, others = self._due()
            if due:
                fresh, captured = await self._capture(due, seen), True
                self._cadence.captured(others=others, backlog=backlog, took_s=self._took_s)
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
        self._skipped = self._skip_ttys()
        watched = (self._memory.version, self._skipped)
        if watched != self._watched:
            self._watched = watched
            ttys = {pane.info.tty for pane in self._memory.panes.values()} - self._skipped
            self._marks.watch(tty for tty in ttys if tty.startswith("/dev/"))

    def _foresee(self) -> None:
        """Have a process ready for the captures if a terminal was written to."""
        self._memory.mark(self._marks.drain(), self._clock.now())
        if self._due()[0]:
            self._link.prepare()

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
        heeded = wanted | self.heeded if len(self.heeded) <= HEEDED_MAX else wanted
        selected: list[Pane] = []
        others: list[Pane] = []
        for pane in self._memory.dirty(self._skipped, () if self._marks.available else wanted):
            (selected if pane.key in heeded else others).append(pane)
        return selected, others

    def _due(self) -> tuple[list[Pane], bool, bool]:
        """The panes to be captured now, whether some have to wait, and if there are others."""
        selected, others = self._waiting()
        if not self._cadence.selected_due():
            selected = []
        if not self._cadence.others_due():
            others = []
        due = [*selected, *sorted(others, key=lambda pane: pane.dirty_since)]
        if due:
            self._skipped = self._skip_ttys()
            due = [pane for pane in due if pane.info.tty not in self._skipped]
        return due[:CAPTURES_MAX], len(due) > CAPTURES_MAX, bool(others)

    async def _capture(
        self, due: Sequence[Pane], seen: Callable[[list[Sighting], Collection[str]], None]
    ) -> list[Sighting]:
        """Capture these panes, in one process or over the connection.

        Of many, `seen` is told those that are there already; what is left is returned.
        """
        began = self._clock.monotonic()
        waiting = {pane.row.pane_id: pane for pane in due}
        fresh: list[Sighting] = []

        def taken(shots: list[Shot]) -> None:
            at = self._clock.now()
            for shot in shots:
                pane = waiting.pop(shot.pane_id, None)
                if pane is None:
                    continue
                colour = pane.key == selected
                sighting = self._memory.take_shot(shot, at, colour=colour)
                fresh.extend([sighting] if sighting is not None else [])
            if fresh and waiting and len(due) > CHUNK:
                seen(fresh.copy(), waiting)
                fresh.clear()

        selected = self._selected
        # What changes from here on may or may not be on the screens that come back.
        for pane in due:
            pane.dirty = False
        if len(due) > CHUNK:
            seen([], waiting)
        try:
            colours = [(pane.row.pane_id, pane.key == selected) for pane in due]
            await self._link.captures(colours, taken)
        except BaseException:
            for pane in waiting.values():
                pane.dirty = True
            raise
        self._took_s = self._clock.monotonic() - began
        self.urgent -= {pane.key for pane in due}
        return fresh

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
