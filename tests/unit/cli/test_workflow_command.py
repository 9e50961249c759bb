"""`orc workflow …` from a shell, where no dashboard runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orc_cli.main import FAILED, NOT_FOUND, USAGE
from orc_cli.workflows import INCOMPLETE
from orc_command import Done, orc

FILE = """
name = "two"
[params]
last = "true"
undo = "rm made"

[[step]]
name = "make"
run = ["touch", "made"]
undo = { run = ["sh", "-c", "${undo}"] }
retries = 0

[[step]]
name = "check"
run = ["sh", "-c", "${last}"]
retries = 0
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    names = ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME")
    found = {"PATH": "/usr/bin:/bin", "ORC_WORKSPACE": str(tmp_path / "w")}
    for name in names:
        (tmp_path / name.lower()).mkdir(mode=0o700)
        found[name] = str(tmp_path / name.lower())
    return found


def test_a_workflow_from_its_file_to_its_end(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(FILE)

    def run(*argv: str, code: int = 0) -> Done:
        done = orc(("workflow", *argv), environ, tmp_path)
        assert done.code == code, (argv, done)
        return done

    def told(*argv: str, code: int = 0) -> Any:
        return json.loads(run(*argv, "--json", code=code).out)

    assert {one["name"] for one in told("templates")} >= {"release", "rolling-restart"}
    assert told("list") == []
    ended = told("start", "two.toml", "--wait")
    assert (ended["id"], ended["state"], ended["undoing"]) == ("S-1", "COMPLETED", ["make"])
    assert (tmp_path / "made").exists()
    assert "rolling back undoes, in this order: make" in run("show", "S-1").out
    assert told("rollback", "S-1", "--wait", code=1)["state"] == "ROLLED_BACK"
    assert not (tmp_path / "made").exists()
    ended = told("start", "two.toml", "--set", "last=exit 3", "--wait", code=1)
    assert ended["state"] == "ROLLED_BACK" and ended["reason"] == "check: sh ended with 3"
    argv = ("start", "two.toml", "--set", "last=exit 3", "--set", "undo=exit 1", "--wait")
    assert "FAILED, rollback: incomplete" in run(*argv, code=INCOMPLETE).out
    assert told("show", "S-3")["rollback"] == "incomplete"

    assert "no dashboard runs it" in run("start", "two.toml").out
    assert told("cancel", "S-4")["state"] == "ABORTED"
    assert told("retry", "S-4", "--wait")["state"] == "COMPLETED"
    assert "S-4 is COMPLETED, not PAUSED" in run("resume", "S-4", code=FAILED).err
    assert "no workflow S-9" in run("show", "S-9", code=NOT_FOUND).err
    assert "did you mean release" in run("start", "relase", code=NOT_FOUND).err
    assert "write it as KEY=VALUE" in run("start", "two.toml", "--set", "x", code=USAGE).err
    assert "needs a value for deploy" in run("start", "release", code=USAGE).err
    assert [one["id"] for one in told("list")] == ["S-4", "S-3", "S-2", "S-1"]
