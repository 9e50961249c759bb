"""The demo on a real tmux server: every state appears, answers are taken, nothing is left."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from clocks import wait_for
from orc_core.clock import SystemClock
from orc_core.demo.fleet import DemoFleet, demo_fleet
from orc_core.demo.plan import FLEET
from orc_core.demo.process import Mark, is_alive, mark_of
from orc_core.demo.reaper import read_marker
from orc_core.errors import TmuxError

UNWANTED = "not-for-the-panes"


class Watched:
    """A fleet with a few ways to look at it."""

    def __init__(self, fleet: DemoFleet) -> None:
        self.fleet = fleet

    def tmux(self, *argv: str) -> str:
        command = ["tmux", "-N", "-u", "-S", self.fleet.socket_path, *argv]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
        return done.stdout

    def panes(self, form: str) -> list[str]:
        rows = self.tmux("list-panes", "-a", "-F", f"#{{pane_id}}\t{form}").splitlines()
        rows.sort(key=lambda row: int(row.split("\t")[0][1:]))
        return [row.split("\t", 1)[1] for row in rows]

    def pane(self, scene: str) -> str:
        return f"%{[plan.scene for plan in FLEET].index(scene)}"

    def screen(self, scene: str) -> str:
        return self.tmux("capture-pane", "-p", "-t", self.pane(scene))

    def told(self, scene: str, form: str) -> str:
        return self.tmux("display-message", "-p", "-t", self.pane(scene), form).strip()

    def keys(self, scene: str, *keys: str) -> None:
        self.tmux("send-keys", "-t", self.pane(scene), *keys)

    def status(self, scene: str) -> str:
        pid = self.told(scene, "#{pane_pid}")
        path = self.fleet.home / ".claude" / "sessions" / f"{pid}.json"
        body = json.loads(path.read_text())
        assert body["procStart"] == mark_of(int(pid)).start  # type: ignore[union-attr]
        return " ".join(filter(None, (body["status"], body.get("waitingFor"))))

    def pids(self) -> list[int]:
        return [int(pid) for row in self.panes("#{pid} #{pane_pid}") for pid in row.split()]


@pytest_asyncio.fixture
async def live() -> AsyncIterator[Watched]:
    async with demo_fleet(SystemClock()) as fleet:
        yield Watched(fleet)


@pytest_asyncio.fixture
async def frozen() -> AsyncIterator[Watched]:
    async with demo_fleet(SystemClock(), frozen=True) as fleet:
        yield Watched(fleet)


def marks_of(pids: list[int]) -> list[Mark]:
    return [mark for pid in set(pids) if (mark := mark_of(pid))]


def of_process(pid: int, what: str) -> str:
    return Path(f"/proc/{pid}/{what}").read_text(errors="replace")


async def test_within_20_s_every_state_is_there(live: Watched) -> None:
    assert len(live.panes("")) >= 10
    await wait_for(
        lambda: (
            live.status("claude-1") == "busy"
            and live.status("claude-2") == "waiting permission prompt"
            and "session limit" in live.screen("claude-3")
            and live.status("claude-4") == "idle"
            and "Press enter to confirm" in live.screen("codex-1")
            and "esc to interrupt" in live.screen("codex-2")
            and "Worked for" in live.screen("codex-3")
            and "Traceback" in live.screen("aider-1")
            and "(Y)es/(N)o" in live.screen("aider-2")
        ),
        deadline_s=20.0,
    )
    # tmux sees the terminal close first and the exit status a moment later.
    await wait_for(lambda: live.told("aider-1", "#{pane_dead} #{pane_dead_status}") == "1 1")

    # Answers are taken: a digit, a letter, a line, and what was asked is run.
    live.keys("claude-2", "1")
    live.keys("codex-1", "n")
    live.keys("aider-2", "y", "Enter")
    await wait_for(lambda: live.status("claude-2") == "busy")
    await wait_for(lambda: "I run the tests against a copy" in live.screen("codex-1"))
    await wait_for(lambda: "Waiting for sonnet" in live.screen("aider-2"))

    # A line that is pasted at the prompt is worked on; Esc stops the work.
    live.tmux("set-buffer", "-b", "line", "look at\nvouchers too")
    live.tmux("paste-buffer", "-p", "-r", "-d", "-b", "line", "-t", live.pane("claude-4"))
    live.keys("claude-4", "Enter")
    await wait_for(lambda: live.status("claude-4") == "busy")
    assert "❯ look at\n  vouchers too" in live.screen("claude-4")
    live.keys("claude-4", "Escape")
    await wait_for(lambda: live.status("claude-4") == "idle")
    assert "Interrupted · What should Claude do instead?" in live.screen("claude-4")


async def test_programs_look_like_installed_ones(frozen: Watched) -> None:
    for plan, pid in zip(FLEET, frozen.panes("#{pane_pid}"), strict=True):
        if plan.program != "sh" and mark_of(int(pid)):
            program = str(frozen.fleet.home / "bin" / plan.program)
            assert of_process(int(pid), "cmdline").split("\0") == [sys.executable, program, ""]


async def test_a_still_picture_is_the_same_every_time(frozen: Watched) -> None:
    before = [frozen.screen(plan.scene) for plan in FLEET if plan.scene]
    async with demo_fleet(SystemClock(), frozen=True) as fleet:
        again = Watched(fleet)
        await wait_for(lambda: [again.screen(plan.scene) for plan in FLEET if plan.scene] == before)
    frozen.keys("claude-2", "1")
    assert frozen.status("claude-2") == "waiting permission prompt"


async def test_programs_follow_the_size_of_their_window(frozen: Watched) -> None:
    assert frozen.screen("claude-2").splitlines()[2] == "─" * 34
    frozen.tmux("resize-window", "-t", frozen.pane("claude-2"), "-x", "72", "-y", "24")
    await wait_for(lambda: ("─" * 72) in frozen.screen("claude-2").splitlines())
    assert "❯ 1. Yes" in frozen.screen("claude-2")


async def test_nothing_of_the_users_environment_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORC_TEST_TOKEN", UNWANTED)
    monkeypatch.setenv("TMUX", f"/tmp/{UNWANTED},1,0")
    monkeypatch.setenv("TMUX_PANE", "%77")
    monkeypatch.setenv("HOME", f"/home/{UNWANTED}")
    async with demo_fleet(SystemClock(), frozen=True) as fleet:
        watched = Watched(fleet)
        marker = read_marker(fleet.folder)
        assert marker is not None
        assert marker.reaper is not None
        for pid in {*watched.pids(), marker.reaper.pid}:
            if mark_of(pid):
                environ = of_process(pid, "environ")
                assert UNWANTED not in environ
                assert "TMUX_PANE=%77" not in environ
        assert UNWANTED not in watched.tmux("show-environment", "-g")
        for pid in watched.panes("#{pane_pid}"):
            if mark_of(int(pid)):
                assert f"\0TMUX={fleet.socket_path}," in of_process(int(pid), "environ")


async def test_the_folder_is_private_and_goes_at_the_end() -> None:
    async with demo_fleet(SystemClock(), frozen=True) as fleet:
        assert stat.S_IMODE(fleet.folder.stat().st_mode) == 0o700
        assert len(fleet.socket_path.encode()) < 100
        marks = marks_of(Watched(fleet).pids())
        assert len(marks) >= 10
    assert not list(fleet.folder.parent.glob(f"{fleet.folder.name}*"))
    assert not any(map(is_alive, marks))


async def test_an_error_in_the_dashboard_takes_the_demo_away() -> None:
    with pytest.raises(ZeroDivisionError):
        async with demo_fleet(SystemClock(), frozen=True) as fleet:
            marks = marks_of(Watched(fleet).pids())
            raise ZeroDivisionError
    assert not fleet.folder.exists()
    assert not any(map(is_alive, marks))


async def test_without_its_reaper_the_demo_still_goes() -> None:
    async with demo_fleet(SystemClock(), frozen=True) as fleet:
        marker = read_marker(fleet.folder)
        assert marker is not None
        assert marker.reaper is not None
        os.kill(marker.reaper.pid, signal.SIGKILL)
        marks = marks_of(Watched(fleet).pids())
    assert not fleet.folder.exists()
    assert not any(map(is_alive, marks))


async def test_without_tmux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(TmuxError, match="install tmux"):
        async with demo_fleet(SystemClock()):
            pytest.fail("there is no tmux")
