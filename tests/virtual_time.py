"""An event loop in virtual time, on which several simulated processes live and die.

Invariant: time passes only when nothing is left to do, and jumps to the next timer then. Nothing
here asks a real clock, thread or selector, so that the same program runs the same way each time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from enum import StrEnum
from typing import Any

STEPS_MAX = 1_000_000
"""More than any run takes; one that reaches it turns in a circle."""


class Deadlock(AssertionError):
    """Everybody waits, and nothing will ever happen."""


class Condition(StrEnum):
    """A stopped process goes on later, a dead one never."""

    RUNS = "runs"
    STOPPED = "stopped"
    DEAD = "dead"


class Process:
    """What belongs together on the loop: it is stopped, goes on and dies as one.

    `fuse` is after how many more steps it dies, None for never.
    """

    def __init__(self, name: str, pid: int) -> None:
        self.name, self.pid = name, pid
        self.condition = Condition.RUNS
        self.fuse: int | None = None
        self.on_death: Callable[[], None] = lambda: None
        self.tasks: list[asyncio.Task[Any]] = []
        self._waiting: deque[asyncio.Handle] = deque()

    @property
    def is_alive(self) -> bool:
        return self.condition is not Condition.DEAD

    def stop(self) -> None:
        """Stop it as SIGSTOP does."""
        if self.is_alive:
            self.condition = Condition.STOPPED

    def die(self) -> None:
        """Kill it: nothing of it ever runs again, not even its cleaning up."""
        if self.is_alive:
            self.condition = Condition.DEAD
            self.on_death()

    def takes(self, handle: asyncio.Handle) -> bool:
        """Whether a step of it may be made now; one that may not is kept."""
        if self.condition is Condition.RUNS and self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.die()
        if self.condition is Condition.RUNS:
            return True
        self._waiting.append(handle)
        return False

    def release(self) -> deque[asyncio.Handle]:
        """Let it go on; return the steps that it has to make up for."""
        self.condition, self.fuse = Condition.RUNS, None
        kept, self._waiting = self._waiting, deque()
        return kept


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class _Task(asyncio.Task[Any]):
    """A task that sets hold in the order of making, wherever it lies in memory."""

    def __init__(self, work: Any, number: int, **kwargs: Any) -> None:
        self._number = number
        super().__init__(work, **kwargs)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready, then turns its clock to the next timer.

    `delay` says how long a job takes that is given to a thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.delay: Callable[[], float] = lambda: 0.0
        self.steps = 0
        self._now = 0.0
        self._numbers = itertools.count()
        self.set_exception_handler(lambda loop, context: None)

    def time(self) -> float:
        return self._now

    def spawn(self, process: Process | None, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task inside a process, or outside of all."""
        inside = copy_context()
        inside.run(PROCESS.set, process)
        return self.create_task(work, context=inside)

    def release(self, process: Process) -> None:
        """Let a stopped process go on with all that it missed."""
        self._ready.extend(process.release())

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task = _Task(coro, next(self._numbers), loop=self, name=name or "", context=context)
        process = (copy_context() if context is None else context).get(PROCESS)
        if process is not None:
            process.tasks.append(task)
        return task

    def on_thread(self, work: Callable[[], Any], *, at: float | None = None) -> asyncio.Future[Any]:
        """Do `work` in a moment and tell of it another moment later, whoever still waits.

        It is done by the process that asked, so that one that died in between does it no more.
        """
        future = self.create_future()

        def begin() -> None:
            try:
                tell, what = future.set_result, work()
            except Exception as error:
                tell, what = future.set_exception, error
            self.call_later(self.delay(), settle, tell, what)

        def settle(tell: Callable[[Any], None], what: Any) -> None:
            if not future.done():
                tell(what)

        self.call_at(self._now + self.delay() if at is None else at, begin)
        return future

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        return self.on_thread(lambda: func(*args))

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_soon(callback, *args, context=context)

    def _process_events(self, event_list: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps."""

    def _run_once(self) -> None:
        timers: list[asyncio.TimerHandle] = self._scheduled
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False
        if not self._ready and not self._stopping:
            if not timers:
                raise Deadlock("everybody waits, and nothing will ever happen")
            self._now = max(self._now, timers[0].when())
        while timers and timers[0].when() <= self._now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            self._ready.append(handle)
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if handle.cancelled():
                continue
            process = handle._context.get(PROCESS)
            if process is None or process.takes(handle):
                self.steps += 1
                handle._run()
        if self.steps > STEPS_MAX:
            raise Deadlock(f"no end after {STEPS_MAX} steps")


def run(loop: VirtualLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """Run a program on the loop to its end."""
    assert events._get_running_loop() is None
    return loop.run_until_complete(work)
