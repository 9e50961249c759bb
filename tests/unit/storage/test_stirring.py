"""Folders in which something happens, and the quiet of those in which nothing does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from orc_storage import stirring
from orc_storage.inotify import Inotify
from orc_storage.stirring import stirrings

LONG_S = 60.0


async def test_whatever_happens_in_a_folder_is_told_and_takes_no_thread(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    threads = threading.active_count()
    changes = stirrings([one, other], settle_s=0.0, anyway_s=LONG_S)

    async def told() -> None:
        async with asyncio.timeout(10):
            await anext(changes)

    waiting = asyncio.ensure_future(told())
    await asyncio.sleep(0)
    (one / "made").write_text("1")
    await waiting
    # What happens while somebody looks is told afterwards.
    (other / "made").write_text("2")
    (one / "made").rename(one / "moved")
    await told()
    (one / "moved").unlink()
    await told()
    (other / "made").unlink()
    other.rmdir()
    await told()
    assert threading.active_count() == threads
    await changes.aclose()


async def test_it_tells_anyway_though_nothing_happens(tmp_path: Path) -> None:
    changes = stirrings([tmp_path], settle_s=LONG_S, anyway_s=0.0)
    await anext(changes)
    await anext(changes)
    await changes.aclose()


async def test_without_inotify_the_folder_is_watched_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inotify, "open", lambda self: False)
    monkeypatch.setattr(stirring, "_STEP_MS", 5)
    changes = stirrings([tmp_path], settle_s=0.01, anyway_s=LONG_S)
    waiting = asyncio.ensure_future(anext(changes))
    for number in range(1000):
        (tmp_path / f"{number}").touch()
        if (await asyncio.wait([waiting], timeout=0.01))[0]:
            break
    await waiting
    await changes.aclose()
