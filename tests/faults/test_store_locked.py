"""A store that another process holds: the dashboard goes on watching, says so, and recovers."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clocks import wait_for
from orc_core.hub import Core, CoreOptions, open_core
from orc_core.model.health import LayerState
from orc_storage import engine
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).parents[1] / "integration" / "programs" / "claude"
COMMAND = f"exec {sys.executable} {PROGRAM} idle"


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the store's write lock, as another process in the middle of a write does."""
    conn = engine.pick().connect(path, mode="rw")
    conn.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        conn.execute("ROLLBACK")
        conn.close()


def store_of(core: Core) -> LayerState | None:
    states = {layer.name: layer.state for layer in core.layers()}
    return states.get("store")


async def test_a_locked_store_keeps_nobody_from_watching(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    tmux.start(COMMAND)
    options = CoreOptions(
        workspace=tmux.folder / "work",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        cwd=tmux.folder,
        environ={"PATH": os.environ["PATH"], "HOME": str(tmux.folder)},
    )
    async with open_core(options) as core:
        await wait_for(lambda: core.leads and store_of(core) is LayerState.OK, 10.0)
        with held(core.workspace.folder / "store.db"):
            tmux.window(COMMAND)
            await wait_for(lambda: store_of(core) is LayerState.OFFLINE, 10.0)
            (store,) = (layer for layer in core.layers() if layer.name == "store")
            assert "is locked by another process" in store.trouble
            tmux.window(COMMAND)
            await wait_for(lambda: len(core.snapshot.agents) == 3, 10.0)
        await wait_for(lambda: store_of(core) is LayerState.OK, 10.0)
        task = await core.tasks.add("Cart")
        await wait_for(lambda: [one.id for one in core.snapshot.tasks] == [task.id])


async def test_a_store_that_cannot_be_read_leaves_what_was_read_last(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux.start(COMMAND)
    options = CoreOptions(
        workspace=tmux.folder / "work",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        cwd=tmux.folder,
        environ={"PATH": os.environ["PATH"], "HOME": str(tmux.folder)},
    )
    async with open_core(options) as core:
        await core.tasks.add("Cart")
        await wait_for(lambda: len(core.snapshot.tasks) == 1, 10.0)
        (core.workspace.folder / "store.db").unlink()
        await wait_for(lambda: store_of(core) is LayerState.OFFLINE, 10.0)
        tmux.window(COMMAND)
        await wait_for(lambda: len(core.snapshot.agents) == 2, 10.0)
        assert [task.title for task in core.snapshot.tasks] == ["Cart"]
