"""However the dashboard ends, server, processes and folder are gone within 5 s."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from clocks import wait_for
from orc_core.demo.process import Mark, is_alive, kill, mark_of, sessions_of
from orc_core.demo.reaper import Marker, read_marker

_OWNER = """
import asyncio
from pathlib import Path
from orc_core.clock import SystemClock
from orc_core.demo.fleet import demo_fleet

async def main():
    async with demo_fleet(SystemClock(), frozen=True) as fleet:
        print(fleet.folder, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


Start = Callable[[], Awaitable[tuple[asyncio.subprocess.Process, Path]]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Start processes that own a demo each; whatever fails, all of it is ended."""
    owners: list[asyncio.subprocess.Process] = []
    processes: set[Mark] = set()

    async def started() -> tuple[asyncio.subprocess.Process, Path]:
        owner = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _OWNER),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        owners.append(owner)
        assert owner.stdout is not None
        async with asyncio.timeout(20.0):
            line = await owner.stdout.readline()
        folder = Path(line.decode().strip())
        processes.update(recorded(folder)[1])
        return owner, folder

    yield started
    for owner in owners:
        if owner.returncode is None:
            owner.kill()
        await owner.wait()
    kill(processes)


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


REAPED_WITHIN_S = 20.0
"""Some tenths of a second on a machine of one's own; many processes end here at once."""


def nothing_left(folder: Path, marks: set[Mark]) -> bool:
    return not list(folder.parent.glob(f"{folder.name}*")) and not any(map(is_alive, marks))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_killed_dashboard_leaves_nothing(start: Start, number: signal.Signals) -> None:
    owner, folder = await start()
    _, marks = recorded(folder)
    owner.send_signal(number)
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=REAPED_WITHIN_S)


async def test_a_whole_process_group_killed_leaves_nothing(start: Start) -> None:
    owner, folder = await start()
    _, marks = recorded(folder)
    os.killpg(owner.pid, signal.SIGKILL)
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=REAPED_WITHIN_S)


async def test_a_server_that_stands_still_goes_too(start: Start) -> None:
    owner, folder = await start()
    marker, marks = recorded(folder)
    for mark in marker.processes:
        os.kill(mark.pid, signal.SIGSTOP)
    owner.kill()
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=REAPED_WITHIN_S)


async def test_when_both_are_killed_the_next_demo_clears_up(start: Start) -> None:
    owner, folder = await start()
    marker, marks = recorded(folder)
    assert marker.reaper is not None
    os.kill(marker.reaper.pid, signal.SIGKILL)
    owner.kill()
    await owner.wait()
    assert folder.exists()
    next_owner, next_folder = await start()
    assert nothing_left(folder, marks)
    next_marks = recorded(next_folder)[1]
    next_owner.kill()
    await wait_for(lambda: nothing_left(next_folder, next_marks), deadline_s=REAPED_WITHIN_S)


async def test_a_server_that_starts_while_it_is_reaped_finds_no_place(tmp_path: Path) -> None:
    """The dashboard dies while it starts tmux, and tmux comes up right after the kill."""
    real, gate, over = shutil.which("tmux"), tmp_path / "gate", tmp_path / "over"
    os.mkfifo(gate)
    os.mkfifo(over)
    late = tmp_path / "bin" / "tmux"
    late.parent.mkdir()
    late.write_text(
        f"""#!/bin/sh
        case "$*" in
        *start-server*) echo; read go <{gate}; {real} "$@"; echo >{over} ;;
        *kill-server*) {real} "$@"; echo >{gate}; read went <{over} ;;
        *) exec {real} "$@" ;;
        esac
        """
    )
    late.chmod(0o700)
    path = f"{late.parent}{os.pathsep}{os.environ['PATH']}"
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _OWNER.replace("frozen=True", f"parent=Path({str(tmp_path)!r})")),
        env={**os.environ, "PATH": path},
        stderr=asyncio.subprocess.DEVNULL,
    )
    folders: list[Path] = []
    await wait_for(lambda: folders.extend(tmp_path.glob("orc-demo-*/home/bin/jobs")) or folders)
    await wait_for(lambda: naming(str(late)))
    folder = folders[0].parents[2]
    owner.kill()
    await wait_for(lambda: nothing_left(folder, set()), deadline_s=REAPED_WITHIN_S)
    await wait_for(lambda: not naming(folder.name))


def naming(word: str) -> set[Mark]:
    """The processes whose command line holds a word."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if word in (entry / "cmdline").read_text(errors="replace"):
                found.add(mark_of(int(entry.name)))
    return {mark for mark in found if mark}


async def test_only_the_dashboard_holds_the_lifeline(start: Start) -> None:
    owner, folder = await start()
    marker, marks = recorded(folder)
    assert marker.reaper is not None
    pipe = open_files(marker.reaper.pid)[0]
    assert pipe.startswith("pipe:")
    assert {mark for mark in marks if pipe in open_files(mark.pid)} == {marker.reaper}
    assert pipe in open_files(owner.pid)
    assert mark_of(owner.pid) == marker.owner
    owner.kill()
    await wait_for(lambda: nothing_left(folder, marks), deadline_s=REAPED_WITHIN_S)
