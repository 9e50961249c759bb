"""One layer, kept in step with the store at the pace that was chosen for it.

Invariant: what is wrong with this layer stays with it. Its calls have deadlines, what fails is
tried again with care, and a layer that keeps failing is left alone for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, Final, TypeAlias

from orc_core.breaker import Breaker, Phase
from orc_core.clock import Clock
from orc_core.errors import LayerOffline, LayerSpun
from orc_core.model.health import Layer as LayerHealth
from orc_core.sync.absences import CONFIRM_S
from orc_core.sync.agenda import Agenda
from orc_core.sync.layers import Key, Layer
from orc_core.sync.paces import Choice, Strategy
from orc_core.sync.passes import Passes, said
from orc_core.sync.rules import Rules
from orc_core.sync.standing import Standing
from orc_core.sync.tally import Later, Tally
from orc_storage.database import Database
from orc_storage.errors import StorageError

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

ALL: Final[Key] = ("", "")
"""Stands for every document of every kind."""

LOOK_EVERY_S: Final = 30.0
DOUBT_S: Final = 0.2
"""How long a copy has to be unreadable before it is believed to be."""
RETRY_S: Final = 0.5
_REST: Final[Key] = ("", "rest")
ROUNDS_MAX: Final = 8
WITHDRAW_S: Final = 5.0
STEP_S: Final = 10.0
"""What is told of longer times goes by this step, so that no screen counts seconds."""


class Follower:
    """Keeps one layer in step with a store, as far as its `choice` says.

    `changed` is called on the loop after every pass, and whenever the layer's health may differ.
    """

    def __init__(
        self,
        db: Database,
        layer: Layer,
        clock: Clock,
        rules: Mapping[str, Rules],
        store: Standing,
        changed: Callable[[], None],
    ) -> None:
        self.layer = layer
        self.name = layer.name
        self.choice = Choice()
        self.standing = Standing(layer.name, clock)
        self.breaker = Breaker(clock)
        self.accepts = False
        """Whether what is missing in great number was removed on purpose."""
        self._clock = clock
        self._changed = changed
        self._passes = Passes(db, layer, clock, rules, standing=self.standing, store=store)
        self._agenda = Agenda()
        self._wake = asyncio.Event()
        self._timers: dict[Key, asyncio.Task[None]] = {}
        self._batches: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left to do now, or nothing can be done."""
        if self._group is None:
            return True
        return self._agenda.is_idle and (self.standing.is_offline or not self._timers)

    @property
    def is_on(self) -> bool:
        return self.choice.on

    def is_lazy(self, kind: str) -> bool:
        """Whether documents of a kind are brought in step when they are read only."""
        held = self.choice.on and kind in self._passes.kinds
        return held and self.choice.of(kind).strategy is Strategy.LAZY

    @property
    def hears_events(self) -> bool:
        """Whether some kind listens for events."""
        paces = (self.choice.of(kind).strategy for kind in self._passes.kinds)
        return self.choice.on and Strategy.EVENT in paces

    def health(self) -> LayerHealth:
        """The layer's line of the sync pane."""
        if not self.choice.on:
            return self.standing.layer(str(self.choice))
        rests = self.breaker.phase is Phase.OPEN
        return self.standing.layer(
            str(self.choice),
            queued=self._agenda.queued,
            behind_s=_coarse(self._agenda.behind_s(self._clock.monotonic())),
            rests_s=_coarse(self.breaker.retry_in_s + STEP_S) if rests else 0.0,
        )

    async def use(self, choice: Choice) -> None:
        """Go by this choice from now on; what is on and off is carried out."""
        if choice == self.choice:
            return
        was_on, self.choice = self.choice.on, choice
        self.standing.is_off = not choice.on
        for task in self._batches.values():
            task.cancel()
        self._batches.clear()
        if self._group is None:
            return
        if was_on and not choice.on:
            await self._stop()
            await self._withdraw()
        elif choice.on and self._running is None:
            self._start(self._group)
        elif choice.on:
            self._take_up_held()
            self._look_at_prompt()
        self._changed()

    def note(self, key: Key) -> None:
        """Something changed, in the store or in the layer: the pace says when it is synced."""
        kind = key[0]
        if kind not in self._passes.kinds or not self.choice.on:
            return
        now = self._clock.monotonic()
        pace = self.choice.of(kind)
        if pace.strategy is Strategy.REALTIME:
            self.want(key)
            return
        self._agenda.hold(key, now)
        if pace.strategy is Strategy.BATCH and kind not in self._batches and self._group:
            work = self._release_after(kind, pace.interval_s)
            self._batches[kind] = self._group.create_task(work)

    def heard(self, events: Collection[str]) -> None:
        """Something happened: kinds that listen for it are synced, with all that they hold."""
        for kind in self._passes.kinds:
            pace = self.choice.of(kind)
            if pace.strategy is Strategy.EVENT and pace.listens(events):
                self._agenda.release({kind}, self._clock.monotonic())
        self._wake_up()

    def reads(self, kind: str) -> bool:
        """Somebody reads documents of a kind: what is lazy is synced; True where that is so."""
        lazy = self.is_lazy(kind)
        if lazy:
            self.want((kind, ""))
        return lazy

    def want(self, key: Key, *, believe: bool = False) -> None:
        """Sync a document, a kind or all of them now, whatever the pace."""
        now = self._clock.monotonic()
        for each in self._passes.everything if key == ALL else (key,):
            self._agenda.want(each, now, believe=believe)
        if key == ALL:
            self._agenda.release(self._passes.kinds, now)
        self._wake_up()

    def demand(self) -> None:
        """A person asked: look at everything now, also where the layer is left alone."""
        self.breaker.reset()
        if self.choice.on:
            self.want(ALL)

    async def once(self, tally: Tally, *, accept_deletions: bool = False) -> None:
        """Bring everything in step once, second looks included.

        Raises LayerOffline or StorageError where one side cannot be read at all.
        """
        passes = self._passes
        later = await passes.run(passes.everything, tally, accept_deletions=accept_deletions)
        for _ in range(ROUNDS_MAX):
            if not later:
                break
            await self._clock.sleep(CONFIRM_S if later.missed else DOUBT_S)
            names = passes.everything if later.missed else later.doubtful | later.again
            later = await passes.run(
                names, tally, believe=later.doubtful, accept_deletions=accept_deletions
            )
        self.breaker.reset()

    async def run(self) -> None:
        """Follow the layer until cancelled, while it is on."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                if self.choice.on:
                    self._start(group)
                else:
                    await self._withdraw()  # it may have been switched off while nobody led
                await asyncio.Event().wait()
        finally:
            self._group, self._running = None, None
            self._agenda.clear()
            self._timers.clear()
            self._batches.clear()

    def _start(self, group: asyncio.TaskGroup) -> None:
        self._running = group.create_task(self._follow())

    async def _stop(self) -> None:
        for task in self._timers.values():
            task.cancel()
        self._timers.clear()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait({running})
        self._agenda.clear()

    async def _withdraw(self) -> None:
        try:
            async with asyncio.timeout(WITHDRAW_S):
                await self.layer.withdraw()
        except (LayerOffline, StorageError, TimeoutError) as error:
            self.standing.goes_offline(str(error) or f"{self.name} did not let go in time")

    async def _follow(self) -> None:
        self._look_at_prompt()
        if not all(map(self._is_prompt, self._passes.kinds)):
            await self._knock()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work())
            group.create_task(self._watch())
            group.create_task(self._look_regularly())

    async def _knock(self) -> None:
        """See that the layer is there without reading it."""
        try:
            await self._passes.prepare()
        except LayerOffline as error:
            self.standing.goes_offline(str(error))
            self._want_after(RETRY_S, ALL)
        self._changed()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._agenda.is_idle:
                continue
            if not self.breaker.admit():
                self._after(max(self.breaker.retry_in_s, RETRY_S), _REST, self._rested)
                self._changed()
                continue
            later = await self._pass()
            if _is_ending():
                return  # what failed failed as it was cancelled: there is no later
            self._plan(later)
            self._changed()

    async def _rested(self) -> None:
        self._wake_up()

    async def _pass(self) -> Later:
        names = self._agenda.begin()
        oldest = min(one.since for one in self._agenda.working.values())
        try:
            later = await self._passes.run(
                names,
                Tally(),
                believe=self._agenda.believed(),
                accept_deletions=self.accepts,
            )
        except LayerSpun:
            self.breaker.trip()
            return Later(again={ALL})
        except LayerOffline:
            self.breaker.fail()
            return Later(again={ALL})
        except StorageError:
            self.breaker.withdraw()
            return Later(again={ALL})
        except Exception as error:
            self.breaker.fail()
            self.standing.goes_offline(said(error))
            return Later(again={ALL})
        finally:
            self._agenda.end()
        self.breaker.succeed()
        if not later:
            self.standing.took(self._clock.monotonic() - oldest)
        if self.breaker.phase is not Phase.CLOSED:
            later.again |= self._passes.everything
        return later

    def _plan(self, later: Later) -> None:
        """Come back to what a pass could not finish."""
        for key in later.doubtful:
            self._want_after(DOUBT_S, key, believe=True)
        for key in later.again:
            self._want_after(RETRY_S, key)
        if later.missed:
            self._want_after(CONFIRM_S, ALL)

    def _want_after(self, delay_s: float, key: Key, *, believe: bool = False) -> None:
        async def want() -> None:
            self.want(key, believe=believe)

        self._after(delay_s, key, want)

    def _after(self, delay_s: float, key: Key, work: Work) -> None:
        async def wait() -> None:
            await self._clock.sleep(delay_s)
            del self._timers[key]
            await work()

        if key in self._timers or self._group is None:
            return
        waiting = wait()
        try:
            self._timers[key] = self._group.create_task(waiting)
        except RuntimeError:
            waiting.close()  # the group is ending, which nothing else tells: there is no later

    async def _release_after(self, kind: str, delay_s: float) -> None:
        await self._clock.sleep(delay_s)
        del self._batches[kind]
        self._agenda.release({kind}, self._clock.monotonic())
        self._wake_up()

    def _take_up_held(self) -> None:
        """Go by another pace with what is held."""
        for key, wanted in list(self._agenda.held.items()):
            del self._agenda.held[key]
            self.note(key)
            if key in self._agenda.held:
                self._agenda.held[key] = wanted

    async def _watch(self) -> None:
        while True:
            try:
                async with contextlib.aclosing(self.layer.changes()) as changes:
                    async for names in changes:
                        for key in names:
                            self.note(key)
            except StorageError:
                await self._clock.sleep(RETRY_S)  # the store tells of its own trouble
            except Exception as error:
                self.standing.goes_offline(said(error))
                await self._clock.sleep(max(RETRY_S, self.breaker.retry_in_s))
            # What changed while nobody watched shows in a look at everything.
            self._want_after(RETRY_S, ALL)

    async def _look_regularly(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self._look_at_prompt()
            for kind in self._passes.kinds:
                if self.choice.of(kind).strategy is Strategy.BATCH:
                    self.note((kind, ""))

    def _look_at_prompt(self) -> None:
        for kind in filter(self._is_prompt, self._passes.kinds):
            self.want((kind, ""))

    def _is_prompt(self, kind: str) -> bool:
        """Whether the documents of a kind are looked at unasked."""
        return self.choice.of(kind).strategy is Strategy.REALTIME

    def _wake_up(self) -> None:
        if not self._agenda.is_idle:
            self._wake.set()


def _coarse(seconds: float) -> float:
    return seconds if seconds < STEP_S else seconds - seconds % STEP_S


def _is_ending() -> bool:
    """Whether this task was cancelled, also where an error of the same moment hid that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
