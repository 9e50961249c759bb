"""Syncing at once, by whoever leads the workspace or would like to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from clocks import wait_for
from orc_core import leader
from orc_core.config import CoreOptions
from orc_core.errors import ReadOnly
from orc_core.hub import open_core
from orc_core.model.health import Layer, LayerState


@pytest.fixture
def options(tmp_path: Path) -> CoreOptions:
    return CoreOptions(
        workspace=tmp_path / "ws",
        socket_paths=(str(tmp_path / "none"),),
        home=tmp_path,
        actor="operator",
        environ={"HOME": str(tmp_path)},
        cwd=tmp_path,
    )


async def test_a_leader_that_syncs_at_once_goes_on_leading(options: CoreOptions) -> None:
    async with open_core(options) as leading:
        await wait_for(lambda: leading.leads)
        await leading.tasks.add("Cart")
        assert await leading.sync_once() is not None
        async with open_core(options, watch=False) as other:
            assert other.led_elsewhere
            assert await other.sync_once() is None


async def test_nobody_leads_after_a_sync_without_a_leader(options: CoreOptions) -> None:
    async with open_core(options, watch=False) as core:
        report = await core.sync_once()
        assert report is not None
        assert not core.leads
    async with open_core(options, watch=False) as other:
        assert not other.led_elsewhere


async def test_looking_only_never_syncs(options: CoreOptions, tmp_path: Path) -> None:
    async with open_core(options, watch=False):
        pass
    before = sorted(path.name for path in (tmp_path / "ws").iterdir())
    looking = CoreOptions(
        workspace=tmp_path / "ws",
        socket_paths=options.socket_paths,
        home=tmp_path,
        read_only=True,
        environ=options.environ,
        cwd=tmp_path,
    )
    async with open_core(looking, watch=False) as core:
        with pytest.raises(ReadOnly, match="--read-only"):
            await core.sync_once()
    assert sorted(path.name for path in (tmp_path / "ws").iterdir()) == before


async def test_whoever_follows_reads_nothing_while_it_draws(
    options: CoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the leader posted is kept at hand: a disk that hangs may not hold up the loop."""
    on_loop: list[str] = []
    read, loop_thread = leader.read, threading.get_ident()

    def noted(folder: Path, *, led: bool, stall: str) -> tuple[Layer, ...]:
        if threading.get_ident() == loop_thread:
            on_loop.append(str(folder))
        return read(folder, led=led, stall=stall)

    async with open_core(options) as leading:
        await wait_for(lambda: leading.leads)
        async with open_core(options) as other:
            await wait_for(lambda: other._leadership._posted, 10.0)
            monkeypatch.setattr(leader, "read", noted)
            for _ in range(20):
                other._publish()
            assert {"file", "store"} <= {layer.name for layer in other.layers()}
            posted = other._leadership._posted
            leader.post(leading.workspace.folder, [Layer("file", LayerState.DEGRADED, "", 0, 0, 0)])
            await wait_for(lambda: other._leadership._posted not in (None, posted), 10.0)
            assert on_loop == []
