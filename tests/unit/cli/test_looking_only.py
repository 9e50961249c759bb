"""`--read-only` before any command: nothing is written, in the workspace or beside it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orc_cli.main import FAILED, main

Facts = dict[str, tuple[int, int, int]]


def facts(folder: Path) -> Facts:
    found: Facts = {}
    for path in [folder, *folder.rglob("*")]:
        facts = path.lstat()
        found[str(path)] = (facts.st_mode, facts.st_mtime_ns, facts.st_size)
    return found


@pytest.mark.parametrize(
    "command",
    [
        "monitor start",
        "monitor run",
        "monitor stop",
        "hooks install claude",
        "hooks uninstall claude",
        "init",
    ],
)
@pytest.mark.parametrize("has_store", [True, False])
def test_what_writes_beside_the_store_is_refused(
    command: str,
    has_store: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "home"
    work = home / "work"
    work.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    monkeypatch.chdir(work)
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ORC_WORKSPACE", str(home / "workspace"))
    if has_store:
        assert main(["task", "add", "One"]) == 0
    before = facts(home)
    assert main(["--read-only", *command.split()]) == FAILED
    assert "opened with --read-only" in capsys.readouterr().err
    assert facts(home) == before
