"""`orc layers`: what it shows, what it sets, and that it lasts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orc_cli.main import NOT_FOUND, USAGE, main
from plugged import SOUND, install

Orc = Callable[..., Any]


@pytest.fixture
def orc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Orc:
    """Run a command in a workspace of the test's own and return what it printed as JSON."""
    monkeypatch.delenv("TMUX", raising=False)
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.chdir(tmp_path)

    def run(*argv: str, code: int = 0) -> Any:
        assert main([*argv, "--json", "--workspace", str(tmp_path / "w")]) == code, argv
        told = capsys.readouterr()
        return json.loads(told.out) if code == 0 else told.err

    return run


def _file(told: Any) -> Any:
    return next(layer for layer in told["layers"] if layer["name"] == "file")


def test_without_a_store_nothing_is_made(orc: Orc, tmp_path: Path) -> None:
    told = orc("layers")
    # No tmux server is there, which is a warning; of the files nothing is known.
    assert (told["health"], _file(told)["state"]) == ("warning", "unknown")
    assert not (tmp_path / "w").exists()


def test_what_is_set_lasts_and_is_taken_back(orc: Orc, tmp_path: Path) -> None:
    orc("task", "add", "Cart")
    orc("layers", "set", "file", "--strategy", "batch", "--interval-s", "60")
    file = _file(orc("layers"))
    assert (file["on"], file["pace"]) == (True, {"strategy": "batch", "interval_s": 60.0})
    orc("layers", "set", "file", "--kind", "task", "--strategy", "event", "--event", "task.done")
    assert _file(orc("layers"))["kinds"] == {"task": {"strategy": "event", "events": ["task.done"]}}
    orc("undo")
    assert _file(orc("layers"))["kinds"] == {}
    orc("layers", "set", "file", "--reset")
    assert _file(orc("layers"))["pace"] == {"strategy": "realtime"}
    assert [one["actor"] for one in orc("history", "setting", "layers")] == ["operator"] * 4


def test_a_layer_that_is_off_is_left_alone(orc: Orc, tmp_path: Path) -> None:
    orc("task", "add", "Cart")
    orc("layers", "set", "file", "--off")
    assert _file(orc("layers"))["state"] == "off"
    told = orc("sync")
    assert (_file(told)["state"], told["exported"]) == ("off", 0)
    assert not (tmp_path / "w" / "files").exists()
    assert [task["id"] for task in orc("tasks")] == ["T-1"]
    orc("layers", "set", "file", "--on")
    assert _file(orc("layers"))["state"] == "unknown"
    assert orc("sync")["exported"] == 1


def test_a_layer_of_another_package_is_listed_and_switched_on(
    orc: Orc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "wiki", SOUND)
    monkeypatch.syspath_prepend(str(tmp_path))
    orc("task", "add", "Cart")
    states = {layer["name"]: layer["state"] for layer in orc("layers")["layers"]}
    assert states["wiki"] == "off"
    orc("layers", "set", "wiki", "--on")
    assert orc("sync")["exported"] == 2


def test_reading_syncs_what_is_lazy(orc: Orc, tmp_path: Path) -> None:
    orc("task", "add", "Cart")
    orc("sync")
    orc("layers", "set", "file", "--strategy", "lazy")
    path = tmp_path / "w" / "files" / "tasks" / "T-1.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"title": "Basket"}))
    assert orc("task", "show", "T-1")["title"] == "Basket"


def test_the_file_of_settings_counts_below_the_command(orc: Orc, tmp_path: Path) -> None:
    orc("task", "add", "Cart")
    config = tmp_path / "w" / "config.toml"
    config.write_text('[layers.file]\nstrategy = "batch"\ninterval_s = 120\n')
    assert _file(orc("layers"))["pace"] == {"strategy": "batch", "interval_s": 120.0}
    orc("layers", "set", "file", "--interval-s", "10")
    assert _file(orc("layers"))["pace"] == {"strategy": "batch", "interval_s": 10.0}


def test_agents_have_files_too(orc: Orc, tmp_path: Path) -> None:
    orc("register", "--name", "claude-9")
    orc("sync")
    path = tmp_path / "w" / "files" / "agents" / "claude-9.json"
    body = json.loads(path.read_text())
    assert body["id"] == "claude-9"
    path.write_text(json.dumps(body | {"labels": ["backend"]}))
    assert orc("sync")["imported"] == 1


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("set", "cloud", "--on"), NOT_FOUND, "there are file"),
        (
            ("set", "file", "--kind", "saga", "--strategy", "lazy"),
            NOT_FOUND,
            "it holds agent, task",
        ),
        (("set", "file", "--interval-s", "0"), USAGE, "interval_s"),
        (("set", "file", "--event", "DONE"), USAGE, "such as task.done or *.add"),
        (
            ("set", "file", "--strategy", "lazy", "--interval-s", "5"),
            USAGE,
            "--strategy batch alone",
        ),
        (("set", "file", "--strategy", "lazy", "--event", "task.done"), USAGE, "event alone"),
        (("set", "file"), USAGE, "--strategy"),
    ],
)
def test_what_makes_no_sense_is_refused(
    orc: Orc, argv: tuple[str, ...], code: int, said: str
) -> None:
    assert said in orc("layers", *argv, code=code)


def test_a_fault_in_the_settings_names_file_and_field(orc: Orc, tmp_path: Path) -> None:
    orc("task", "add", "Cart")
    config = tmp_path / "w" / "config.toml"
    config.write_text('[layers.file]\nstrategy = "sometimes"\n')
    told = orc("tasks", code=USAGE)
    assert "config.toml: layers.file.strategy" in told
