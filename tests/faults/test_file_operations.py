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
from due_work import heal, prepare
from orc_core.errors import OrcError
from orc_storage.errors import StorageError
from stumbling import stumbling
from workspaces import Workspace, open_workspace

EVERY = int(os.environ.get("ORC_FAULT_STRIDE", "8"))
DAYS_S = 86400.0

FAULTS = {
    "EIO once": (errno.EIO, False),
    "ENOSPC once": (errno.ENOSPC, False),
    "ENOSPC from then on": (errno.ENOSPC, True),
}


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
        await heal(ws, steps)
    shutil.rmtree(folder)
    return files.count


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_at_any_operation_of_the_mirror_heals(
    due: Path, tmp_path: Path, clock: TurnedClock, fault: str
) -> None:
    count = await stumble(due, tmp_path / "ws", clock, 0, fault)
    assert count > 60
    for at in range(random.randint(1, EVERY), count + 1, EVERY):
        await stumble(due, tmp_path / "ws", clock, at, fault)
