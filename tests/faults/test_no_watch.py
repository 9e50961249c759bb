"""The kernel gives no more watches, as where many programs hold them: folders are followed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from orc_core.agents import folders, rule_watch
from orc_core.clock import SystemClock
from orc_storage.errors import StoreUnavailable
from orc_storage.files import Mirror
from scarcity import no_more_files


async def watched_once(folder: Path) -> None:
    """Follow a folder for a moment, so that all is imported that following takes."""
    changes = folders.folder_changes(folder, SystemClock())
    await anext(changes)
    waiting = asyncio.ensure_future(anext(changes))
    (folder / "first").touch()
    await waiting
    await changes.aclose()


async def by_the_clock(
    changes: AsyncGenerator[None, None], clock: TurnedClock, after_s: float, changed: Path
) -> None:
    """Whoever follows without a watch sleeps, and tells of a change when that is over."""
    with no_more_files():
        telling = asyncio.ensure_future(anext(changes))
        await wait_for(lambda: clock.sleepers or telling.done())
        assert not telling.done(), telling.exception()
    changed.touch()
    clock.turn(after_s)
    await telling
    await changes.aclose()


async def test_folders_are_looked_at_by_the_clock_where_the_kernel_gives_no_watch(
    tmp_path: Path,
) -> None:
    await watched_once(tmp_path)
    clock = TurnedClock()
    spool = folders.folder_changes(tmp_path, clock)
    await anext(spool)
    await by_the_clock(spool, clock, folders.WAIT_FOR_FOLDER_S, tmp_path / "event")
    rules = rule_watch.rule_changes([tmp_path], clock)
    await by_the_clock(rules, clock, rule_watch.RETRY_S, tmp_path / "own.toml")


async def test_a_mirror_that_cannot_be_watched_is_trouble_of_the_store(tmp_path: Path) -> None:
    await watched_once(tmp_path)
    mirror = Mirror(tmp_path)
    with no_more_files(), pytest.raises(StoreUnavailable, match="cannot be watched"):
        async for _ in mirror.watch(asyncio.Event()):
            pass
