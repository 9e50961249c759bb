"""Bringing a chunk of documents in step: settle, give, record, each step for all of them.

Invariant: what is wrong with one document stays its own matter. What a layer was given is
recorded after it holds it, and what somebody saved in between is merged as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias, TypeVar

from orc_core.errors import LayerOffline, OrcError
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Gift, GivesTogether, Key, Layer, Reading, Unreadable
from orc_core.sync.rules import Rules
from orc_core.sync.settlement import Settled, record_given, settle
from orc_core.sync.standing import Standing
from orc_core.sync.tally import Tally
from orc_storage.database import Database
from orc_storage.errors import DamagedDocument, DamagedRow, FileMoved, InvalidBody, InvalidId

T = TypeVar("T")

ROUNDS_MAX: Final = 3

Verdict: TypeAlias = str | Exception
"""What is wrong with a copy ("" for nothing), or what went wrong as it was brought in step."""


class Bringing:
    """Brings the store and one layer together; `missed` is told of copies that went meanwhile."""

    def __init__(
        self,
        db: Database,
        layer: Layer,
        rules: Mapping[str, Rules],
        store: Standing,
        missed: Callable[[Key], None],
    ) -> None:
        self._db = db
        self._layer = layer
        self._rules = rules
        self._store = store
        self._missed = missed

    async def bring(self, chunk: Sequence[Reading], tally: Tally) -> dict[Key, Verdict]:
        """Bring each copy and its document together, and say how each of them stands."""
        verdicts: dict[Key, Verdict] = {(one.kind, one.id): "" for one in chunk}
        for _ in range(ROUNDS_MAX):
            copies = []
            for reading in chunk:
                if isinstance(reading, Unreadable):
                    verdicts[reading.kind, reading.id] = reading.text
                else:
                    copies.append(reading)
            gifts = await self._settle(copies, tally, verdicts)
            moved = await self._give(gifts, tally, verdicts)
            chunk = await self._read_again(moved, verdicts)
            if not chunk:
                return verdicts
        for one in chunk:
            text = f"{one.id} changes faster than it can be read: try again"
            verdicts[one.kind, one.id] = LayerOffline(text)
        return verdicts

    async def _settle(
        self, copies: Sequence[Copy], tally: Tally, verdicts: dict[Key, Verdict]
    ) -> list[tuple[Copy, Settled]]:
        """Write what the copies ask for in one commit."""
        works = [partial(settle, copy=copy, rules=self._rules[copy.kind]) for copy in copies]
        found: list[tuple[Copy, Settled]] = []
        for copy, settled in zip(copies, await self._db.write_each(works), strict=True):
            if isinstance(settled, Exception):
                verdicts[copy.kind, copy.id] = self._judge(copy, settled)
                continue
            tally.imported += settled.wrote
            tally.merged += settled.merged
            tally.conflicts += settled.opened
            found.append((copy, settled))
        return found

    async def _give(
        self,
        settled: Sequence[tuple[Copy, Settled]],
        tally: Tally,
        verdicts: dict[Key, Verdict],
    ) -> list[Copy]:
        """Give the layer what it should hold and record that; return what moved meanwhile."""
        gifts = [Gift(copy, one.body, one.rev) for copy, one in settled]
        given: list[tuple[Copy, Settled, str]] = []
        moved: list[Copy] = []
        for (copy, one), sha256 in zip(settled, await self._hand_over(gifts), strict=True):
            if isinstance(sha256, FileMoved):
                moved.append(copy)
            elif isinstance(sha256, Exception):
                verdicts[copy.kind, copy.id] = sha256
            elif sha256 != copy.sha256:
                given.append((copy, one, sha256))
        tally.exported += len(given)
        works = [
            partial(record_given, copy=copy, settled=one, sha256=sha256)
            for copy, one, sha256 in given
        ]
        for (copy, _, _), failed in zip(given, await self._db.write_each(works), strict=True):
            if failed is not None:
                verdicts[copy.kind, copy.id] = failed
        return moved

    async def _hand_over(self, gifts: Sequence[Gift]) -> Sequence[str | Exception]:
        layer = self._layer
        if isinstance(layer, GivesTogether):
            return await layer.give_all(gifts)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_told(layer.give(one.copy, one.body, one.rev))) for one in gifts
            ]
        return [task.result() for task in tasks]

    async def _read_again(
        self, moved: Sequence[Copy], verdicts: dict[Key, Verdict]
    ) -> list[Reading]:
        """Somebody saved in between: what they saved is merged as well."""
        found: list[Reading] = []
        for copy in moved:
            key = (copy.kind, copy.id)
            reading = await _told(self._layer.read(*key))
            if isinstance(reading, Exception):
                verdicts[key] = reading
            elif reading is None:
                continue
            elif copy.body is not None and isinstance(reading, Copy) and reading.body is None:
                self._missed(key)
            else:
                found.append(reading)
        return found

    def _judge(self, copy: Copy, error: Exception) -> Verdict:
        if isinstance(error, DamagedDocument):
            if (error.kind, error.id.casefold()) != (copy.kind, copy.id.casefold()):
                return str(error)
            self._store.fault((copy.kind, copy.id), error.text)
            return ""
        if isinstance(error, DamagedRow):
            return f"waits for a conflict: {error}"
        if isinstance(error, OrcError | InvalidBody | InvalidId):
            return str(error).removeprefix(f"{copy.id}: ")
        return error


async def _told(work: Awaitable[T]) -> T | Exception:
    """What an awaitable comes to, or why it does not."""
    try:
        return await work
    except Exception as error:
        return error
