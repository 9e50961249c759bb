"""How soon what was written elsewhere is on the screen, and what bringing in step costs.

The screen is that of the real dashboard on a terminal, over a workspace of 1,000 tasks; the
floor is a bare program on a terminal that waits for the same news and prints the one title.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.bench.report import Figure, p50, p95
from tests.bench.store import syncs
from tests.bench.terminal import Terminal, dashboard, environ_of, on_terminal
from tests.bench.writer import Writer, writer

from orc_core.benchmark.fleet import fleet
from orc_core.clock import SystemClock
from orc_core.history.steps import RULES
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.merge import merge
from orc_core.sync.policies import Policy
from orc_core.sync.rules import govern
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.desk import made
from orc_storage import bases, documents
from orc_storage.database import Connection, Database, Transaction
from orc_storage.files import Mirror
from orc_storage.paths import sync_folder
from orc_storage.placing import AT_ONCE

EDITED = 50
ROUNDS = 30
TASKS = 1000
PANES = 8
SAMPLES = 30
FIRST_SYNC_S = 120.0
SETTLE_S = 4.0
PAUSE_S = 0.3
SEED = 20261120
SHOWN = "T-1"
"""The task on top of its list, which is the one that is edited."""

Write = Callable[[str], float]
"""Write a title; returns when (perf_counter)."""


async def measure(folder: Path) -> list[Figure]:
    """A pass over 50 documents, then from a save or a commit to the screen."""
    passes = await _passes(folder / "edited")
    workspace = folder / "workspace"
    async with await Database.open(workspace) as db:
        await db.write(partial(_fill, count=TASKS), timeout_s=60.0)
    return [*passes, *await asyncio.to_thread(_screens, folder, workspace)]


async def _passes(workspace: Path) -> list[Figure]:
    """Every file is edited between two passes; then nothing is."""
    ids = [f"T-{number}" for number in range(1, EDITED + 1)]
    edited, quiet, floor = [], [], []
    async with await Database.open(workspace) as db:
        await db.write(partial(_fill, count=EDITED), timeout_s=60.0)
        layer = FileLayer(Mirror(workspace / "files"))
        rules = govern(RULES, Policy())
        synchronizer = Synchronizer(db, [layer], SystemClock(), rules=rules)
        assert (await synchronizer.once()).exported == EDITED
        for number in range(ROUNDS):
            for id in ids:
                _save(workspace, id, f"Task {id}, round {number}")
            floor.append(await _bare_pass(db, workspace))
            started = time.perf_counter()
            report = await synchronizer.once()
            edited.append(time.perf_counter() - started)
            assert report.imported == report.exported == EDITED, report
            started = time.perf_counter()
            report = await synchronizer.once()
            quiet.append(time.perf_counter() - started)
            assert report.imported == report.exported == 0, report
    return [
        Figure(
            f"reconcile {EDITED} edited documents, p95",
            "ms",
            p95(edited) * 1e3,
            20.0,
            p95(floor) * 1e3,
            f"p50 {p50(edited) * 1e3:.3g} ms, floor's p50 {p50(floor) * 1e3:.2g}",
        ),
        Figure(
            f"look at {EDITED} documents in step, p95",
            "ms",
            p95(quiet) * 1e3,
            None,
            None,
            f"p50 {p50(quiet) * 1e3:.2g} ms",
        ),
    ]


async def _bare_pass(db: Database, workspace: Path) -> float:
    """Both sides read and merged, as many files written and put on disk, and one fdatasync."""
    started = time.perf_counter()
    merged = await db.read(partial(_merge_all, workspace=workspace))
    await asyncio.to_thread(_write_all, workspace / "rewritten", merged)
    await asyncio.to_thread(syncs, workspace, 1)
    return time.perf_counter() - started


def _write_all(folder: Path, texts: Mapping[str, bytes]) -> None:
    """Each file by way of a draft that is on disk before it has the name, eight at once."""
    folder.mkdir(exist_ok=True)

    def write(name: str) -> None:
        draft = folder / f"{name}.draft"
        with draft.open("wb", buffering=0) as file:
            file.write(texts[name])
            os.fsync(file.fileno())
        draft.replace(folder / name)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(write, texts))
    sync_folder(folder)


def _merge_all(conn: Connection, workspace: Path) -> dict[str, bytes]:
    merged = dict[str, bytes]()
    held = {one.id: one.body for one in documents.listing(conn, "task")}
    agreed = {one.id: one.body for one in bases.listing(conn, "file", "task")}
    for path in (workspace / "files" / "tasks").iterdir():
        theirs = json.loads(path.read_bytes())
        outcome = merge(agreed[path.stem], held[path.stem], theirs)
        merged[path.name] = json.dumps(outcome.body, indent=2).encode()
    return merged


def _fill(tx: Transaction, count: int) -> None:
    for number in range(1, count + 1):
        body = made(f"T-{number}", {"title": f"Task {number}", "text": "One page, A4. " * 30})
        body["priority"] = 15 if f"T-{number}" == SHOWN else 5
        documents.put(tx, "task", str(body["id"]), body, rev=0, actor="bench", cause="bench")


def _screens(folder: Path, workspace: Path) -> list[Figure]:
    pauses = _pauses(random.Random(SEED))
    markers = map(_marker, itertools.count())
    environ = environ_of(folder)
    save = partial(_save, workspace, SHOWN)
    with writer(workspace, environ) as elsewhere:
        commit = partial(_commit, elsewhere)
        with fleet(folder, PANES) as watched, dashboard(folder, watched.socket_path) as terminal:
            terminal.wait_for("claude-1", 0.0)
            _until_mirrored(workspace, TASKS)
            time.sleep(SETTLE_S)
            edits = _seen(terminal, save, markers, pauses)
            commits = _seen(terminal, commit, markers, pauses)
        bare = [sys.executable, "-m", "tests.bench.bare", str(workspace), SHOWN]
        with on_terminal([*bare, "file"], environ) as terminal:
            edit_floor = _seen(terminal, save, markers, pauses)
        with on_terminal([*bare, "store"], environ) as terminal:
            commit_floor = _seen(terminal, commit, markers, pauses)
    return [
        _latency("a file is saved -> on screen, p95", edits, edit_floor),
        _latency("a commit in another process -> on screen, p95", commits, commit_floor),
    ]


def _until_mirrored(workspace: Path, count: int) -> None:
    """Wait until the leader has written a file for every task."""
    deadline = time.perf_counter() + FIRST_SYNC_S
    while len(list((workspace / "files" / "tasks").glob("T-*.json"))) < count:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{count} tasks were not mirrored in {FIRST_SYNC_S:g} s")
        time.sleep(0.2)


def _seen(
    terminal: Terminal, write: Write, markers: Iterator[str], pauses: Iterator[float]
) -> list[float]:
    samples = []
    for marker in itertools.islice(markers, SAMPLES):
        time.sleep(next(pauses))
        started = write(marker)
        samples.append(terminal.wait_for(marker, started) - started)
    return samples


def _save(workspace: Path, id: str, title: str) -> float:
    """Save a file as editors do: another one is written and put in its place."""
    path = workspace / "files" / "tasks" / f"{id}.json"
    draft = workspace / "draft.json"
    draft.write_text(json.dumps(json.loads(path.read_bytes()) | {"title": title}, indent=2))
    started = time.perf_counter()
    draft.replace(path)
    return started


def _commit(elsewhere: Writer, title: str) -> float:
    began, _ = elsewhere.retitle(SHOWN, title)
    return began


def _pauses(chance: random.Random) -> Iterator[float]:
    """Seconds between two writes, in step with nothing."""
    while True:
        yield PAUSE_S + 0.7 * chance.random()


def _marker(number: int) -> str:
    """A word no cell of which is like the one before: only cells that change are written."""
    return "abcdefghijklmnopqrstuvwxyz"[number % 26] * 8 + "ABC"[number % 3] * 4


def _latency(name: str, samples: list[float], floor: list[float]) -> Figure:
    note = f"p50 {p50(samples) * 1e3:.0f} ms of {len(samples)}, floor's p50 {p50(floor) * 1e3:.2g}"
    return Figure(name, "ms", p95(samples) * 1e3, 50.0, p95(floor) * 1e3, note)
