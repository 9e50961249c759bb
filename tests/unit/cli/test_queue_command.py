"""`orc task enqueue|next|ack|fail|…`: how an agent gets its work, from a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orc_cli.main import DONE, FAILED, NOT_FOUND, USAGE, main
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


def test_several_go_in_and_what_came_of_them_is_heard_once(
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def told(*argv: str, code: int = DONE) -> Any:
        assert main([*argv, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    for title in ("Cart", "Mails", "Prices"):
        told("task", "add", title)
    assert told("task", "results", "--group", "me") == []
    tally = told("task", "enqueue", "T-1", "T-2", "T-9", code=FAILED)
    assert (tally["done"], len(tally["refused"])) == (["T-1", "T-2"], 1)
    assert main(["task", "enqueue", "T-1", "T-3", "--key", "k"]) == USAGE
    token = told("task", "next", "--agent", "w")["token"]
    capsys.readouterr()
    handed = told("task", "ack", token, "--note", "sent", "--next")
    assert (handed["done"]["task"], handed["next"]["task"]) == ("T-1", "T-2")
    assert handed["done"]["at"].endswith("Z")
    assert main(["task", "ack", handed["next"]["token"], "--next"]) == DONE
    assert "nothing more to do" in capsys.readouterr().out
    first, second = told("task", "results", "--group", "me")
    assert (first["task"], first["outcome"], first["holder"]) == ("T-1", "done", "w")
    assert (first["note"], second["task"]) == ("sent", "T-2")
    assert main(["task", "results", "--group", "me"]) == DONE
    assert capsys.readouterr().out == "nothing new\n"


def test_pages_of_tasks_neither_miss_nor_repeat_while_others_are_added(
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def page(after: str) -> list[str]:
        assert main(["tasks", "--limit", "3", "--after", after, "--json"]) == DONE
        return [task["id"] for task in json.loads(capsys.readouterr().out)]

    def add(count: int) -> None:
        for _ in range(count):
            assert main(["task", "add", "Cart"]) == DONE
        capsys.readouterr()

    add(8)
    seen: list[str] = []
    while found := page(seen[-1] if seen else ""):
        seen += found
        if len(seen) == 3:
            add(3)
            assert main(["task", "delete", "T-2", "T-3"]) == DONE
            capsys.readouterr()
    assert seen == [f"T-{number}" for number in range(1, 12)]
