"""Adding under a key: once, however often it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from clocks import TurnedClock
from orc_core.errors import UsageError
from orc_core.tasks.desk import Tasks
from orc_storage import keys
from orc_storage.records import OPERATOR
from stores import open_store

CAUSE = "orc task add"


@pytest_asyncio.fixture
async def tasks(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Tasks]:
    async with open_store(tmp_path / "w", clock) as db:
        yield Tasks(db)


async def add(tasks: Tasks, title: str = "Mail", key: str = "nightly", **fields: str) -> str:
    return (await tasks.add(title, actor=OPERATOR, cause=CAUSE, key=key, **fields)).id


async def test_the_same_request_adds_one(tasks: Tasks) -> None:
    assert await add(tasks) == await add(tasks) == "T-1"
    assert await add(tasks, key="weekly") == "T-2"
    assert await add(tasks, key="") == "T-3"
    assert await add(tasks, key="") == "T-4"


async def test_asked_at_once_by_many_it_adds_one(tasks: Tasks) -> None:
    assert set(await asyncio.gather(*(add(tasks) for _ in range(20)))) == {"T-1"}
    assert len(await tasks.listing()) == 1


async def test_it_is_returned_as_it_is_now(tasks: Tasks) -> None:
    await add(tasks)
    await tasks.edit("T-1", {"title": "Post"}, actor="x", cause="y")
    again = await tasks.add("Mail", actor=OPERATOR, cause=CAUSE, key="nightly")
    assert (again.id, again.title, again.rev) == ("T-1", "Post", 2)


async def test_a_key_for_something_else_is_refused(tasks: Tasks) -> None:
    await add(tasks)
    with pytest.raises(UsageError, match="stands for T-1"):
        await add(tasks, "Post")
    with pytest.raises(UsageError, match="stands for T-1"):
        await add(tasks, due="monday")
    assert len(await tasks.listing()) == 1


async def test_a_day_later_it_is_another_request(tasks: Tasks, clock: TurnedClock) -> None:
    await add(tasks)
    clock.turn(keys.KEPT_S - 1)
    assert await add(tasks) == "T-1"
    clock.turn(2)
    assert await add(tasks) == "T-2"


async def test_a_request_that_failed_leaves_its_key_free(tasks: Tasks) -> None:
    with pytest.raises(UsageError):
        await add(tasks, "")
    assert await add(tasks) == "T-1"
