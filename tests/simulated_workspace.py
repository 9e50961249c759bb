"""One workspace that several simulated processes share: its store, its files, its lock, its clock.

Invariant: only what lies outside of the program is stood in for (threads, the file system's
watch, the kernel's lock, the clock); transactions run on a real SQLite, one at a time, and files
are real files.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from memory_layer import MemoryLayer
from orc_core.errors import LayerOffline
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Reading
from orc_storage import engine as engines
from orc_storage import schema
from orc_storage.database import READERS, Connection, Database
from orc_storage.errors import StoreUnavailable
from orc_storage.files import Gift, Mirror, MirrorFile
from orc_storage.lane import Opening
from orc_storage.records import Body
from orc_storage.writer import Writer
from virtual_time import PROCESS, Process, VirtualLoop

T = TypeVar("T")

EPOCH = 1_800_000_000.0
QUICK_S = (0.004, 0.004, 0.03, 0.2)
"""How long a job takes at most on this or that machine: the slower, the more meets."""
BOARD = "board"


@functools.cache
def _template() -> Any:
    """An empty store, made once."""
    engine = engines.pick()
    conn = engine.connect(Path("template"), mode="memory")
    schema.migrate(engine, conn, Path("template"))
    return conn


@dataclass
class Trouble:
    """What is wrong with the world just now; `slow_s` is how long a job may take."""

    store: str = ""
    """"" or why the store takes nothing; what begins with `away` cannot be read either."""
    files: str = ""
    board: str = ""
    store_slow_s: float = 0.0
    files_slow_s: float = 0.0


@dataclass
class World:
    """What all processes share; `told` is called after each commit that changed something.

    `overwrote` is told of each file that the program replaced or removed: its id, the bytes
    before and after, None for none.
    """

    seed: str
    folder: Path
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    trouble: Trouble = field(default_factory=Trouble)
    wall_shift: float = 0.0
    commits: int = 0
    leader: Lock | None = None
    beaten_at: float = 0.0
    is_over: bool = False
    has_board: bool = False
    slowest_until: float = 0.0
    board: dict[tuple[str, str], Body] = field(default_factory=dict)
    told: Callable[[], None] = lambda: None
    overwrote: Callable[[str, str, bytes | None, bytes | None], None] = lambda *_: None
    synced: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.latency = random.Random(f"{self.seed}/latency")
        self.quick_s = self.latency.choice(QUICK_S)
        self.loop.delay = lambda: self._takes(self.trouble.files_slow_s)
        self.engine = engines.pick()
        self.conn: Connection = self.engine.connect(Path("store"), mode="memory")
        _template().backup(self.conn)
        self.opening = Opening(
            self.engine, self.folder / "store.db", (0, 0), is_wal=True, can_change=True
        )
        self.ears: dict[int, Callable[[str, str], None]] = {}
        self._ear = 0

    def now(self) -> float:
        return EPOCH + self.wall_shift + self.loop.time()

    def monotonic(self) -> float:
        return self.loop.time()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)

    def store_delay(self) -> float:
        return self._takes(self.trouble.store_slow_s)

    def touch(self, kind: str, id: str) -> None:
        """A file changed: whoever watches hears of it soon."""
        for ear in list(self.ears.values()):
            self.loop.call_later(self.latency.random() * 0.06, ear, kind, id)

    @contextlib.contextmanager
    def listening(self, ear: Callable[[str, str], None]) -> Iterator[None]:
        self._ear += 1
        mine = self._ear
        self.ears[mine] = ear
        try:
            yield
        finally:
            del self.ears[mine]

    def _takes(self, slow_s: float) -> float:
        takes_s = self.latency.random() * (slow_s or self.quick_s)
        self.slowest_until = max(self.slowest_until, self.loop.time() + takes_s)
        return takes_s


class Lock:
    """`leader.lock`: one for each that opens it, free the moment its process dies."""

    def __init__(self, world: World) -> None:
        self._world = world
        process = PROCESS.get()
        assert process is not None
        self.process: Process = process

    @property
    def held(self) -> bool:
        return self._world.leader is self

    def try_acquire(self) -> bool:
        holder = self._world.leader
        if holder is None or not holder.process.is_alive:
            self._world.leader = self
        return self.held

    def release(self) -> None:
        if self.held:
            self._world.leader = None

    def beat(self, at: float) -> None:
        if self.held:
            self._world.beaten_at = at

    def beaten_at(self) -> float:
        return self._world.beaten_at

    def holder(self) -> dict[str, int] | None:
        holder = self._world.leader
        if holder is None or not holder.process.is_alive:
            return None
        return {"pid": holder.process.pid, "start": 1}


class Lane:
    """A connection whose thread is the loop: what it is given runs in order, a moment later."""

    def __init__(self, world: World, *, is_writer: bool) -> None:
        self._world = world
        self._is_writer = is_writer
        self._free_at = 0.0

    async def run(
        self, work: Callable[[Connection], T], given_up: threading.Event | None = None
    ) -> T:
        loop = self._world.loop
        self._free_at = max(self._free_at, loop.time()) + self._world.store_delay()
        result: T = await loop.on_thread(lambda: self._do(work), at=self._free_at)
        return result

    async def data_version(self) -> int:
        return await self.run(lambda conn: self._world.commits)

    def give_up(self) -> None:
        """Nothing here takes long for good."""

    async def close(self) -> None:
        """The connection is the world's."""

    def _do(self, work: Callable[[Connection], T]) -> T:
        world = self._world
        trouble = world.trouble.store
        if world.is_over or (trouble and (self._is_writer or trouble.startswith("away"))):
            raise StoreUnavailable(f"the store is {trouble or 'closed'}")
        before = world.conn.total_changes
        result = work(world.conn)
        if world.conn.total_changes != before:
            world.commits += 1
            world.told()
        return result


class _SilentDoor:
    """No process hears another's ring, which is a hint only."""

    def listen(self) -> Any:
        raise OSError("no sockets here")

    def ring(self) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing is held."""


class Store(Database):
    """The real store of one process over lanes of the world."""

    def __init__(self, world: World) -> None:
        super().__init__(world.opening, world.folder)
        self.doorbell: Any = _SilentDoor()
        lane: Any = Lane(world, is_writer=True)
        self._poll = Lane(world, is_writer=False)  # type: ignore[assignment]
        self._writer = Writer(lane, world.opening, world.now, self._tell)
        for _ in range(READERS):
            reader: Any = Lane(world, is_writer=False)
            self._idle.put_nowait(reader)

    def _tell(self) -> None:
        for listener in list(self.on_commit):
            listener()


class Files(Mirror):
    """The real files, on a disk that can fail, with a watch of the world's own."""

    def __init__(self, world: World) -> None:
        super().__init__(world.folder / "files", {"task": "tasks"})
        self._world = world

    def prepare(self, kind: str = "") -> None:
        self._step()
        super().prepare(kind)

    def scan(self, kind: str) -> list[MirrorFile]:
        self._step()
        return super().scan(kind)

    def read(self, kind: str, id: str) -> MirrorFile | None:
        self._step()
        found = super().read(kind, id)
        return None if found is None else replace(found, mtime=self._world.now())

    def write_all(self, gifts: Sequence[Gift]) -> list[MirrorFile | Exception]:
        before = [self._bytes(one.kind, one.id) for one in gifts]
        written = super().write_all(gifts)
        for one, had, became in zip(gifts, before, written, strict=True):
            if had != one.data and isinstance(became, MirrorFile):
                self._world.overwrote("file", one.id, had, one.data)
                self._world.touch(one.kind, one.id)
        return written

    def remove(self, kind: str, id: str, *, expect_sha256: str) -> None:
        before = self._bytes(kind, id)
        super().remove(kind, id, expect_sha256=expect_sha256)
        self._world.overwrote("file", id, before, None)
        self._world.touch(kind, id)

    async def watch(self, stop: asyncio.Event) -> AsyncIterator[set[tuple[str, str]]]:
        heard: set[tuple[str, str]] = set()
        news = asyncio.Event()

        def ear(kind: str, id: str) -> None:
            if kind != BOARD:
                heard.add((kind, id))
                news.set()

        stopped = asyncio.ensure_future(stop.wait())
        with self._world.listening(ear):
            while not stop.is_set():
                rung = asyncio.ensure_future(news.wait())
                await asyncio.wait({stopped, rung}, return_when=asyncio.FIRST_COMPLETED)
                rung.cancel()
                if self._world.trouble.files:
                    stopped.cancel()
                    raise StoreUnavailable(f"{self.folder} is {self._world.trouble.files}")
                if heard:
                    told = set(heard)
                    heard.clear()
                    news.clear()
                    yield told
        stopped.cancel()

    def _bytes(self, kind: str, id: str) -> bytes | None:
        found = self.read(kind, id)
        return None if found is None else found.data

    def _step(self) -> None:
        self._world.synced("file")
        if trouble := self._world.trouble.files or ("closed" if self._world.is_over else ""):
            raise StoreUnavailable(f"{self.folder} is {trouble}")


class BoardLayer(MemoryLayer):
    """A second layer, as a plug-in brings one: bodies without revisions, shared by all."""

    def __init__(self, world: World) -> None:
        super().__init__(name=BOARD, bodies=world.board)
        self._world = world

    async def scan(self, kind: str) -> dict[str, Reading]:
        await self._pause()
        return await super().scan(kind)

    async def read(self, kind: str, id: str) -> Reading:
        await self._pause()
        return await super().read(kind, id)

    async def give(self, copy: Copy, body: Body | None, rev: int) -> str:
        await self._pause()
        before = self.bodies.get((copy.kind, copy.id))
        given = await super().give(copy, body, rev)
        if before != body:
            # What we wrote ourselves is not told to us, unlike with files.
            self._world.overwrote(BOARD, copy.id, _text(before), _text(body))
        return given

    async def changes(self) -> Any:
        news: asyncio.Queue[Collection[tuple[str, str]]] = asyncio.Queue()

        def ear(kind: str, id: str) -> None:
            if kind == BOARD:
                news.put_nowait({("task", id)})

        with self._world.listening(ear):
            while True:
                yield await news.get()

    async def _pause(self) -> None:
        await self._world.sleep(self._world.latency.random() * self._world.quick_s)

    def _call(self) -> None:
        self._world.synced(BOARD)
        super()._call()
        if trouble := self._world.trouble.board or ("closed" if self._world.is_over else ""):
            raise LayerOffline(f"the board is {trouble}")


def _text(body: Body | None) -> bytes | None:
    return None if body is None else repr(body).encode()
