"""The dashboard over several tmux servers: what its screen says of each."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clocks import wait_for
from many_tmux import claude
from orc_core.hub import CoreOptions, open_core
from orc_tui.app import OrcApp
from private_tmux import Sockets


@pytest.fixture
async def app(sockets: Sockets) -> AsyncIterator[OrcApp]:
    options = CoreOptions(
        workspace=sockets.root / "ws",
        home=Path(sockets.root),
        cwd=Path(sockets.root),
        environ=sockets.environ,
    )
    app = OrcApp(lambda: open_core(options))
    async with app.run_test(size=(160, 48)):
        yield app


def rows(app: OrcApp) -> list[str]:
    strips = app.screen._compositor.render_strips()
    return ["".join(part.text for part in strip).rstrip() for strip in strips]


def row(app: OrcApp, *words: str) -> str:
    """The left column's part of the first row with all these words; "" where there is none."""
    found = (line[:79] for line in rows(app) if all(word in line[:79] for word in words))
    return next(found, "")


async def test_two_servers_are_told_apart_and_the_one_in_trouble_is_named(
    sockets: Sockets, app: OrcApp
) -> None:
    sockets.server("default", claude("ask"))
    await wait_for(lambda: row(app, "waiting", "claude-1") and rows(app)[0].endswith("live"), 15)
    assert not row(app, "tmux work")
    work = sockets.server("work", claude("ask"))
    other = work.window("exec cat")
    await wait_for(lambda: row(app, "waiting", "claude-2") and row(app, "work:main:1"), 15)
    await wait_for(lambda: row(app, "✓ tmux work", "ok") and rows(app)[0].endswith("live"), 15)
    assert row(app, "✓ tmux ", "ok")
    work.signal(signal.SIGSTOP)
    await wait_for(lambda: "work: stale" in rows(app)[0], 15)
    assert "stale" in row(app, "waiting", "claude-2")
    assert "stale" not in row(app, "waiting", "claude-1")
    assert row(app, "▲ tmux work", "degraded")
    assert "◆ 2 waiting" in rows(app)[0] and "crashed" not in "".join(rows(app))
    work.signal(signal.SIGCONT)
    await wait_for(lambda: rows(app)[0].endswith("live") and not row(app, "stale"), 15)
    assert other in work.run("list-panes", "-a", "-F", "#{pane_id}")
