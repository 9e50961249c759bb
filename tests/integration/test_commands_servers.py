"""`orc` over several tmux servers, of which one may stand still."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from clocks import wait_for
from many_tmux import claude
from orc_core.tmux.server import child_environment
from private_tmux import PrivateTmux, Sockets

ORC = Path(sys.executable).with_name("orc")


def orc(
    sockets: Sockets, *argv: str, inside: PrivateTmux | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `orc`, on request as from the first pane of a server."""
    environ = child_environment(sockets.environ) | {"XDG_STATE_HOME": str(sockets.root)}
    if inside is not None:
        environ |= {"TMUX": f"{inside.socket_path},{inside.pid},0", "TMUX_PANE": "%0"}
    return subprocess.run(
        [str(ORC), *argv],
        env=environ,
        cwd=sockets.root,
        capture_output=True,
        text=True,
        timeout=20.0,
        check=False,
    )


async def drawn(servers: Sequence[PrivateTmux]) -> None:
    """Wait until the agents in the first panes have drawn their screens."""
    for server in servers:
        await wait_for(lambda: server.screen("%0"), 15.0)  # noqa: B023


async def test_agents_of_all_servers_are_listed_and_reached(sockets: Sockets) -> None:
    main, work = sockets.server("default", claude("ask")), sockets.server("work", claude("ask"))
    await drawn((main, work))
    listed = json.loads(orc(sockets, "agents", "--json").stdout)
    assert {(one["name"], one["server"], one["where"]) for one in listed} == {
        ("claude-1", main.socket_path, "main:0.0"),
        ("claude-2", work.socket_path, "work:main:0.0"),
    }
    told = json.loads(orc(sockets, "explain", "work:%0", "--json").stdout)
    assert told["name"] == "claude-2"
    twice = orc(sockets, "prompt", "%0")
    assert twice.returncode == 3
    assert "say default:%0, work:%0" in twice.stderr
    inside = json.loads(orc(sockets, "explain", "%0", "--json", inside=work).stdout)
    assert inside["server"] == work.socket_path
    assert orc(sockets, "answer", "claude-2", "--yes").returncode == 0
    assert (work.folder / "keys").exists() and not (main.folder / "keys").exists()
    only = ["--socket-name", "work", "agents", "--json", "--socket-path", main.socket_path]
    assert len(json.loads(orc(sockets, *only).stdout)) == 2
    assert len(json.loads(orc(sockets, *only[:4]).stdout)) == 1


async def test_one_that_stands_still_is_said_and_the_others_are_listed(sockets: Sockets) -> None:
    main, work = sockets.server("default", claude("ask")), sockets.server("work", claude("ask"))
    await drawn((main, work))
    work.signal(signal.SIGSTOP)
    done = orc(sockets, "agents", "--json")
    assert done.returncode == 0
    assert [one["server"] for one in json.loads(done.stdout)] == [main.socket_path]
    assert f"tmux at {work.socket_path} did not answer in 1.5 s" in done.stderr
    missing = orc(sockets, "send", "work:%0", "hello")
    assert missing.returncode == 3 and "work did not answer" in missing.stderr
    unsure = orc(sockets, "send", "claude-1", "hello")
    assert unsure.returncode == 3 and "say default:%0" in unsure.stderr
    assert orc(sockets, "answer", "default:%0", "--yes").returncode == 0
    status = json.loads(orc(sockets, "status", "--json").stdout)
    assert [(one["name"], one["link"], one["agents"]) for one in status["servers"]] == [
        ("default", "live", 1),
        ("work", "stale", 0),
    ]
    assert status["link"] == "stale" and status["servers_left_out"] == 0
    shown = orc(sockets, "status").stdout
    assert f"tmux       live, {main.socket_path}" in shown
    assert f"tmux work  stale, {work.socket_path}" in shown


async def test_doctor_looks_at_every_server(sockets: Sockets) -> None:
    servers = [sockets.server(name) for name in ("api", "work")]
    shown = orc(sockets, "doctor").stdout
    assert all(server.socket_path in shown for server in servers)
    assert "none at" not in shown
    assert sorted(path.name for path in sockets.folder.iterdir()) == ["api", "work"]
