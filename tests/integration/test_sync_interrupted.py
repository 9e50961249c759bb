"""A leader that ends between two steps of a sync: what it began, and what it could not finish."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from clocks import TurnedClock, wait_for
from orc_core.sync.copies import Copy
from orc_core.sync.settlement import Settled, record_given, settle
from orc_core.sync.standing import Standing
from orc_storage import documents
from orc_storage.database import Transaction
from orc_storage.files import parse
from orc_storage.records import Body
from workspaces import KIND, RULES, Workspace, open_workspace


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as workspace:
        yield workspace


async def _take_and_die(ws: Workspace) -> None:
    """Take what the file says into the store, and give nothing back."""
    data = ws.path().read_bytes()
    body, rev = parse(data, "T-1")
    sha256 = hashlib.sha256(data).hexdigest()
    copy = Copy("file", KIND, "T-1", body, rev, sha256, 0.0, "file T-1.json")
    await ws.db.write(partial(settle, copy=copy, rules=RULES[KIND]))


@pytest.mark.parametrize("title", ["Cart", "Trolley"])
async def test_a_copy_made_before_what_was_just_taken_does_not_undo_it(
    ws: Workspace, title: str
) -> None:
    """Two opened the file, one saved it, and the leader died before it was written anew."""
    await ws.add("Cart")
    await ws.sync()
    opened = ws.file()
    ws.change(title="Basket")
    await _take_and_die(ws)
    ws.write(opened | {"title": title})
    await ws.sync()
    assert (await ws.tasks.get("T-1")).title == "Basket"
    (conflict,) = await ws.open_conflicts()
    assert (conflict.path, conflict.left.value, conflict.right.value) == ("title", title, "Basket")
    assert ws.file()["title"] == title


async def test_what_another_copy_changed_elsewhere_is_merged_with_what_was_just_taken(
    ws: Workspace,
) -> None:
    await ws.add("Cart")
    await ws.sync()
    opened = ws.file()
    ws.change(title="Basket")
    await _take_and_die(ws)
    ws.write(opened | {"due": "monday"})
    await ws.sync()
    task = await ws.tasks.get("T-1")
    assert (task.title, task.due) == ("Basket", "monday")
    assert await ws.open_conflicts() == []
    assert (ws.file()["title"], ws.file()["due"]) == ("Basket", "monday")


async def test_what_a_layer_without_numbers_was_given_before_a_crash_is_no_edit(
    ws: Workspace,
) -> None:
    """It was given revision 2, which nobody wrote down, and the store has revision 3 by now."""

    def reads(body: Body | None) -> Copy:
        return Copy("board", KIND, "T-1", body, None, "" if body is None else "given", 0.0, "board")

    async def settled(copy: Copy) -> Settled:
        return await ws.db.write(partial(settle, copy=copy, rules=RULES[KIND]))

    await ws.add("Cart")
    nothing = reads(None)
    first = await settled(nothing)
    await ws.db.write(partial(record_given, copy=nothing, settled=first, sha256="first"))
    await ws.edit(title="Basket")
    given = await ws.db.read(lambda conn: documents.revision(conn, KIND, "T-1", 2))
    await ws.edit(title="Trolley")
    found = await settled(reads(given.body))
    assert (found.opened, found.wrote) == (0, False)
    assert found.body is not None
    assert found.body["title"] == "Trolley"
    assert await ws.open_conflicts() == []


async def test_a_leader_that_ends_leads_until_what_it_began_is_written(ws: Workspace) -> None:
    await ws.add("Cart")
    await ws.sync()
    ws.change(title="Basket")
    may_go_on, is_held = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        is_held.set()
        may_go_on.wait(10.0)

    holding = asyncio.create_task(ws.db.write(hold))
    running = asyncio.create_task(ws.synchronizer.run(asyncio.Event()))
    try:
        await wait_for(is_held.is_set)
        file = ws.synchronizer.health
        await wait_for(lambda: file()[0].passes == 2)
        running.cancel()
        await asyncio.wait({running}, timeout=0.05)
        assert not running.done(), "another could lead while this one still writes"
    finally:
        may_go_on.set()
        await asyncio.wait({running, holding}, timeout=5.0)
    assert running.cancelled()


def test_a_document_at_fault_has_not_failed_any_more(clock: TurnedClock) -> None:
    standing = Standing("file", clock)
    standing.fail((KIND, "T-1"), "the store is full")
    assert standing.failed == 1
    standing.fault((KIND, "T-1"), "is cancelled and cannot become running")
    assert (standing.failed, len(standing.faults)) == (0, 1)
