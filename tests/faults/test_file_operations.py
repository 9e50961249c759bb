"""Each operation on the files of a workspace fails once, or from then on: nothing is lost by it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chores import FAULT_STRIDE
from clocks import TurnedClock
from due_work import heal, prepare
from long_stores import archive, find_all, make_long
from orc_core.errors import OrcError
from orc_storage import anchors, recovery
from orc_storage.backups import Reason
from orc_storage.database import Database
from orc_storage.engine import pick
from orc_storage.errors import StorageError, UnsafePath
from orc_storage.lock import FileLock
from stumbling import Stumbling, stumbling
from workspaces import Workspace, open_workspace

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
    for at in range(random.randint(1, FAULT_STRIDE), count + 1, FAULT_STRIDE):
        await stumble(due, tmp_path / "ws", clock, at, fault)


def check_durable(files: Stumbling, scratch: str) -> None:
    """Nothing got its name before it was on disk, and all names but those of drafts are."""
    assert files.hasty == []
    assert {folder for folder in files.unsynced if not folder.endswith(scratch)} == set()


async def test_a_mirrored_file_is_on_disk_before_it_has_its_name(
    due: Path, tmp_path: Path, clock: TurnedClock
) -> None:
    folder = Path(shutil.copytree(due, tmp_path / "ws"))
    async with open_workspace(folder, clock) as ws:
        with stumbling(folder) as files:
            await ws.sync()
    assert any(step.startswith("swap") for step in files.steps)
    check_durable(files, "/tmp")


async def test_archives_and_backups_are_on_disk_before_they_have_their_names(
    tmp_path: Path, runtime: Path
) -> None:
    folder = tmp_path / "w"
    await make_long(folder, runtime)
    with stumbling(folder) as files:
        async with await Database.open(folder, runtime=runtime) as db:
            await archive(db)
            copy = await db.backup(Reason.MANUAL, at=4e9)
        recovery.replace_store(pick(), folder, copy, at=5e9)
    assert {step.split()[0] for step in files.steps} >= {"rename", "replace", "link"}
    check_durable(files, "/none")


async def archive_and_stumble(start: Path, folder: Path, runtime: Path, at: int, fault: str) -> int:
    shutil.copytree(start, folder)
    with stumbling(folder) as files:
        files.code, files.lasts = FAULTS[fault]
        async with await Database.open(folder, runtime=runtime) as db:
            # Opening is another matter: a fault there opens nothing.
            files.count = 0
            files.at = at
            try:
                await archive(db)
            except (StorageError, OSError):
                assert at
            files.at = 0
    assert await find_all(folder, runtime) == [], f"{fault} at {at}: {files.steps[-40:]}"
    shutil.rmtree(folder)
    return files.count


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_at_any_operation_of_archiving_loses_nothing(
    tmp_path: Path, runtime: Path, fault: str
) -> None:
    start, folder = tmp_path / "start", tmp_path / "w"
    await make_long(start, runtime)
    count = await archive_and_stumble(start, folder, runtime, 0, fault)
    assert count > 30
    for at in range(random.randint(1, FAULT_STRIDE), count + 1, FAULT_STRIDE):
        await archive_and_stumble(start, folder, runtime, at, fault)


NOTES = 12


def note_and_stumble(folder: Path, at: int, fault: str) -> int:
    """Note heads with a fault at one operation; what was noted is there, and nothing else."""
    folder.mkdir(mode=0o700)
    noted: list[int] = []
    with stumbling(folder) as files:
        files.code, files.lasts = FAULTS[fault]
        files.at = at
        for seq in range(1, NOTES + 1):
            try:
                if anchors.note(folder, seq, f"{seq:064}", at=float(seq)):
                    noted.append(seq)
            except (OSError, UnsafePath):
                assert at
        files.at = 0
    where = f"{fault} at {at}: {files.steps[at - 1 : at + 1]}"
    found = anchors.read(folder)
    assert found.faults == (), where
    seqs = [one.seq for one in found.anchors]
    assert seqs == sorted(set(seqs)), where
    assert [one.hash for one in found.anchors] == [f"{seq:064}" for seq in seqs], where
    # Older ones are given up as the file grows.
    assert set(noted[-3:]) <= set(seqs), where
    assert anchors.note(folder, NOTES + 1, "b" * 64, at=99.0), where
    assert anchors.read(folder).anchors[-1].seq == NOTES + 1, where
    shutil.rmtree(folder)
    return files.count


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_operation_of_the_anchors_tells_of_no_other_head(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "BYTES_MAX", 500)
    count = note_and_stumble(tmp_path / "w", 0, fault)
    assert count > NOTES * 5
    for at in range(random.randint(1, FAULT_STRIDE), count + 1, FAULT_STRIDE):
        note_and_stumble(tmp_path / "w", at, fault)


@pytest.mark.parametrize("at", range(6))
def test_a_lock_is_held_though_nothing_can_be_written_into_it(tmp_path: Path, at: int) -> None:
    lock = FileLock(tmp_path / "w.lock")
    assert lock.try_acquire()
    lock.release()
    with stumbling(tmp_path) as files:
        files.code, files.lasts, files.at = errno.ENOSPC, True, at
        with contextlib.suppress(UnsafePath):
            assert lock.try_acquire()
        files.at = 0
        other = FileLock(tmp_path / "w.lock")
        assert other.try_acquire() != lock.held
        other.release()
        files.at = files.count + 1
        lock.release()
        files.at = 0
    assert FileLock(tmp_path / "w.lock").try_acquire()
