"""A layer in memory: a whole one, as a plug-in would bring it, that can be told to fail."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field

from orc_core.errors import LayerOffline
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Key, Reading, absent
from orc_storage.errors import FileMoved
from orc_storage.records import Body, Json


@dataclass
class MemoryLayer:
    """Holds bodies by kind and id; `writes` counts what it was given, `calls` all that reached it.

    `trouble` makes every call fail.
    """

    name: str = "memory"
    kinds: frozenset[str] = frozenset({"task"})
    lists_all: bool = True
    trouble: str = ""
    writes: int = 0
    calls: int = 0
    withdrawn: int = 0
    bodies: dict[Key, Body] = field(default_factory=dict)
    changed: asyncio.Queue[Key] = field(default_factory=asyncio.Queue)

    async def prepare(self, kind: str) -> bool:
        self._call()
        return False

    async def scan(self, kind: str) -> dict[str, Reading]:
        self._call()
        return {id: self._copy(each, id) for each, id in self.bodies if each == kind}

    async def read(self, kind: str, id: str) -> Reading:
        self._call()
        return self._copy(kind, id)

    async def give(self, copy: Copy, body: Body | None, rev: int) -> str:
        self._call()
        key = (copy.kind, copy.id)
        if _hash(self.bodies.get(key)) != copy.sha256:
            raise FileMoved("it was edited")
        if body is None:
            self.bodies.pop(key, None)
            return ""
        if self.bodies.get(key) != body:
            self.writes += 1
            self.bodies[key] = body
        return _hash(body)

    async def finish(self) -> None:
        pass

    async def changes(self) -> AsyncGenerator[Collection[Key], None]:
        while True:
            yield {await self.changed.get()}

    async def withdraw(self) -> None:
        self.withdrawn += 1

    def close(self) -> None:
        pass

    def edit(self, id: str, **fields: Json) -> None:
        """Change fields as somebody does who knows nothing of us, and ring."""
        self.bodies["task", id] = {**self.bodies["task", id], **fields}
        self.changed.put_nowait(("task", id))

    def _copy(self, kind: str, id: str) -> Reading:
        body = self.bodies.get((kind, id))
        if body is None:
            return absent(self.name, kind, id)
        return Copy(self.name, kind, id, body, None, _hash(body), 0.0, f"{self.name} {id}")

    def _call(self) -> None:
        self.calls += 1
        if self.trouble:
            raise LayerOffline(self.trouble)


def _hash(body: Body | None) -> str:
    if body is None:
        return ""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
