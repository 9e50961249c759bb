"""Snapshots for those who follow: the newest one, every part that changed, and failures."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from orc_core.model.health import Link, LinkState
from orc_core.model.snapshot import Part, Snapshot
from orc_core.publisher import Publisher

FIRST = Snapshot(at=1.0)


async def test_the_first_delta_is_everything_as_it_is_now() -> None:
    publisher = Publisher(FIRST)
    delta = await anext(publisher.subscribe())
    assert (delta.snapshot, delta.parts) == (FIRST, frozenset(Part))


async def test_a_slow_reader_skips_to_the_newest_and_misses_no_part() -> None:
    publisher = Publisher(FIRST)
    deltas = publisher.subscribe()
    await anext(deltas)
    publisher.publish(replace(FIRST, at=2.0, merged_today=1))
    last = replace(FIRST, at=3.0, merged_today=1, link=Link(LinkState.LIVE))
    publisher.publish(last)
    delta = await anext(deltas)
    assert (delta.snapshot, delta.parts) == (last, {Part.CONFLICTS, Part.LINK})


async def test_a_snapshot_that_says_the_same_wakes_nobody() -> None:
    publisher = Publisher(FIRST)
    deltas = publisher.subscribe()
    await anext(deltas)
    waiting = asyncio.ensure_future(anext(deltas))
    publisher.publish(replace(FIRST, at=2.0))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    publisher.publish(replace(FIRST, at=3.0, merged_today=1))
    assert (await waiting).parts == {Part.CONFLICTS}


async def test_what_ends_the_watching_ends_every_subscription() -> None:
    publisher = Publisher(FIRST)
    deltas = publisher.subscribe()
    await anext(deltas)
    publisher.fail(OSError("no more processes"))
    with pytest.raises(OSError, match="no more processes"):
        await anext(deltas)
