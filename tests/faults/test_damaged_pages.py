"""Damaged pages: whatever a disk does to the store, nobody falls and no file is written wrongly."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import struct
from pathlib import Path

import pytest

from chores import DAMAGES
from clocks import TurnedClock, wait_for
from orc_core import board
from orc_core.config import CoreOptions
from orc_core.errors import OrcError
from orc_core.hub import open_core
from orc_core.model.health import STORE, LayerState
from orc_storage.engine import STORE_FILE
from orc_storage.errors import StorageError, StoreCorrupt, StoreUnavailable
from stores import open_store
from workspaces import Workspace, open_workspace

PARTS = 8
PAGE = 4096
TOLD = b"Cart "
"""What every body says."""
TASKS = 30
LOOKED_AT_S = 0.1


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace at rest: a store of many pages, and its files."""
    folder = tmp_path_factory.mktemp("sound") / "w"

    async def fill() -> None:
        async with open_workspace(folder, TurnedClock()) as place:
            for number in range(TASKS):
                await place.add(f"Cart {number}", text=f"{number} " * 150)
            for number in range(1, TASKS, 3):
                await place.edit(f"T-{number}", priority=9)
            await place.sync()

    asyncio.run(fill())
    assert {one.name for one in folder.iterdir()} >= {STORE_FILE, "files"}
    assert not (folder / f"{STORE_FILE}-wal").exists()
    return folder


def harm(path: Path, chance: random.Random) -> str:
    """Damage one or a few pages of a file at rest; return what was done."""
    data = bytearray(path.read_bytes())
    pages = range(len(data) // PAGE)
    telling = [page for page in pages if TOLD in data[page * PAGE : (page + 1) * PAGE]]
    done: list[str] = []
    for _ in range(chance.choice((1, 1, 1, 3))):
        page = chance.choice(chance.choice((pages, telling)))
        at = page * PAGE
        how = chance.choice(("zeros", "noise", "bits", "head", "swap", "word"))
        if how == "zeros":
            data[at : at + PAGE] = bytes(PAGE)
        elif how == "noise":
            start = at + chance.randrange(PAGE - 64)
            data[start : start + 64] = chance.randbytes(64)
        elif how == "bits":
            for _ in range(chance.randrange(1, 9)):
                data[at + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
        elif how == "head":
            data[at + chance.randrange(12)] ^= 1 << chance.randrange(8)
        elif how == "word":  # one bit, and what it is in stays a text
            data[data.index(TOLD, chance.choice(telling) * PAGE)] ^= 1
        else:
            other = chance.choice(chance.choice((pages, telling))) * PAGE
            data[at : at + PAGE], data[other : other + PAGE] = (
                data[other : other + PAGE],
                data[at : at + PAGE],
            )
        done.append(f"{how} of page {page + 1}")
    path.write_bytes(data)
    return ", ".join(done)


def files(folder: Path) -> dict[str, dict[str, object]]:
    """What the files say, but for the number of the revision."""
    found = {}
    for path in (folder / "files").rglob("*.json"):
        said = json.loads(path.read_bytes())
        found[path.name] = {name: value for name, value in said.items() if name != "rev"}
    return found


async def go_on(folder: Path, clock: TurnedClock) -> str:
    """Read the board and sync, as far as that goes."""
    try:
        async with open_store(folder, clock) as db:
            place = Workspace(folder, clock, db)
            held = await board.load(db, clock.now(), board.Board())
            held.tasks(())
            try:
                await place.sync()
            except (StorageError, OrcError, ExceptionGroup) as error:
                return type(error).__name__
            return held.trouble and "read in part"
    except StorageError as error:
        return f"not opened: {type(error).__name__}"


def touch_all(folder: Path) -> None:
    """Have a sync look at every file: a few are edited, the others only written otherwise."""
    for number, path in enumerate(sorted((folder / "files").rglob("*.json"))):
        edited = {} if number % 6 else {"due": "today"}
        path.write_text(json.dumps(json.loads(path.read_bytes()) | edited))


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_damage_of_pages_reaches_a_file(
    sound: Path, tmp_path: Path, clock: TurnedClock, part: int
) -> None:
    for seed in range(part, DAMAGES, PARTS):
        folder = tmp_path / f"s{seed}"
        shutil.copytree(sound, folder)
        touch_all(folder)
        before = files(folder)
        what = harm(folder / STORE_FILE, random.Random(seed))
        outcome = await go_on(folder, clock)
        assert files(folder) == before, f"seed {seed}: {what}: {outcome}"


def options(folder: Path) -> CoreOptions:
    runtime = folder.parent / "run"
    runtime.mkdir(exist_ok=True)
    return CoreOptions(
        workspace=folder,
        socket_paths=(str(folder.parent / "no-server"),),
        environ={"HOME": str(folder.parent), "XDG_RUNTIME_DIR": str(runtime)},
    )


async def looked_at(folder: Path, clock: TurnedClock) -> tuple[LayerState, list[str]]:
    """Open a dashboard's core, let it go on for a while; the store's line and the tasks."""
    async with open_core(options(folder), clock) as core:
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began + LOOKED_AT_S:
            clock.turn(1.0)
            await wait_for(lambda: clock.sleepers)
        snapshot = core.snapshot
    (store,) = (one for one in snapshot.layers if one.name == STORE)
    return store.state, [one.id for one in snapshot.tasks]


async def test_a_dashboard_opens_without_a_store_that_cannot_be_opened(
    sound: Path, tmp_path: Path, clock: TurnedClock
) -> None:
    folder = tmp_path / "w"
    shutil.copytree(sound, folder)
    with (folder / STORE_FILE).open("r+b") as file:
        file.write(bytes(PAGE))
    state, tasks = await looked_at(folder, clock)
    assert (state, tasks) == (LayerState.OFFLINE, [])
    async with open_core(options(folder), clock) as core:
        (store,) = (one for one in core.snapshot.layers if one.name == STORE)
        assert "`orc backup restore latest --replace`" in store.trouble
        with pytest.raises(OrcError, match="is damaged"):
            _ = core.tasks
    with pytest.raises(StoreCorrupt, match="is damaged"):
        async with open_core(options(folder), clock, watch=False):
            pass


async def test_what_can_be_read_one_by_one_is_shown(
    sound: Path, tmp_path: Path, clock: TurnedClock
) -> None:
    folder = tmp_path / "w"
    shutil.copytree(sound, folder)
    sql = "SELECT rootpage FROM sqlite_master WHERE name = 'document'"
    async with open_store(folder, clock) as db:
        ((root,),) = await db.read(lambda conn: conn.execute(sql).fetchall())
    with (folder / STORE_FILE).open("r+b") as file:
        file.seek((root - 1) * PAGE)
        page = file.read(PAGE)
        assert page[0] == 5, "the table is more than one page"
        (cell,) = struct.unpack(">H", page[14:16])
        (leaf,) = struct.unpack(">I", page[cell : cell + 4])
        file.seek((leaf - 1) * PAGE)
        file.write(bytes(PAGE))
    state, tasks = await looked_at(folder, clock)
    assert state is LayerState.OFFLINE
    assert 0 < len(tasks) < TASKS
    with pytest.raises(StoreCorrupt):
        async with open_core(options(folder), clock, watch=False):
            pass


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_damage_of_pages_ends_a_dashboard(
    sound: Path, tmp_path: Path, clock: TurnedClock, part: int
) -> None:
    before = files(sound)
    for seed in range(1000 + part, 1000 + DAMAGES // 4, PARTS):
        folder = tmp_path / f"s{seed}" / "w"
        shutil.copytree(sound, folder)
        what = harm(folder / STORE_FILE, random.Random(seed))
        try:
            await looked_at(folder, clock)
        except StoreUnavailable as error:
            assert "upgrade orc-tui" in str(error), f"seed {seed}: {what}"
        assert files(folder) == before, f"seed {seed}: {what}"
