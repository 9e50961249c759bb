"""What the death of a process costs the others, and what a copy of the store costs.

Invariant: processes are killed while they write or lead, by SIGKILL, and none but those that
were started here. Floors: bare SQLite on the same store after another such death, a bare flock
that is waited for, and the bytes of the store copied and synced.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE

from tests.bench.report import Figure, p50, p95
from tests.bench.store import fill
from tests.bench.terminal import environ_of
from tests.bench.writer import writer

from orc_core import leader
from orc_core.config import CoreOptions
from orc_core.hub import open_core
from orc_storage import documents, engine, recovery
from orc_storage.backups import Reason
from orc_storage.database import Database
from orc_storage.engine import STORE_FILE
from orc_storage.records import Document

DEATHS = 10
WRITTEN = 150
"""Writes that a process has acknowledged when it is killed."""

TAKEOVERS = 10
LEADS_S = 20.0
ID = "T-1"

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


async def measure(folder: Path) -> list[Figure]:
    """Reopening and copies of a store at its size, then a follower that has to lead."""
    workspace = folder / "workspace"
    async with await Database.open(workspace) as db:
        await fill(db)
    return [
        await _reopening(folder, workspace),
        *await _copies(workspace),
        await _takeover(folder / "led", environ_of(folder)),
    ]


async def _reopening(folder: Path, workspace: Path) -> Figure:
    """Open a store whose writer was killed: ours and bare SQLite in turns."""
    ours, floor = [], []
    for _ in range(DEATHS):
        await asyncio.to_thread(_die_writing, workspace, environ_of(folder))
        ours.append(await _opened(workspace))
        await asyncio.to_thread(_die_writing, workspace, environ_of(folder))
        floor.append(await asyncio.to_thread(_opened_bare, workspace))
    return Figure(
        "reopen after kill -9, p95",
        "ms",
        p95(ours) * 1e3,
        100.0,
        p95(floor) * 1e3,
        f"p50 {p50(ours) * 1e3:.2g} ms, longest {max(ours) * 1e3:.3g}",
    )


def _die_writing(workspace: Path, environ: dict[str, str]) -> None:
    with writer(workspace, environ) as dying:
        dying.kill(ID, after=WRITTEN)


async def _opened(workspace: Path) -> float:
    started = time.perf_counter()
    async with await Database.open(workspace) as db:
        assert await db.read(_first) is not None
        return time.perf_counter() - started


def _first(conn: sqlite3.Connection) -> Document | None:
    return documents.get(conn, "task", ID)


def _opened_bare(workspace: Path) -> float:
    started = time.perf_counter()
    conn = engine.pick().connect(workspace / STORE_FILE, mode="rw")
    try:
        assert _first(conn) is not None
        return time.perf_counter() - started
    finally:
        conn.close()


async def _copies(workspace: Path) -> list[Figure]:
    """A copy while the store is open, then that copy restored elsewhere and examined."""
    bare = await asyncio.to_thread(_copy_bytes, workspace)
    async with await Database.open(workspace) as db:
        started = time.perf_counter()
        backup = await db.backup(Reason.MANUAL, at=time.time())
        took = time.perf_counter() - started
    started = time.perf_counter()
    rehearsal = await asyncio.to_thread(recovery.rehearse, engine.pick(), backup)
    rehearsed = time.perf_counter() - started
    assert not rehearsal.problems, rehearsal.problems
    size = f"{backup.size_bytes / 2**20:.0f} MB"
    checked = f"{rehearsal.entries:,} entries examined"
    return [
        Figure("a backup of 100,000 entries", "s", took, None, bare, size),
        Figure("its rehearsal", "s", rehearsed, None, bare, checked),
    ]


def _copy_bytes(workspace: Path) -> float:
    target = workspace / "copied"
    started = time.perf_counter()
    with (workspace / STORE_FILE).open("rb") as source, target.open("wb") as copy:
        while block := source.read(1 << 20):
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    took = time.perf_counter() - started
    target.unlink()
    return took


async def _takeover(folder: Path, environ: dict[str, str]) -> Figure:
    """From the death of a leader until the follower leads; the floor is a flock waited for."""
    ours = [await _led(folder, environ) for _ in range(TAKEOVERS)]
    bare = [await asyncio.to_thread(_locked, folder / "bare.lock") for _ in range(TAKEOVERS)]
    return Figure(
        "kill -9 of the leader -> the follower leads, longest",
        "ms",
        max(ours) * 1e3,
        1000.0,
        max(bare) * 1e3,
        f"p50 {p50(ours) * 1e3:.0f} ms of {TAKEOVERS}",
    )


async def _led(folder: Path, environ: dict[str, str]) -> float:
    nowhere = str(folder / "none")
    program = [sys.executable, "-m", "orc_cli", "--workspace", str(folder), "--socket-path"]
    argv = [*program, nowhere, "monitor", "run"]
    options = CoreOptions(workspace=folder, socket_paths=(nowhere,), environ=environ, home=folder)
    with subprocess.Popen(argv, env=environ, stdout=PIPE) as process:
        await _until(lambda: (leader.lock(folder).holder() or {}).get("pid") == process.pid)
        async with open_core(options) as core:
            await _until(lambda: core.led_elsewhere and bool(core.snapshot.layers))
            started = time.perf_counter()
            os.kill(process.pid, signal.SIGKILL)
            await _until(lambda: core.leads)
            return time.perf_counter() - started


async def _until(true: Callable[[], bool]) -> None:
    await asyncio.to_thread(_look_until, true)


def _look_until(true: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + LEADS_S
    while not true():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"it never came to be in {LEADS_S:g} s")
        time.sleep(0.001)


def _locked(path: Path) -> float:
    argv = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(argv, stdin=PIPE, stdout=PIPE, text=True) as process, path.open("w") as f:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.perf_counter()
        process.kill()
        fcntl.flock(f, fcntl.LOCK_EX)
        return time.perf_counter() - started
