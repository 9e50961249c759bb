"""`orc task enqueue|next|ack|fail|…`: how an agent gets its work, from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orc_cli.main import FAILED, NOT_FOUND, USAGE
from orc_command import Done, orc
from orc_storage.deliveries import Stage


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    names = ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME")
    found = {"PATH": "/usr/bin:/bin", "ORC_WORKSPACE": str(tmp_path / "w")}
    for name in names:
        (tmp_path / name.lower()).mkdir(mode=0o700)
        found[name] = str(tmp_path / name.lower())
    return found


def test_an_agent_pulls_works_and_hands_in(environ: dict[str, str], tmp_path: Path) -> None:
    def run(*argv: str, code: int = 0) -> Done:
        done = orc(argv, environ, tmp_path)
        assert done.code == code, (argv, done)
        return done

    def told(*argv: str, code: int = 0) -> dict[str, object]:
        found: dict[str, object] = json.loads(run(*argv, "--json", code=code).out)
        return found

    assert json.loads(run("task", "dead", "--json").out) == []
    run("task", "next", "--agent", "w", code=FAILED)  # there is no store yet
    run("task", "add", "Invoices as PDF", "--text", "A4.", "--need", "python")
    assert told("task", "enqueue", "T-1")["stage"] == Stage.READY
    assert "nothing to do for w" in run("task", "next", "--agent", "w", code=NOT_FOUND).out
    lease = told("task", "next", "--agent", "w", "--can", "python")
    assert (lease["task"], lease["text"], lease["attempt"]) == ("T-1", "A4.", 1)
    token = str(lease["token"])
    assert "goes on" in run("task", "heartbeat", token, "--progress", "half").out
    assert "half" in run("task", "queue").out
    assert "is tried again in 5 s" in run("task", "fail", token, "--reason", "no disk").out
    assert "holds nothing" in run("task", "ack", token, code=FAILED).err
    run("task", "next", "--agent", "w", "--can", "python", code=NOT_FOUND)  # it rests
    run("task", "add", "Mail them", "--priority", "12")
    run("task", "enqueue", "T-2", "--type", "codex")
    run("task", "enqueue", "T-9", code=NOT_FOUND)
    run("task", "enqueue", "T-2", "--type", "no kind", code=USAGE)
    second = told("task", "next", "--agent", "w", "--type", "codex")
    assert second["task"] == "T-2"
    assert "waits for its next turn" in run("task", "yield", str(second["token"])).out
    third = told("task", "next", "--agent", "w", "--type", "codex")
    assert told("task", "ack", str(third["token"]), "--note", "sent")["stage"] == Stage.DONE
    assert "not among the dead" in run("task", "retry", "T-2", code=USAGE).err
    assert told("task", "show", "T-2")["status"] == "done"
