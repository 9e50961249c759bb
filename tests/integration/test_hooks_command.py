"""`orc hooks` from a shell, and what `orc explain` and `orc doctor` tell of hooks."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from clocks import wait_for
from orc_command import orc
from orc_core.agents.hooks.places import Places
from private_tmux import PrivateTmux
from spooling import fire

PROGRAM = Path(__file__).with_name("programs") / "codex"


class Shell:
    """Runs `orc` in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ORC_WORKSPACE": str(home / "workspace"),
        }
        self.places = Places.of(self.environ)

    def orc(self, *words: str, code: int = 0) -> str:
        done = orc(words, self.environ, self.home)
        assert done.code == code, done.out + done.err
        return done.out if code == 0 else done.err

    def program(self, name: str, says: str) -> None:
        path = self.home / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{says}'\n")
        path.chmod(0o755)


@pytest.fixture
def shell(tmux: PrivateTmux) -> Shell:
    return Shell(tmux.folder)


def tree(home: Path) -> dict[str, str]:
    return {str(one): one.read_text() for one in home.rglob("*") if one.is_file()}


def test_install_status_and_uninstall(shell: Shell) -> None:
    shell.program("claude", "2.1.300 (Claude Code)")
    shell.places.claude.parent.mkdir()
    shell.places.claude.write_text('{"statusLine": {"type": "command", "command": "date"}}')
    before = tree(shell.home)
    diff = shell.orc("hooks", "install", "claude", "--statusline", "--dry-run")
    assert "+++" in diff and "orc-statusline" in diff
    assert tree(shell.home) == before
    (told,) = json.loads(shell.orc("hooks", "install", "claude", "--statusline", "--json"))
    assert (told["agent"], told["changed"], told["written"]) == ("claude", True, True)
    assert "StopFailure" in json.loads(shell.places.claude.read_text())["hooks"]
    assert "was installed already" in shell.orc("hooks", "install", "claude")
    fire(shell.places, {"hook_event_name": "Stop"})
    rows = {row["agent"]: row for row in json.loads(shell.orc("hooks", "status", "--json"))}
    assert rows["claude"]["state"] == "installed" and rows["claude"]["statusline"]
    assert rows["claude"]["last_event_at"] is not None
    assert rows["codex"]["state"] == "absent" and rows["codex"]["last_event_at"] is None
    text = shell.orc("hooks", "status")
    assert "installed, status line" in text and "heard now" in text
    assert "claude: uninstalled" in shell.orc("hooks", "uninstall")
    assert shell.places.claude.read_text() == before[str(shell.places.claude)]
    assert "was not installed" in shell.orc("hooks", "uninstall", "claude")


def test_without_a_name_those_found_are_installed(shell: Shell) -> None:
    shell.places.codex.parent.mkdir()
    told = json.loads(shell.orc("hooks", "install", "--json"))
    assert "codex" in [one["agent"] for one in told]
    assert not shell.places.claude.exists()


def test_one_that_cannot_be_read_leaves_all_as_they_were(shell: Shell) -> None:
    shell.places.codex.parent.mkdir()
    shell.places.codex.write_text('{\n  "hooks": oops\n}')
    said = shell.orc("hooks", "install", "claude", "codex", code=1)
    assert f"{shell.places.codex} line 2, column 12" in said
    assert not shell.places.claude.exists() and not shell.places.hook.exists()
    assert "unreadable" in shell.orc("hooks", "status", "codex")
    assert "no hooks for 'emacs'" in shell.orc("hooks", "install", "emacs", code=2)


async def test_explain_and_doctor_tell_of_hooks(tmux: PrivateTmux, shell: Shell) -> None:
    shell.places.codex.parent.mkdir()
    await asyncio.to_thread(shell.orc, "hooks", "install", "codex")
    pane = tmux.start(f"exec {sys.executable} {PROGRAM} '{shell.places.hook}'")
    await wait_for(lambda: "ready" in tmux.screen(pane))
    asks = {"tool_name": "Bash", "tool_input": {"command": "ls"}}
    tmux.run("send-keys", "-t", pane, "-l", f"PermissionRequest {json.dumps(asks)}")
    tmux.run("send-keys", "-t", pane, "Enter")
    await wait_for(lambda: list(shell.places.spool.glob("[0-9]*")), 10.0)

    async def told_by(*words: str) -> str:
        return await asyncio.to_thread(shell.orc, "--socket-path", tmux.socket_path, *words)

    told = json.loads(await told_by("explain", "codex-1", "--json"))
    assert (told["state"], told["waiting"], told["does"]) == ("waiting", "permission", "Bash  ls")
    (hook,) = [one for one in told["signals"] if one["source"] == "hook"]
    assert (hook["rule"], hook["won"], hook["expired"]) == ("codex/PermissionRequest", True, False)
    assert hook["at"] is not None
    assert "codex/PermissionRequest" in await told_by("explain", "codex-1")
    doctor = {row["check"]: row for row in json.loads(await told_by("doctor", "--json"))}
    assert doctor["hooks codex"]["verdict"] == "warn"
    assert "trusted" in doctor["hooks codex"]["remedy"]
    assert "heard now" in doctor["hooks codex"]["found"]
