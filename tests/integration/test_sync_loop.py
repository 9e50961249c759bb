"""The leader's loop, on real file events and the real change feed."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.model.health import LayerState
from orc_core.tasks.desk import Tasks
from orc_storage import inotify
from orc_storage.records import OPERATOR
from stores import Turned, open_store
from workspaces import Workspace, open_workspace


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as workspace:
        yield workspace


@asynccontextmanager
async def _running(ws: Workspace) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    running = asyncio.create_task(ws.synchronizer.run(stop))
    try:
        await _until(lambda: ws.synchronizer.health()[0].state is not LayerState.UNKNOWN)
        yield running
        stop.set()
        async with asyncio.timeout(5.0):
            await running
    finally:
        running.cancel()
        await asyncio.wait({running})


async def _until(
    condition: Callable[[], object | Awaitable[object]], deadline_s: float = 5.0
) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    while True:
        found = condition()
        if await found if isinstance(found, Awaitable) else found:
            return
        assert loop.time() < deadline, "not true in time"
        step = loop.create_future()
        loop.call_later(0.005, step.set_result, None)
        await step


async def _title(ws: Workspace, id: str = "T-1") -> str:
    return (await ws.tasks.get(id)).title


async def _is_quiet(ws: Workspace) -> None:
    """Wait until everything that was seen is settled."""
    await _until(lambda: ws.synchronizer.health()[0].queued == 0)


async def _is_in_step(ws: Workspace, id: str = "T-1") -> None:
    """Wait until the file is there and the store knows what it holds."""

    async def is_known() -> bool:
        base, path = await ws.base(id), ws.path(id)
        known = base is not None and base.seen_sha256
        return path.exists() and known == hashlib.sha256(path.read_bytes()).hexdigest()

    await _until(is_known)
    await _is_quiet(ws)


async def test_changes_of_either_side_reach_the_other_without_being_asked(ws: Workspace) -> None:
    async with _running(ws):
        await ws.add()
        await _until(ws.path().exists)
        ws.change(title="Basket")

        async def is_there() -> bool:
            return await _title(ws) == "Basket"

        await _until(is_there)
        await _until(lambda: ws.file()["rev"] == 2)
        await ws.edit(title="Trolley")
        await _until(lambda: ws.file()["title"] == "Trolley")
        assert [r.actor for r in await ws.revisions()] == [OPERATOR, "file", "codex-1"]


async def test_a_commit_of_another_process_reaches_the_files(ws: Workspace, clock: Turned) -> None:
    async with _running(ws), open_store(ws.folder, clock) as other:
        await Tasks(other).add("From elsewhere", actor="codex-1", cause="")
        await _until(ws.path().exists)
        assert ws.file()["title"] == "From elsewhere"


async def test_our_own_writes_are_no_changes(ws: Workspace) -> None:
    async with _running(ws):
        for number in range(5):
            await ws.add(f"task {number}")
        await _until(lambda: all(ws.path(f"T-{n}").exists() for n in range(1, 6)))
        ws.change("T-5", title="last")

        async def is_there() -> bool:
            return await _title(ws, "T-5") == "last"

        await _until(is_there)
        await _until(lambda: ws.file("T-5")["rev"] == 2)
        await _is_quiet(ws)
        for number in range(1, 5):
            assert len(await ws.revisions(f"T-{number}")) == 1
        assert len(await ws.revisions("T-5")) == 2
        assert await ws.conflicts.listing() == []


async def test_a_half_written_file_is_not_believed_at_once(ws: Workspace, clock: Turned) -> None:
    await ws.add()
    async with _running(ws):
        await _is_in_step(ws)
        good = ws.path().read_bytes()
        sleepers = clock.sleepers
        ws.path().write_bytes(good[:20])
        await _until(lambda: clock.sleepers > sleepers)
        assert ws.synchronizer.health()[0].faults == ()
        told = ws.told
        clock.turn(0.3)
        await _until(lambda: ws.synchronizer.health()[0].faults)
        await _until(lambda: ws.told > told)
        (fault,) = ws.synchronizer.health()[0].faults
        assert "line" in fault.text
        ws.path().write_bytes(good)
        await _until(lambda: not ws.synchronizer.health()[0].faults)
        assert ws.synchronizer.health()[0].state is LayerState.OK


async def test_a_file_that_is_gone_for_a_moment_deletes_nothing(
    ws: Workspace, clock: Turned
) -> None:
    await ws.add()
    async with _running(ws):
        await _is_in_step(ws)
        data = ws.path().read_bytes()
        sleepers = clock.sleepers
        ws.path().unlink()
        await _until(lambda: clock.sleepers > sleepers)
        clock.turn(1.5)
        ws.path().write_bytes(data)
        clock.turn(1.0)
        await _until(lambda: clock.sleepers == sleepers)
        await _is_quiet(ws)
        assert len(await ws.revisions()) == 1


async def test_a_file_that_stays_away_deletes_its_task(ws: Workspace, clock: Turned) -> None:
    await ws.add()
    async with _running(ws):
        await _is_in_step(ws)
        sleepers = clock.sleepers
        ws.path().unlink()
        await _until(lambda: clock.sleepers > sleepers)
        clock.turn(2.1)

        async def is_deleted() -> bool:
            return (await ws.revisions())[-1].deleted

        await _until(is_deleted)
        await ws.history.undo(OPERATOR)
        await _until(ws.path().exists)


@pytest.mark.parametrize("kernel_tells", [True, False])
async def test_a_folder_that_is_taken_away_is_written_anew_and_watched_again(
    ws: Workspace, clock: Turned, monkeypatch: pytest.MonkeyPatch, kernel_tells: bool
) -> None:
    if not kernel_tells:
        monkeypatch.setattr(inotify.Inotify, "open", lambda _: False)
    await ws.add()
    async with _running(ws):
        await _is_in_step(ws)
        shutil.rmtree(ws.folder / "files")

        async def is_back() -> bool:
            clock.turn(1.0)
            return ws.path().exists()

        await _until(is_back)
        await _is_in_step(ws)
        ws.change(title="Basket")
        seconds = iter(range(10))  # enough for the look at everything that follows on a new watch

        async def is_there() -> bool:
            clock.turn(float(next(seconds, -1) >= 0))
            return await _title(ws) == "Basket"

        await _until(is_there)
        assert len(await ws.revisions()) == 2


async def test_what_was_missed_is_found_by_the_regular_look(ws: Workspace, clock: Turned) -> None:
    await ws.add()
    await ws.sync()
    ws.change(title="Basket")
    async with _running(ws):

        async def is_there() -> bool:
            return await _title(ws) == "Basket"

        await _until(is_there)


async def test_a_leader_that_is_asked_to_accepts_deletions(ws: Workspace, clock: Turned) -> None:
    for _ in range(7):
        await ws.add()
    async with _running(ws):
        for number in range(1, 8):
            await _is_in_step(ws, f"T-{number}")
        for number in range(2, 8):
            ws.path(f"T-{number}").unlink()
        asked = asyncio.create_task(ws.synchronizer.ask("codex-1", timeout_s=10.0))
        await _turn_until_done(clock, asked)
        assert await asked
        assert len(await ws.tasks.listing()) == 7
        asked = asyncio.create_task(
            ws.synchronizer.ask("codex-1", accept_deletions=True, timeout_s=10.0)
        )
        await _turn_until_done(clock, asked)
        assert await asked
        assert [task.id for task in await ws.tasks.listing()] == ["T-1"]


async def _turn_until_done(clock: Turned, task: asyncio.Task[bool]) -> None:
    async def is_done() -> bool:
        if clock.sleepers:
            clock.turn(0.1)
        return task.done()

    await _until(is_done, 15.0)


async def test_cancelling_the_loop_leaves_nothing_behind(ws: Workspace) -> None:
    before = asyncio.all_tasks()
    for number in (1, 2):
        running = asyncio.create_task(ws.synchronizer.run(asyncio.Event()))
        await ws.add()
        await _until(ws.path(f"T-{number}").exists)
        running.cancel()
        await asyncio.wait({running}, timeout=5.0)
        assert running.cancelled()
        # A read that was under way goes on to its end on its own thread.
        await _until(lambda: asyncio.all_tasks() == before)
        assert ws.synchronizer.health()[0].queued == 0
