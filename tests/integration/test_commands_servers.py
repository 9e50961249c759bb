"""`orc` over several tmux servers, of which one may stand still."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from dataclasses import dataclass

import pytest

from many_tmux import claude
from orc_cli.main import main
from private_tmux import PrivateTmux, Sockets


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Runs `orc` as from a terminal, or as from the first pane of a server."""

    def __init__(
        self, sockets: Sockets, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self._patch, self._capture = patch, capture
        for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(sockets.root))
        patch.setenv("TMUX_TMPDIR", str(sockets.root))
        patch.delenv("ORC_WORKSPACE", raising=False)
        patch.chdir(sockets.root)

    def __call__(self, *argv: str, inside: PrivateTmux | None = None) -> Done:
        with self._patch.context() as patch:
            if inside is not None:
                patch.setenv("TMUX", f"{inside.socket_path},{inside.pid},0")
                patch.setenv("TMUX_PANE", "%0")
            code = main(argv)
        told = self._capture.readouterr()
        return Done(code, told.out, told.err)


@pytest.fixture
def orc(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(sockets, monkeypatch, capsys)


@pytest.fixture
def two(sockets: Sockets) -> tuple[PrivateTmux, PrivateTmux]:
    """The default server and one called work, each with an agent that asks."""
    default, work = sockets.server("default", claude("ask")), sockets.server("work", claude("ask"))
    deadline = time.monotonic() + 15.0
    while not (default.screen("%0") and work.screen("%0")):
        assert time.monotonic() < deadline, "the agents drew nothing"
    return default, work


def test_agents_of_all_servers_are_listed_and_reached(
    orc: Shell, two: tuple[PrivateTmux, PrivateTmux]
) -> None:
    default, work = two
    listed = json.loads(orc("agents", "--json").stdout)
    assert {(one["name"], one["server"], one["where"]) for one in listed} == {
        ("claude-1", default.socket_path, "main:0.0"),
        ("claude-2", work.socket_path, "work:main:0.0"),
    }
    rows = [line.split()[:4] for line in orc("agents").stdout.splitlines()]
    assert sorted(rows) == [
        ["waiting", "claude-1", "claude", "default"],
        ["waiting", "claude-2", "claude", "work"],
    ]
    one = orc("--socket-name", "work", "agents").stdout
    assert "work" not in one.split()[:5]  # what is the same for all is not said
    assert orc("answer", "claude-2", "--yes").returncode == 0
    assert (work.folder / "keys").exists() and not (default.folder / "keys").exists()


def test_a_pane_number_is_one_on_this_server_or_must_be_the_only_one(
    orc: Shell, two: tuple[PrivateTmux, PrivateTmux]
) -> None:
    _, work = two
    told = json.loads(orc("explain", "work:%0", "--json").stdout)
    assert told["name"] == "claude-2"
    twice = orc("prompt", "%0")
    assert twice.returncode == 3
    assert "say default:%0, work:%0" in twice.stderr
    inside = json.loads(orc("explain", "%0", "--json", inside=work).stdout)
    assert inside["server"] == work.socket_path


def test_exactly_those_that_are_named_are_looked_at(
    orc: Shell, two: tuple[PrivateTmux, PrivateTmux]
) -> None:
    default, work = two
    only = ["--socket-name", "work", "agents", "--json"]
    assert [one["server"] for one in json.loads(orc(*only).stdout)] == [work.socket_path]
    both = json.loads(orc(*only, "--socket-path", default.socket_path).stdout)
    assert {one["server"] for one in both} == {default.socket_path, work.socket_path}


def test_one_that_stands_still_is_said_and_the_others_are_listed(
    orc: Shell, two: tuple[PrivateTmux, PrivateTmux]
) -> None:
    default, work = two
    work.signal(signal.SIGSTOP)
    done = orc("agents", "--json")
    assert done.returncode == 0
    assert [one["server"] for one in json.loads(done.stdout)] == [default.socket_path]
    assert f"tmux did not answer in 1.5 s at {work.socket_path}" in done.stderr
    status = json.loads(orc("status", "--json").stdout)
    assert [(one["name"], one["link"], one["agents"]) for one in status["servers"]] == [
        ("default", "live", 1),
        ("work", "stale", 0),
    ]
    assert status["link"] == "stale" and status["servers_left_out"] == 0
    shown = orc("status").stdout
    assert f"tmux       live, {default.socket_path}" in shown
    assert f"tmux work  stale, {work.socket_path}" in shown


def test_a_name_that_a_silent_server_may_have_is_not_taken(
    orc: Shell, two: tuple[PrivateTmux, PrivateTmux]
) -> None:
    _, work = two
    work.signal(signal.SIGSTOP)
    missing = orc("send", "work:%0", "hello")
    assert missing.returncode == 3 and "work did not answer" in missing.stderr
    unsure = orc("send", "claude-1", "hello")
    assert unsure.returncode == 3 and "say default:%0" in unsure.stderr
    assert orc("answer", "default:%0", "--yes").returncode == 0


def test_doctor_looks_at_every_server(sockets: Sockets, orc: Shell) -> None:
    servers = [sockets.server(name) for name in ("api", "work")]
    shown = orc("doctor").stdout
    assert all(server.socket_path in shown for server in servers)
    assert "none at" not in shown
    said = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] in shown.split()  # 3.3a, and not 3.3
    assert sorted(path.name for path in sockets.folder.iterdir()) == ["api", "work"]
