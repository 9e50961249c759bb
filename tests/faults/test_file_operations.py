"""Each operation on the files of a workspace fails once, or from then on: nothing is lost by it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.errors import OrcError
from orc_storage import audit, documents
from orc_storage.errors import StorageError
from orc_storage.files import Mirror
from stumbling import stumbling
from workspaces import Workspace, open_workspace

EVERY = int(os.environ.get("ORC_FAULT_STRIDE", "8"))
DAYS_S = 86400.0

FAULTS = {
    "EIO once": (errno.EIO, False),
    "ENOSPC once": (errno.ENOSPC, False),
    "ENOSPC from then on": (errno.ENOSPC, True),
}

FILES = {
    "T-1": {"title": "by the store", "priority": 9},
    "T-2": {"title": "by the file"},
    "T-3": {"title": "by both", "priority": 9},
    "T-5": {"title": "new in the store"},
    "T-6": {"title": "new in a file"},
}
"""What the tasks say once both sides are in step; T-4 was deleted in the store."""


async def prepare(ws: Workspace) -> None:
    """A workspace in which everything that a pass does is due."""
    for title in ("one", "two", "three", "four"):
        await ws.add(title, text="x" * 9000)
    await ws.sync()
    await ws.edit("T-1", title="by the store", priority=9)
    ws.change("T-2", title="by the file")
    ws.change("T-3", title="by both")
    await ws.edit("T-3", priority=9)
    await ws.db.write(
        lambda tx: documents.delete(tx, "task", "T-4", rev=1, actor="a", cause="gone")
    )
    await ws.add("new in the store")
    ws.write({"id": "T-6", "title": "new in a file"}, "T-6")


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("due") / "ws"

    async def make() -> None:
        async with open_workspace(folder, TurnedClock()) as ws:
            await prepare(ws)

    asyncio.run(make())
    return folder


def whole_files(folder: Path) -> Callable[[str], None]:
    """A reader that looks at every file before each operation: none may be half."""
    seen = {path: path.read_bytes() for path in folder.glob("files/*/*.json")}

    def look(_: str) -> None:
        for path in folder.glob("files/*/*.json"):
            with contextlib.suppress(FileNotFoundError):
                data = path.read_bytes()
                if seen.get(path) != data:
                    assert json.loads(data)["id"] == path.stem
                    seen[path] = data

    return look


async def sync(ws: Workspace) -> None:
    try:
        await ws.sync()
    except (OrcError, StorageError):
        return


async def stumble(due: Path, folder: Path, clock: TurnedClock, at: int, fault: str) -> int:
    """Sync with a fault at one operation, then without; return how many operations there were."""
    shutil.copytree(due, folder)
    async with open_workspace(folder, clock) as ws:
        look = whole_files(folder)
        with stumbling(folder) as files:
            files.code, files.lasts = FAULTS[fault]
            files.before = look
            files.at = at
            await sync(ws)
        steps = f"{fault} at {at}: {files.steps[at - 1 : at + 1]}"
        for _ in range(2):
            report = await ws.sync()
        assert (report.failed, report.faults, report.imported, report.exported) == (0, (), 0, 0), (
            steps
        )
        check(ws, await tasks(ws), steps)
        assert await ws.open_conflicts() == [], steps
        assert not (await ws.db.read(lambda conn: audit.examine(conn, folder))).findings
        check_no_leftovers(ws, steps)
    shutil.rmtree(folder)
    return files.count


async def tasks(ws: Workspace) -> dict[str, documents.Document]:
    found = await ws.db.read(lambda conn: documents.listing(conn, "task"))
    return {one.id: one for one in found}


def check(ws: Workspace, found: dict[str, documents.Document], steps: str) -> None:
    files = {path.stem for path in ws.folder.glob("files/tasks/*")}
    assert found.keys() == FILES.keys() == files, steps
    for id, fields in FILES.items():
        assert {name: found[id].body[name] for name in fields} == fields, steps
        assert ws.file(id) == found[id].body | {"rev": found[id].rev}, steps


def check_no_leftovers(ws: Workspace, steps: str) -> None:
    """Drafts that could not be removed are, once they are old."""
    long_ago = ws.folder.stat().st_mtime - 30 * DAYS_S
    for path in (ws.folder / "tmp").iterdir():
        os.utime(path, (long_ago, long_ago))
    Mirror(ws.folder / "files").prepare()
    assert list((ws.folder / "tmp").iterdir()) == [], steps


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_at_any_operation_of_the_mirror_heals(
    due: Path, tmp_path: Path, clock: TurnedClock, fault: str
) -> None:
    count = await stumble(due, tmp_path / "ws", clock, 0, fault)
    assert count > 60
    for at in range(random.randint(1, EVERY), count + 1, EVERY):
        await stumble(due, tmp_path / "ws", clock, at, fault)
