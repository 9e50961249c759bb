"""Syncing at once, by whoever leads the workspace or would like to."""

from __future__ import annotations

from pathlib import Path

import pytest

from clocks import wait_for
from orc_core.config import CoreOptions
from orc_core.errors import ReadOnly
from orc_core.hub import open_core


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
