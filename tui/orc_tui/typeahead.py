"""What is typed before the screen is ready for it: keys go on one at a time, in their order.

Invariant: a key is handed on when all that the one before it caused is done, so that it reaches
what then has the focus. Nothing waits for good: where for SETTLE_S nothing goes on with a key, or
an act takes longer than BEGIN_S, the next one is handed on. At most KEYS_MAX wait; what comes
beyond that is dropped, counted and told.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from textual import events
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.app import App

Typed: TypeAlias = events.Key | events.Paste

KEYS_MAX: Final = 256
SETTLE_S: Final = 0.25
BEGIN_S: Final = 1.0
"""So long an act may take until it is done, or asks; what it does after that has SETTLE_S."""
ROOM_S: Final = 10.0
"""So long whoever reads the terminal waits for room, but where a key hangs."""
ROOM_EVERY_S: Final = 0.05
AT_ONCE: Final = frozenset({"ctrl+c"})
"""These wait for no other key, so that they work whatever hangs."""
ROUNDS_MIN: Final = 2
"""First what the key itself was handled by, then what that told to whom."""


class TypeAhead:
    """The queue of one app's keys; `hand_on` gives one to the app, `full` tells what was dropped.

    All methods but `send` are called from the app's loop.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        hand_on: Callable[[Typed], object],
        full: Callable[[], None],
    ) -> None:
        self._app = app
        self._hand_on = hand_on
        self._full = full
        self._waiting: deque[Typed] = deque()
        self._room = threading.BoundedSemaphore(KEYS_MAX)
        self._overflows = False
        self._hangs = False
        self._in_hand: _InHand | None = None
        self.dropped = 0

    @property
    def is_idle(self) -> bool:
        """Whether all is done that was typed so far."""
        return self._in_hand is None

    def send(
        self, typed: Typed, loop: asyncio.AbstractEventLoop, is_over: Callable[[], bool]
    ) -> None:
        """Put a key in the queue, from the thread that reads the terminal.

        It waits for room, at most ROOM_S and until `is_over`, so that a long paste is typed whole.
        Where a key hangs it does not wait, lest ctrl+c is never read.
        """
        if _is_urgent(typed):
            loop.call_soon_threadsafe(self._hand_on, typed)
            return
        has_room = not self._overflows and self._room.acquire(blocking=False)
        patience = round(ROOM_S / ROOM_EVERY_S)
        while not (has_room or self._overflows or self._hangs or is_over()) and patience:
            patience -= 1
            has_room = self._room.acquire(timeout=ROOM_EVERY_S)
        loop.call_soon_threadsafe(*((self._take, typed) if has_room else (self._drop,)))

    def put(self, typed: Typed) -> None:
        """Put a key in the queue, or drop it where there is no room."""
        if _is_urgent(typed):
            self._hand_on(typed)
        elif not self._overflows and self._room.acquire(blocking=False):
            self._take(typed)
        else:
            self._drop()

    def handled(self, by: MessagePump) -> None:
        """The app passed a key on to `by`: follow what it causes."""
        if self._in_hand is not None:
            self._in_hand.passed_on(by)

    # -- what acts tell -----------------------------------------------------------------------

    def begin(self, work: object, within_s: float = BEGIN_S) -> None:
        """Something began that the key in hand asked for: it is done when this is."""
        if self._in_hand is not None:
            self._in_hand.works.add(work)
            self._in_hand.wait(within_s)

    def end(self, work: object) -> None:
        """It ended, or it waits for a person now."""
        if self._in_hand is not None and work in self._in_hand.works:
            self._in_hand.works.discard(work)
            self._in_hand.look_again()

    # -- the queue ----------------------------------------------------------------------------

    def _take(self, typed: Typed) -> None:
        self._waiting.append(typed)
        self._go_on()

    def _drop(self) -> None:
        self.dropped += 1
        if not self._overflows:
            # Nothing of what follows is taken before all is typed: no text with a hole in it.
            self._overflows = True
            self._full()

    def _go_on(self) -> None:
        """Hand on the next key, together with those that are text for the same field."""
        if self._in_hand is not None or not self._waiting:
            return
        batch = [self._waiting.popleft()]
        while self._waiting and self._is_text(batch[-1]) and self._is_text(self._waiting[0]):
            batch.append(self._waiting.popleft())
        self._room.release(len(batch))
        self._overflows = self._overflows and bool(self._waiting)
        self._in_hand = _InHand(self._app, len(batch), self._settled)
        for typed in batch:
            self._hand_on(typed)

    def _is_text(self, typed: Typed) -> bool:
        """Whether the field that has the focus takes it as text, and does nothing else with it."""
        field = self._app.focused
        if field is None or not isinstance(typed, events.Key) or not typed.is_printable:
            return False
        return field.check_consume_key(typed.key, typed.character)

    def _settled(self, hangs: bool) -> None:
        self._in_hand, self._hangs = None, hangs
        self._go_on()


class _InHand:
    """Keys that the app has, and the marker that follows what they cause.

    The marker is put at the end of one queue after the other, from whoever has the key up to the
    app. What the key told anybody is ahead of it in the same queues.
    """

    def __init__(self, app: App[Any], keys: int, settled: Callable[[bool], None]) -> None:
        self._app = app
        self._left = keys
        self._settled = settled
        self._rounds = 0
        self._climbs = False
        self._seen: tuple[object, object] = (None, None)
        self._loop = asyncio.get_running_loop()
        self._until = 0.0
        self._is_done = False
        self.works: set[object] = set()
        self.wait(SETTLE_S)
        self._deadline = self._loop.call_at(self._until, self._check)

    def wait(self, for_s: float) -> None:
        """Something goes on: wait for so long at least."""
        self._until = max(self._until, self._loop.time() + for_s)

    def _check(self) -> None:
        if self._loop.time() >= self._until:
            self._done(hangs=True)
        else:
            self._deadline = self._loop.call_at(self._until, self._check)

    def passed_on(self, by: MessagePump) -> None:
        self._left -= 1
        if self._left == 0:
            self._begin_round(by)

    def look_again(self) -> None:
        """What was waited for ended: see what came of it."""
        if self._left <= 0 and not self._climbs:
            self._rounds = 0
            self._begin_round(self._focus())

    def _focus(self) -> MessagePump:
        return self._app.focused or self._app.screen if self._app.screen_stack else self._app

    def _begin_round(self, start: MessagePump) -> None:
        self._rounds += 1
        self._climbs = True
        self._seen = self._look()
        self._climb(start)

    def _look(self) -> tuple[object, object]:
        top = self._app.screen if self._app.screen_stack else None
        return top, self._app.focused if top is not None else None

    def _climb(self, pump: MessagePump | None) -> None:
        """Put the marker into a queue; one that is closed by now is left out."""
        app = self._app
        while pump is not None and not pump.call_later(self._arrive, pump):
            pump = _above(pump, app)

    def _arrive(self, pump: MessagePump) -> None:
        if self._is_done:
            return
        self.wait(SETTLE_S)
        if pump is not self._app:
            self._climb(_above(pump, self._app))
            return
        self._climbs = False
        if self._rounds < ROUNDS_MIN or self._look() != self._seen:
            self._begin_round(self._focus())
        elif not self.works:
            self._done(hangs=False)

    def _done(self, *, hangs: bool) -> None:
        if not self._is_done:
            self._is_done = True
            self._deadline.cancel()
            self._settled(hangs)


def _above(pump: MessagePump, app: App[Any]) -> MessagePump | None:
    """Whose queue the marker goes to next: from what was taken away it goes to the app."""
    return None if pump is app else pump._parent or app  # noqa: SLF001 (has no public name)


def _is_urgent(typed: Typed) -> bool:
    return isinstance(typed, events.Key) and typed.key in AT_ONCE


class Work:
    """Something that a key asked for; while it waits for a person, keys do not wait for it."""

    def __init__(self, keys: TypeAhead) -> None:
        self._keys = keys
        keys.begin(self)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Run the block as this work; the keys go on when it is over."""
        token = _WORK.set(self)
        try:
            yield
        finally:
            _WORK.reset(token)
            self._keys.end(self)

    @contextmanager
    def rest(self) -> Iterator[None]:
        self._keys.end(self)
        try:
            yield
        finally:
            self._keys.begin(self, SETTLE_S)


_WORK: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def resting() -> Iterator[None]:
    """In the block a person is waited for, which is no work that keys would wait for."""
    work = _WORK.get()
    if work is None:
        yield
    else:
        with work.rest():
            yield
