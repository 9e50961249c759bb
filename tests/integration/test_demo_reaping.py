"""However the dashboard ends, server, processes and folder are gone within 5 s."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from conftest import wait_for
from orc_core.demo.process import Mark, is_alive, mark_of, sessions_of
from orc_core.demo.reaper import Marker, read_marker

_OWNER = """
import asyncio
from orc_core.clock import SystemClock
from orc_core.demo.fleet import demo_fleet

async def main():
    async with demo_fleet(SystemClock(), frozen=True) as fleet:
        print(fleet.folder, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def started() -> tuple[asyncio.subprocess.Process, Path]:
    """Start a process that owns a demo and return it with the demo's folder."""
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _OWNER),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert owner.stdout is not None
    async with asyncio.timeout(20.0):
        line = await owner.stdout.readline()
    return owner, Path(line.decode().strip())


def recorded(folder: Path) -> tuple[Marker, set[Mark]]:
    marker = read_marker(folder)
    assert marker is not None
    assert marker.reaper is not None
    marks = {marker.reaper, *marker.processes}
    marks |= sessions_of(mark.pid for mark in marker.processes)
    assert len(marks) >= 10
    return marker, marks


def open_files(pid: int) -> list[str]:
    folder = Path(f"/proc/{pid}/fd")
    return [str(fd.readlink()) for fd in sorted(folder.iterdir(), key=lambda fd: int(fd.name))]


def nothing_left(folder: Path, marks: set[Mark]) -> bool:
    return not list(folder.parent.glob(f"{folder.name}*")) and not any(map(is_alive, marks))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_killed_dashboard_leaves_nothing(number: signal.Signals) -> None:
    owner, folder = await started()
    _, marks = recorded(folder)
    owner.send_signal(number)
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=5.0)
    await owner.wait()


async def test_a_whole_process_group_killed_leaves_nothing() -> None:
    owner, folder = await started()
    _, marks = recorded(folder)
    os.killpg(owner.pid, signal.SIGKILL)
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=5.0)
    await owner.wait()


async def test_a_server_that_stands_still_goes_too() -> None:
    owner, folder = await started()
    marker, marks = recorded(folder)
    for mark in marker.processes:
        os.kill(mark.pid, signal.SIGSTOP)
    owner.kill()
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=5.0)
    await owner.wait()


async def test_when_both_are_killed_the_next_demo_clears_up() -> None:
    owner, folder = await started()
    marker, marks = recorded(folder)
    assert marker.reaper is not None
    os.kill(marker.reaper.pid, signal.SIGKILL)
    owner.kill()
    await owner.wait()
    assert folder.exists()
    next_owner, next_folder = await started()
    assert nothing_left(folder, marks)
    next_marks = recorded(next_folder)[1]
    next_owner.kill()
    await wait_for(lambda: nothing_left(next_folder, next_marks), deadline_s=5.0)
    await next_owner.wait()


async def test_only_the_dashboard_holds_the_lifeline() -> None:
    owner, folder = await started()
    marker, marks = recorded(folder)
    assert marker.reaper is not None
    pipe = open_files(marker.reaper.pid)[0]
    assert pipe.startswith("pipe:")
    assert {mark for mark in marks if pipe in open_files(mark.pid)} == {marker.reaper}
    assert pipe in open_files(owner.pid)
    assert mark_of(owner.pid) == marker.owner
    owner.kill()
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=5.0)
    await owner.wait()
