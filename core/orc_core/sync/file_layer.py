"""The JSON files of a workspace as a layer.

Invariant: a folder that cannot be read is offline, never empty; a file is written over the
bytes that were read and over nothing else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from typing import Final, TypeVar

from orc_core.errors import LayerOffline
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Gift, Key, Reading, Unreadable, absent, cause
from orc_core.sync.paths import same
from orc_storage.errors import FileFault, StoreUnavailable, UnsafePath
from orc_storage.files import FOLDERS, Mirror, MirrorFile, parse, render
from orc_storage.files import Gift as FileGift
from orc_storage.records import Body, Json

T = TypeVar("T")

DISK_TIMEOUT_S: Final = 10.0
DEPTH_MAX: Final = 40
NO_FILE: Final = "is no plain file (a symlink, a folder or a pipe): put a plain file in its place"


class FileLayer:
    """The JSON files of a workspace."""

    name: Final = "file"
    kinds: Final = frozenset(FOLDERS)
    lists_all: Final = True

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._is_ready = asyncio.Event()
        self._is_new = asyncio.Event()
        """Set when a folder was made anew, so that what watches it starts again."""

    async def prepare(self, kind: str) -> bool:
        """Make the folder of a kind; False says that it was there already."""

        def work() -> bool:
            was_there = self._mirror.path(kind, "x").parent.is_dir()
            self._mirror.prepare(kind)
            return not was_there

        is_new = await self._on_disk(work)
        if is_new:
            self._is_new.set()
        self._is_ready.set()
        return is_new

    async def scan(self, kind: str) -> dict[str, Reading]:
        """Return all files of a kind by id; raises LayerOffline."""

        def work() -> dict[str, Reading]:
            return {file.id: _parse(file) for file in self._mirror.scan(kind)}

        return await self._on_disk(work)

    async def read(self, kind: str, id: str) -> Reading:
        """Return one file; raises LayerOffline."""

        def work() -> Reading:
            file = self._mirror.read(kind, id)
            if file is not None:
                return _parse(file)
            if os.path.lexists(self._mirror.path(kind, id)):
                return Unreadable(kind, id, NO_FILE, foreign=True)
            return absent(self.name, kind, id)

        return await self._on_disk(work)

    async def give(self, copy: Copy, body: Body | None, rev: int) -> str:
        """Write a file over the bytes that were read, unless it says the same already."""
        (given,) = await self.give_all([Gift(copy, body, rev)])
        if isinstance(given, Exception):
            raise given
        return given

    async def give_all(self, gifts: Sequence[Gift]) -> Sequence[str | Exception]:
        """Write files as `give` does, in one go for all of them."""
        due = [one for one in gifts if not _is_there(one)]
        found = dict(zip(map(id, due), await self._on_disk(lambda: self._hand(due)), strict=True))
        return [found.get(id(one), one.copy.sha256) for one in gifts]

    def _hand(self, gifts: Sequence[Gift]) -> list[str | Exception]:
        found: dict[int, str | Exception] = {}
        files: dict[int, FileGift] = {}
        for number, one in enumerate(gifts):
            try:
                if one.body is None:
                    found[number] = self._remove(one.copy)
                else:
                    files[number] = _as_file(one.copy, one.body, one.rev)
            except Exception as error:
                found[number] = error
        for number, written in zip(files, self._mirror.write_all([*files.values()]), strict=True):
            found[number] = written.sha256 if isinstance(written, MirrorFile) else written
        return [_as_raised(found[number]) for number in range(len(gifts))]

    def _remove(self, copy: Copy) -> str:
        if copy.sha256:
            self._mirror.remove(copy.kind, copy.id, expect_sha256=copy.sha256)
        return ""

    async def finish(self) -> None:
        """Nothing is gathered: every file is written when it is given."""

    async def changes(self) -> AsyncGenerator[Collection[Key], None]:
        """Yield what was saved, from the first look on; ends where a folder was made anew."""
        await self._is_ready.wait()
        self._is_ready.clear()
        self._is_new.clear()
        try:
            async for names in self._mirror.watch(self._is_new):
                yield names
        except StoreUnavailable as error:
            raise LayerOffline(str(error)) from error

    async def withdraw(self) -> None:
        """The files stay: they are a person's copy, and are merged when the layer is on again."""

    def close(self) -> None:
        """Nothing is held."""

    async def _on_disk(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(DISK_TIMEOUT_S):
                return await asyncio.to_thread(work)
        except TimeoutError:
            raise LayerOffline(
                f"{self._mirror.folder} did not answer within {DISK_TIMEOUT_S:g} s: check the disk"
            ) from None
        except (StoreUnavailable, UnsafePath, OSError) as error:
            raise LayerOffline(str(error)) from error


def _is_there(one: Gift) -> bool:
    copy, body = one.copy, one.body
    if body is None or copy.body is None:
        return False
    return copy.rev == one.rev and same(copy.body, body)


def _as_file(copy: Copy, body: Body, rev: int) -> FileGift:
    return FileGift(copy.kind, copy.id, render(body, rev), copy.sha256 or None)


def _as_raised(given: str | Exception) -> str | Exception:
    """A disk that refuses is a layer that is offline, to whoever gives."""
    return LayerOffline(str(given)) if isinstance(given, StoreUnavailable) else given


def _parse(file: MirrorFile) -> Reading:
    if file.trouble:
        return Unreadable(file.kind, file.id, file.trouble)
    try:
        body, rev = parse(file.data, file.id)
    except FileFault as fault:
        return Unreadable(file.kind, file.id, str(fault))
    if _is_deeper(body, DEPTH_MAX):
        return Unreadable(file.kind, file.id, f"is nested deeper than {DEPTH_MAX} levels")
    layer = FileLayer.name
    return Copy(
        layer, file.kind, file.id, body, rev, file.sha256, file.mtime, cause(layer, file.id)
    )


def _is_deeper(value: Json, levels: int) -> bool:
    rest: list[tuple[Json, int]] = [(value, 0)]
    while rest:
        item, depth = rest.pop()
        if depth > levels:
            return True
        if isinstance(item, dict):
            rest += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, list):
            rest += [(inner, depth + 1) for inner in item]
    return False
