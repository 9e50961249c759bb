"""A monitor as a process of its own: started, asked, ended, killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from clocks import wait_for
from orc_cli.main import main
from orc_core import leader, monitor
from orc_core.config import CoreOptions
from orc_core.hub import open_core
from orc_storage.lock import lives


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("STATE", "CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("TMUX", raising=False)
    yield tmp_path / "workspace"
    left = monitor.find(tmp_path / "workspace")
    if left is not None:
        os.kill(left.pid, signal.SIGKILL)


def orc(place: Path, *argv: str) -> int:
    nowhere = str(place.parent / "none")
    return main(["--workspace", str(place), "--socket-path", nowhere, *argv])


def options(place: Path) -> CoreOptions:
    return CoreOptions(
        workspace=place,
        socket_paths=(str(place.parent / "none"),),
        home=place.parent,
        actor="operator",
        environ=dict(os.environ),
        cwd=place.parent,
    )


def test_it_starts_once_syncs_and_ends(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert orc(place, "monitor", "status") == 3
    assert orc(place, "monitor", "start") == 0
    capsys.readouterr()
    assert orc(place, "monitor", "start", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["started"] is False
    assert orc(place, "monitor", "status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["pid"] == told["pid"]
    assert orc(place, "task", "add", "Cart") == 0
    assert orc(place, "sync", "--once") == 0
    assert (place / "files" / "tasks" / "T-1.json").exists()
    assert orc(place, "monitor", "stop") == 0
    assert not lives(told["pid"])
    assert orc(place, "monitor", "status") == 3
    assert "ended" in (place / monitor.LOG_NAME).read_text()


async def test_one_that_is_killed_is_followed_by_whoever_waits(place: Path) -> None:
    assert await asyncio.to_thread(orc, place, "monitor", "start") == 0
    running = monitor.find(place)
    assert running is not None
    await wait_for(lambda: (leader.lock(place).holder() or {}).get("pid") == running.pid)
    async with open_core(options(place)) as core:
        await wait_for(lambda: core.led_elsewhere)
        await core.tasks.add("Cart")
        os.kill(running.pid, signal.SIGKILL)
        await wait_for(lambda: core.leads)
        await wait_for(lambda: (place / "files" / "tasks" / "T-1.json").exists())
    assert monitor.find(place) is None


def test_one_that_cannot_start_says_why(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.mkdir(mode=0o700)
    (place / "store.db").write_bytes(b"junk" * 4096)
    (place / "store.db").chmod(0o600)
    assert orc(place, "monitor", "start") == 1
    assert "is damaged" in capsys.readouterr().err
