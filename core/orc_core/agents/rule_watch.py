"""Telling when somebody changed a rule file.

Invariant: looking creates nothing: a folder that does not exist is waited for at the nearest
folder that does. A change is told within a second, and told once.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_storage.files import CANNOT_WATCH
from orc_storage.stirring import stirrings

LOOK_AGAIN_S: Final = 0.8
"""How long what the kernel did not tell of may go unnoticed."""
RETRY_S: Final = 0.8
_SETTLE_S: Final = 0.02

Signature = tuple[tuple[str, int, int, int], ...]


async def rule_changes(folders: Sequence[Path], clock: Clock) -> AsyncGenerator[None, None]:
    """Yield whenever the rule files of these folders are others than before, until cancelled."""
    seen = signature(folders)
    while True:
        try:
            places = _places(folders)
            changes = stirrings(places, settle_s=_SETTLE_S, anyway_s=LOOK_AGAIN_S)
            async with contextlib.aclosing(changes):
                async for _ in changes:
                    now = signature(folders)
                    if now != seen:
                        seen = now
                        yield
                    if _places(folders) != places:
                        break
        except CANNOT_WATCH:
            # Gone in between, or no watch to be had: look by the clock.
            await clock.sleep(RETRY_S)
            now = signature(folders)
            if now != seen:
                seen = now
                yield


def signature(folders: Sequence[Path]) -> Signature:
    """What tells one set of rule files from another, without reading them."""
    found: list[tuple[str, int, int, int]] = []
    for folder in folders:
        try:
            paths = sorted(folder.glob("*.toml"))
        except OSError:
            continue
        for path in paths:
            try:
                stat = path.stat()
            except OSError:
                found.append((str(path), 0, 0, 0))
            else:
                found.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def _places(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The folders to watch: each, or the nearest above it, and where its links lead."""
    places: set[Path] = set()
    for folder in folders:
        place = folder.absolute()
        while not place.is_dir() and place != place.parent:
            place = place.parent
        places.add(place)
        if place == folder.absolute():
            links = (path for path in place.glob("*.toml") if path.is_symlink())
            places.update(link.resolve().parent for link in links if link.exists())
    return tuple(sorted(places))
