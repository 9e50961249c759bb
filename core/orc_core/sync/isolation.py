"""A layer that somebody else wrote, kept on a thread of its own.

Invariant: whatever it does (it raises, hangs, blocks, or returns rubbish), every call to it ends
within its deadline, as a value of the right form or as LayerOffline with the reason. While one
call still hangs, no other is made; one that spins is interrupted, and the next ones are refused
for as long as it took.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import replace
from typing import Final, TypeVar

from orc_core.errors import LayerOffline, LayerSpun
from orc_core.sync.burden import Burden, Interrupted
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Key, Layer, Reading, Unreadable
from orc_core.text import clean
from orc_storage.canonical import encode
from orc_storage.documents import ID_PATTERN
from orc_storage.errors import FileMoved, InvalidBody
from orc_storage.records import Body

T = TypeVar("T")

CALL_TIMEOUT_S: Final = 10.0
CHANGES_MAX: Final = 1024
HASH_MAX: Final = 200
TEXT_MAX: Final = 300


class Isolated:
    """A layer made by `make`, on its own thread, under a name; `kinds` are those it may hold.

    Nothing of it is imported or run before the first call; from then on `kinds` are those that
    it does hold.
    """

    lists_all: Final = True

    def __init__(
        self,
        name: str,
        make: Callable[[], Layer],
        kinds: Collection[str],
        *,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self.name = name
        self.kinds = frozenset(kinds)
        self._make = make
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._layer: Layer | None = None
        self._is_in = ""
        """Which of its calls it is in; written on its thread."""
        self._begun = 0
        """How many calls its thread took up."""
        self._turn = asyncio.Lock()
        self._thread = 0
        self._hanging: Burden | None = None
        """What the call that has not come back costs since it began."""
        self._spun, self._rests_until = "", 0.0

    async def prepare(self, kind: str) -> bool:
        """Have it make its place, where it holds that kind."""
        made = await self._call("prepare", lambda layer: _if_held(layer, kind, layer.prepare))
        return made is True

    async def scan(self, kind: str) -> dict[str, Reading]:
        """Return its copies by id; a copy that is none is unreadable."""
        found = await self._call("scan", lambda layer: _if_held(layer, kind, layer.scan))
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise self._rubbish("scan", found)
        readings = [self._checked("scan", kind, id, one) for id, one in found.items()]
        return {reading.id: reading for reading in readings if reading is not None}

    async def read(self, kind: str, id: str) -> Reading | None:
        """Return one copy, None where it does not hold that kind."""

        async def read(layer: Layer) -> Reading | None:
            return await layer.read(kind, id) if kind in layer.kinds else None

        found = await self._call("read", read)
        return None if found is None else self._checked("read", kind, id, found)

    async def give(self, copy: Copy, body: Body | None, rev: int) -> str:
        """Have it take a body; raises FileMoved as it does."""
        sha256 = await self._call("give", lambda layer: layer.give(copy, body, rev))
        if not isinstance(sha256, str) or len(sha256) > HASH_MAX:
            raise self._rubbish("give", sha256)
        return sha256

    async def finish(self) -> None:
        """Have it write what it gathered."""
        await self._call("finish", lambda layer: layer.finish())

    async def withdraw(self) -> None:
        """Have it go away, where it was ever called."""
        if self._layer is not None:
            await self._call("withdraw", lambda layer: layer.withdraw())

    async def changes(self) -> AsyncGenerator[Collection[Key], None]:
        """Yield what it names; where it names nothing, or stops to, the regular look has to do."""
        await self.prepare("")
        ours = asyncio.get_running_loop()
        heard: dict[Key, None] = {}
        news = asyncio.Event()

        def take(names: object) -> None:
            for key in names if isinstance(names, Collection) else ():
                if _is_key(key) and len(heard) < CHANGES_MAX:
                    heard[key] = None
            news.set()

        async def listen(layer: Layer) -> None:
            async with contextlib.aclosing(layer.changes()) as changes:
                async for names in changes:
                    ours.call_soon_threadsafe(take, names)

        listening = asyncio.run_coroutine_threadsafe(self._listen(listen), self._its_loop())
        try:
            while True:
                await news.wait()
                news.clear()
                names = set(heard)
                heard.clear()
                yield names
        finally:
            listening.cancel()

    def close(self) -> None:
        """Let go of its thread; one that hangs ends with the program."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    async def _listen(self, listen: Callable[[Layer], Awaitable[None]]) -> None:
        # What goes wrong here is found by the calls that have an answer.
        with contextlib.suppress(BaseException):
            if self._layer is not None:
                await listen(self._layer)

    async def _call(self, what: str, work: Callable[[Layer], Awaitable[T]]) -> T:
        async with self._turn:
            self._admit()
            begun = self._begun
            running = asyncio.run_coroutine_threadsafe(self._run(what, work), self._its_loop())
            burden = Burden(self._thread)
            try:
                async with asyncio.timeout(self._timeout_s):
                    found = await asyncio.wrap_future(running)
            except TimeoutError:
                # A listener that spins keeps a call from being begun at all.
                is_busy = self._is_in or self._begun == begun
                if is_busy and burden.spins(self._timeout_s):
                    burden.interrupt()
                raise self._late(burden, self._is_in or what) from None
            finally:
                burden.end()
            if burden.holds_up:
                raise self._spinning(burden, what)
            return found

    def _admit(self) -> None:
        """Raise LayerOffline where no call can be made now."""
        if time.monotonic() < self._rests_until:
            raise LayerOffline(self._spun)
        if not self._is_in:
            self._hanging = None
        elif self._hanging is not None and self._hanging.spins(self._timeout_s):
            self._hanging.interrupt()
            raise self._late(self._hanging, self._is_in)
        else:
            raise LayerOffline(
                f"{self.name} has not come back from {self._is_in} yet: {self._remedy()}"
            )

    def _late(self, burden: Burden, where: str) -> LayerOffline:
        """Why a call is over its deadline; one that spins is interrupted."""
        self._hanging = burden
        if not burden.spins(self._timeout_s) and not burden.holds_up:
            text = f"{self.name} did not come back from {where} in {self._timeout_s:g} s"
            return LayerOffline(text)
        return self._spinning(burden, where)

    def _spinning(self, burden: Burden, where: str) -> LayerSpun:
        did = "held up everything" if burden.holds_up else "spun"
        spent = f"for {burden.spent_s:.1f} s of processor time"
        self._spun = f"{self.name} {did} {spent} in {where}: {self._remedy()}"
        self._rests_until = time.monotonic() + self._timeout_s
        return LayerSpun(self._spun)

    def _remedy(self) -> str:
        return f"mend the plug-in, or switch it off with `orc layers set {self.name} --off`"

    async def _run(self, what: str, work: Callable[[Layer], Awaitable[T]]) -> T:
        """Do a call on its thread; what it raises is told as what a layer may raise."""
        self._begun += 1
        try:
            if self._layer is None:
                self._is_in = "its import"
                self._layer = self._made()
                self.kinds &= {kind for kind in self._layer.kinds if isinstance(kind, str)}
            self._is_in = what
            return await work(self._layer)
        except (LayerOffline, FileMoved):
            raise
        except BaseException as error:  # it may raise SystemExit, or pretend to be cancelled
            said = clean(f"{type(error).__name__}: {error}", limit=TEXT_MAX)
            raise LayerOffline(f"{self.name} failed in {self._is_in}: {said}") from None
        finally:
            self._is_in = ""

    def _made(self) -> Layer:
        layer = self._make()
        missing = [name for name in _CALLS if not callable(getattr(layer, name, None))]
        if missing or not isinstance(getattr(layer, "kinds", None), Collection):
            raise TypeError(f"it is no layer: it has no {', '.join(missing) or 'kinds'}")
        return layer

    def _its_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._loop.is_closed():
            self._loop, self._layer, self._is_in = asyncio.new_event_loop(), None, ""
            name = f"layer-{self.name}"
            # A daemon: one that hangs must not keep the program from ending.
            thread = threading.Thread(target=_serve, args=(self._loop,), name=name, daemon=True)
            thread.start()
            self._thread = thread.ident or 0
        return self._loop

    def _checked(self, what: str, kind: str, id: object, found: object) -> Reading | None:
        """A reading as it has to be; what it holds is anybody's word."""
        if not isinstance(id, str) or not ID_PATTERN.fullmatch(id):
            return None
        if not isinstance(found, Copy | Unreadable):
            raise self._rubbish(what, found)
        if (found.kind, found.id) != (kind, id):
            raise self._rubbish(what, (found.kind, found.id))
        if isinstance(found, Unreadable):
            return found
        try:
            if found.body is not None and found.body.get("id") != id:
                return Unreadable(kind, id, "says another id in its body: both must be the same")
            encode(found.body or {})
        except (InvalidBody, AttributeError, RecursionError) as error:
            return Unreadable(kind, id, f"cannot be kept: {clean(str(error), limit=160)}")
        return replace(found, layer=self.name, cause=clean(str(found.cause), limit=160))

    def _rubbish(self, what: str, found: object) -> LayerOffline:
        said = clean(repr(found), limit=60)
        return LayerOffline(f"{self.name} gave back rubbish from {what}: {said}")


_CALLS: Final = ("prepare", "scan", "read", "give", "finish", "changes", "withdraw")


async def _if_held(layer: Layer, kind: str, work: Callable[[str], Awaitable[T]]) -> T | None:
    return await work(kind) if kind in layer.kinds else None


def _is_key(key: object) -> bool:
    return isinstance(key, tuple) and len(key) == 2 and all(isinstance(one, str) for one in key)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        with contextlib.suppress(Interrupted):  # it had just come back by itself
            loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.wait(left) if left else asyncio.sleep(0))
    finally:
        loop.close()
